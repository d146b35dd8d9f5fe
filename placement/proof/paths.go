package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// tunnelMTU is the inner MTU of a link that leaves its host: VXLAN takes 50 bytes.
const tunnelMTU = placement.SegmentMTU - bounds.VXLANHeader

// rounds bounds the iteration to a fixed point. A network without cycles of
// dependence needs as many rounds as its longest path has hops; with cycles the
// bounds may grow for ever, and then there is no bound.
const rounds = 100

// hop is one cable of a path in one direction.
type hop struct {
	name  string
	line  *line
	least int64 // ns: propagation, and what the sending node takes, queues apart
	burst int64 // wire bytes of this link that may arrive here at once
	delay int64 // ns, to the far end of the cable
}

// line is what waits for the same bits: a cable in one direction, or in both where
// they share its rate, and the links that use it.
type line struct {
	cable *hosts.Cable
	blind bool // in any order: of classes, or of two senders; else one queue, first come first served
	users []*hop
	sum   int64 // of the users' bursts
	rates int64 // of the users, bit/s
}

// path is one direction of a link, from the sender's port to the receiver's tap.
type path struct {
	link     name
	from, to string
	spec     *vsn.Link
	hops     []*hop
	rate     int64 // bit/s that its classes let out; without a rate of its own, that of the class for the rest
	frame    int64 // its largest frame, as its classes count
	arrival  int64 // ns in the receiving host, queues apart
	delay    int64 // ns in all, for what conforms to rate and burst; bounds.Inf: no bound
}

// paths are all links in both directions, with their delays.
type paths struct {
	m     *model
	all   []*path
	by    map[pathKey]*path
	lines map[lineKey]*line
}

type pathKey struct {
	link name
	from string
}

type lineKey struct{ cable, tail string }

// newPaths bounds the delay of every link. What a link sends conforms to its token
// bucket when it leaves the sender's port, because the class there makes it so; on
// the way its burst grows by what it may be delayed. On a cable whose tail is a
// switch all links share one queue, first come first served: a byte waits for the
// bursts of all (Cruz 1991). Where the tail is a host each has a class of
// its own, and nothing is assumed of the order in which it serves them: the others
// leave a rate of C - sum r (Le Boudec and Thiran 2001, theorem 6.2.1). The same is so
// on a half-duplex cable, where the others are those of both directions. Bursts and delays depend on one another, in rings
// without end: the least fixed point bounds them if it is finite (Thomas, Le Boudec
// and Mifdaoui, "On Cyclic Dependencies and Regulators in Time-Sensitive Networks",
// RTSS 2019).
func newPaths(m *model) *paths {
	ps := &paths{m: m, by: map[pathKey]*path{}, lines: map[lineKey]*line{}}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			for _, d := range directions(&n.Links[j]) {
				ps.add(name{n.Name, n.Links[j].Name}, &n.Links[j], d)
			}
		}
	}
	ps.solve()
	for _, p := range ps.all {
		p.delay = p.arrival
		for _, h := range p.hops {
			p.delay = sum(p.delay, h.delay)
		}
	}
	return ps
}

func (ps *paths) add(link name, spec *vsn.Link, d direction) {
	nodes, cables := ps.m.along(link, d)
	p := &path{link: link, from: d.from, to: d.to, spec: spec, frame: placement.SegmentMTU + bounds.EthernetFrame,
		arrival: int64(ps.m.hosts[nodes[len(nodes)-1]].Delay)}
	if len(cables) > 0 {
		p.frame = tunnelMTU + bounds.EthernetWire + bounds.VXLANHeader
	}
	// A link without a rate shares the class for the rest at its sender's port: more
	// than that class lets out cannot load a cable.
	rate, burst := int64(placement.RestRate), int64(placement.RestBurst)
	if g, shaped := ps.m.rates[link]; shaped {
		rate, burst = g.rate, g.burst
	}
	p.rate = rate
	for i, cable := range cables {
		l := ps.line(cable, nodes[i])
		// HTB lets a class send while it has any tokens at all, so that a frame
		// may exceed the burst (net/sched/sch_htb.c, htb_class_mode).
		h := &hop{name: cable + " from " + nodes[i], line: l, burst: sum(burst, p.frame), least: sum(int64(l.cable.Delay), ps.within(nodes[i]))}
		l.users = append(l.users, h)
		l.rates = sum(l.rates, p.rate)
		p.hops = append(p.hops, h)
	}
	ps.all = append(ps.all, p)
	ps.by[pathKey{link, d.from}] = p
}

