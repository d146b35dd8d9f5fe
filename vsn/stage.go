package vsn

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// UnmarshalText reads a stage of one VM from its name.
func (s *Stage) UnmarshalText(name []byte) error {
	*s = Stage{string(name)}
	return nil
}

// String is the VM's name, or "[b, c]" where there are several.
func (s Stage) String() string {
	if len(s) == 1 {
		return s[0]
	}
	return "[" + strings.Join(s, ", ") + "]"
}

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

// Messages is how many messages may be released at once.
func (f *Flow) Messages() int64 { return max(1, f.Burst) }

// LeastTime is the most that the work along one way through the path takes, every VM
// at full speed, and that way: no deadline can be shorter. Sums stop at 2^61 ns.
func (f *Flow) LeastTime() (way []string, sum Duration) {
	const most = Duration(1) << 61
	for _, stage := range f.Path {
		if len(stage) == 0 {
			continue
		}
		slowest := slices.MaxFunc(stage, func(a, b string) int { return cmp.Compare(f.Work[a], f.Work[b]) })
		way = append(way, slowest)
		sum = min(most, sum+min(most, max(0, f.Work[slowest])))
	}
	return way, sum
}
