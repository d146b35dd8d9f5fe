package embed

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/placement/trace"
)

// reach is a breadth-first search over cables with enough rate left.
type reach struct {
	distance []int32 // hops to each node; -1: out of reach
	queue    []int32
}

func newReach(m *model) reach {
	return reach{distance: make([]int32, len(m.nodes)), queue: make([]int32, 0, len(m.nodes))}
}

// from fills distance with the hops from host h. Hosts that do not forward are
// reached and not passed.
func (r *reach) from(s *search, h int32, rate int64) {
	for i := range r.distance {
		r.distance[i] = -1
	}
	r.distance[h] = 0
	r.queue = append(r.queue[:0], h)
	for head := 0; head < len(r.queue); head++ {
		n := r.queue[head]
		if n != h && !s.m.nodes[n].forwards {
			continue
		}
		for _, a := range s.m.nodes[n].arcs {
			if r.distance[a.to] < 0 && s.rate[a.cable] >= rate {
				r.distance[a.to] = r.distance[n] + 1
				r.queue = append(r.queue, a.to)
			}
		}
	}
}

// explainReach adds the links that leave too little of a cable for rate.
func (s *search) explainReach(rate int64, reasons set) {
	for c := range s.m.cables {
		if s.rate[c] < rate && s.m.cables[c].budget >= rate {
			for _, l := range s.crossing[c] {
				reasons.add(s.m.linkDecision(l))
			}
		}
	}
}

// decideRoute tries the simple paths of a link, the shortest first: iterative
// deepening over the number of hops, pruned by the distance that is left.
func (s *search) decideRoute(l int32) {
	lk := &s.m.links[l]
	s.tellLink(l)
	f := s.frame(s.depth())
	groups := [2]int32{s.m.vms[lk.ends[0]].group, s.m.vms[lk.ends[1]].group}
	from, to := s.seat[groups[0]], s.seat[groups[1]]
	f.reasons.add(groups[0])
	f.reasons.add(groups[1])
	f.nodes, f.path = append(f.nodes[:0], from), f.path[:0]
	w := walk{s: s, f: f, l: l, to: to, left: s.pass.paths}
	if from == to {
		w.try(s.m.nodes[from].delay)
	} else {
		s.reach.from(s, to, lk.rate)
		f.distance = append(f.distance[:0], s.reach.distance...)
		if f.distance[from] < 0 {
			s.nearest.noPath(s, l)
		} else {
			for w.hops = f.distance[from]; ; w.hops++ {
				w.deeper = false
				w.extend(from, s.m.nodes[from].delay)
				if w.ended || !w.deeper {
					break
				}
			}
		}
		s.explainReach(lk.rate, f.reasons)
	}
	if s.done() || w.jumped {
		return
	}
	if w.late {
		s.nearest.linkLate(s, l)
	}
	f.reasons.drop(s.m.linkDecision(l))
	copy(s.fail, f.reasons)
	s.tellFail(trace.Fail, -1, l)
}

// walk enumerates the simple paths of one link.
type walk struct {
	s      *search
	f      *frame
	l, to  int32
	hops   int32 // of the paths to try in this round
	left   int64 // paths that may still be tried, where the pass limits them
	deeper bool  // some path is longer than hops
	late   bool  // some path was over a limit of time
	ended  bool  // no further path is to be tried
	jumped bool  // because none would help: s.fail says why
}

// extend goes on from node n, to which the path takes delay.
func (w *walk) extend(n int32, delay int64) {
	s, f := w.s, w.f
	for _, a := range w.onward(n) {
		if s.over() {
			w.ended = true
			return
		}
		next := plus(delay, plus(s.m.cables[a.cable].delay, s.m.nodes[a.to].delay))
		f.nodes, f.path = append(f.nodes, a.to), append(f.path, a.cable)
		switch limit := s.m.links[w.l].limit; {
		case limit > 0 && next > limit:
			w.late = true
		case a.to == w.to:
			w.try(next)
		default:
			w.extend(a.to, next)
		}
		f.nodes, f.path = f.nodes[:len(f.nodes)-1], f.path[:len(f.path)-1]
		if w.ended {
			return
		}
	}
}

