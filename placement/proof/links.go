package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// claims are the delays of all links, one for each direction, where several cables
// follow one another with the three bounds of which it is the least; and the cycles of
// cables; and what may wait before each cable.
func (ps *paths) claims() []placement.Claim {
	cycles := ps.cycles()
	var out []placement.Claim
	for _, c := range cycles {
		out = append(out, ps.cycleClaim(c))
	}
	for _, p := range ps.all {
		out = append(out, p.claims(ps.why(p))...)
		out = append(out, ps.classClaims(p)...)
	}
	return append(out, ps.switchClaims()...)
}

func (p *path) claims(why string) []placement.Claim {
	claim := func(rule string, terms []placement.Term) placement.Claim {
		c := placement.Claim{Subject: fmt.Sprintf("link %v %s>%s", p.link, p.from, p.to), Rule: rule, Unit: "ns", Limit: placement.Inf()}
		c.Terms = append(terms, placement.Term{Name: "host of " + p.to, Value: placement.Int(p.arrival)})
		c.Bound = placement.Int(0)
		for _, t := range c.Terms {
			c.Bound = c.Bound.Add(t.Value)
		}
		return c
	}
	all := []placement.Claim{claim(RuleHops, p.hopTerms())}
	if len(p.hops) > 1 {
		all = append(all, claim(RuleLinkTandem, p.tandemTerms()), claim(RuleLinkPMOO, p.pmooTerms()))
	}
	taken := all[0]
	for _, c := range all[1:] {
		if c.Bound.Cmp(taken.Bound) < 0 {
			taken = c
		}
	}
	// What grows without end has no bound, whatever it had grown to.
	taken.By, taken.Rule, taken.Bound, taken.Why = taken.Rule, RuleLink, number(p.delay), why
	if p.spec.Delay > 0 {
		taken.Limit = placement.Int(int64(p.spec.Delay))
	}
	if len(all) == 1 {
		all = nil
	}
	return append(all, taken)
}

func (p *path) hopTerms() (out []placement.Term) {
	for i, h := range p.hops {
		out = append(out, placement.Term{Name: h.name, Value: number(p.hop(i).Delay())})
	}
	return out
}

// tandemTerms are the latencies of the hops, a frame at each but the slowest, and there
// the link's own burst.
func (p *path) tandemTerms() (out []placement.Term) {
	way, slowest := p.way()
	for i, h := range p.hops {
		b := p.hop(i)
		out = append(out, placement.Term{Name: "latency, " + h.name, Value: number(b.Latency())})
		if i != slowest {
			out = append(out, placement.Term{Name: "a frame, " + h.name, Value: number(b.FrameTime())})
		}
	}
	return append(out, placement.Term{Name: "own burst, at " + p.hops[slowest].name, Value: number(way.OwnTime())})
}

func (p *path) pmooTerms() (out []placement.Term) {
	way, slowest := p.way()
	for i, h := range p.hops {
		out = append(out, placement.Term{Name: "latency, " + h.name, Value: number(p.hop(i).Idle())})
	}
	at := ", at " + p.hops[slowest].name
	return append(out, placement.Term{Name: "bursts of others, once each" + at, Value: number(way.CrossTime())},
		placement.Term{Name: "own burst" + at, Value: number(way.OwnTime())})
}

// way is the whole path, and its hop that leaves the least rate, the first of those.
func (p *path) way() (way bounds.Way, slowest int) {
	way = bounds.Way{Burst: p.burst}
	for i := range p.hops {
		way = way.Then(p.hop(i))
		if p.hop(i).Left() < p.hop(slowest).Left() {
			slowest = i
		}
	}
	return way, slowest
}