func (ps *paths) line(cable, tail string) *line {
	key := lineKey{cable, tail}
	c := ps.m.cables[cable]
	if c.Half() {
		key.tail = "" // either
	}
	l := ps.lines[key]
	if l == nil {
		l = &line{cable: c, blind: c.Half() || ps.m.hosts[tail] != nil}
		ps.lines[key] = l
	}
	return l
}

// within is what a node takes for a frame, queues apart, in ns.
func (ps *paths) within(node string) int64 {
	if h := ps.m.hosts[node]; h != nil {
		return int64(h.Delay)
	}
	return int64(ps.m.switches[node].Delay)
}

// solve iterates bursts and delays to their least fixed point, from below; what
// does not settle has no bound.
func (ps *paths) solve() {
	for range rounds {
		for _, l := range ps.lines {
			l.sum = 0
			for _, u := range l.users {
				l.sum = sum(l.sum, u.burst)
			}
		}
		settled := true
		for _, p := range ps.all {
			settled = p.advance() && settled
		}
		if settled {
			return
		}
	}
	for _, p := range ps.all {
		for _, h := range p.hops {
			h.delay = bounds.Inf
		}
	}
}

// advance computes the delays of a path from the bursts, and the bursts from the
// delays; it reports whether nothing changed.
func (p *path) advance() bool {
	settled := true
	for i, h := range p.hops {
		if d := h.bound(p.frame, p.rate); d != h.delay {
			h.delay, settled = d, false
		}
		if i+1 == len(p.hops) {
			continue
		}
		next := sum(h.burst, bounds.BytesIn(h.delay, p.rate))
		if p.hops[i+1].burst != next {
			p.hops[i+1].burst, settled = next, false
		}
	}
	return settled
}

// bound is the delay of a hop to a link of that rate: all bursts once, and a frame
// that had begun, at the line's rate or at what the others leave of it.
func (h *hop) bound(frame, rate int64) int64 {
	bytes, left := sum(h.line.sum, frame), int64(h.line.cable.Rate)
	switch {
	case h.line.rates > left:
		return bounds.Inf // what comes faster than it goes waits without end
	case h.line.blind:
		left -= h.line.rates - rate
	}
	return sum(bounds.SendTime(bytes, left), h.least)
}

// claims are the delays of all links, one for each direction.
func (ps *paths) claims() []placement.Claim {
	var out []placement.Claim
	for _, p := range ps.all {
		c := placement.Claim{Subject: fmt.Sprintf("link %v %s>%s", p.link, p.from, p.to), Rule: RuleLink, Unit: "ns", Bound: number(p.delay), Limit: placement.Inf()}
		for _, h := range p.hops {
			c.Terms = append(c.Terms, placement.Term{Name: h.name, Value: number(h.delay)})
		}
		c.Terms = append(c.Terms, placement.Term{Name: "host of " + p.to, Value: placement.Int(p.arrival)})
		if p.spec.Delay > 0 {
			c.Limit = placement.Int(int64(p.spec.Delay))
		}
		out = append(out, c)
	}
	return out
}

// number is a saturating int64 as a number of the proof.
func number(v int64) placement.Rat {
	if v == bounds.Inf {
		return placement.Inf()
	}
	return placement.Int(v)
}

// sum and times saturate at bounds.Inf; all values are non-negative.
func sum(a, b int64) int64 {
	if a > bounds.Inf-b {
		return bounds.Inf
	}
	return a + b
}

func times(a, b int64) int64 {
	if b != 0 && a > bounds.Inf/b {
		return bounds.Inf
	}
	return a * b
}
