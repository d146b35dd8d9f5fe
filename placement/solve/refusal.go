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
	// perPlace and perPart are what a look costs for each host and cable, and for each VM
	// and link, in decisions.
	perPlace, perPart = 4, 16
	// looks is how many there may be at the whole of a large problem.
	looks = 3
)

// price is what a look at a problem costs beside the decisions that are made.
func price(p *placement.Problem) int64 {
	out := int64(len(p.Inventory.Hosts)+len(p.Inventory.Cables)) * perPlace
	for i := range p.Networks {
		out += int64(len(p.Networks[i].VMs)+len(p.Networks[i].Links)) * perPart
	}
	return out
}

// explained adds to a refusal the least set of limits that conflict, and remedies.
// Looking for them may take as much work as a plan may, or as a few looks at the whole,
// where one look is no more than that. Of a larger problem only parts are looked at.
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
	most := o.Nodes
	if whole := price(p); whole <= most {
		most = max(most, looks*whole)
	}
	trials := &trials{ctx: ctx, o: o.aside(Remedying), first: most, left: most}
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &no) && len(no.Conflicts[0].Subjects) == 0:
		// Nothing was short when the search ended: there is nothing to start from.
	case errors.As(err, &no):
		r.Proved, r.Conflicts = true, no.Conflicts
		r.Needed = r.Open && len(dimension.Refute(o.Standing.news(p))) > 0
		if no.Set, no.Remedies = explain.Refusal(r, trials); no.Set != nil && len(no.Set.Limits) == 0 {
			no.Set = nil // what stays as it is conflicts by itself
		}
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

func (t *trials) Affords(p *placement.Problem) bool { return price(p) < t.left }

func (t *trials) Plan(p *placement.Problem, whole bool) explain.Answer {
	if t.ctx.Err() != nil {
		t.left = 0
	}
	if !t.Affords(p) {
		return explain.Answer{}
	}
	t.left -= price(p)
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
	case errors.As(err, &no) && len(no.Conflicts[0].Subjects) == 0:
		return explain.Answer{Verdict: explain.No}
	case errors.As(err, &no):
		return explain.Answer{Verdict: explain.No, Conflicts: no.Conflicts}
	case errors.As(err, &gaveUp) && gaveUp.Nearest != nil:
		return explain.Answer{Conflicts: []placement.Conflict{*gaveUp.Nearest}}
	}
	return explain.Answer{}
}
