package canonical

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

// Restore puts an answer to the ordered problem into the order of the problem that was
// given: lists as the problem has them, routes from the first end of each link. What it
// is given stays as it is.
func (o *Order) Restore(e *placement.Embedding, r *placement.Realization) (placement.Embedding, placement.Realization) {
	at := o.places()
	outE := placement.Embedding{
		Seats:  restored(e.Seats, func(s placement.Seat) place { return at.vm(s.Network, s.VM) }),
		Routes: restored(e.Routes, func(r placement.Route) place { return at.link(r.Network, r.Link) }),
	}
	o.turn(outE.Routes)
	return outE, placement.Realization{
		Reservations: restored(r.Reservations, func(v placement.Reservation) place { return at.vm(v.Network, v.VM).then(v.VCPU) }),
		Emulators:    restored(r.Emulators, func(v placement.Emulator) place { return at.vm(v.Network, v.VM) }),
		Tasks: restored(r.Tasks, func(t placement.TaskSeat) place {
			return at.vm(t.Network, t.VM).then(at[[4]string{t.Network, "vm", t.VM, t.Task}][1])
		}),
		Queues: restored(r.Queues, func(q placement.Queue) place {
			return at.link(q.Network, q.Link).then(at[[4]string{q.Network, "link", q.Link, q.From}][1])
		}),
	}
}

// place is that of a network, of what is in it, and of what is in that.
type place [3]int

func (p place) then(k int) place {
	p[2] = k
	return p
}

// restored is a list in the order of the places of what is in it. They are looked up
// once, and only numbers change places: a list may be long.
func restored[T any](list []T, of func(T) place) []T {
	if list == nil {
		return nil
	}
	type item struct {
		at   place
		from int
	}
	items := make([]item, len(list))
	for i := range list {
		items[i] = item{of(list[i]), i}
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.at[0], b.at[0]), cmp.Compare(a.at[1], b.at[1]), cmp.Compare(a.at[2], b.at[2]), cmp.Compare(a.from, b.from))
	})
	out := make([]T, len(list))
	for i := range items {
		out[i] = list[items[i].from]
	}
	return out
}

// places are those of VMs and links; and, by a fourth name, of the tasks of a VM, and
// which end of a link is its second.
type places map[[4]string]place

func (p places) vm(network, name string) place   { return p[[4]string{network, "vm", name}] }
func (p places) link(network, name string) place { return p[[4]string{network, "link", name}] }

func (o *Order) places() places {
	at := places{}
	for i := range o.given.Networks {
		n := &o.given.Networks[i]
		for j := range n.VMs {
			at[[4]string{n.Name, "vm", n.VMs[j].Name}] = place{i, j}
			for k, task := range n.VMs[j].Tasks {
				at[[4]string{n.Name, "vm", n.VMs[j].Name, task.Name}] = place{i, k}
			}
		}
		for j := range n.Links {
			at[[4]string{n.Name, "link", n.Links[j].Name}] = place{i, j}
			for k, end := range n.Links[j].Between {
				at[[4]string{n.Name, "link", n.Links[j].Name, end}] = place{i, k}
			}
		}
	}
	return at
}

// turn turns the routes of links whose ends were exchanged.
func (o *Order) turn(routes []placement.Route) {
	turned := map[[2]string]bool{}
	first := map[[2]string]string{}
	for i := range o.given.Networks {
		n := &o.given.Networks[i]
		for j := range n.Links {
			first[[2]string{n.Name, n.Links[j].Name}] = n.Links[j].Between[0]
		}
	}
	for i := range o.problem.Networks {
		n := &o.problem.Networks[i]
		for j := range n.Links {
			key := [2]string{n.Name, n.Links[j].Name}
			turned[key] = first[key] != n.Links[j].Between[0]
		}
	}
	for i := range routes {
		if r := &routes[i]; turned[[2]string{r.Network, r.Link}] {
			r.Path, r.Cables = slices.Clone(r.Path), slices.Clone(r.Cables)
			slices.Reverse(r.Path)
			slices.Reverse(r.Cables)
		}
	}
}
