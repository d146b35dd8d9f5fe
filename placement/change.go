package placement

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Changed is the problem with some changes; what it shares with p is not written to.
// The error is of a change that names nothing there is, or a value that is none.
func (p *Problem) Changed(changes ...Change) (*Problem, error) {
	d := draft{Problem: *p, gone: map[[2]string]bool{}}
	d.copy()
	for _, c := range changes {
		field := d.field(c)
		if field == nil {
			return nil, fmt.Errorf("%v: there is no such thing to change", c)
		}
		if err := field([]byte(c.To)); err != nil {
			return nil, fmt.Errorf("%v: %w", c, err)
		}
	}
	d.leaveOut()
	return &d.Problem, nil
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

// draft is a problem that is being changed. What is to be left out stays until the end,
// so that rules keep their numbers.
type draft struct {
	Problem
	gone map[[2]string]bool // by subject and field
}

// copy gives the draft its own of all that a change may write to.
func (d *draft) copy() {
	d.Networks, d.Pins = slices.Clone(d.Networks), slices.Clone(d.Pins)
	for i := range d.Networks {
		n := &d.Networks[i]
		n.Flows, n.Links, n.VMs, n.Place = slices.Clone(n.Flows), slices.Clone(n.Links), slices.Clone(n.VMs), slices.Clone(n.Place)
		for j := range n.VMs {
			vm := &n.VMs[j]
			vm.Tasks, vm.Resources = slices.Clone(vm.Tasks), maps.Clone(vm.Resources)
			if r := vm.Reservation; r != nil {
				copied := *r
				vm.Reservation = &copied
			}
		}
	}
	inv := &d.Inventory
	inv.Hosts, inv.Cables = slices.Clone(inv.Hosts), slices.Clone(inv.Cables)
	for i := range inv.Hosts {
		inv.Hosts[i].CPUs, inv.Hosts[i].Resources = slices.Clone(inv.Hosts[i].CPUs), maps.Clone(inv.Hosts[i].Resources)
	}
}

// leaveOut takes away what is to be gone.
func (d *draft) leaveOut() {
	d.Networks = slices.DeleteFunc(d.Networks, func(n vsn.Network) bool { return d.gone[[2]string{"network " + n.Name, ""}] })
	for i := range d.Networks {
		n := &d.Networks[i]
		at := -1
		n.Place = slices.DeleteFunc(n.Place, func(vsn.Rule) bool {
			at++
			return d.gone[[2]string{"network " + n.Name, fmt.Sprintf("place[%d]", at)}]
		})
	}
	known := func(s Seat) bool { return !d.gone[[2]string{"network " + s.Network, ""}] }
	d.Pins = slices.DeleteFunc(d.Pins, func(s Seat) bool {
		return !known(s) || d.gone[[2]string{"vm " + s.Network + "/" + s.VM, "pin"}]
	})
	d.Before = slices.DeleteFunc(slices.Clone(d.Before), func(s Seat) bool { return !known(s) })
}

// field is what sets the thing that a change names; nil where there is none.
func (d *draft) field(c Change) func([]byte) error {
	kind, rest, _ := strings.Cut(c.Subject, " ")
	switch kind {
	case "host":
		return d.hostField(rest, c.Field)
	case "cable":
		if cable := d.Inventory.Cable(rest); cable != nil && c.Field == "rate" {
			return cable.Rate.UnmarshalText
		}
		return nil
	}
	network, name, _ := strings.Cut(rest, "/")
	at := slices.IndexFunc(d.Networks, func(n vsn.Network) bool { return n.Name == network })
	if at < 0 {
		return nil
	}
	n := &d.Networks[at]
	switch kind {
	case "network":
		return d.networkField(n, c)
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
			return d.vmField(n, vm, c)
		}
	case "task":
		of, task, _ := strings.Cut(name, "/")
		if vm := n.VM(of); vm != nil {
			return taskField(vm, task, c.Field)
		}
	}
	return nil
}

// networkField leaves a network out, or a rule of it.
func (d *draft) networkField(n *vsn.Network, c Change) func([]byte) error {
	var rule int
	if _, err := fmt.Sscanf(c.Field, "place[%d]", &rule); c.Field != "" && (err != nil || rule < 0 || rule >= len(n.Place)) || c.To != "" {
		return nil
	}
	return func([]byte) error {
		d.gone[[2]string{c.Subject, c.Field}] = true
		return nil
	}
}

