package embed

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// search is the state of the depth-first search: what is decided, what is left of
// every budget, and what was learned.
type search struct {
	ctx   context.Context
	o     Options
	tally Tally
	err   error // ends the search: not a cut, not a refusal
	most  int64 // nodes of all of it, where this is a part of a search
	// standing is the best so far, as Progress has it; nil where nothing is compared.
	standing func() (by []hosts.Objective, costs, bounds []int64)

	pass      pass
	truncated bool   // the pass left something untried: its exhaustion proves nothing
	stopped   bool   // its limit or ctx ended it
	exhausted bool   // it came to its end
	unknown   string // why something could not be told
	found     *placement.Embedding

	state
	cuts    cuts
	pending []int32 // links with both ends seated, in the order of deciding
	routed  int     // of pending
	fail    set     // why the subtree that was left last failed
	nearest nearest
	frames  []*frame
	reach   reach
	listed  []int64 // by twin number: the round of listing candidates that last had one
	round   int64
}

// pass is one depth-first search of all of it.
type pass struct {
	nodes        int64 // that the tally may reach
	paths        int64 // that a link may try; 0: all
	largestFirst bool  // seat large groups first, instead of those near to seated ones
}

// frame is the scratch memory of one depth.
type frame struct {
	reasons    set
	candidates []candidate
	cost       []int64
	distance   []int32
	path       []int32 // cables of the path that is being built
	nodes      []int32
}

func newSearch(ctx context.Context, m *model, o Options) *search {
	s := &search{ctx: ctx, o: o, fail: newSet(len(m.groups) + len(m.links)), listed: make([]int64, len(m.hosts))}
	s.state = newState(m)
	s.cuts = newCuts(m)
	s.nearest.depth = -1
	s.reach = newReach(m)
	s.pending = m.unrouted()
	return s
}

func (s *search) frame(depth int) *frame {
	for depth >= len(s.frames) {
		s.frames = append(s.frames, &frame{reasons: newSet(len(s.m.groups) + len(s.m.links))})
	}
	f := s.frames[depth]
	f.reasons.clear()
	return f
}

func (s *search) run() *placement.Embedding {
	s.stopped, s.truncated, s.found = false, false, nil
	s.step()
	s.exhausted = !s.done()
	s.tellEnd()
	return s.found
}

// over counts one decision and reports whether the pass must end.
func (s *search) over() bool {
	if s.stopped || s.err != nil {
		return true
	}
	s.tally.Nodes++
	if s.tally.Nodes > s.pass.nodes {
		s.stopped = true
	}
	if s.tally.Nodes&(betweenReports-1) == 0 {
		s.stopped = s.stopped || s.ctx.Err() != nil
		s.report()
	}
	return s.stopped
}

// done reports whether to unwind without trying more.
func (s *search) done() bool { return s.found != nil || s.stopped || s.err != nil }

// step decides what is left: first the links whose ends are seated, then the next
// group. On return either done() holds, or all of it failed because of s.fail.
func (s *search) step() {
	if s.routed < len(s.pending) {
		s.decideRoute(s.pending[s.routed])
		return
	}
	if s.seated == s.m.loose {
		s.whole()
		return
	}
	s.decideSeat(s.next())
}

// next is the group with the fewest hosts left, to within a factor of two; among
// those the one with most rate towards groups with a seat, then of most rate; or,
// as the pass wants it, the largest.
func (s *search) next() int32 {
	best, found := int32(0), false
	var bestKey [3]int64
	for g := range s.m.groups {
		if s.seat[g] >= 0 {
			continue
		}
		key := [3]int64{int64(bits.Len(uint(s.left[g]))), -s.pull[g], -s.m.groups[g].weight}
		if s.pass.largestFirst {
			key[1] = -s.m.groups[g].size
		}
		if !found || slices.Compare(key[:], bestKey[:]) < 0 {
			best, bestKey, found = int32(g), key, true
		}
	}
	return best
}

