package solve

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// oracle answers by trying everything: all seats, all CPUs, all simple paths. It is
// written from the rules, shares nothing with the planner, and is hopeless on
// anything but tiny problems.
type oracle struct {
	p      *placement.Problem
	vms    []oracleVM
	links  []oracleLink
	seats  []int      // host of each VM
	routes [][]string // cables of each link
	paths  [][]string // nodes of each link
	// holds, if set, has the last word on a whole embedding.
	holds func(*placement.Embedding) bool
	tried int
	// packed remembers the answer for each set of VMs on a host.
	packed map[string]bool
}

type oracleVM struct {
	network int
	*vsn.VM
}

type oracleLink struct {
	network int
	a, b    int
	*vsn.Link
}

func newOracle(p *placement.Problem) *oracle {
	o := &oracle{p: p, packed: map[string]bool{}}
	for i := range p.Networks {
		n := &p.Networks[i]
		for j := range n.VMs {
			o.vms = append(o.vms, oracleVM{i, &n.VMs[j]})
		}
		for j := range n.Links {
			o.links = append(o.links, oracleLink{i, o.vm(i, n.Links[j].Between[0]), o.vm(i, n.Links[j].Between[1]), &n.Links[j]})
		}
	}
	o.seats = make([]int, len(o.vms))
	o.routes, o.paths = make([][]string, len(o.links)), make([][]string, len(o.links))
	return o
}

func (o *oracle) vm(network int, name string) int {
	return slices.IndexFunc(o.vms, func(v oracleVM) bool { return v.network == network && v.Name == name })
}

// mostTried bounds the proofs that the oracle asks for.
const mostTried = 500

// feasible tries all seats. It is not sure of a yes where that was too many.
func (o *oracle) feasible() (yes, sure bool) {
	yes = o.seat(0)
	return yes, !yes || o.holds == nil || o.tried <= mostTried
}

func (o *oracle) seat(v int) bool {
	if v == len(o.vms) {
		return o.keepsRules() && o.keepsHosts() && o.route(0)
	}
	for h := range o.p.Inventory.Hosts {
		o.seats[v] = h
		if o.seat(v + 1) {
			return true
		}
	}
	return false
}

func (o *oracle) keepsRules() bool {
	for _, pin := range o.p.Pins {
		for v, vm := range o.vms {
			if o.p.Networks[vm.network].Name == pin.Network && vm.Name == pin.VM && o.p.Inventory.Hosts[o.seats[v]].Name != pin.Host {
				return false
			}
		}
	}
	for i, n := range o.p.Networks {
		for _, r := range n.Place {
			for x, a := range slices.Concat(r.Apart, r.Together, r.Spread, r.VMs) {
				h := o.seats[o.vm(i, a)]
				if _, ok := o.p.Inventory.Hosts[h].Labels[r.Over]; !ok && len(r.Spread) > 0 {
					return false
				}
				for label, value := range r.On {
					if have, ok := o.p.Inventory.Hosts[h].Labels[label]; !ok || have != value {
						return false
					}
				}
				for y, b := range slices.Concat(r.Apart, r.Together, r.Spread, r.VMs) {
					same := o.seats[o.vm(i, b)] == h
					if len(r.Spread) > 0 && x != y && o.p.Inventory.Hosts[o.seats[o.vm(i, b)]].Labels[r.Over] == o.p.Inventory.Hosts[h].Labels[r.Over] {
						return false
					}
					if x != y && (len(r.Apart) > 0 && same || len(r.Together) > 0 && !same) {
						return false
					}
				}
			}
		}
	}
	return true
}

func (o *oracle) keepsHosts() bool {
	for h := range o.p.Inventory.Hosts {
		ho := &o.p.Inventory.Hosts[h]
		memory, counts := int64(0), map[string]int64{}
		var us []*big.Rat
		for v, vm := range o.vms {
			if o.seats[v] != h {
				continue
			}
			memory += int64(vm.Memory)
			for name, count := range vm.Resources {
				counts[name] += count
			}
			for range vm.VCPUs {
				if vm.Reservation != nil {
					us = append(us, big.NewRat(int64(vm.Reservation.Runtime), int64(vm.Reservation.Period)))
				}
			}
			if ho.Emulator != nil {
				us = append(us, big.NewRat(int64(ho.Emulator.Runtime), int64(ho.Emulator.Period)))
			}
		}
		if memory > int64(ho.Memory) {
			return false
		}
		for name, count := range counts {
			if count > ho.Resources[name] {
				return false
			}
		}
		key := fmt.Sprint(h, us)
		fits, known := o.packed[key]
		if !known {
			fits = schedulable(ho, us)
			o.packed[key] = fits
		}
		if !fits {
			return false
		}
	}
	return true
}

