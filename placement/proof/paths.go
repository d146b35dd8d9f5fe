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
	*end
	class *placement.Queue // at the end of the cable; nil: none there
	burst int64            // wire bytes of this link that may come to the line at once
	done  int64            // ns from the sender's port to the far end of the cable, at most
	lost  bool             // done grew without end
}

// line is what waits for the same bits: a cable in one direction, or in both where
// they share its rate, and the links that use it.
type line struct {
	id      int32
	cable   *hosts.Cable
	blind   bool // in any order: of classes, or of two senders; else one queue, first come first served
	users   []user
	rates   int64      // of the users, bit/s
	sum     int64      // of the users' bursts
	from    []inflow   // of those that come from each line before, in the order of the users
	buffers [2]*buffer // of the ends that switches send on, by their place among Between
}

// user is a hop of a path: which hop, and the path by the slot of its network.
type user struct{ slot, path, hop int32 }

// inflow is what comes to a line from the line before.
type inflow struct {
	line int32
	sum  int64 // of the bursts
}

// path is one direction of a link, from the sender's port to the receiver's tap.
type path struct {
	link     name
	from, to string
	spec     *vsn.Link
	home     string           // the sender's host
	port     *placement.Queue // the class at the sender's port; nil: none
	hops     []hop
	rate     int64 // bit/s that its classes let out; without a rate of its own, that of the class for the rest
	burst    int64 // wire bytes that leave the port at once
	frame    int64 // its largest frame, as its classes count
	arrival  int64 // ns in the receiving host, queues apart
	delay    int64 // ns in all, for what conforms to rate and burst; bounds.Inf: no bound
}

// paths are all links in both directions, with their delays.
type paths struct {
	m     *model
	lines []*line // by the number of the line; nil: nothing uses it
	ranks []int32 // of the lines: each comes after those before it
	ring  bool    // no such ranks were found: there are cycles
	open  bool    // some path has no bound
}

// newPaths bounds the delay of every link. What a link sends conforms to its token
// bucket when it leaves the sender's port, because the class there makes it so; on the
// way its burst grows by what it may have been delayed. On a cable whose tail is a
// switch all links share one queue, first come first served; where the tail is a host
// each has a class of its own, on a half-duplex cable both ends send, and nothing is
// assumed of the order (bounds.Hop). Each path has three bounds, of which the least is
// taken (bounds.Way).
func newPaths(m *model) *paths {
	ps := &paths{m: m, lines: make([]*line, 2*len(m.inventory.Cables)), ranks: make([]int32, 2*len(m.inventory.Cables))}
	ps.use()
	ps.ring = !ps.rank(ps.all())
	if ps.ring {
		ps.solve()
	} else {
		ps.sweep()
	}
	each(len(m.order), func(i int) {
		for _, p := range m.parts[m.order[i]].paths {
			p.arrive()
		}
	})
	for _, p := range ps.all() {
		ps.open = ps.open || p.delay == bounds.Inf
	}
	return ps
}

// arrive adds what the receiving host takes.
func (p *path) arrive() {
	p.delay = p.arrival
	if last := len(p.hops) - 1; last >= 0 {
		p.delay = sum(p.delay, p.hops[last].done)
	}
}

// all are the paths in the order of the problem.
func (ps *paths) all() []*path {
	var out []*path
	ps.m.networks(func(p *part) { out = append(out, p.paths...) })
	return out
}

// of is the path of a user.
func (ps *paths) of(u user) *path { return ps.m.parts[u.slot].paths[u.path] }

// use notes which paths use which lines, in the order of the problem.
func (ps *paths) use() {
	count := make([]int32, len(ps.lines))
	total := 0
	ps.m.networks(func(p *part) {
		for _, path := range p.paths {
			for i := range path.hops {
				count[path.hops[i].at]++
				total++
			}
		}
	})
	all := make([]user, total)
	for _, slot := range ps.m.order {
		for k, path := range ps.m.parts[slot].paths {
			for i := range path.hops {
				e := path.hops[i].end
				l := ps.lines[e.at]
				if l == nil {
					l = ps.newLine(e)
					l.users, all = all[:0:count[e.at]], all[count[e.at]:]
					ps.lines[e.at] = l
				}
				l.users = append(l.users, user{slot, int32(k), int32(i)})
				l.rates = sum(l.rates, path.rate)
			}
		}
	}
}

func (ps *paths) newLine(e *end) *line {
	return &line{id: e.at, cable: e.cable, blind: e.cable.Half() || !e.forwards}
}

// name is how people know a line.
func (ps *paths) name(l *line) string {
	if l.cable.Half() {
		return "cable " + l.cable.Name
	}
	return "cable " + l.cable.Name + " from " + l.cable.Between[l.id%2]
}

// before are the lines that a line's users come from, in the order of the users.
func (ps *paths) before(l *line) (out []*line) {
	for _, from := range l.from {
		out = append(out, ps.lines[from.line])
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
