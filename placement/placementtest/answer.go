package placementtest

import (
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Plan is a plan of so many networks on so many hosts, without its proof.
func Plan(hosts, networks int) *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion, Seed: 1}
	p.Problem.Inventory = Centre(hosts)
	p.Problem.Networks = Networks(networks)
	p.Embedding, p.Realization = Answer(&p.Problem)
	return p
}

// answer is an answer in the making.
type answer struct {
	problem *placement.Problem
	cpus    []int // reservations so far on each host
	classes map[[2]string]int
	placement.Embedding
	placement.Realization
}

// Answer puts the i-th network on three hosts: four VMs on the i-th, three on its
// neighbour below the same leaf, three on a host half a data centre away. Links go up
// and down again; they take the planes in turn.
func Answer(p *placement.Problem) (placement.Embedding, placement.Realization) {
	a := &answer{problem: p, cpus: make([]int, len(p.Inventory.Hosts)), classes: map[[2]string]int{}}
	for i := range p.Networks {
		a.network(i, &p.Networks[i])
	}
	return a.Embedding, a.Realization
}

func (a *answer) network(i int, n *vsn.Network) {
	total := len(a.problem.Inventory.Hosts)
	home := i % total
	near := home + 1
	if near%perLeaf == 0 || near == total {
		near = home / perLeaf * perLeaf
	}
	far := (home + total/2) % total
	at := map[string]int{}
	for j := range n.VMs {
		h := []int{home, home, home, home, near, near, near, far, far, far}[j%10]
		at[n.VMs[j].Name] = h
		a.vm(n.Name, &n.VMs[j], h)
	}
	for j := range n.Links {
		l := &n.Links[j]
		path, cables := way(at[l.Between[0]], at[l.Between[1]], (i+j)%Planes, i, total)
		a.Routes = append(a.Routes, placement.Route{Network: n.Name, Link: l.Name, Path: path, Cables: cables})
		a.queues(n.Name, l, l.Between[0], l.Between[1], path, cables)
		back, over := slices.Clone(path), slices.Clone(cables)
		slices.Reverse(back)
		slices.Reverse(over)
		a.queues(n.Name, l, l.Between[1], l.Between[0], back, over)
	}
}

func (a *answer) vm(network string, vm *vsn.VM, at int) {
	h := &a.problem.Inventory.Hosts[at]
	a.Seats = append(a.Seats, placement.Seat{Network: network, VM: vm.Name, Host: h.Name})
	cpu := func() int {
		a.cpus[at]++
		return (a.cpus[at] - 1) % len(h.CPUs)
	}
	for k := range vm.VCPUs {
		a.Reservations = append(a.Reservations, placement.Reservation{Network: network, VM: vm.Name, VCPU: k, Host: h.Name, CPU: cpu(), RuntimeNs: int64(vm.Reservation.Runtime), PeriodNs: int64(vm.Reservation.Period)})
	}
	if e := h.Emulator; e != nil {
		a.Emulators = append(a.Emulators, placement.Emulator{Network: network, VM: vm.Name, Host: h.Name, CPU: cpu(), RuntimeNs: int64(e.Runtime), PeriodNs: int64(e.Period)})
	}
}

// way is a path up as far as need be and down again.
func way(from, to, plane, turn, total int) (path, cables []string) {
	path = []string{host(from)}
	over := func(node string, up bool) {
		last := path[len(path)-1]
		if up {
			cables = append(cables, last+"--"+node)
		} else {
			cables = append(cables, node+"--"+last)
		}
		path = append(path, node)
	}
	if from == to {
		return path, nil
	}
	a, b := from/perLeaf, to/perLeaf
	over(leaf(plane, a), true)
	if a != b {
		s := turn % spines
		over(spine(plane, a/leaves, s), true)
		if a/leaves != b/leaves {
			cores := (((total + perLeaf - 1) / perLeaf) + leaves - 1) / leaves * 2
			over(core(plane, (s*uplinks+turn%uplinks)%cores), true)
			over(spine(plane, b/leaves, s), false)
		}
		over(leaf(plane, b), false)
	}
	over(host(to), false)
	return path, cables
}

// queues are the classes of one direction of a link.
func (a *answer) queues(network string, l *vsn.Link, from, to string, path, cables []string) {
	add := func(at, place string) {
		a.classes[[2]string{path[0], place}]++
		rate := hosts.RoundRate(int64(l.Rate))
		a.Queues = append(a.Queues, placement.Queue{Network: network, Link: l.Name, From: from, To: to, Host: path[0], At: at, Class: 0x0f + a.classes[[2]string{path[0], place}],
			RateBit: rate, BurstBytes: hosts.RoundBurst(rate, int64(l.Burst)), LimitBytes: 1 << 20})
	}
	add(placement.AtPort, "port of "+network+"/"+from)
	if len(cables) > 0 {
		add(cables[0], cables[0])
	}
}