func share(h *hosts.Host, c hosts.CPU) *big.Rat {
	if c.Share != 0 {
		return c.Share.Rat()
	}
	return h.Share.Rat()
}

func schedulable(h *hosts.Host, us []*big.Rat) bool {
	left := make([]*big.Rat, len(h.CPUs))
	total, sum, largest := new(big.Rat), new(big.Rat), new(big.Rat)
	for i, c := range h.CPUs {
		left[i] = share(h, c)
		total.Add(total, left[i])
	}
	for _, u := range us {
		sum.Add(sum, u)
		if u.Cmp(largest) > 0 {
			largest = u
		}
	}
	if !h.Partition {
		return sum.Add(sum, new(big.Rat).Mul(largest, big.NewRat(int64(len(h.CPUs)-1), 1))).Cmp(total) <= 0
	}
	var pack func(i int) bool
	pack = func(i int) bool {
		if i == len(us) {
			return true
		}
		for b := range left {
			if us[i].Cmp(left[b]) <= 0 {
				left[b].Sub(left[b], us[i])
				ok := pack(i + 1)
				left[b].Add(left[b], us[i])
				if ok {
					return true
				}
			}
		}
		return false
	}
	return pack(0)
}

// route tries all combinations of simple paths.
func (o *oracle) route(l int) bool {
	if l == len(o.links) {
		return o.keepsCables() && (o.holds == nil || o.tried > mostTried || o.holds(o.embedding()))
	}
	from, to := o.p.Inventory.Hosts[o.seats[o.links[l].a]].Name, o.p.Inventory.Hosts[o.seats[o.links[l].b]].Name
	return o.walk(l, []string{from}, nil, to)
}

func (o *oracle) walk(l int, nodes, cables []string, to string) bool {
	at := nodes[len(nodes)-1]
	if at == to {
		o.paths[l], o.routes[l] = nodes, cables
		return o.keepsCables() && o.route(l+1)
	}
	if h := o.p.Inventory.Host(at); len(nodes) > 1 && h != nil && !h.Transit {
		return false
	}
	for _, c := range o.p.Inventory.Cables {
		for k, end := range c.Between {
			next := c.Between[1-k]
			if end != at || slices.Contains(nodes, next) {
				continue
			}
			if o.walk(l, append(slices.Clone(nodes), next), append(slices.Clone(cables), c.Name), to) {
				return true
			}
		}
	}
	o.routes[l] = nil
	return false
}

// keepsCables adds up what links take of every cable, there and back. Half duplex, a
// link's rate is what both directions take together.
func (o *oracle) keepsCables() bool {
	for _, c := range o.p.Inventory.Cables {
		there, back := new(big.Rat), new(big.Rat)
		for l, cables := range o.routes {
			if !slices.Contains(cables, c.Name) {
				continue
			}
			rate := big.NewRat(int64(o.links[l].Link.Rate), 1)
			if there.Add(there, rate); c.Duplex != hosts.HalfDuplex {
				back.Add(back, rate)
			}
		}
		have := new(big.Rat).Mul(big.NewRat(int64(c.Rate), 1), c.Share.Rat())
		if there.Cmp(have) > 0 || back.Cmp(have) > 0 {
			return false
		}
	}
	return true
}

func (o *oracle) embedding() *placement.Embedding {
	e := &placement.Embedding{}
	for v, vm := range o.vms {
		e.Seats = append(e.Seats, placement.Seat{Network: o.p.Networks[vm.network].Name, VM: vm.Name, Host: o.p.Inventory.Hosts[o.seats[v]].Name})
	}
	for l, lk := range o.links {
		e.Routes = append(e.Routes, placement.Route{Network: o.p.Networks[lk.network].Name, Link: lk.Name, Path: o.paths[l], Cables: o.routes[l]})
	}
	return e
}

