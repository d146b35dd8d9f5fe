package solve

import (
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/construct"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/vsn"
)

// lose constructs other places for what the networks touched had on a host, and reports
// whether they are proved. The error is one that leaves the Resident of no use.
func (r *Resident) lose(host string, touched []string) (done bool, err error) {
	if r.now.problem.Inventory.Host(host) == nil || slices.ContainsFunc(touched, func(n string) bool { return r.open[n] }) {
		return false, nil
	}
	inv, err := lose(&r.now.problem.Inventory, &r.now.problem.Inventory, []string{host})
	if err != nil {
		return false, nil // said by Amend
	}
	if _, err := r.x.Fail(host); err != nil {
		return false, err
	}
	next, queues, old, ok := r.elsewhere(touched)
	if ok {
		next.problem.Inventory = *inv
		keep(&next.problem.Pins, next.problem.Pins, func(s *placement.Seat) bool { return s.Host != host })
		if d, err := next.proved(r.d); err == nil && d != nil {
			r.classes.Free(old)
			r.classes.Take(queues)
			r.commit(next, d)
			return true, nil
		}
	}
	return false, r.become(r.now)
}

// touched are the networks with a VM on a host or a path through it, in the order of the
// problem.
func (r *Resident) touched(host string) (out []string) {
	some := map[string]bool{}
	for i := range r.now.embedding.Seats {
		if s := &r.now.embedding.Seats[i]; s.Host == host {
			some[s.Network] = true
		}
	}
	for i := range r.now.embedding.Routes {
		if route := &r.now.embedding.Routes[i]; slices.Contains(route.Path, host) {
			some[route.Network] = true
		}
	}
	for i := range r.now.problem.Networks {
		if name := r.now.problem.Networks[i].Name; some[name] {
			out = append(out, name)
		}
	}
	return out
}

// elsewhere places what some networks have lost, and gives their links classes: those
// that they have, where they still have the place.
func (r *Resident) elsewhere(networks []string) (next holding, queues, old []placement.Queue, ok bool) {
	some := map[string]bool{}
	placed := map[string]*construct.Answer{}
	part := placement.Problem{Inventory: r.now.problem.Inventory}
	var e placement.Embedding
	for _, name := range networks {
		n := &r.now.problem.Networks[r.number[name]]
		a, err := r.x.Again(n)
		if err != nil {
			return next, nil, nil, false
		}
		some[name], placed[name] = true, a
		part.Networks = append(part.Networks, *n)
		e.Seats, e.Routes = append(e.Seats, a.Embedding.Seats...), append(e.Routes, a.Embedding.Routes...)
	}
	for i := range r.now.realization.Queues {
		if q := &r.now.realization.Queues[i]; some[q.Network] {
			old = append(old, *q)
		}
	}
	ph := realize.New(&part, r.o.Seed)
	ph.Keep(&placement.Realization{Queues: old})
	r.classes.Free(old)
	queues, err := ph.Queues(&e, r.classes)
	r.classes.Take(old)
	if err != nil {
		return next, nil, nil, false
	}
	next, ok = r.now.replaced(placed, queues)
	return next, queues, old, ok
}

// replaced is the answer with other places for some networks; false where its lists are
// not in the order of the problem.
func (a *holding) replaced(placed map[string]*construct.Answer, queues []placement.Queue) (holding, bool) {
	of := map[string][]placement.Queue{}
	for _, q := range queues {
		of[q.Network] = append(of[q.Network], q)
	}
	out, networks := *a, a.problem.Networks
	in := func(name string) bool { return placed[name] != nil }
	ok := splice(&out.embedding.Seats, networks, in, func(s *placement.Seat) string { return s.Network }, func(n string) []placement.Seat { return placed[n].Embedding.Seats }) &&
		splice(&out.embedding.Routes, networks, in, func(r *placement.Route) string { return r.Network }, func(n string) []placement.Route { return placed[n].Embedding.Routes }) &&
		splice(&out.realization.Reservations, networks, in, func(v *placement.Reservation) string { return v.Network }, func(n string) []placement.Reservation { return placed[n].Reservations }) &&
		splice(&out.realization.Emulators, networks, in, func(v *placement.Emulator) string { return v.Network }, func(n string) []placement.Emulator { return placed[n].Emulators }) &&
		splice(&out.realization.Queues, networks, in, func(q *placement.Queue) string { return q.Network }, func(n string) []placement.Queue { return of[n] })
	return out, ok
}

// splice puts other entries in the place of those of some networks, in a list of its own.
func splice[T any](list *[]T, networks []vsn.Network, in func(string) bool, of func(*T) string, other func(string) []T) bool {
	from := *list
	out := make([]T, 0, len(from)+len(from)/8+256)
	at := 0
	for i := range networks {
		name, begin := networks[i].Name, at
		for at < len(from) && of(&from[at]) == name {
			at++
		}
		if in(name) {
			out = append(out, other(name)...)
		} else {
			out = append(out, from[begin:at]...)
		}
	}
	*list = out
	return at == len(from)
}
