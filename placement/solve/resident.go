package solve

import (
	"context"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/construct"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/vsn"
)

// Resident is a plan that is kept in memory with what it takes to change a little of it:
// what is free (construct.Embedder), which class numbers are taken, and the derivation of
// its proof. A change costs what it concerns, and hardly more however much runs beside it:
//
//	r, err := NewResident(plan, Options{})
//	err = r.Add(ctx, network)         // beside what runs, which stays as it is
//	moves, err := r.Lose(ctx, "host") // what was there goes elsewhere
//	err = r.Drop("network")
//	plan, err = r.Plan()              // proved and sealed
//
// After each, every claim holds, of what runs as of what is new. Where constructing finds
// nothing that is proved, or a network leaves something to choose or is content with less
// than certainty, it is planned as Amend and Solve do, which takes as long as that takes;
// what is refused is refused by that, and leaves everything as it was. It is not safe for
// use by several at once.
type Resident struct {
	o       Options
	now     holding
	x       *construct.Embedder
	d       *proof.Derivation
	classes *realize.Classes
	number  map[string]int  // of each network
	open    map[string]bool // networks for which something was chosen
	slow    int             // changes that were planned as Solve does
}

// holding is a problem with its answer, without a proof.
type holding struct {
	problem     placement.Problem
	embedding   placement.Embedding
	realization placement.Realization
}

// NewResident takes a plan into memory and proves it. The error is *placement.Infeasible
// where a claim does not hold.
func NewResident(plan *placement.Plan, o Options) (*Resident, error) {
	r := &Resident{o: o}
	return r, r.become(holding{plan.Problem, plan.Embedding, plan.Realization})
}

// become takes another answer for what runs.
func (r *Resident) become(a holding) error {
	d, err := a.derive(r.d)
	if err != nil {
		return err
	}
	if failing := d.Failing(); len(failing) > 0 {
		c := failing[0]
		return &placement.Infeasible{Conflicts: []placement.Conflict{{Rule: c.Rule, Subjects: []string{c.Subject}, Need: c.Bound, Have: c.Limit, Unit: c.Unit, Says: fmt.Sprintf("%s does not hold", c.Subject)}}}
	}
	x, err := construct.NewEmbedder(&a.problem.Inventory, r.o.Seed)
	if err != nil {
		return err
	}
	c := chosen(&placement.Plan{Realization: a.realization}, a.problem.Networks)
	open := map[string]bool{}
	for key := range c.Reserved {
		open[key[0]] = true
	}
	for key := range c.Links {
		open[key[0]] = true
	}
	for _, t := range c.Tasks {
		open[t.Network] = true
	}
	networks := a.problem.Networks
	if len(open) > 0 {
		networks = c.Fill(&a.problem).Networks
	}
	if err := x.Hold(networks, &a.embedding, &a.realization); err != nil {
		return err
	}
	r.x, r.open, r.classes = x, open, realize.NewClasses(a.realization.Queues)
	a.grow()
	r.commit(a, d)
	return nil
}

// grow leaves room behind the lists, so that a network more does not copy them.
func (a *holding) grow() {
	grow(&a.problem.Networks)
	grow(&a.embedding.Seats)
	grow(&a.embedding.Routes)
	grow(&a.realization.Reservations)
	grow(&a.realization.Emulators)
	grow(&a.realization.Queues)
	grow(&a.realization.Tasks)
}

func grow[T any](list *[]T) { *list = slices.Grow(*list, len(*list)/8+256) }

// derive derives the proof, again where there was one before.
func (a *holding) derive(before *proof.Derivation) (*proof.Derivation, error) {
	p, e, real := a.problem, a.embedding, a.realization // the derivation keeps what it is given
	if before == nil {
		return proof.Derive(&p, &e, &real)
	}
	return before.Again(&p, &e, &real)
}

func (r *Resident) commit(a holding, d *proof.Derivation) {
	appended := r.number != nil && len(a.problem.Networks) == len(r.now.problem.Networks)+1
	r.now, r.d = a, d
	if appended {
		last := len(a.problem.Networks) - 1
		r.number[a.problem.Networks[last].Name] = last
		return
	}
	r.number = make(map[string]int, len(a.problem.Networks))
	for i := range a.problem.Networks {
		r.number[a.problem.Networks[i].Name] = i
	}
}

// Plan is what runs, proved and sealed.
func (r *Resident) Plan() (*placement.Plan, error) {
	plan := r.plan()
	plan.Proof = r.d.Proof()
	return plan, plan.Seal()
}

// plan is what runs, without proof.
func (r *Resident) plan() *placement.Plan {
	return &placement.Plan{Version: placement.PlanVersion, Seed: r.o.Seed, Problem: r.now.problem, Embedding: r.now.embedding, Realization: r.now.realization}
}

// Add plans a network beside what runs. Errors are those of Solve.
func (r *Resident) Add(ctx context.Context, n vsn.Network) error {
	if _, runs := r.number[n.Name]; runs {
		return fmt.Errorf("network %q runs already", n.Name)
	}
	one := placement.Problem{Networks: []vsn.Network{n}}
	if err := proof.Valid(&one); err != nil {
		return err
	}
	if n.Confidence == 0 && !dimension.Open(&one) {
		if r.add(n) {
			return nil
		}
	}
	return r.amend(ctx, Amendment{Networks: []vsn.Network{n}})
}

