package proof

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// portClaims are, for each port that flows use, its load and what may wait there.
func (fs *flows) portClaims() []placement.Claim {
	var out []placement.Claim
	for _, v := range fs.ports {
		out = append(out, v.load(), v.backlogClaim())
	}
	return out
}

// claims are, for each flow, its chain: every stage, joins, then the whole against the
// deadline.
func (fs *flows) claims() []placement.Claim {
	var out []placement.Claim
	for _, f := range fs.all {
		why := ""
		if f.last().done == bounds.Inf {
			why = fs.why(f)
		}
		out = append(out, f.claims(why)...)
	}
	return out
}

// load: the flows of a port, framing included, come no faster than it sends.
func (v *server) load() placement.Claim {
	var terms []placement.Term
	for _, c := range v.clients {
		terms = append(terms, placement.Term{Name: c.flow.name.String(), Value: placement.FromBig(new(big.Rat).Mul(big.NewRat(c.stage.cost, int64(c.flow.spec.Every)), big.NewRat(8e9, 1)))})
	}
	return total(v.name, RuleLoad, "bit/s", terms, placement.Int(v.rate))
}

// backlogClaim: what may wait at a port fits its queue, so that nothing is dropped.
func (v *server) backlogClaim() placement.Claim {
	claim := placement.Claim{Subject: v.name, Rule: RuleBacklog, Unit: "B", Bound: placement.Inf(), Limit: placement.Int(v.limit)}
	for _, c := range v.clients {
		claim.Terms = append(claim.Terms, c.terms()...)
	}
	arrivals, bounded := v.arrivals()
	if !bounded {
		claim.Limit = placement.Inf() // the flow says why, and fails if it has a deadline
	} else if bytes, fits := v.backlog(arrivals); fits {
		claim.Bound = number(bytes)
	}
	return claim
}

func (f *flow) claims(why string) []placement.Claim {
	subject := "flow " + f.name.String()
	var out []placement.Claim
	count := 0
	for v := range f.each() {
		for s := range v.stages() {
			count++
			if s.server != nil {
				out = append(out, placement.Claim{Subject: fmt.Sprintf("%s stage %d: %s", subject, count, s.name), Rule: s.server.rule, Unit: "ns",
					Terms: s.terms(), Bound: number(s.delay), Limit: placement.Inf()})
			}
		}
		if len(v.ways) > 1 {
			out = append(out, v.joinClaim(subject))
		}
	}
	return append(out, f.endToEnd(subject, why)...)
}

// joinClaim says when a message has come to a VM over all of several ways.
func (v *node) joinClaim(subject string) placement.Claim {
	c := placement.Claim{Subject: subject + " at " + v.vm, Rule: RuleJoin, Unit: "ns", Bound: placement.Int(0), Limit: placement.Inf()}
	for _, w := range v.ways {
		comes := number(w.comes)
		c.Terms = append(c.Terms, placement.Term{Name: "by way of " + w.from.vm, Value: comes})
		if comes.Cmp(c.Bound) > 0 {
			c.Bound = comes
		}
	}
	return c
}

// endToEnd is the bound of the flow: the least of the sum of stages and the tandem,
// each of which holds, with the terms of that one.
func (f *flow) endToEnd(subject, why string) []placement.Claim {
	last := f.last()
	stages := placement.Claim{Subject: subject, Rule: RuleStages, Unit: "ns", Bound: number(last.done), Limit: placement.Inf()}
	for _, s := range last.longest() {
		stages.Terms = append(stages.Terms, placement.Term{Name: s.name, Value: number(s.delay)})
	}
	out := []placement.Claim{stages}
	whole := stages
	if terms, bound, ok := f.tandem(); ok {
		out = append(out, placement.Claim{Subject: subject, Rule: RuleTandem, Unit: "ns", Terms: terms, Bound: bound, Limit: placement.Inf()})
		if bound.Cmp(whole.Bound) < 0 {
			whole = out[1]
		}
	}
	whole.By, whole.Rule = whole.Rule, RuleEndToEnd
	if whole.Bound.IsInf() {
		whole.Why = why
	}
	if f.spec.Deadline > 0 {
		whole.Limit = placement.Int(int64(f.spec.Deadline))
	}
	return append(out, whole)
}

// terms are the numbers that a stage's bound comes from: what serves, and what all
// flows ask of it.
func (s *stage) terms() []placement.Term {
	v := s.server
	var out []placement.Term
	add := func(name string, value int64) {
		out = append(out, placement.Term{Name: name, Value: number(value)})
	}
	if v.rule == RuleShaper {
		add("rate bit/s", v.rate)
		add("burst B", v.burst)
	}
	for i := range v.vcpus {
		for _, t := range supplyTerms(v.vcpus[i].Supply) {
			if len(v.vcpus) > 1 {
				t.Name = fmt.Sprintf("vcpu%d %s", i, t.Name)
			}
			out = append(out, t)
		}
	}
	for _, c := range v.clients {
		out = append(out, c.terms()...)
	}
	return append(out, v.worst()...)
}

// terms are what a flow asks of a server, and how it comes there.
func (c client) terms() []placement.Term {
	who := c.flow.name.String()
	out := []placement.Term{{Name: who + " every", Value: placement.Int(int64(c.flow.spec.Every))}, {Name: who + " jitter", Value: number(c.stage.jitter)}}
	if c.flow.spec.Burst > 1 {
		out = append(out, placement.Term{Name: who + " burst", Value: placement.Int(c.flow.spec.Burst)})
	}
	return append(out, placement.Term{Name: who + " asks", Value: placement.Int(c.stage.cost)})
}
