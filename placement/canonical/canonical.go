// Package canonical puts a problem into an order that follows from what it says, and
// not from the names in it or from the order in which it was written. Who works through
// the ordered problem and breaks ties by place comes to the same result whatever hosts,
// VMs and all else are called and wherever they stand in a file.
//
// The order is that of a partition of all objects, refined until objects of one cell
// have the same neighbours (colour refinement: Paige and Tarjan, Three partition
// refinement algorithms, 1987), and where a cell of several is left, one of it is set
// apart and it is refined again (McKay and Piperno, Practical graph isomorphism II,
// 2014). Which one is arbitrary: it makes no difference where the objects of a cell can
// be exchanged with all that depends on them, which is so but for very regular
// inventories. The names of things that are asked for by name (labels and their values,
// counted resources) are content.
//
// It is pure and takes O(m log n) steps for n objects and m ends of cables, links,
// flows and rules. Start at Of.
package canonical

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Order is a problem with the place of everything in it.
type Order struct {
	given   *placement.Problem
	problem placement.Problem
	x       *index
	rank    []int32 // of each object
	chosen  bool
}

// Unique reports whether nothing was arbitrary: no two objects could be told apart by
// their place in the problem alone.
func (o *Order) Unique() bool { return !o.chosen }

// Of finds the order of a problem. What it names and does not have is passed over: the
// problem need not be valid.
func Of(p *placement.Problem) *Order {
	g, x := graphOf(p)
	o := &Order{given: p, x: x}
	o.rank, o.chosen = g.order()
	o.arrange()
	return o
}

// Problem is the same problem in canonical order. Nothing in it is to be changed: it
// shares what had its order before.
func (o *Order) Problem() *placement.Problem { return &o.problem }

// Inventory is an inventory in canonical order.
func Inventory(inv *hosts.Inventory) *hosts.Inventory {
	return &Of(&placement.Problem{Inventory: *inv}).Problem().Inventory
}

// Network is a network in canonical order.
func Network(n *vsn.Network) *vsn.Network {
	return &Of(&placement.Problem{Networks: []vsn.Network{*n}}).Problem().Networks[0]
}

func (o *Order) arrange() {
	in, out := o.given, &o.problem
	out.Pins, out.Before = in.Pins, in.Before
	out.Inventory.Objective = in.Inventory.Objective
	out.Inventory.Hosts = arranged(o, o.x.hosts, in.Inventory.Hosts)
	out.Inventory.Switches = arranged(o, o.x.switches, in.Inventory.Switches)
	out.Inventory.Cables = arranged(o, o.x.cables, in.Inventory.Cables)
	for i := range out.Inventory.Cables {
		c := &out.Inventory.Cables[i]
		c.Between = o.sorted(c.Between, func(node string) int32 { return o.x.node[node] })
	}
	networks := make([]vsn.Network, len(in.Networks))
	for i := range in.Networks {
		networks[i] = o.network(i)
	}
	out.Networks = arranged(o, o.x.networks, networks)
}

func (o *Order) network(i int) vsn.Network {
	in, at := &o.given.Networks[i], &o.x.of[i]
	vm := func(name string) int32 { return at.vm[name] }
	out := *in
	out.VMs = arranged(o, at.vms, in.VMs)
	for j := range out.VMs {
		out.VMs[j].Tasks = tasks(&out.VMs[j])
	}
	out.Links = arranged(o, at.links, in.Links)
	for j := range out.Links {
		out.Links[j].Between = o.sorted(out.Links[j].Between, vm)
	}
	out.Flows = arranged(o, at.flows, in.Flows)
	for j := range out.Flows {
		path := slices.Clone(out.Flows[j].Path)
		for k := range path {
			path[k] = o.sorted(path[k], vm)
		}
		out.Flows[j].Path = path
	}
	out.Place = arranged(o, at.rules, in.Place)
	for j := range out.Place {
		r := &out.Place[j]
		r.Apart, r.Together, r.Spread, r.VMs = o.sorted(r.Apart, vm), o.sorted(r.Together, vm), o.sorted(r.Spread, vm), o.sorted(r.VMs, vm)
	}
	return out
}

// tasks are those of a VM by deadline, the shortest first. Of fixed priorities tasks with
// equal deadlines stay as they are: the first has the higher priority.
func tasks(vm *vsn.VM) []vsn.Task {
	if len(vm.Tasks) < 2 {
		return vm.Tasks
	}
	fixed := vm.GuestScheduler == vsn.GuestFixed
	deadline := func(t *vsn.Task) vsn.Duration { return cmp.Or(t.Deadline, t.Period) }
	out := slices.Clone(vm.Tasks)
	slices.SortStableFunc(out, func(a, b vsn.Task) int {
		if by := cmp.Compare(deadline(&a), deadline(&b)); by != 0 || fixed {
			return by
		}
		return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.WCET, b.WCET))
	})
	return out
}

// arranged is a list in the order of its objects, of which the first has number first.
func arranged[T any](o *Order, first int32, list []T) []T {
	if len(list) == 0 {
		return list
	}
	places := make([]int32, len(list))
	for i := range places {
		places[i] = int32(i)
	}
	slices.SortFunc(places, func(a, b int32) int { return cmp.Compare(o.rank[first+a], o.rank[first+b]) })
	out := make([]T, len(list))
	for i, from := range places {
		out[i] = list[from]
	}
	return out
}

// sorted is names in the order of their objects; a name that is of none comes first.
func (o *Order) sorted(names []string, object func(string) int32) []string {
	place := func(name string) int32 {
		if v := object(name); v > 0 {
			return o.rank[v-1]
		}
		return -1
	}
	byPlace := func(a, b string) int { return cmp.Compare(place(a), place(b)) }
	if slices.IsSortedFunc(names, byPlace) {
		return names
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, byPlace)
	return names
}
