package proof

import (
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// reline takes the fresh paths onto their lines and the former ones off, and settles
// anew what that moves, line by line in the order of their ranks: only where what comes
// to a line has changed do delays behind it have to be looked at. False where some path
// has no bound, or lines have no order any more.
func (c *change) reline() bool {
	old := c.old.paths
	ps := &paths{m: c.model, lines: slices.Clone(old.lines), ranks: slices.Clone(old.ranks)}
	c.paths = ps
	come := map[int32][]user{}
	var fresh []*path
	c.both(func(slot int32, p *part, now bool) {
		for k, path := range p.paths {
			for i := range path.hops {
				at := path.hops[i].at
				c.lines[at] = true
				if now {
					come[at] = append(come[at], user{slot, int32(k), int32(i)})
				}
			}
			if now {
				fresh = append(fresh, path)
				c.move(slot, int32(k))
			}
		}
	})
	for at := range c.lines {
		c.relay(at, come[at])
	}
	if !c.rerank(fresh) {
		return false
	}
	c.sweep()
	for slot, paths := range c.moved {
		for k := range paths {
			p := ps.m.parts[slot].paths[k]
			if p.arrive(); p.delay == bounds.Inf {
				return false
			}
		}
	}
	return true
}

// relay gives a line its users.
func (c *change) relay(at int32, come []user) {
	ps := c.paths
	var l *line
	if was := ps.lines[at]; was != nil {
		l = ps.newLine(&end{at: at, cable: was.cable})
		l.blind = was.blind
		for _, u := range was.users {
			if !c.fresh[u.slot] {
				l.users = append(l.users, u)
			}
		}
	} else if len(come) > 0 {
		u := come[0]
		l = ps.newLine(ps.of(u).hops[u.hop].end)
	}
	l.users = append(l.users, come...)
	for _, u := range l.users {
		l.rates = sum(l.rates, ps.of(u).rate)
	}
	if ps.lines[at] = l; len(l.users) == 0 {
		ps.lines[at] = nil
	}
}

// rerank finds an order with the fresh paths. Lines that only they use take any rank;
// where another has to be raised all are looked at.
func (c *change) rerank(fresh []*path) bool {
	ps := c.paths
	was := slices.Clone(ps.ranks)
	if !ps.rank(fresh) {
		return false
	}
	for at := range c.lines {
		if l := ps.lines[at]; l != nil && ps.ranks[at] != was[at] && slices.ContainsFunc(l.users, func(u user) bool { return !c.fresh[u.slot] }) {
			return ps.rank(ps.all())
		}
	}
	return true
}

// move notes that a path has other numbers.
func (c *change) move(slot, path int32) {
	if c.moved[slot] == nil {
		c.moved[slot] = map[int32]bool{}
	}
	c.moved[slot][path] = true
}

// own is the path of a user, to be written to.
func (c *change) own(u user) *path {
	if !c.moved[u.slot][u.path] {
		if len(c.moved[u.slot]) == 0 {
			p := *c.parts[u.slot]
			p.paths = slices.Clone(p.paths)
			c.parts[u.slot] = &p
		}
		c.move(u.slot, u.path)
		p := *c.parts[u.slot].paths[u.path]
		p.hops = slices.Clone(p.hops)
		c.parts[u.slot].paths[u.path] = &p
	}
	return c.paths.of(u)
}

// sweep settles lines from the lowest rank, beginning with those that fresh paths use or
// used.
func (c *change) sweep() {
	var queue [][]int32 // by rank
	waits := map[int32]bool{}
	wait := func(at int32) {
		if waits[at] || c.paths.lines[at] == nil {
			return
		}
		waits[at] = true
		rank := int(c.paths.ranks[at])
		for len(queue) <= rank {
			queue = append(queue, nil)
		}
		queue[rank] = append(queue[rank], at)
	}
	for _, at := range slices.Sorted(maps.Keys(c.lines)) {
		wait(at)
	}
	for rank := 0; rank < len(queue); rank++ {
		for _, at := range queue[rank] {
			delete(waits, at)
			c.settle(at, waits, wait)
		}
	}
}

// settle adds up what comes to a line, and follows the paths over it for which that has
// changed anything: to their ends, or to a line that is still to be settled.
func (c *change) settle(at int32, waits map[int32]bool, wait func(int32)) {
	ps := c.paths
	l, was := ps.lines[at], c.old.paths.lines[at]
	if l == was {
		l = ps.newLine(&end{at: at, cable: was.cable})
		l.blind, l.users, l.rates = was.blind, was.users, was.rates
		ps.lines[at] = l
	}
	c.settled[at] = true
	later := make([]bool, len(l.users))
	for i, u := range l.users {
		p := ps.of(u)
		burst := p.comes(int(u.hop))
		if burst != p.hops[u.hop].burst {
			p, later[i] = c.own(u), true
			p.hops[u.hop].burst = burst
		}
		l.sum = sum(l.sum, burst)
		if u.hop > 0 {
			l.flowsIn(p.hops[u.hop-1].at, burst)
		}
	}
	changed := was == nil || !l.like(was)
	for i, u := range l.users {
		if changed || later[i] || c.moved[u.slot][u.path] {
			c.follow(u, waits, wait)
		}
	}
}

// like reports whether the same comes to two lines, whoever sends it.
func (l *line) like(was *line) bool {
	return l.rates == was.rates && l.sum == was.sum && len(l.from) == len(was.from) &&
		!slices.ContainsFunc(l.from, func(f inflow) bool { return was.inflow(f.line) != f.sum })
}

// follow bounds the delays of a path anew from a hop on.
func (c *change) follow(u user, waits map[int32]bool, wait func(int32)) {
	p := c.own(u)
	for k := int(u.hop); k < len(p.hops); k++ {
		h := &p.hops[k]
		if k > int(u.hop) {
			if !waits[h.at] && p.comes(k) != h.burst {
				wait(h.at)
			}
			if waits[h.at] {
				return
			}
		}
		h.done = c.paths.until(p, k)
	}
}
