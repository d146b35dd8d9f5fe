package placement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vsnctl/vsnctl/vsn"
)

// Remedy is the smallest change of its kind that makes a plan possible: it was planned
// with it. With a change that is less by Step, none was found.
type Remedy struct {
	Changes []Change `json:"changes"`
	Step    string   `json:"step"`
	Says    string   `json:"says,omitempty"` // all changes in few words, where they are many
}

func (r Remedy) String() string {
	says := r.Says
	if says == "" {
		var list []string
		for _, c := range r.Changes {
			list = append(list, c.String())
		}
		says = strings.Join(list, ", and ")
	}
	return fmt.Sprintf("with %s there is a plan (with %s less none was found)", says, r.Step)
}

// Change is one thing that a request would have to say differently: To is what
// Field of Subject is to be, written as in a document.
type Change struct {
	Subject string `json:"subject"` // "flow net/name", "link net/name", "vm net/name" or "task net/vm/name"
	Field   string `json:"field"`   // a key of the object; runtime and period are those of a VM's reservation
	To      string `json:"to"`
}

func (c Change) String() string {
	switch c.Field {
	case "vcpus":
		return fmt.Sprintf("%s vcpus for %s", c.To, c.Subject)
	case "every":
		return fmt.Sprintf("a message every %s of %s", c.To, c.Subject)
	}
	return fmt.Sprintf("a %s of %s for %s", c.Field, c.To, c.Subject)
}

// Changed is the problem with some changes; what it shares with p is not written to.
// The error is of a change that names nothing there is, or a value that is none.
func (p *Problem) Changed(changes ...Change) (*Problem, error) {
	same := *p
	out := &same
	out.Networks = slices.Clone(p.Networks)
	for i := range out.Networks {
		n := &out.Networks[i]
		n.Flows, n.Links, n.VMs = slices.Clone(n.Flows), slices.Clone(n.Links), slices.Clone(n.VMs)
		for j := range n.VMs {
			n.VMs[j].Tasks = slices.Clone(n.VMs[j].Tasks)
			if r := n.VMs[j].Reservation; r != nil {
				copied := *r
				n.VMs[j].Reservation = &copied
			}
		}
	}
	for _, c := range changes {
		field := out.field(c)
		if field == nil {
			return nil, fmt.Errorf("%v: there is no such thing to change", c)
		}
		if err := field([]byte(c.To)); err != nil {
			return nil, fmt.Errorf("%v: %w", c, err)
		}
	}
	return out, nil
}

// field is what sets the thing that a change names; nil where there is none.
func (p *Problem) field(c Change) func([]byte) error {
	kind, rest, _ := strings.Cut(c.Subject, " ")
	network, name, _ := strings.Cut(rest, "/")
	at := slices.IndexFunc(p.Networks, func(n vsn.Network) bool { return n.Name == network })
	if at < 0 {
		return nil
	}
	n := &p.Networks[at]
	switch kind {
	case "flow":
		for i := range n.Flows {
			if f := &n.Flows[i]; f.Name == name {
				return map[string]func([]byte) error{"deadline": f.Deadline.UnmarshalText, "every": f.Every.UnmarshalText}[c.Field]
			}
		}
	case "link":
		if l := n.Link(name); l != nil {
			return map[string]func([]byte) error{"rate": l.Rate.UnmarshalText, "delay": l.Delay.UnmarshalText}[c.Field]
		}
	case "vm":
		if vm := n.VM(name); vm != nil {
			return vmField(vm, c.Field)
		}
	case "task":
		of, task, _ := strings.Cut(name, "/")
		if vm := n.VM(of); vm != nil {
			return taskField(vm, task, c.Field)
		}
	}
	return nil
}

func vmField(vm *vsn.VM, field string) func([]byte) error {
	switch r := vm.Reservation; {
	case field == "vcpus":
		return func(text []byte) (err error) {
			vm.VCPUs, err = strconv.Atoi(string(text))
			return err
		}
	case field == "runtime" && r != nil:
		return r.Runtime.UnmarshalText
	case field == "period" && r != nil:
		return r.Period.UnmarshalText
	}
	return nil
}

func taskField(vm *vsn.VM, name, field string) func([]byte) error {
	for i := range vm.Tasks {
		if t := &vm.Tasks[i]; t.Name == name {
			return map[string]func([]byte) error{"period": t.Period.UnmarshalText, "deadline": t.Deadline.UnmarshalText}[field]
		}
	}
	return nil
}

// Dropped is the problem without some networks, their pins and where they were.
func (p *Problem) Dropped(networks []string) *Problem {
	out := *p
	names := map[string]bool{}
	for _, name := range networks {
		names[name] = true
	}
	gone := func(s Seat) bool { return names[s.Network] }
	out.Networks = slices.DeleteFunc(slices.Clone(p.Networks), func(n vsn.Network) bool { return names[n.Name] })
	out.Pins, out.Before = slices.DeleteFunc(slices.Clone(p.Pins), gone), slices.DeleteFunc(slices.Clone(p.Before), gone)
	return &out
}
