package solve

import (
	"context"
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/explain"
)

const (
	// trialNodes is the part of the nodes that one look at a changed problem may spend.
	trialNodes = 20
	// perObject is what a look costs for each host, VM, link and cable, in decisions.
	perObject = 4
)

// explained adds to a refusal the least set of limits that conflict, and remedies.
// Looking for them may take as much work as a plan may.
func explained(ctx context.Context, p *placement.Problem, o Options, err error) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	var no *placement.Infeasible
	var gaveUp *placement.GaveUp
	o.Trace = nil
	r := explain.Refused{Problem: p, Open: dimension.Open(o.Standing.news(p)), Stays: map[string]bool{}}
	if o.Standing != nil {
		for _, name := range o.Standing.Networks {
			r.Stays[name] = true
		}
	}
	trials := &trials{ctx: ctx, o: o.aside(Remedying), first: o.Nodes, left: o.Nodes}
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &no):
		r.Proved, r.Conflicts = true, no.Conflicts
		r.Needed = len(dimension.Refute(o.Standing.news(p))) > 0
		no.Set, no.Remedies = explain.Refusal(r, trials)
	case errors.As(err, &gaveUp) && gaveUp.Nearest != nil:
		r.Conflicts = []placement.Conflict{*gaveUp.Nearest}
		_, gaveUp.Remedies = explain.Refusal(r, trials)
	}
}

// trials plans problems that are a refused one with changes, for explain.
type trials struct {
	ctx         context.Context
	o           Options
	first, left int64
}

func (t *trials) Left() (left, first int64) { return t.left, t.first }

func (t *trials) Plan(p *placement.Problem, whole bool) explain.Answer {
	size := int64(len(p.Inventory.Hosts) + len(p.Inventory.Cables))
	for i := range p.Networks {
		size += int64(len(p.Networks[i].VMs) + len(p.Networks[i].Links))
	}
	if t.left -= size * perObject; t.left <= 0 || t.ctx.Err() != nil {
		t.left = 0
		return explain.Answer{}
	}
	if valid(p, t.o) != nil {
		return explain.Answer{}
	}
	o, spent := t.o, int64(0)
	if o.spent = &spent; !whole {
		o.Nodes, o.quick = max(1000, o.Nodes/trialNodes), true
	}
	o.Nodes = min(o.Nodes, t.left)
	ordered := *p
	if whole {
		inOrder(&ordered, &o) // as it will be planned
	}
	_, err := answer(t.ctx, &ordered, o, false)
	t.left = max(0, t.left-spent)
	var no *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case err == nil:
		return explain.Answer{Verdict: explain.Yes}
	case errors.As(err, &no):
		return explain.Answer{Verdict: explain.No, Conflicts: no.Conflicts}
	case errors.As(err, &gaveUp) && gaveUp.Nearest != nil:
		return explain.Answer{Conflicts: []placement.Conflict{*gaveUp.Nearest}}
	}
	return explain.Answer{}
}
