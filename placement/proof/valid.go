package proof

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Valid reports what is malformed in a problem, so that no bound of it would mean
// anything.
func Valid(p *placement.Problem) error { return valid(p) }

// valid checks of the problem what the formulas take for granted. A document that
// was loaded passes; a plan file may hold anything.
func valid(p *placement.Problem) error {
	for i := range p.Inventory.Hosts {
		if err := validHost(&p.Inventory.Hosts[i]); err != nil {
			return err
		}
	}
	for i := range p.Inventory.Switches {
		if s := &p.Inventory.Switches[i]; s.Delay < 0 {
			return broken("switch "+s.Name, "delay %v", s.Delay)
		}
	}
	for i := range p.Inventory.Cables {
		c := &p.Inventory.Cables[i]
		if len(c.Between) != 2 || c.Rate <= 0 || c.Delay < 0 || c.Share <= 0 || c.Share > vsn.One || c.Duplex != "" && c.Duplex != hosts.FullDuplex && c.Duplex != hosts.HalfDuplex {
			return broken("cable "+c.Name, "ends %q, rate %v, delay %v, share %v, duplex %q", c.Between, c.Rate, c.Delay, c.Share, c.Duplex)
		}
	}
	return eachOrFail(len(p.Networks), func(i int) error { return validNetwork(&p.Networks[i]) })
}

func validNetwork(n *vsn.Network) error {
	for _, check := range []func(*vsn.Network) error{validOdds, validVMs, validLinks, validFlows} {
		if err := check(n); err != nil {
			return err
		}
	}
	return nil
}

func validHost(h *hosts.Host) error {
	subject := "host " + h.Name
	if len(h.CPUs) == 0 || h.Memory < 0 || h.Grain < 0 || h.Delay < 0 || h.Share < 0 || h.Share > vsn.One {
		return broken(subject, "%d cpus, memory %v, grain %v, delay %v, share %v", len(h.CPUs), h.Memory, h.Grain, h.Delay, h.Share)
	}
	ids := map[int]bool{}
	for _, c := range h.CPUs {
		if c.ID < 0 || ids[c.ID] || c.Share < 0 || c.Share > vsn.One {
			return broken(subject, "cpu %d is there twice, negative, or its share %v is not in 0..1", c.ID, c.Share)
		}
		ids[c.ID] = true
	}
	if e := h.Emulator; e != nil && (e.Runtime <= 0 || e.Runtime > e.Period || e.Work <= 0) {
		return broken(subject, "emulator %v/%v, work %v", e.Runtime, e.Period, e.Work)
	}
	for resource, count := range h.Resources {
		if count < 0 {
			return broken(subject, "resource %s %d", resource, count)
		}
	}
	return nil
}

func validOdds(n *vsn.Network) error {
	if n.Confidence < 0 || n.Confidence > vsn.One || n.Active < 0 || n.Active > vsn.One || n.Active > 0 && n.Confidence == 0 {
		return broken("network "+n.Name, "confidence %v, active %v", n.Confidence, n.Active)
	}
	return nil
}

func validVMs(n *vsn.Network) error {
	for i := range n.VMs {
		vm := &n.VMs[i]
		subject := "vm " + n.Name + "/" + vm.Name
		if vm.VCPUs < 1 || vm.Memory < 0 {
			return broken(subject, "%d vcpus, memory %v", vm.VCPUs, vm.Memory)
		}
		if r := vm.Reservation; r != nil && (r.Runtime < 0 || r.Runtime > r.Period || r.Period <= 0) {
			return broken(subject, "reservation %v/%v", r.Runtime, r.Period)
		}
		if err := validTasks(subject, vm); err != nil {
			return err
		}
		for resource, count := range vm.Resources {
			if count < 0 {
				return broken(subject, "resource %s %d", resource, count)
			}
		}
	}
	return nil
}

func validTasks(subject string, vm *vsn.VM) error {
	if s := vm.GuestScheduler; s != "" && s != vsn.GuestEDF && s != vsn.GuestFixed {
		return broken(subject, "guest scheduler %q", s)
	}
	names := map[string]bool{}
	for _, t := range vm.Tasks {
		if names[t.Name] || t.WCET <= 0 || t.Period <= 0 || t.Deadline < 0 {
			return broken(subject, "task %q is there twice, or: %v every %v within %v", t.Name, t.WCET, t.Period, t.Deadline)
		}
		names[t.Name] = true
	}
	return nil
}

func validLinks(n *vsn.Network) error {
	pairs := map[[2]string]bool{}
	for i := range n.Links {
		l := &n.Links[i]
		subject := "link " + n.Name + "/" + l.Name
		if len(l.Between) != 2 || l.Between[0] == l.Between[1] || l.Rate < 0 || l.Burst < 0 || l.Delay < 0 {
			return broken(subject, "ends %q, rate %v, burst %v, delay %v", l.Between, l.Rate, l.Burst, l.Delay)
		}
		if pairs[[2]string{l.Between[0], l.Between[1]}] {
			return broken(subject, "there are two links between %q", l.Between)
		}
		pairs[[2]string{l.Between[0], l.Between[1]}], pairs[[2]string{l.Between[1], l.Between[0]}] = true, true
	}
	return nil
}

func validFlows(n *vsn.Network) error {
	names := map[string]bool{}
	for i := range n.Flows {
		f := &n.Flows[i]
		subject := "flow " + n.Name + "/" + f.Name
		if names[f.Name] || len(f.Path) == 0 || f.Every <= 0 || f.Message < 0 || f.Deadline < 0 || f.Jitter < 0 || f.Burst < 0 {
			return broken(subject, "it is there twice, or: path %v, every %v, message %v, deadline %v, jitter %v, burst %d", f.Path, f.Every, f.Message, f.Deadline, f.Jitter, f.Burst)
		}
		names[f.Name] = true
		if err := validPath(n, f, subject); err != nil {
			return err
		}
	}
	return nil
}

func validPath(n *vsn.Network, f *vsn.Flow, subject string) error {
	on := map[string]bool{}
	for _, stage := range f.Path {
		if len(stage) == 0 {
			return broken(subject, "a stage of its path is empty")
		}
		for _, vm := range stage {
			if n.VM(vm) == nil || on[vm] {
				return broken(subject, "vm %q of its path is unknown or there twice", vm)
			}
			on[vm] = true
		}
	}
	for vm, work := range f.Work {
		if !on[vm] || work < 0 {
			return broken(subject, "work %v at %q, which is not on its path, or negative", work, vm)
		}
	}
	return nil
}
