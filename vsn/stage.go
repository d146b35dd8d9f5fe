package vsn

import (
	"encoding/json"
	"slices"
)

// MarshalJSON writes a stage of one VM as its name.
func (s Stage) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return json.Marshal(s[0])
	}
	return json.Marshal([]string(s))
}

// UnmarshalJSON reads a name or a list of names.
func (s *Stage) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = Stage{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(s))
}

// VMs are all VMs of the path, stage by stage.
func (f *Flow) VMs() []string {
	var all []string
	for _, s := range f.Path {
		all = append(all, s...)
	}
	return all
}

// Passes reports whether the VM is on the path.
func (f *Flow) Passes(vm string) bool {
	return slices.ContainsFunc(f.Path, func(s Stage) bool { return slices.Contains(s, vm) })
}

// Steps are all ways from the VMs of each stage to those of the next, in order.
func (f *Flow) Steps() []Step {
	var steps []Step
	for k := 1; k < len(f.Path); k++ {
		for _, from := range f.Path[k-1] {
			for _, to := range f.Path[k] {
				steps = append(steps, Step{from, to})
			}
		}
	}
	return steps
}
