package proof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// A cycle is elements of which each sends to the next, and the last to the first: what
// waits at one depends on what waited there before.

// inOrder writes a cycle from its first element round to it.
func inOrder(names []string) string {
	return strings.Join(append(slices.Clone(names), names[0]), " -> ")
}

// firstAlong turns a cycle so that it starts with the element that is first in the
// order of all.
func firstAlong[E comparable](cycle, all []E) []E {
	for _, e := range all {
		if at := slices.Index(cycle, e); at >= 0 {
			return append(slices.Clone(cycle[at:]), cycle[:at]...)
		}
	}
	return cycle
}

// cycles are cycles of lines such that every line which is on one is behind a line of
// those found; none where the routes feed forward.
func (ps *paths) cycles() (out [][]*line) {
	if !ps.ring {
		return nil
	}
	done := map[*line]bool{}
	all := ps.firstUse()
	for _, l := range all {
		if c := bounds.Cycle(l, ps.before, func(*line) bool { return true }, done); c != nil {
			out = append(out, firstAlong(c, all))
		}
	}
	return out
}

func (ps *paths) names(cycle []*line) []string {
	names := make([]string, len(cycle))
	for i, l := range cycle {
		names[i] = ps.name(l)
	}
	return names
}

// cycleClaims say how long a byte may take once round each cycle: there is a number
// where bursts and delays settle, though each depends on itself.
func (ps *paths) cycleClaims() (out []placement.Claim) {
	for _, cycle := range ps.cycles() {
		names := ps.names(cycle)
		c := placement.Claim{Subject: "cycle " + inOrder(names), Rule: RuleCycle, Unit: "ns", Bound: placement.Int(0), Limit: placement.Inf()}
		for i, l := range cycle {
			t := placement.Term{Name: names[i], Value: number(ps.through(l))}
			c.Terms = append(c.Terms, t)
			c.Bound = c.Bound.Add(t.Value)
		}
		out = append(out, c)
	}
	return out
}

// through is the longest delay on a line of any link over it, ns.
func (ps *paths) through(l *line) int64 {
	most := int64(0)
	for _, u := range l.users {
		p := ps.of(u)
		if p.hops[u.hop].lost {
			return bounds.Inf
		}
		most = max(most, ps.hop(p, int(u.hop)).Delay())
	}
	return most
}

// why says for what reason a path has no bound; "" where it has one.
func (ps *paths) why(p *path) string {
	if p.delay < bounds.Inf {
		return ""
	}
	lines := make([]*line, len(p.hops))
	for i := range p.hops {
		lines[i] = ps.lines[p.hops[i].at]
	}
	// A line that does not carry its links comes before any cycle.
	known := map[*line]bool{}
	for queue := slices.Clone(lines); len(queue) > 0; queue = queue[1:] {
		l := queue[0]
		if known[l] {
			continue
		}
		known[l] = true
		if l.rates > int64(l.cable.Rate) {
			return fmt.Sprintf("its links and what has no rate send %d bit/s over %s of %v", l.rates, ps.name(l), l.cable.Rate)
		}
		queue = append(queue, ps.before(l)...)
	}
	done := map[*line]bool{}
	for _, l := range lines {
		if c := bounds.Cycle(l, ps.before, ps.unbounded, done); c != nil {
			return settlesNot(inOrder(ps.names(firstAlong(c, ps.firstUse()))))
		}
	}
	return "its numbers are beyond the range"
}

// unbounded reports whether something on a line has no bound.
func (ps *paths) unbounded(l *line) bool {
	for _, u := range l.users {
		if ps.of(u).hops[u.hop].done == bounds.Inf {
			return true
		}
	}
	return false
}

func settlesNot(cycle string) string {
	return "delays on the cycle " + cycle + " depend on themselves and do not settle"
}
