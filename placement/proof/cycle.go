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

func (ps *paths) before(l *line) []*line { return l.before }

// cycles are cycles of lines such that every line which is on one is behind a line of
// those found; none where the routes feed forward.
func (ps *paths) cycles() (out [][]*line) {
	done := map[*line]bool{}
	for _, l := range ps.lines {
		if c := bounds.Cycle(l, ps.before, func(*line) bool { return true }, done); c != nil {
			out = append(out, firstAlong(c, ps.lines))
		}
	}
	return out
}

func lineNames(cycle []*line) []string {
	names := make([]string, len(cycle))
	for i, l := range cycle {
		names[i] = l.name
	}
	return names
}

// cycleClaim says how long a byte may take once round a cycle: there is a number
// where bursts and delays settle, though each depends on itself.
func (ps *paths) cycleClaim(cycle []*line) placement.Claim {
	names := lineNames(cycle)
	c := placement.Claim{Subject: "cycle " + inOrder(names), Rule: RuleCycle, Unit: "ns", Bound: placement.Int(0), Limit: placement.Inf()}
	for i, l := range cycle {
		t := placement.Term{Name: names[i], Value: number(ps.through(l))}
		c.Terms = append(c.Terms, t)
		c.Bound = c.Bound.Add(t.Value)
	}
	return c
}

// through is the longest delay on a line of any link over it, ns.
func (ps *paths) through(l *line) int64 {
	most := int64(0)
	for _, p := range ps.all {
		for i, h := range p.hops {
			switch {
			case h.line != l:
			case h.lost:
				return bounds.Inf
			default:
				most = max(most, p.hop(i).Delay())
			}
		}
	}
	return most
}

// why says for what reason a path has no bound; "" where it has one.
func (ps *paths) why(p *path) string {
	if p.delay < bounds.Inf {
		return ""
	}
	lines := make([]*line, len(p.hops))
	for i, h := range p.hops {
		lines[i] = h.line
	}
	unbounded := map[*line]bool{}
	for _, q := range ps.all {
		for _, h := range q.hops {
			unbounded[h.line] = unbounded[h.line] || h.done == bounds.Inf
		}
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
			return fmt.Sprintf("its links and what has no rate send %d bit/s over %s of %v", l.rates, l.name, l.cable.Rate)
		}
		queue = append(queue, l.before...)
	}
	done := map[*line]bool{}
	for _, l := range lines {
		if c := bounds.Cycle(l, ps.before, func(l *line) bool { return unbounded[l] }, done); c != nil {
			return settlesNot(inOrder(lineNames(firstAlong(c, ps.lines))))
		}
	}
	return "its numbers are beyond the range"
}

func settlesNot(cycle string) string {
	return "delays on the cycle " + cycle + " depend on themselves and do not settle"
}