type candidate struct {
	host    int32
	cost    int64 // rate times hops towards the seated neighbours
	strange bool  // its network, not always active, sits elsewhere
	opens   bool  // the host carries nothing yet
	loaded  int64 // 1024ths of its tightest budget
	shuffle uint64
}

func (s *search) decideSeat(g int32) {
	f := s.frame(s.depth())
	s.candidatesFor(g, f)
	s.tellVM(g, f.candidates)
	for i := range f.candidates {
		if s.over() {
			return
		}
		h := f.candidates[i].host
		mark := s.take(g, h)
		s.tellSeat(g, h, mark)
		if s.seatWorks(g, h) {
			before := len(s.pending)
			s.enqueue(g)
			s.step()
			s.pending = s.pending[:before]
		}
		s.untake(g, mark)
		if s.done() {
			return
		}
		if !s.fail.has(g) {
			s.tellFail(trace.Jump, g, -1)
			return // whatever host g has, it fails the same way
		}
		f.reasons.union(s.fail)
	}
	s.explainDomain(g, f.reasons)
	f.reasons.drop(g)
	copy(s.fail, f.reasons)
	s.tellFail(trace.Fail, g, -1)
	s.nearest.noHost(s, g)
}

// seatWorks checks what forward checking does not: that all other groups keep a
// host, the cuts, and phase two. If not, it leaves the reason in s.fail.
func (s *search) seatWorks(g, h int32) bool {
	if u := s.starved; u >= 0 {
		s.fail.clear()
		s.explainDomain(u, s.fail)
		s.tellStarved(u)
		s.nearest.noHost(s, u)
		return false
	}
	if s.cuts.hit(s, g, s.fail) || s.cuts.hitOn(s, g, h, s.fail) {
		return false
	}
	if s.o.Admit != nil {
		err := s.o.Admit(s.m.hosts[h].Host, s.seatsOn(h))
		s.tellAdmit(h, err)
		if err != nil {
			s.refused(err, h)
			return false
		}
	}
	if s.o.Together != nil && s.m.odd {
		err := s.o.Together(s.m.hosts[h].Host, s.seatsSoFar())
		s.tellAsked(trace.Event{Kind: trace.Together}, err)
		if err != nil {
			s.refused(err, -1)
			return false
		}
	}
	return true
}

// seatsSoFar is the seats on all hosts.
func (s *state) seatsSoFar() (out []placement.Seat) {
	for h := range s.m.hosts {
		out = append(out, s.seatsOn(int32(h))...)
	}
	return out
}

// refused turns an answer other than yes into s.fail; h is the host it is about,
// or -1 for the whole embedding.
func (s *search) refused(err error, h int32) {
	s.fail.clear()
	var cut *placement.Cut
	var gaveUp *placement.GaveUp
	switch {
	case errors.As(err, &cut):
		s.tally.Cuts++
		s.nearest.offer(s.depth(), cut.Conflict)
		s.err = s.cuts.learn(s, cut, h, s.fail)
		s.tellCut(cut, h)
	case errors.As(err, &gaveUp):
		s.truncated, s.unknown = true, gaveUp.Why
		s.everything(h, s.fail)
	default:
		s.err = err
	}
}

// everything is the decisions about a host, or all there are.
func (s *search) everything(h int32, reasons set) {
	if h >= 0 {
		for _, g := range s.on[h] {
			reasons.add(g)
		}
		return
	}
	for g := range s.m.groups {
		reasons.add(int32(g))
	}
	for l := range s.m.links {
		reasons.add(s.m.linkDecision(int32(l)))
	}
}

// whole asks about a complete embedding.
func (s *search) whole() {
	e := s.embedding()
	// Judging one costs about as much as making its decisions.
	s.tally.Nodes += int64(s.m.parts())
	if s.o.Accept != nil {
		err := s.o.Accept(e)
		s.tellAsked(trace.Event{Kind: trace.Accept}, err)
		if err != nil {
			s.pay()
			s.refused(err, -1)
			return
		}
	}
	s.found = e
}

// pay counts what those who were asked have done to refuse.
func (s *search) pay() {
	if s.o.Toll != nil {
		s.tally.Nodes += s.o.Toll()
	}
}

