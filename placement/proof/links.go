package proof

import (
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// claims are the delays of a path, where several cables follow one another with the
// three bounds of which it is the least; and what may wait at the hosts' ends of cables.
func (ps *paths) claims(p *path) []placement.Claim {
	subject := "link " + p.link.String() + " " + p.from + ">" + p.to
	arrival := placement.Term{Name: "host of " + p.to, Value: placement.Int(p.arrival)}
	claim := func(rule string, terms []placement.Term) placement.Claim {
		c := placement.Claim{Subject: subject, Rule: rule, Unit: "ns", Limit: placement.Inf(), Terms: append(terms, arrival), Bound: placement.Int(0)}
		for _, t := range c.Terms {
			c.Bound = c.Bound.Add(t.Value)
		}
		return c
	}
	out := make([]placement.Claim, 0, 6)
	out = append(out, claim(RuleHops, ps.hopTerms(p)))
	if len(p.hops) > 1 {
		out = append(out, claim(RuleLinkTandem, ps.tandemTerms(p)), claim(RuleLinkPMOO, ps.pmooTerms(p)))
	}
	taken := out[0]
	for _, c := range out[1:] {
		if c.Bound.Cmp(taken.Bound) < 0 {
			taken = c
		}
	}
	// What grows without end has no bound, whatever it had grown to.
	taken.By, taken.Rule, taken.Bound, taken.Why = taken.Rule, RuleLink, number(p.delay), ps.why(p)
	if p.spec.Delay > 0 {
		taken.Limit = placement.Int(int64(p.spec.Delay))
	}
	if len(out) == 1 {
		out = out[:0]
	}
	return slices.Clip(append(append(out, taken), ps.classClaims(p)...))
}

func (ps *paths) hopTerms(p *path) []placement.Term {
	out := make([]placement.Term, 0, len(p.hops)+1)
	for i := range p.hops {
		out = append(out, placement.Term{Name: p.hops[i].name, Value: number(ps.hop(p, i).Delay())})
	}
	return out
}

// tandemTerms are the latencies of the hops, a frame at each but the slowest, and there
// the link's own burst.
func (ps *paths) tandemTerms(p *path) []placement.Term {
	out := make([]placement.Term, 0, 2*len(p.hops)+1)
	way, slowest := ps.way(p)
	for i := range p.hops {
		b := ps.hop(p, i)
		out = append(out, placement.Term{Name: p.hops[i].latency, Value: number(b.Latency())})
		if i != slowest {
			out = append(out, placement.Term{Name: p.hops[i].frame, Value: number(b.FrameTime())})
		}
	}
	return append(out, placement.Term{Name: p.hops[slowest].own, Value: number(way.OwnTime())})
}

func (ps *paths) pmooTerms(p *path) []placement.Term {
	out := make([]placement.Term, 0, len(p.hops)+3)
	way, slowest := ps.way(p)
	for i := range p.hops {
		out = append(out, placement.Term{Name: p.hops[i].latency, Value: number(ps.hop(p, i).Idle())})
	}
	return append(out, placement.Term{Name: p.hops[slowest].others, Value: number(way.CrossTime())},
		placement.Term{Name: p.hops[slowest].own, Value: number(way.OwnTime())})
}

// way is the whole path, and its hop that leaves the least rate, the first of those.
func (ps *paths) way(p *path) (way bounds.Way, slowest int) {
	way = bounds.Way{Burst: p.burst}
	least := int64(bounds.Inf)
	for i := range p.hops {
		h := ps.hop(p, i)
		way = way.Then(h)
		if left := h.Left(); left < least {
			slowest, least = i, left
		}
	}
	return way, slowest
}
