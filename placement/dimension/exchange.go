package dimension

import (
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// loss is what the flows of variable i lose when it takes another option (lost), with
// the jitters as they are.
func (s *search) loss(i int, from, to *option) []int64 {
	v := &s.variables[i]
	out := make([]int64, len(v.flows))
	for slot, id := range v.servers {
		srv := s.servers[id]
		d := min(s.serve(srv, to), bounds.Inf/8) - min(s.serve(srv, from), bounds.Inf/8)
		for _, n := range v.touches[slot] {
			out[n] += d
		}
	}
	return out
}

// improve exchanges time between two variables at a time, in the best way there is
// for the two, as long as that saves; and last takes the runtimes off the ladder.
func (s *search) improve(x pick) pick {
	if x == nil {
		return nil
	}
	for range 8 {
		before := s.model.cost(x)
		for a := range x {
			for _, b := range s.partners(a) {
				s.exchange(x, a, b)
			}
		}
		s.polish(x)
		if s.model.cost(x) > before-1e-9 {
			break
		}
	}
	return x
}

// partners are the variables that a shares a flow with, some of them where they are
// many.
func (s *search) partners(a int) []int {
	var out []int
	for b := range s.variables {
		if b != a && len(s.variables[b].options) > 1 && (b > a || len(s.variables) > 24) && slices.ContainsFunc(s.variables[a].flows, func(f int) bool { return slices.Contains(s.variables[b].flows, f) }) {
			out = append(out, b)
		}
	}
	if len(s.variables[a].options) < 2 {
		return nil
	}
	if len(out) > 12 {
		s.rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:12]
	}
	return out
}

// exchange finds the cheapest pair of options of two variables for which what the
// flows lose by one and win by the other is within their slack; where the jitters
// that come of it make it too much, with less slack again.
func (s *search) exchange(x pick, a, b int) {
	slack := s.slack(x)
	margin := int64(0)
	for range 3 {
		ca, cb := s.pair(x, a, b, slack, margin)
		if ca == nil {
			return
		}
		wasA, wasB := x[a], x[b]
		x[a], x[b] = ca, cb
		if s.holds(x) {
			return
		}
		over, _ := s.excess()
		x[a], x[b] = wasA, wasB
		s.evaluate(x)
		if over == 0 || over > bounds.Inf/16 {
			return
		}
		margin += over
	}
}

func (s *search) pair(x pick, a, b int, slack []int64, margin int64) (bestA, bestB *option) {
	va, vb := &s.variables[a], &s.variables[b]
	least := x[a].cost + x[b].cost - 1e-9
	lossB := make([][]int64, len(vb.options))
	for i := range va.options {
		ca := &va.options[i]
		if ca.cost+vb.options[0].cost >= least {
			break
		}
		lossA := s.loss(a, x[a], ca)
		left := slices.Clone(slack)
		ok := true
		for n, f := range va.flows {
			left[f] -= lossA[n] + margin
			ok = ok && (left[f] >= 0 || slices.Contains(vb.flows, f))
		}
		for k := range vb.options {
			cb := &vb.options[k]
			if !ok || ca.cost+cb.cost >= least {
				break
			}
			if lossB[k] == nil {
				lossB[k] = s.loss(b, x[b], cb)
			}
			fits := true
			for n, f := range vb.flows {
				fits = fits && lossB[k][n] <= left[f]
			}
			if fits {
				least, bestA, bestB = ca.cost+cb.cost-1e-9, ca, cb
				break
			}
		}
	}
	return bestA, bestB
}

// polish gives what time is left to runtimes that are off the ladder: for each VM the
// least of each period that still holds, by bisection.
func (s *search) polish(x pick) {
	if s.o.shape != nil {
		return
	}
	for i := range s.variables {
		v := &s.variables[i]
		if v.vm == nil || s.servers[v.servers[0]].tasks != nil {
			continue
		}
		s.polishOne(x, i)
	}
}

func (s *search) polishOne(x pick, i int) {
	v := &s.variables[i]
	srv := s.servers[v.servers[0]]
	slack := s.slack(x)
	room := bounds.Inf
	for _, f := range v.flows {
		room = min(room, slack[f])
	}
	limit := sum(min(s.serve(srv, x[i]), bounds.Inf/2), room)
	best := s.cheapest(v, limit)
	if best == nil || best.cost > x[i].cost-1e-12 {
		return
	}
	was := x[i]
	if x[i] = best; !s.holds(x) {
		x[i] = was
	}
}
