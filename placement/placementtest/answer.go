// Package placementtest makes up plans that nobody searched: every network of a made-up
// data centre (placement/scale) sits where a rule of thumb puts it. It is for tests and
// benchmarks of what proves, writes, reads and prints plans of any size. Start at Plan.
package placementtest

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/scale"
	"github.com/vsnctl/vsnctl/vsn"
)

// Plan is a plan of so many networks on so many hosts, at least 12, without its proof.
// As many networks as hosts fill a third of the processors, and every claim holds.
func Plan(hosts, networks int) *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion, Seed: 1}
	p.Problem.Inventory = scale.Inventory(hosts)
	p.Problem.Networks = scale.Networks(networks, 1)
	homes := make([]int, networks)
	for i := range homes {
		homes[i] = i
	}
	Place(p, homes)
	return p
}

// Place puts each network of a plan on hosts about the one whose number is given.
func Place(p *placement.Plan, homes []int) {
	a := newAnswer(&p.Problem)
	for i := range p.Problem.Networks {
		a.network(homes[i], &p.Problem.Networks[i])
	}
	p.Embedding, p.Realization = a.Embedding, a.Realization
}

// answer is an answer in the making.
type answer struct {
	problem *placement.Problem
	half    int   // racks of a pod, and hosts of a rack
	cpus    []int // reservations so far on each host
	classes map[[2]string]int
	placement.Embedding
	placement.Realization
}

func newAnswer(p *placement.Problem) *answer {
	a := &answer{problem: p, half: 1, cpus: make([]int, len(p.Inventory.Hosts)), classes: map[[2]string]int{}}
	for 2*a.half*a.half*a.half < len(p.Inventory.Hosts) {
		a.half++
	}
	return a
}

// network puts the i-th network on three hosts: most on the i-th, some in the rack
// after, the others half a data centre away. Links take the planes in turn.
func (a *answer) network(i int, n *vsn.Network) {
	total := len(a.problem.Inventory.Hosts)
	home := i % total
	second, third := (home+a.half)%total, (home+total/2)%total
	at := map[string]int{}
	for j := range n.VMs {
		switch vm := n.VMs[j].Name; vm {
		case "web1", "app1":
			at[vm] = second
		case "web2", "app2", "db1":
			at[vm] = third
		default:
			at[vm] = home
		}
		a.vm(n.Name, &n.VMs[j], at[n.VMs[j].Name])
	}
	for j := range n.Links {
		l := &n.Links[j]
		path, cables := a.way(at[l.Between[0]], at[l.Between[1]], (i+j)%scale.Planes, i)
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
	for k := range vm.VCPUs {
		a.Reservations = append(a.Reservations, placement.Reservation{Network: network, VM: vm.Name, VCPU: k, Host: h.Name, CPU: a.cpus[at] % len(h.CPUs),
			RuntimeNs: int64(vm.Reservation.Runtime), PeriodNs: int64(vm.Reservation.Period)})
		a.cpus[at]++
	}
}

// way is a path up as far as need be and down again.
func (a *answer) way(from, to, plane, turn int) (path, cables []string) {
	path = []string{a.problem.Inventory.Hosts[from].Name}
	over := func(node string, up bool) {
		last := path[len(path)-1]
		if !up {
			last, node = node, last
		}
		cables = append(cables, last+"--"+node)
		if !up {
			node = last
		}
		path = append(path, node)
	}
	if from == to {
		return path, nil
	}
	side := string(rune('a' + plane))
	rack, other, which := from/a.half, to/a.half, turn%a.half
	over(fmt.Sprintf("edge%d%s", rack, side), true)
	if rack != other {
		over(fmt.Sprintf("agg%d%s", rack/a.half*a.half+which, side), true)
		if rack/a.half != other/a.half {
			over(fmt.Sprintf("core%d%s", which*a.half+turn/7%a.half, side), true)
			over(fmt.Sprintf("agg%d%s", other/a.half*a.half+which, side), false)
		}
		over(fmt.Sprintf("edge%d%s", other, side), false)
	}
	over(a.problem.Inventory.Hosts[to].Name, false)
	return path, cables
}

// queues are the classes of one direction of a link.
func (a *answer) queues(network string, l *vsn.Link, from, to string, path, cables []string) {
	add := func(at, place string) {
		key := [2]string{path[0], place}
		a.classes[key]++
		rate := hosts.RoundRate(int64(l.Rate))
		a.Queues = append(a.Queues, placement.Queue{Network: network, Link: l.Name, From: from, To: to, Host: path[0], At: at, Class: 0x0f + a.classes[key],
			RateBit: rate, BurstBytes: hosts.RoundBurst(rate, int64(l.Burst)), LimitBytes: 1 << 20})
	}
	add(placement.AtPort, "port of "+network+"/"+from)
	if len(cables) > 0 {
		add(cables[0], cables[0])
	}
}
