package study

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/construct"
)

// Options of a run. The zero Seed is a seed.
type Options struct {
	Seed int64
	// Selective refuses requests that could be had, where what they would take is worth
	// more to those that are expected.
	Selective bool
	Effort    Effort
}

// event is the coming or the going of a request.
type event struct {
	at    float64
	goes  bool
	which int
}

// events orders them: by time, at the same time those that come before those that go,
// then as in the trace.
func events(requests []Request) []event {
	out := make([]event, 0, 2*len(requests))
	for i := range requests {
		out = append(out, event{requests[i].At, false, i}, event{requests[i].At + requests[i].For, true, i})
	}
	slices.SortStableFunc(out, func(a, b event) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.goes != b.goes && b.goes:
			return -1
		case a.goes != b.goes:
			return 1
		}
		return cmp.Compare(a.which, b.which)
	})
	return out
}

// Run decides every request when it comes, and hands each decision on in that order.
// The error is that of an inventory or of decide, or of the context.
func Run(ctx context.Context, inv *hosts.Inventory, requests []Request, o Options, decide func(which int, d *Decision) error) error {
	sub, err := construct.NewSubstrate(inv)
	if err != nil {
		return err
	}
	x := construct.NewSearch(construct.NewState(sub), o.Seed)
	x.Selective = o.Selective
	held := map[int]*construct.Tenant{}
	for _, e := range events(requests) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := &requests[e.which]
		if e.goes {
			if t := held[e.which]; t != nil {
				x.Release(t)
				delete(held, e.which)
			}
			continue
		}
		q, err := construct.NewRequest(sub, r.Network)
		if err != nil {
			return fmt.Errorf("request %s: %w", r.ID, err)
		}
		mean, most := o.Effort.Allow()
		before := x.Nodes()
		tenant, why := x.Admit(q, e.at, r.For, mean, most)
		o.Effort.Spend(x.Nodes() - before)
		d := &Decision{ID: r.ID, Accepted: tenant != nil, Reason: why}
		if tenant != nil {
			held[e.which] = tenant
			d.Seats, d.Routes, d.Cables, d.CPUs = tenant.Names()
		}
		if err := decide(e.which, d); err != nil {
			return err
		}
	}
	return nil
}
