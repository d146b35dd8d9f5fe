package proof

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// tunnelMTU is the inner MTU of a link that leaves its host: VXLAN takes 50 bytes.
const tunnelMTU = placement.SegmentMTU - bounds.VXLANHeader

// linkRounds bounds the iteration to a fixed point beyond what a network without
// cycles needs. With cycles bounds may grow for ever, and then there is none.
const linkRounds = 1000

// hop is one cable of a path in one direction.
type hop struct {
	name   string // "c from s"
	tail   string // the sending node
	line   *line
	before int64 // ns that the sending node takes at most, queues apart
	burst  int64 // wire bytes of this link that may come to the line at once
	done   int64 // ns from the sender's port to the far end of the cable, at most
	lost   bool  // done grew without end
}

// line is what waits for the same bits: a cable in one direction, or in both where
// they share its rate, and the links that use it.
type line struct {
	name   string
	cable  *hosts.Cable
	blind  bool // in any order: of classes, or of two senders; else one queue, first come first served
	users  []*hop
	rates  int64           // of the users, bit/s
	sum    int64           // of the users' bursts
	from   map[*line]int64 // of those that come from each line before
	before []*line         // the lines that users come from
}

// path is one direction of a link, from the sender's port to the receiver's tap.
type path struct {
	link     name
	from, to string
	spec     *vsn.Link
	hops     []*hop
	rate     int64 // bit/s that its classes let out; without a rate of its own, that of the class for the rest
	burst    int64 // wire bytes that leave the port at once
	frame    int64 // its largest frame, as its classes count
	arrival  int64 // ns in the receiving host, queues apart
	delay    int64 // ns in all, for what conforms to rate and burst; bounds.Inf: no bound
}

// paths are all links in both directions, with their delays.
type paths struct {
	m     *model
	all   []*path
	by    map[pathKey]*path
	lines []*line // in the order of first use
	at    map[lineKey]*line
}

type pathKey struct {
	link name
	from string
}

type lineKey struct{ cable, tail string }

// newPaths bounds the delay of every link. What a link sends conforms to its token
// bucket when it leaves the sender's port, because the class there makes it so; on the
// way its burst grows by what it may have been delayed. On a cable whose tail is a
// switch all links share one queue, first come first served; where the tail is a host
// each has a class of its own, on a half-duplex cable both ends send, and nothing is
// assumed of the order (bounds.Hop). Each path has three bounds, of which the least is
// taken (bounds.Way).
func newPaths(m *model) *paths {
	ps := &paths{m: m, by: map[pathKey]*path{}, at: map[lineKey]*line{}}
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
		if last := len(p.hops) - 1; last >= 0 {
			p.delay = sum(p.delay, p.hops[last].done)
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
	// HTB lets a class send while it has any tokens at all, so that a frame may exceed
	// the burst (net/sched/sch_htb.c, htb_class_mode).
	p.rate, p.burst = rate, sum(burst, p.frame)
	for i, cable := range cables {
		h := &hop{name: cable + " from " + nodes[i], tail: nodes[i], line: ps.line(cable, nodes[i]), before: ps.within(nodes[i])}
		h.line.users = append(h.line.users, h)
		h.line.rates = sum(h.line.rates, rate)
		if i > 0 {
			h.line.follows(p.hops[i-1].line)
		}
		p.hops = append(p.hops, h)
	}
	ps.all = append(ps.all, p)
	ps.by[pathKey{link, d.from}] = p
}

// line is that of a cable with this tail.
func (ps *paths) line(cable, tail string) *line {
	key := lineKey{cable, tail}
	c := ps.m.cables[cable]
	text := "cable " + cable + " from " + tail
	if c.Half() {
		key.tail, text = "", "cable "+cable // from either end
	}
	l := ps.at[key]
	if l == nil {
		l = &line{name: text, cable: c, blind: c.Half() || ps.m.hosts[tail] != nil, from: map[*line]int64{}}
		ps.at[key] = l
		ps.lines = append(ps.lines, l)
	}
	return l
}

// follows notes that something comes to l from the line before.
func (l *line) follows(before *line) {
	if _, known := l.from[before]; !known {
		l.from[before] = 0
		l.before = append(l.before, before)
	}
}

// within is what a node takes for a frame, queues apart, in ns.
func (ps *paths) within(node string) int64 {
	if h := ps.m.hosts[node]; h != nil {
		return int64(h.Delay)
	}
	return int64(ps.m.switches[node].Delay)
}

// solve iterates bursts and delays to their least fixed point, from below. It is a
// bound, cycles or not: by induction over the frames in the order in which they leave
// lines, since what delays a frame has left the lines before it by then, and if not
// later than the fixed point says, neither is this frame (docs/theory.md, cycle;
// Thomas, Le Boudec and Mifdaoui, RTSS 2019). What does not settle has no bound, nor
// what depends on it.
func (ps *paths) solve() {
	rounds := linkRounds + len(ps.lines)
	for round := 0; ; round++ {
		for _, l := range ps.lines {
			l.sum = 0
			for before := range l.from {
				l.from[before] = 0
			}
		}
		for _, p := range ps.all {
			p.load()
		}
		settled := true
		for _, p := range ps.all {
			settled = p.advance(round > rounds) && settled
		}
		if settled {
			return
		}
	}
}

// load adds the bursts of a path to the lines.
func (p *path) load() {
	for i, h := range p.hops {
		late := h.before
		if i > 0 {
			late = sum(late, p.hops[i-1].done)
		}
		h.burst = sum(p.burst, bounds.BytesIn(late, p.rate))
		h.line.sum = sum(h.line.sum, h.burst)
		if i > 0 {
			from := h.line.from
			from[p.hops[i-1].line] = sum(from[p.hops[i-1].line], h.burst)
		}
	}
}

// advance computes the delays of a path from the bursts; it reports whether nothing
// changed. What changes when it is too late never settles.
func (p *path) advance(late bool) bool {
	settled := true
	way := bounds.Way{Burst: p.burst}
	for i, h := range p.hops {
		way = way.Then(p.hop(i))
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
func (p *path) hop(i int) bounds.Hop {
	h := p.hops[i]
	l := h.line
	out := bounds.Hop{Rate: int64(l.cable.Rate), Own: p.rate, Others: l.rates - p.rate, Burst: h.burst, Cross: less(l.sum, h.burst),
		Frame: p.frame, Fixed: sum(h.before, int64(l.cable.Delay)), Blind: l.blind}
	out.Joins = out.Cross
	if i > 0 {
		out.Joins = less(l.sum, l.from[p.hops[i-1].line])
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

// sum, less and times saturate at bounds.Inf; all values are non-negative, and b is
// part of a in less.
func sum(a, b int64) int64 {
	if a > bounds.Inf-b {
		return bounds.Inf
	}
	return a + b
}

func less(a, b int64) int64 {
	if a == bounds.Inf {
		return bounds.Inf
	}
	return a - b
}

func times(a, b int64) int64 {
	if b != 0 && a > bounds.Inf/b {
		return bounds.Inf
	}
	return a * b
}