func (d *draft) vmField(n *vsn.Network, vm *vsn.VM, c Change) func([]byte) error {
	resource, counted := strings.CutPrefix(c.Field, "resources.")
	switch r := vm.Reservation; {
	case c.Field == "memory":
		return vm.Memory.UnmarshalText
	case c.Field == "pin" && c.To == "" && d.Pin(n.Name, vm.Name) != "":
		return func([]byte) error {
			d.gone[[2]string{c.Subject, c.Field}] = true
			return nil
		}
	case counted && vm.Resources != nil:
		return count(vm.Resources, resource)
	case c.Field == "vcpus":
		return func(text []byte) (err error) {
			vm.VCPUs, err = strconv.Atoi(string(text))
			return err
		}
	case c.Field == "runtime" && r != nil:
		return r.Runtime.UnmarshalText
	case c.Field == "period" && r != nil:
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

func count(of map[string]int64, name string) func([]byte) error {
	return func(text []byte) (err error) {
		of[name], err = strconv.ParseInt(string(text), 10, 64)
		return err
	}
}

func (d *draft) hostField(name, field string) func([]byte) error {
	h := d.Inventory.Host(name)
	if h == nil {
		return nil
	}
	resource, counted := strings.CutPrefix(field, "resources.")
	switch {
	case field == "memory":
		return h.Memory.UnmarshalText
	case field == "share":
		return h.Share.UnmarshalText
	case field == "transit":
		return truth(&h.Transit)
	case field == "partition":
		return truth(&h.Partition)
	case field == "cpus":
		return func(text []byte) error { return grow(h, string(text)) }
	case field == "like":
		return func(text []byte) error { return d.more(*h, string(text)) }
	case counted:
		if h.Resources == nil {
			h.Resources = map[string]int64{}
		}
		return count(h.Resources, resource)
	}
	return nil
}

func truth(of *bool) func([]byte) error {
	return func(text []byte) (err error) {
		*of, err = strconv.ParseBool(string(text))
		return err
	}
}

// grow gives a host CPUs up to a number, of the host's own share.
func grow(h *hosts.Host, text string) error {
	want, err := strconv.Atoi(text)
	if err != nil || want > hosts.MaxCPUs {
		return fmt.Errorf("%q is not a number of cpus up to %d", text, hosts.MaxCPUs)
	}
	next := 0
	for _, c := range h.CPUs {
		next = max(next, c.ID+1)
	}
	for ; len(h.CPUs) < want; next++ {
		h.CPUs = append(h.CPUs, hosts.CPU{ID: next})
	}
	return nil
}

// more adds hosts that are like one, each with cables as that one has them.
func (d *draft) more(like hosts.Host, text string) error {
	want, err := strconv.Atoi(text)
	if err != nil || want < 1 {
		return fmt.Errorf("%q is not a number of hosts", text)
	}
	inv := &d.Inventory
	taken := map[string]bool{}
	for i := range inv.Hosts {
		taken[inv.Hosts[i].Name] = true
	}
	for i := range inv.Switches {
		taken[inv.Switches[i].Name] = true
	}
	wired := slices.DeleteFunc(slices.Clone(inv.Cables), func(c hosts.Cable) bool { return !slices.Contains(c.Between, like.Name) })
	for k, made := 2, 0; made < want; k++ {
		h := like
		if h.Name = fmt.Sprintf("%s-%d", like.Name, k); taken[h.Name] {
			continue
		}
		made++
		h.CPUs, h.Resources = slices.Clone(like.CPUs), maps.Clone(like.Resources)
		inv.Hosts = append(inv.Hosts, h)
		for i, c := range wired {
			c.Between, c.Device = slices.Clone(c.Between), ""
			c.Between[slices.Index(c.Between, like.Name)] = h.Name
			for c.Name = fmt.Sprintf("%s--%d", h.Name, i+1); inv.Cable(c.Name) != nil; {
				c.Name += "-"
			}
			inv.Cables = append(inv.Cables, c)
		}
	}
	return nil
}
