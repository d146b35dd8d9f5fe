package study

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/canonical"
	"github.com/vsnctl/vsnctl/placement/construct"
	"github.com/vsnctl/vsnctl/vsn"
)

// Options of a run. The zero Seed is a seed.
type Options struct {
	Seed int64
	// Thrifty refuses requests that could be had over long detours, where more is asked for
	// than there is.
	Thrifty bool
	Effort  Effort
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

// Run decides every request when it comes, and hands each decision on in that order. Names
// and places in the inventory and in requests decide nothing: both are put into canonical
// order before. The error is that of an inventory or of decide, or of the context.
func Run(ctx context.Context, inv *hosts.Inventory, requests []Request, o Options, decide func(which int, d *Decision) error) error {
	sub, err := construct.NewSubstrate(canonical.Inventory(inv))
	if err != nil {
		return err
	}
	x := construct.NewSearch(construct.NewState(sub), o.Seed)
	x.Thrifty = o.Thrifty
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
		ordered := canonical.Network(r.Network)
		q, err := construct.NewRequest(sub, ordered)
		if err != nil {
			return fmt.Errorf("request %s: %w", r.ID, err)
		}
		mean, most := o.Effort.Allow()
		before := x.Nodes()
		tenant, why := x.Admit(q, mean, most)
		o.Effort.Spend(x.Nodes() - before)
		d := &Decision{ID: r.ID, Accepted: tenant != nil, Reason: why}
		if tenant != nil {
			held[e.which] = tenant
			d.Seats, d.Routes, d.Cables, d.CPUs = tenant.Names()
			d.turn(ordered, r.Network)
		}
		if err := decide(e.which, d); err != nil {
			return err
		}
	}
	return nil
}

// turn turns the ways of links whose ends stand in another order in one network than in the
// other, which is the same.
func (d *Decision) turn(from, to *vsn.Network) {
	first := make(map[string]string, len(to.Links))
	for i := range to.Links {
		first[to.Links[i].Name] = to.Links[i].Between[0]
	}
	for i := range from.Links {
		if l := &from.Links[i]; first[l.Name] != l.Between[0] {
			slices.Reverse(d.Routes[l.Name])
			slices.Reverse(d.Cables[l.Name])
		}
	}
}
