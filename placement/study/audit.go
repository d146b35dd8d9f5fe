package study

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// audit is a replay by names and fractions: it shares nothing with the search but the
// order of events, so that it does not share its mistakes.
type audit struct {
	inv    *hosts.Inventory
	hosts  map[string]*hosts.Host
	cables map[string]*hosts.Cable
	node   map[string]int64 // ns that a frame takes in each node
	passes map[string]bool  // nodes that forward
	memory map[string]int64
	counts map[[2]string]int64
	cpus   map[hostCPU][]*big.Rat // what is reserved
	rates  map[string]int64       // over each cable
}

type hostCPU struct {
	host string
	cpu  int
}

// Audit replays decisions, in the order of requests, and returns the first thing that
// is not as it should be: a VM without a seat, a path that is none, a rule that is
// broken, a budget that is overrun at any time.
func Audit(inv *hosts.Inventory, requests []Request, decisions []Decision) error {
	a := &audit{inv: inv, hosts: map[string]*hosts.Host{}, cables: map[string]*hosts.Cable{}, node: map[string]int64{}, passes: map[string]bool{},
		memory: map[string]int64{}, counts: map[[2]string]int64{}, cpus: map[hostCPU][]*big.Rat{}, rates: map[string]int64{}}
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		a.hosts[h.Name], a.node[h.Name], a.passes[h.Name] = h, int64(h.Delay), h.Transit
	}
	for i := range inv.Switches {
		a.node[inv.Switches[i].Name], a.passes[inv.Switches[i].Name] = int64(inv.Switches[i].Delay), true
	}
	for i := range inv.Cables {
		a.cables[inv.Cables[i].Name] = &inv.Cables[i]
	}
	if len(decisions) != len(requests) {
		return fmt.Errorf("%d requests and %d decisions", len(requests), len(decisions))
	}
	for _, e := range events(requests) {
		d := &decisions[e.which]
		if !d.Accepted {
			continue
		}
		if err := a.apply(requests[e.which].Network, d, e.goes); err != nil {
			return fmt.Errorf("request %s at %v s: %w", d.ID, e.at, err)
		}
	}
	return nil
}

func (a *audit) apply(n *vsn.Network, d *Decision, goes bool) error {
	sign := int64(1)
	if goes {
		sign = -1
	}
	touched := map[string]bool{}
	for i := range n.VMs {
		vm := &n.VMs[i]
		h := a.hosts[d.Seats[vm.Name]]
		if h == nil {
			return fmt.Errorf("vm %q sits on %q, which is no host", vm.Name, d.Seats[vm.Name])
		}
		touched[h.Name] = true
		a.memory[h.Name] += sign * int64(vm.Memory)
		for kind, count := range vm.Resources {
			a.counts[[2]string{h.Name, kind}] += sign * count
			if have := h.Resources[kind]; a.counts[[2]string{h.Name, kind}] > have {
				return fmt.Errorf("host %q: %d of resource %q are taken and there are %d", h.Name, a.counts[[2]string{h.Name, kind}], kind, have)
			}
		}
		if err := a.reserve(h, vm, d, goes); err != nil {
			return err
		}
	}
	if len(d.Seats) != len(n.VMs) || len(d.Routes) != len(n.Links) {
		return fmt.Errorf("%d seats of %d vms and %d routes of %d links", len(d.Seats), len(n.VMs), len(d.Routes), len(n.Links))
	}
	if err := a.rules(n, d); err != nil {
		return err
	}
	for i := range n.Links {
		if err := a.route(&n.Links[i], d, sign); err != nil {
			return err
		}
	}
	for name := range touched {
		if err := a.within(a.hosts[name]); err != nil {
			return err
		}
	}
	return nil
}

// reserve adds the reservations of a VM and of its device threads, or strikes them.
func (a *audit) reserve(h *hosts.Host, vm *vsn.VM, d *Decision, goes bool) error {
	var us []*big.Rat
	if r := vm.Reservation; r != nil {
		for range vm.VCPUs {
			us = append(us, big.NewRat(int64(r.Runtime), int64(r.Period)))
		}
	}
	if e := h.Emulator; e != nil {
		us = append(us, big.NewRat(int64(e.Runtime), int64(e.Period)))
	}
	on := d.CPUs[vm.Name]
	if h.Partition && len(on) != len(us) {
		return fmt.Errorf("vm %q: %d reservations on host %q have %d CPUs", vm.Name, len(us), h.Name, len(on))
	}
	for i, u := range us {
		at := hostCPU{h.Name, hosts.AnyCPU}
		if h.Partition {
			at.cpu = on[i]
			if h.CPU(at.cpu) == nil {
				return fmt.Errorf("vm %q: host %q has no cpu %d", vm.Name, h.Name, at.cpu)
			}
		}
		if !goes {
			a.cpus[at] = append(a.cpus[at], u)
			continue
		}
		k := slices.IndexFunc(a.cpus[at], func(o *big.Rat) bool { return o.Cmp(u) == 0 })
		if k < 0 {
			return fmt.Errorf("vm %q: its reservation is not there any more", vm.Name)
		}
		a.cpus[at] = slices.Delete(a.cpus[at], k, k+1)
	}
	return nil
}

