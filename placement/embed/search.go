package embed

import (
	"cmp"
	"context"
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
