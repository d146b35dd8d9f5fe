package proof

import (
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// rankRounds bounds the search for an order of the lines: more than there are cables on
// any way through a data centre. Where it finds none, solve needs none.
const rankRounds = 100

// rank raises the ranks of lines until each hop's is above that of the hop before; false
// where that does not come to an end.
func (ps *paths) rank(all []*path) bool {
	for range rankRounds {
		settled := true
		for _, p := range all {
			for i := 1; i < len(p.hops); i++ {
				if least := ps.ranks[p.hops[i-1].at] + 1; ps.ranks[p.hops[i].at] < least {
					ps.ranks[p.hops[i].at], settled = least, false
				}
			}
		}
		if settled {
			return true
		}
	}
	return false
}

// sweep settles all lines, rank by rank: what comes to a line is known by then.
func (ps *paths) sweep() {
	var ranked [][]*line
	for id, l := range ps.lines {
		if l == nil {
			continue
		}
		for len(ranked) <= int(ps.ranks[id]) {
			ranked = append(ranked, nil)
		}
		ranked[ps.ranks[id]] = append(ranked[ps.ranks[id]], l)
	}
	for _, lines := range ranked {
		each(len(lines), func(i int) {
			l := lines[i]
			ps.gather(l)
			for _, u := range l.users {
				p := ps.of(u)
				p.hops[u.hop].done = ps.until(p, int(u.hop))
			}
		})
	}
}

// gather adds up what comes to a line, from the delays before it.
func (ps *paths) gather(l *line) {
	l.sum, l.from = 0, l.from[:0]
	for _, u := range l.users {
		p := ps.of(u)
		h := &p.hops[u.hop]
		h.burst = p.comes(int(u.hop))
		l.sum = sum(l.sum, h.burst)
		if u.hop > 0 {
			l.flowsIn(p.hops[u.hop-1].at, h.burst)
		}
	}
}

// comes is the burst of a path when it comes to its i-th hop.
func (p *path) comes(i int) int64 {
	late := p.hops[i].before
	if i > 0 {
		late = sum(late, p.hops[i-1].done)
	}
	return sum(p.burst, bounds.BytesIn(late, p.rate))
}

func (l *line) flowsIn(from int32, burst int64) {
	for i := range l.from {
		if l.from[i].line == from {
			l.from[i].sum = sum(l.from[i].sum, burst)
			return
		}
	}
	l.from = append(l.from, inflow{from, burst})
}

// inflow is what comes from a line before.
func (l *line) inflow(from int32) int64 {
	for i := range l.from {
		if l.from[i].line == from {
			return l.from[i].sum
		}
	}
	return 0
}

// until bounds the delay of a path from its port to the far end of its i-th cable.
func (ps *paths) until(p *path, i int) int64 {
	way := bounds.Way{Burst: p.burst}
	for k := range p.hops[:i+1] {
		way = way.Then(ps.hop(p, k))
	}
	return way.Least()
}

// solve iterates bursts and delays to their least fixed point, from below. It is a
// bound, cycles or not: by induction over the frames in the order in which they leave
// lines, since what delays a frame has left the lines before it by then, and if not
// later than the fixed point says, neither is this frame (docs/theory.md, cycle;
// Thomas, Le Boudec and Mifdaoui, RTSS 2019). What does not settle has no bound, nor
// what depends on it. Where lines have an order, sweep comes to the same numbers.
func (ps *paths) solve() {
	var lines []*line
	for _, l := range ps.lines {
		if l != nil {
			lines = append(lines, l)
		}
	}
	all := ps.all()
	for _, p := range all {
		for i := range p.hops {
			p.hops[i].done, p.hops[i].lost = 0, false
		}
	}
	rounds := linkRounds + len(lines)
	for round := 0; ; round++ {
		each(len(lines), func(i int) { ps.gather(lines[i]) })
		settled := true
		for _, p := range all {
			settled = ps.advance(p, round > rounds) && settled
		}
		if settled {
			return
		}
	}
}

// advance computes the delays of a path from the bursts; it reports whether nothing
// changed. What changes when it is too late never settles.
func (ps *paths) advance(p *path, late bool) bool {
	settled := true
	way := bounds.Way{Burst: p.burst}
	for i := range p.hops {
		h := &p.hops[i]
		way = way.Then(ps.hop(p, i))
		done := way.Least()
		if h.lost {
			done = bounds.Inf
		}
		if done != h.done {
			h.done, settled = done, false
			h.lost = late
		}
	}
	return settled
}

// hop is what the i-th hop of a path is to it.
func (ps *paths) hop(p *path, i int) bounds.Hop {
	h := &p.hops[i]
	l := ps.lines[h.at]
	out := bounds.Hop{Rate: int64(l.cable.Rate), Own: p.rate, Others: l.rates - p.rate, Burst: h.burst, Cross: less(l.sum, h.burst),
		Frame: p.frame, Fixed: sum(h.before, int64(l.cable.Delay)), Blind: l.blind}
	out.Joins = out.Cross
	if i > 0 {
		out.Joins = less(l.sum, l.inflow(p.hops[i-1].at))
	}
	return out
}

// classes wants the numbers of classes at a host's end of a cable to differ.
func (ps *paths) classes(l *line) error {
	if !l.blind {
		return nil
	}
	type number struct {
		host  string
		class int
	}
	seen := make(map[number]bool, len(l.users))
	for _, u := range l.users {
		q := ps.of(u).hops[u.hop].class
		if q == nil {
			continue
		}
		key := number{q.Host, q.Class}
		if seen[key] {
			return classTwice(queueAt{name{q.Network, q.Link}, q.From, q.To, q.Host, q.At}, q.Class)
		}
		seen[key] = true
	}
	return nil
}

// firstUse is the lines in the order in which the paths come to them.
func (ps *paths) firstUse() []*line {
	seen := make([]bool, len(ps.lines))
	var out []*line
	ps.m.networks(func(p *part) {
		for _, path := range p.paths {
			for i := range path.hops {
				if at := path.hops[i].at; !seen[at] {
					seen[at] = true
					out = append(out, ps.lines[at])
				}
			}
		}
	})
	return slices.Clip(out)
}