// onward lists the cables by which a path of exactly w.hops can go on from n, the
// one with most rate left first.
func (w *walk) onward(n int32) []arc {
	s, f := w.s, w.f
	var out []arc
	for _, a := range s.m.nodes[n].arcs {
		last := a.to == w.to
		if s.rate[a.cable] < s.m.links[w.l].rate || f.distance[a.to] < 0 || !last && !s.m.nodes[a.to].forwards || slices.Contains(f.nodes, a.to) {
			continue
		}
		switch far := int32(len(f.path)) + 1 + f.distance[a.to]; {
		case far > w.hops:
			w.deeper = true
		case !last || far == w.hops: // a shorter one was tried in an earlier round
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b arc) int {
		return cmp.Or(cmp.Compare(s.rate[b.cable], s.rate[a.cable]), cmp.Compare(shuffle(s.o.Seed, int64(w.l), int64(a.cable)), shuffle(s.o.Seed, int64(w.l), int64(b.cable))))
	})
	return out
}

// try takes the path that was built and decides the rest.
func (w *walk) try(delay int64) {
	s, f := w.s, w.f
	lk := &s.m.links[w.l]
	if lk.limit > 0 && delay > lk.limit {
		w.late = true
		return
	}
	if s.pass.paths > 0 {
		if w.left == 0 {
			w.ended, s.truncated = true, true
			return
		}
		w.left--
	}
	s.carry(w.l, &route{slices.Clone(f.nodes), slices.Clone(f.path), delay})
	s.routed++
	s.tellRoute(w.l)
	d := s.m.linkDecision(w.l)
	if !s.cuts.hit(s, d, s.fail) && !s.tooLate(w.l, s.fail) && !s.condemned(w.l) {
		s.step()
	}
	s.routed--
	s.uncarry(w.l)
	switch {
	case s.done():
		w.ended = true
	case !s.fail.has(d):
		s.tellFail(trace.Jump, -1, w.l)
		w.ended, w.jumped = true, true
	default:
		f.reasons.union(s.fail)
	}
}

// tooLate reports whether a flow over link l cannot meet its deadline any more: the
// work at its VMs and what its frames spend in the nodes and cables decided so far
// is more. It is a lower bound, for pruning; the proof has the bound.
func (s *search) tooLate(l int32, reasons set) bool {
	for _, i := range s.m.links[l].flows {
		fl := &s.m.flows[i]
		if fl.Deadline == 0 {
			continue
		}
		sum := s.leastTime(fl)
		if sum <= int64(fl.Deadline) {
			continue
		}
		reasons.clear()
		for _, o := range fl.links {
			if s.route[o] != nil {
				reasons.add(s.m.linkDecision(o))
			}
		}
		s.tellLate(i, sum, reasons)
		s.nearest.flowLate(s, i, sum)
		return true
	}
	return false
}

// leastTime is the work of a flow and what its frames spend in the nodes and cables
// decided so far, along the longest way.
func (s *search) leastTime(fl *flow) int64 {
	if !fl.forks {
		sum := fl.works
		for _, o := range fl.links {
			if r := s.route[o]; r != nil {
				sum = plus(sum, r.delay)
			}
		}
		return sum
	}
	begin, longest := make([]int64, len(fl.vms)), int64(0)
	for _, on := range fl.steps {
		arrival := plus(begin[on.from], fl.work[on.from])
		if on.link >= 0 && s.route[on.link] != nil {
			arrival = plus(arrival, s.route[on.link].delay)
		}
		begin[on.to] = max(begin[on.to], arrival)
	}
	for k := range fl.vms {
		longest = max(longest, plus(begin[k], fl.work[k]))
	}
	return longest
}
