// Package proof derives every inequality that a plan rests on, and checks a plan
// against them. It is given the problem, the embedding and the realization and
// nothing else; it shares no code with placement/embed and placement/realize, so
// that it cannot share their mistakes. Search may use floats, this may not: all is
// integers and rationals.
//
// Prove writes the claims, Check derives them again and compares. Start at Prove;
// docs/theory.md has each rule under its name.
package proof

import (
	"errors"
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
)

// The rules, each a heading of docs/theory.md.
const (
	RuleStructure  = "structure"
	RuleDigest     = "digest"
	RuleRests      = "assumption"
	RuleMemory     = "memory"
	RuleResource   = "resource"
	RuleEDF        = "partitioned-edf"
	RuleGFB        = "gfb"
	RuleApart      = "apart"
	RuleTogether   = "together"
	RuleLabels     = "labels"
	RuleSpread     = "spread"
	RulePinned     = "pinned"
	RuleObjective  = "objective"
	RuleCable      = "cable-rate"
	RuleLink       = "link-delay"
	RuleHops       = "hop-by-hop"
	RuleLinkTandem = "link-tandem"
	RuleLinkPMOO   = "link-pmoo"
	RuleCycle      = "cycle"
	RuleWaiting    = "cable-backlog"
	RuleLoad       = "link-load"
	RuleShaper     = "shaper-delay"
	RuleBacklog    = "shaper-backlog"
	RuleRequest    = "request-stage"
	RuleDevice     = "device-stage"
	RuleEndToEnd   = "end-to-end"
	RuleBusy       = "busy-period"
	RuleJoin       = "join"
	RuleStages     = "sum-of-stages"
	RuleTandem     = "tandem"
	RuleGuestEDF   = "guest-edf"
	RuleGuestFixed = "guest-fixed-priority"
	RuleOdds       = "probabilistic"
	RuleCost       = "cost"
)

// Broken is the first thing about a plan that is not so.
type Broken struct {
	Subject string
	Rule    string
	Says    string
}

func (b *Broken) Error() string { return fmt.Sprintf("%s: %s: %s", b.Subject, b.Rule, b.Says) }

// Prove derives the claims of an answer. The error is a *Broken where the answer is
// no answer to the problem: a VM without a seat, a route that does not join its
// ends. Claims that do not hold are not an error: they are in the proof, and
// Failing finds them.
func Prove(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (placement.Proof, error) {
	return prove(p, e, r, false)
}

// Relaxed derives the same claims as if every reservation had its CPU for itself.
// They prove nothing; but what does not hold here holds with no other choice of CPUs
// either, which is what a search has to know before it says no.
func Relaxed(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (placement.Proof, error) {
	return prove(p, e, r, true)
}

func prove(p *placement.Problem, e *placement.Embedding, r *placement.Realization, relaxed bool) (placement.Proof, error) {
	m, err := newModel(p, e, r)
	if err != nil {
		return placement.Proof{}, err
	}
	m.relaxed = relaxed
	d, err := m.derive()
	if err != nil {
		return placement.Proof{}, err
	}
	return d.proof(), nil
}

// Failing lists the claims that do not hold, in order.
func Failing(p placement.Proof) []placement.Claim {
	var out []placement.Claim
	for _, c := range p.Claims {
		if !c.Holds() {
			out = append(out, c)
		}
	}
	return out
}

// Check derives the proof of a plan again and returns nil, or a *Broken that names
// the first claim which does not hold, differs from what the plan says, or is
// missing there.
func Check(p *placement.Plan) error {
	if p.Version != placement.PlanVersion {
		return &Broken{"plan", RuleStructure, fmt.Sprintf("version %d, want %d", p.Version, placement.PlanVersion)}
	}
	d, err := Derive(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		return err
	}
	if failing := d.Failing(); len(failing) > 0 {
		c := failing[0]
		return &Broken{c.Subject, c.Rule, exceeds(c)}
	}
	if err := compareRows(p.Proof.Claims, d.rows()); err != nil {
		return err
	}
	if err := compareRests(p.Proof.Rests, d.rests()); err != nil {
		return err
	}
	if err := p.Sealed(); err != nil {
		var changed *placement.Changed
		if errors.As(err, &changed) {
			return &Broken{changed.Part, RuleDigest, changed.Says}
		}
		return &Broken{"plan", RuleDigest, err.Error()}
	}
	return nil
}

// exceeds says of a claim that it does not hold, and why there is no bound where there
// is none.
func exceeds(c placement.Claim) string {
	says := fmt.Sprintf("bound %v %s exceeds limit %v %s", c.Bound, c.Unit, c.Limit, c.Unit)
	if c.Why != "" {
		says += ": " + c.Why
	}
	return says
}

// compareRows compares the claims of a plan with those derived, which are not put in one
// list for that.
func compareRows(said []placement.Claim, derived [][]placement.Claim) error {
	from := make([]int, len(derived)+1)
	for i, row := range derived {
		from[i+1] = from[i] + len(row)
	}
	err := eachOrFail(len(derived), func(i int) error {
		for k, d := range derived[i] {
			if at := from[i] + k; at >= len(said) {
				return &Broken{d.Subject, d.Rule, "the claim is missing from the plan"}
			} else if why := differs(&said[at], &d); why != "" {
				return &Broken{d.Subject, d.Rule, why}
			}
		}
		return nil
	})
	if count := from[len(derived)]; err == nil && len(said) > count {
		return &Broken{said[count].Subject, said[count].Rule, "the plan claims what cannot be derived"}
	}
	return err
}

func compareClaims(said, derived []placement.Claim) error {
	return compareRows(said, [][]placement.Claim{derived})
}

func differs(said, derived *placement.Claim) string {
	switch {
	case said.Subject != derived.Subject || said.Rule != derived.Rule || said.Unit != derived.Unit:
		return fmt.Sprintf("the plan has %q by %q in %q in its place", said.Subject, said.Rule, said.Unit)
	case said.By != derived.By || said.Why != derived.Why:
		return fmt.Sprintf("the plan takes it by %q because of %q, derived is by %q because of %q", said.By, said.Why, derived.By, derived.Why)
	case len(said.Terms) != len(derived.Terms):
		return fmt.Sprintf("the plan gives %d terms, derived are %d", len(said.Terms), len(derived.Terms))
	}
	for i, t := range derived.Terms {
		if said.Terms[i].Name != t.Name || said.Terms[i].Value.Cmp(t.Value) != 0 {
			return fmt.Sprintf("the plan says %s = %v, derived is %s = %v", said.Terms[i].Name, said.Terms[i].Value, t.Name, t.Value)
		}
	}
	if said.Bound.Cmp(derived.Bound) != 0 {
		return fmt.Sprintf("the plan says bound %v %s, derived is %v", said.Bound, derived.Unit, derived.Bound)
	}
	if said.Limit.Cmp(derived.Limit) != 0 {
		return fmt.Sprintf("the plan says limit %v %s, derived is %v", said.Limit, derived.Unit, derived.Limit)
	}
	return ""
}

func compareRests(said, derived []placement.Assumption) error {
	for i, d := range derived {
		if i >= len(said) || said[i] != d {
			return &Broken{d.Subject, RuleRests, fmt.Sprintf("the plan does not say, in its place, that it rests on this: %s", d.Says)}
		}
	}
	if len(said) > len(derived) {
		return &Broken{said[len(derived)].Subject, RuleRests, "the plan rests on what the proof does not"}
	}
	return nil
}