// add constructs a place for a network, and reports whether one was found that is proved.
func (r *Resident) add(n vsn.Network) bool {
	ph := realize.New(&placement.Problem{Networks: []vsn.Network{n}, Inventory: r.now.problem.Inventory}, r.o.Seed)
	ask := construct.Ask{}
	for range repairs {
		placed, err := r.x.Embed(&n, ask)
		if err != nil {
			return false
		}
		queues, err := ph.Queues(&placed.Embedding, r.classes)
		if err == nil {
			next := r.now.with(n, placed, queues)
			if d, err := next.proved(r.d); err == nil && d != nil {
				r.classes.Take(queues)
				r.commit(next, d)
				return true
			}
		}
		r.x.Release(n.Name)
		for _, s := range placed.Embedding.Seats {
			if !slices.Contains(ask.Avoid, s.Host) {
				ask.Avoid = append(ask.Avoid, s.Host)
			}
		}
	}
	return false
}

// with is the answer with a network more.
func (a *holding) with(n vsn.Network, placed *construct.Answer, queues []placement.Queue) holding {
	out := *a
	out.problem.Networks = append(out.problem.Networks, n)
	out.embedding.Seats = append(out.embedding.Seats, placed.Embedding.Seats...)
	out.embedding.Routes = append(out.embedding.Routes, placed.Embedding.Routes...)
	out.realization.Reservations = append(out.realization.Reservations, placed.Reservations...)
	out.realization.Emulators = append(out.realization.Emulators, placed.Emulators...)
	out.realization.Queues = append(out.realization.Queues, queues...)
	return out
}

// proved derives the proof, with queues as long as they must be; nil where a claim does
// not hold.
func (a *holding) proved(before *proof.Derivation) (*proof.Derivation, error) {
	d, err := a.derive(before)
	if err != nil {
		return nil, err
	}
	failing := d.Failing()
	if len(failing) == 0 {
		return d, nil
	}
	longer := a.realization
	longer.Queues = slices.Clone(longer.Queues)
	if !lengthen(&longer, placement.Proof{Claims: failing}) {
		return nil, nil
	}
	grow(&longer.Queues)
	a.realization = longer
	if d, err = a.derive(d); err != nil || len(d.Failing()) > 0 {
		return nil, err
	}
	return d, nil
}

// Drop takes networks out.
func (r *Resident) Drop(names ...string) error {
	gone := map[string]bool{}
	for _, name := range names {
		if _, runs := r.number[name]; !runs {
			return fmt.Errorf("network %q does not run", name)
		}
		gone[name] = true
	}
	next := r.now.without(gone)
	d, err := next.proved(r.d)
	switch {
	case err != nil:
		return err
	case d == nil:
		return fmt.Errorf("without %v some claim does not hold that held with it: this is a fault of this program", names)
	}
	for _, q := range r.now.realization.Queues {
		if gone[q.Network] {
			r.classes.Free([]placement.Queue{q})
		}
	}
	for name := range gone {
		r.x.Release(name)
		delete(r.open, name)
	}
	r.commit(next, d)
	return nil
}

// without is the answer without some networks.
func (a *holding) without(gone map[string]bool) (out holding) {
	out.problem = a.problem
	keep(&out.problem.Networks, a.problem.Networks, func(n *vsn.Network) bool { return !gone[n.Name] })
	keep(&out.problem.Pins, a.problem.Pins, func(s *placement.Seat) bool { return !gone[s.Network] })
	keep(&out.problem.Before, a.problem.Before, func(s *placement.Seat) bool { return !gone[s.Network] })
	keep(&out.embedding.Seats, a.embedding.Seats, func(s *placement.Seat) bool { return !gone[s.Network] })
	keep(&out.embedding.Routes, a.embedding.Routes, func(r *placement.Route) bool { return !gone[r.Network] })
	keep(&out.realization.Reservations, a.realization.Reservations, func(v *placement.Reservation) bool { return !gone[v.Network] })
	keep(&out.realization.Emulators, a.realization.Emulators, func(v *placement.Emulator) bool { return !gone[v.Network] })
	keep(&out.realization.Queues, a.realization.Queues, func(q *placement.Queue) bool { return !gone[q.Network] })
	keep(&out.realization.Tasks, a.realization.Tasks, func(t *placement.TaskSeat) bool { return !gone[t.Network] })
	return out
}

// keep puts those of a list that are to stay into another.
func keep[T any](to *[]T, from []T, stays func(*T) bool) {
	*to = nil
	for i := range from {
		if !stays(&from[i]) {
			*to = slices.Grow(slices.Clone(from[:i]), len(from)-i+len(from)/8+256)
			for k := i; k < len(from); k++ {
				if stays(&from[k]) {
					*to = append(*to, from[k])
				}
			}
			return
		}
	}
	*to = from
}

// amend plans a change as Solve does.
func (r *Resident) amend(ctx context.Context, a Amendment) error {
	r.slow++
	p, standing, err := Amend(r.plan(), a)
	if err != nil {
		return err
	}
	o := r.o
	o.Standing = standing
	plan, err := Solve(ctx, *p, o)
	if err != nil {
		return err
	}
	return r.become(holding{plan.Problem, plan.Embedding, plan.Realization})
}

// Lose does without hosts, switches and cables. What was there goes elsewhere, and all
// else stays; what has moved is returned. Errors are those of Solve.
func (r *Resident) Lose(ctx context.Context, names ...string) ([]Move, error) {
	before := r.plan()
	if len(names) == 1 {
		touched := r.touched(names[0])
		switch done, err := r.lose(names[0], touched); {
		case err != nil:
			return nil, err
		case done:
			return Moves(of(before, touched), of(r.plan(), touched)), nil
		}
	}
	if err := r.amend(ctx, Amendment{Without: names}); err != nil {
		return nil, err
	}
	return Moves(before, r.plan()), nil
}