// within holds memory and processor time of a host against what it has.
func (a *audit) within(h *hosts.Host) error {
	if a.memory[h.Name] > int64(h.Memory) {
		return fmt.Errorf("host %q: memory %d of %d B is taken", h.Name, a.memory[h.Name], h.Memory)
	}
	all := new(big.Rat)
	for _, cpu := range h.CPUs {
		share := h.ShareOf(cpu).Rat()
		all.Add(all, share)
		if sum, _ := total(a.cpus[hostCPU{h.Name, cpu.ID}]); sum.Cmp(share) > 0 {
			return fmt.Errorf("host %q cpu %d: %s of %s is reserved", h.Name, cpu.ID, sum.RatString(), share.RatString())
		}
	}
	// Goossens, Funk and Baruah: sum U + (m-1) Umax.
	sum, most := total(a.cpus[hostCPU{h.Name, hosts.AnyCPU}])
	sum.Add(sum, most.Mul(most, big.NewRat(int64(len(h.CPUs)-1), 1)))
	if sum.Cmp(all) > 0 {
		return fmt.Errorf("host %q: the test of global EDF has %s against %s", h.Name, sum.RatString(), all.RatString())
	}
	return nil
}

func total(us []*big.Rat) (sum, most *big.Rat) {
	sum, most = new(big.Rat), new(big.Rat)
	for _, u := range us {
		sum.Add(sum, u)
		if u.Cmp(most) > 0 {
			most.Set(u)
		}
	}
	return sum, most
}

func (a *audit) rules(n *vsn.Network, d *Decision) error {
	for i := range n.Place {
		r := &n.Place[i]
		for k, vm := range r.Apart {
			for _, other := range r.Apart[:k] {
				if d.Seats[vm] == d.Seats[other] {
					return fmt.Errorf("vms %q and %q are to be apart and share host %q", other, vm, d.Seats[vm])
				}
			}
		}
		for _, vm := range r.Together {
			if d.Seats[vm] != d.Seats[r.Together[0]] {
				return fmt.Errorf("vms %q and %q are to be together and are on %q and %q", r.Together[0], vm, d.Seats[r.Together[0]], d.Seats[vm])
			}
		}
		if err := a.spread(r, d); err != nil {
			return err
		}
		for _, vm := range r.VMs {
			for label, value := range r.On {
				if have, ok := a.hosts[d.Seats[vm]].Labels[label]; !ok || have != value {
					return fmt.Errorf("vm %q is to be where %s is %q and sits on %q", vm, label, value, d.Seats[vm])
				}
			}
		}
	}
	return nil
}

// spread wants the label on every host, and each value of it once.
func (a *audit) spread(r *vsn.Rule, d *Decision) error {
	by := map[string]string{}
	for _, vm := range r.Spread {
		value, ok := a.hosts[d.Seats[vm]].Labels[r.Over]
		if other, twice := by[value]; twice || !ok {
			return fmt.Errorf("vms %q and %q are to be on different values of %s, and %q is on %q with %q", other, vm, r.Over, vm, d.Seats[vm], value)
		}
		by[value] = vm
	}
	return nil
}

// route follows the path of a link, adds its rate to every cable and its time up.
func (a *audit) route(l *vsn.Link, d *Decision, sign int64) error {
	path := d.Routes[l.Name]
	if len(path) == 0 || path[0] != d.Seats[l.Between[0]] || path[len(path)-1] != d.Seats[l.Between[1]] {
		return fmt.Errorf("link %q: the path %v does not join %q and %q", l.Name, path, d.Seats[l.Between[0]], d.Seats[l.Between[1]])
	}
	delay, named := a.node[path[0]], d.Cables[l.Name]
	for i := 1; i < len(path); i++ {
		if slices.Contains(path[:i], path[i]) || i < len(path)-1 && !a.passes[path[i]] {
			return fmt.Errorf("link %q: the path %v passes %q twice, or %q does not forward", l.Name, path, path[i], path[i])
		}
		var c *hosts.Cable
		if named != nil {
			if i-1 < len(named) {
				c = a.cables[named[i-1]]
			}
		} else {
			c = a.between(path[i-1], path[i])
		}
		if c == nil || !(c.Between[0] == path[i-1] && c.Between[1] == path[i] || c.Between[1] == path[i-1] && c.Between[0] == path[i]) {
			return fmt.Errorf("link %q: no cable is known from %q to %q", l.Name, path[i-1], path[i])
		}
		// One sum for both kinds of cable: full duplex, a link asks the same each way;
		// half duplex, its rate is what both ways take together.
		if a.rates[c.Name] += sign * int64(l.Rate); a.rates[c.Name] > int64(c.Usable()) {
			return fmt.Errorf("cable %q: %v of %v is taken", c.Name, vsn.Rate(a.rates[c.Name]), c.Usable())
		}
		delay += int64(c.Delay) + a.node[path[i]]
	}
	// Of a limit, half but at most 1 ms is for queues where there are any.
	if len(path) > 1 {
		delay += min(int64(l.Delay)/2, 1e6)
	}
	if l.Delay > 0 && delay > int64(l.Delay) {
		return fmt.Errorf("link %q: the way and what is left for queues take %v of %v", l.Name, vsn.Duration(delay), l.Delay)
	}
	return nil
}

// between is the only cable between two nodes, or nil.
func (a *audit) between(x, y string) *hosts.Cable {
	var only *hosts.Cable
	for i := range a.inv.Cables {
		c := &a.inv.Cables[i]
		if c.Between[0] == x && c.Between[1] == y || c.Between[1] == x && c.Between[0] == y {
			if only != nil {
				return nil
			}
			only = c
		}
	}
	return only
}
