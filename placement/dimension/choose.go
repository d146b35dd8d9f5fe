package dimension

import (
	"math/rand/v2"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Choose finds what is open in the problem. The error is *Missed where nothing was
// found with which all tasks and deadlines hold, which proves nothing; where it is
// deadlines that are missed, the quickest choice comes with it, since the proof may
// know better bounds.
func Choose(p *placement.Problem, o Options) (*Choice, error) {
	switch {
	case o.Switch == 0:
		o.Switch = DefaultSwitch
	case o.Switch < 0:
		o.Switch = 0
	}
	switch {
	case o.BitCost == 0:
		o.BitCost = DefaultBitCost
	case o.BitCost < 0:
		o.BitCost = 0
	}
	out := &Choice{Reserved: placement.Reserved{}, Links: map[Key]Rate{}, seats: map[Key]*seating{}}
	var late error
	for i := range p.Networks {
		n := &p.Networks[i]
		if err := out.guests(p, n, &o); err != nil {
			return nil, err
		}
		for _, flows := range apart(n) {
			s, err := out.flows(p, n, flows, &o)
			if err != nil && (s == nil || s.best == nil) {
				return nil, err
			}
			if late == nil {
				late = err
			}
		}
	}
	return out, late
}

// guests chooses for all VMs with tasks: where each runs, and the reservations that
// the tasks alone need, which is all where no flow with a deadline passes.
func (c *Choice) guests(p *placement.Problem, n *vsn.Network, o *Options) error {
	for j := range n.VMs {
		vm := &n.VMs[j]
		key := Key{n.Name, vm.Name}
		given := vm.Reservation != nil && vm.Reservation.Runtime != 0
		if !given && !openVM(n, vm) {
			continue
		}
		where := placeOf(p, n, vm.Name, o)
		passes := due(n, func(f *vsn.Flow) bool { return f.Passes(vm.Name) })
		switch {
		case len(vm.Tasks) > 0:
			seat, reserved := guest(vm, where, o)
			if seat == nil {
				return noGuest(n, vm)
			}
			c.seats[key] = seat
			for i, t := range vm.Tasks {
				c.Tasks = append(c.Tasks, placement.TaskSeat{Network: n.Name, VM: vm.Name, Task: t.Name, VCPU: seat.vcpu[i]})
			}
			if !given && !passes {
				c.reserve(key, reserved, o)
			}
		case !given && !passes: // a period, and nothing to do in it
			r := (&packer{where: where, o: o, periods: []int64{int64(vm.Reservation.Period)}}).cheapest(nil)
			list := make([]vsn.Reservation, vm.VCPUs)
			for i := range list {
				list[i] = vsn.Reservation{Runtime: vsn.Duration(r.runtime), Period: vsn.Duration(r.period)}
			}
			c.reserve(key, list, o)
		}
	}
	return nil
}

func (c *Choice) reserve(key Key, list []vsn.Reservation, o *Options) {
	c.Reserved[key] = list
	for _, r := range list {
		cost := cpuCost(int64(r.Runtime), int64(r.Period), o)
		c.Cost += cost
		c.Least += cost
	}
}

// apart divides the flows of a network into those that have VMs in common, directly
// or through others; parts without a deadline are left out.
func apart(n *vsn.Network) [][]*vsn.Flow {
	part := map[string]int{} // of each VM
	var parts [][]*vsn.Flow
	for i := range n.Flows {
		f := &n.Flows[i]
		at := len(parts)
		parts = append(parts, []*vsn.Flow{f})
		for _, vm := range f.VMs() {
			if other, ok := part[vm]; ok && other != at {
				parts[at] = append(parts[other], parts[at]...)
				parts[other] = nil
				for name, p := range part {
					if p == other {
						part[name] = at
					}
				}
			}
			part[vm] = at
		}
	}
	var out [][]*vsn.Flow
	for _, flows := range parts {
		for _, f := range flows {
			if f.Deadline > 0 {
				out = append(out, flows)
				break
			}
		}
	}
	return out
}

// flows chooses for the VMs and links of some flows.
func (c *Choice) flows(p *placement.Problem, n *vsn.Network, flows []*vsn.Flow, o *Options) (*search, error) {
	m := newModel(p, n, flows, o, c)
	if len(m.variables) == 0 {
		return nil, nil // the proof says whether they hold
	}
	m.fill()
	if err := m.impossible(); err != nil {
		return nil, err
	}
	s := &search{model: m, rand: rand.New(rand.NewPCG(uint64(o.Seed), uint64(len(m.variables))))}
	if !s.solve() {
		err := s.missed()
		s.best = s.quickest()
		if o.Smooth {
			s.best = s.smoothest()
		}
		if !s.evaluate(s.best) {
			return nil, err
		}
		s.cost = m.cost(s.best)
		c.take(s)
		return s, err
	}
	c.take(s)
	return s, nil
}

// take keeps what a search found; the steps have its delays.
func (c *Choice) take(s *search) {
	for i := range s.variables {
		v := &s.variables[i]
		if v.link != nil {
			burst := s.burst(v)
			rate := max(s.best[i].rate, roundUp(burst/(longestBurst/8), 8))
			c.Links[v.key] = Rate{vsn.Rate(rate), vsn.Size(hosts.RoundBurst(rate, burst))}
			continue
		}
		list := make([]vsn.Reservation, v.vm.VCPUs)
		for k := range list {
			q := s.best[i].runtimes
			list[k] = vsn.Reservation{Runtime: vsn.Duration(q[min(k, len(q)-1)]), Period: vsn.Duration(s.best[i].period)}
		}
		c.Reserved[v.key] = list
	}
	c.Cost += s.cost
	if s.relax != nil {
		c.Least += max(0, s.relax.best)
	}
}

// longestBurst is how many seconds a burst may take at its rate, so that the kernel
// can shape it.
const longestBurst = 200