// candidatesFor lists the hosts that g can have now, best first. Of untouched
// twins only the first is listed.
func (s *search) candidatesFor(g int32, f *frame) {
	f.candidates = f.candidates[:0]
	s.round++
	s.costs(g, f)
	for h := range s.m.hosts {
		h := int32(h)
		if !s.domain[g].has(h) || f.cost[h] < 0 {
			continue
		}
		if !s.doubled(h) {
			f.candidates = append(f.candidates, candidate{h, f.cost[h], s.strange(g, h), len(s.on[h]) == 0, s.loaded(g, h), shuffle(s.o.Seed, int64(g), int64(h))})
		}
	}
	slices.SortFunc(f.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), order(a.strange, b.strange), order(a.opens, b.opens), cmp.Compare(a.loaded, b.loaded), cmp.Compare(a.shuffle, b.shuffle), cmp.Compare(a.host, b.host))
	})
}

// doubled reports whether a host is untouched and an untouched twin of it was listed in
// this round.
func (s *search) doubled(h int32) bool {
	if len(s.on[h]) > 0 || s.passing[h] > 0 {
		return false
	}
	twin := s.m.hosts[h].twin
	if s.listed[twin] == s.round {
		return true
	}
	s.listed[twin] = s.round
	return false
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// shuffle is a number that looks random and is not: splitmix64 of its arguments.
func shuffle(seed, a, b int64) uint64 {
	z := uint64(seed)*0x9e3779b97f4a7c15 + uint64(a)*0xbf58476d1ce4e5b9 + uint64(b)*0x94d049bb133111eb
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// costs is, for each host, the rate times hops of g's links to seated neighbours,
// or -1 where a neighbour is out of reach. What is out of reach because of other
// links is added to the reasons of the frame.
func (s *search) costs(g int32, f *frame) {
	f.cost = append(f.cost[:0], make([]int64, len(s.m.hosts))...)
	for _, l := range s.m.groups[g].links {
		lk := &s.m.links[l]
		other := s.m.vms[lk.ends[0]].group
		if other == g {
			other = s.m.vms[lk.ends[1]].group
		}
		if other == g || s.seat[other] < 0 {
			continue
		}
		s.reach.from(s, s.seat[other], lk.rate)
		missing := false
		for h := range f.cost {
			d := s.reach.distance[h]
			switch {
			case d < 0:
				missing = missing || s.domain[g].has(int32(h))
				f.cost[h] = -1
			case f.cost[h] >= 0:
				f.cost[h] += int64(d) * (lk.rate>>16 + 1)
			}
		}
		if missing {
			f.reasons.add(other)
			s.explainReach(lk.rate, f.reasons)
			s.nearest.outOfReach(s, g, l)
		}
	}
}

// explainDomain adds why a group has lost the hosts that it has lost: each to what
// sits there, be it too large beside it or to be kept apart.
func (s *search) explainDomain(g int32, reasons set) {
	for _, a := range s.m.groups[g].spread {
		if s.seat[a.group] >= 0 {
			reasons.add(a.group)
		}
	}
	now, first := s.domain[g], s.m.groups[g].domain
	for w := range first {
		for lost := first[w] &^ now[w]; lost != 0; lost &= lost - 1 {
			for _, other := range s.on[w*64+bits.TrailingZeros64(lost)] {
				if other != g {
					reasons.add(other)
				}
			}
		}
	}
}

// enqueue puts the links between g and what is seated up for routing, those of
// most rate first.
func (s *search) enqueue(g int32) {
	start := len(s.pending)
	for _, l := range s.m.groups[g].links {
		ends := s.m.links[l].ends
		if s.seat[s.m.vms[ends[0]].group] >= 0 && s.seat[s.m.vms[ends[1]].group] >= 0 {
			s.pending = append(s.pending, l)
		}
	}
	slices.SortStableFunc(s.pending[start:], func(a, b int32) int { return cmp.Compare(s.m.links[b].rate, s.m.links[a].rate) })
}