// onAnyCPUs asks the proof about all choices of CPUs, with queues that are long
// enough: what waits is bounded or it is not.
func (o *oracle) onAnyCPUs(e *placement.Embedding) bool {
	r := o.realization(e)
	var cpus []*int
	var on []*hosts.Host
	var us []*big.Rat
	add := func(cpu *int, host string, q, p int64) {
		if *cpu != hosts.AnyCPU {
			cpus, on, us = append(cpus, cpu), append(on, o.p.Inventory.Host(host)), append(us, big.NewRat(q, p))
		}
	}
	for i := range r.Reservations {
		v := &r.Reservations[i]
		add(&v.CPU, v.Host, v.RuntimeNs, v.PeriodNs)
	}
	for i := range r.Emulators {
		v := &r.Emulators[i]
		add(&v.CPU, v.Host, v.RuntimeNs, v.PeriodNs)
	}
	var try func(i int) bool
	try = func(i int) bool {
		if o.tried > mostTried {
			return true
		}
		if i == len(cpus) {
			o.tried++
			claims, err := proof.Prove(o.p, e, r)
			return err == nil && len(proof.Failing(claims)) == 0
		}
		for _, c := range on[i].CPUs {
			left := share(on[i], c)
			for j := range i {
				if on[j] == on[i] && *cpus[j] == c.ID {
					left.Sub(left, us[j])
				}
			}
			if *cpus[i] = c.ID; us[i].Cmp(left) <= 0 && try(i+1) {
				return true
			}
		}
		return false
	}
	return try(0)
}

// audit checks the budgets of a plan by the oracle's own rules, and its CPUs one by
// one.
func audit(plan *placement.Plan) error {
	o := newOracle(&plan.Problem)
	inv := &plan.Problem.Inventory
	for v, s := range plan.Embedding.Seats {
		if o.vms[v].Name != s.VM {
			return fmt.Errorf("seat %d is of %s, want %s", v, s.VM, o.vms[v].Name)
		}
		o.seats[v] = slices.IndexFunc(inv.Hosts, func(h hosts.Host) bool { return h.Name == s.Host })
	}
	for l, r := range plan.Embedding.Routes {
		o.routes[l] = r.Cables
		from, to := inv.Hosts[o.seats[o.links[l].a]].Name, inv.Hosts[o.seats[o.links[l].b]].Name
		if r.Path[0] != from || r.Path[len(r.Path)-1] != to || len(r.Cables) != len(r.Path)-1 {
			return fmt.Errorf("route %v over %v does not lead from %s to %s", r.Path, r.Cables, from, to)
		}
		for i, c := range r.Cables {
			if b := inv.Cable(c).Between; !slices.Equal(b, r.Path[i:i+2]) && (b[0] != r.Path[i+1] || b[1] != r.Path[i]) {
				return fmt.Errorf("cable %s does not join %v", c, r.Path[i:i+2])
			}
			if h := inv.Host(r.Path[i]); i > 0 && h != nil && !h.Transit {
				return fmt.Errorf("%s forwards and may not", h.Name)
			}
		}
	}
	if !o.keepsRules() || !o.keepsHosts() || !o.keepsCables() {
		return fmt.Errorf("a budget or a rule is broken")
	}
	return auditCPUs(plan)
}

func auditCPUs(plan *placement.Plan) error {
	type at struct {
		host string
		cpu  int
	}
	sums := map[at]*big.Rat{}
	add := func(host string, cpu int, q, p int64) {
		if sums[at{host, cpu}] == nil {
			sums[at{host, cpu}] = new(big.Rat)
		}
		sums[at{host, cpu}].Add(sums[at{host, cpu}], big.NewRat(q, p))
	}
	for _, r := range plan.Realization.Reservations {
		add(r.Host, r.CPU, r.RuntimeNs, r.PeriodNs)
	}
	for _, e := range plan.Realization.Emulators {
		add(e.Host, e.CPU, e.RuntimeNs, e.PeriodNs)
	}
	for where, sum := range sums {
		h := plan.Problem.Inventory.Host(where.host)
		if h.Partition != (where.cpu != hosts.AnyCPU) {
			return fmt.Errorf("%v is named on a host with partition %v", where, h.Partition)
		}
		if h.Partition && sum.Cmp(share(h, *h.CPU(where.cpu))) > 0 {
			return fmt.Errorf("%v carries %v", where, sum)
		}
	}
	return nil
}
