package dimension

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// search looks for the cheapest choice of one model.
type search struct {
	*model
	relax *relaxed
	rand  *rand.Rand
	best  pick
	cost  float64
}

// solve finds a choice: a start from the relaxation, local improvement, restarts. It
// returns false where nothing holds, not even the quickest of everything.
func (s *search) solve() bool {
	x := s.quickest()
	if !s.holds(x) {
		return false
	}
	s.cost = math.Inf(1)
	if s.o.Coarse {
		s.offer(s.cheapened(x))
		return s.holds(s.best)
	}
	s.relax = newRelaxed(s.model)
	s.start(x)
	for range s.restarts() {
		if s.cost-s.relax.best <= 1e-9 {
			break
		}
		s.offer(s.improve(s.repaired(s.shaken(s.best))))
	}
	s.relax.raise(s.cost, nil)
	s.holds(s.best)
	return true
}

func (s *search) restarts() int { return max(1, 24/max(1, len(s.variables)/2)) }

func (s *search) offer(x pick) {
	if x == nil {
		return
	}
	if c := s.model.cost(x); c < s.cost-1e-12 {
		s.best, s.cost = slices.Clone(x), c
	}
}

// quickest takes the option of least delay everywhere: if that does not hold, since
// bounds grow with every delay, hardly anything does.
func (s *search) quickest() pick {
	x := make(pick, len(s.variables))
	for i := range s.variables {
		x[i] = s.variables[i].quickest()
	}
	return x
}

func (v *variable) quickest() *option {
	best := 0
	total := func(c *option) (sum int64) {
		for _, d := range c.delays {
			sum += min(d, bounds.Inf/4)
		}
		return sum
	}
	for k := range v.options {
		if total(&v.options[k]) <= total(&v.options[best]) {
			best = k
		}
	}
	return &v.options[best]
}

// shortestSmooth is how many switches long a period is at least that is taken for its
// gaps: what switching takes is in no bound.
const shortestSmooth = 50

// smoothest takes the reservation with the least gap and service everywhere, whether
// or not another serves all that comes at once sooner, and rates at which a message
// leaves in a hundredth of the deadline.
func (s *search) smoothest() pick {
	x := s.quickest()
	for i := range s.variables {
		v := &s.variables[i]
		srv := s.servers[v.servers[0]]
		if v.link != nil {
			quick := *x[i]
			for _, f := range v.flows {
				each := big.NewRat(srv.arrivals[0].Cost, s.flows[f].deadline)
				quick.rate = sum(quick.rate, ceil(each.Mul(each, ratOf(800e9))))
			}
			quick.rate = min(roundUp(quick.rate, 8), int64(vsn.MaxRate))
			x[i] = &quick
			continue
		}
		if srv.tasks != nil {
			continue
		}
		least := math.Inf(1)
		for _, row := range v.rows {
			for k := range row {
				sup := srv.supply
				sup.Runtime, sup.Period = row[k].runtimes[0], row[k].period
				took := float64(sup.Blackout()) + float64(srv.arrivals[0].Cost)*float64(sup.Period)/float64(sup.Runtime)
				if sup.Period >= shortestSmooth*int64(s.o.Switch) && took < least {
					least, x[i] = took, &row[k]
				}
			}
		}
	}
	return x
}

// start follows the relaxation: what it takes at some prices is repaired until it
// holds; the cheapest few are improved.
func (s *search) start(x pick) {
	s.offer(s.cheapened(slices.Clone(x)))
	s.evaluate(s.best)
	for i, f := range s.flows {
		if f.deadline > 0 {
			s.relax.add(i, f.longest())
		}
	}
	var found []pick
	every := 10 + len(s.variables)
	s.relax.raise(s.cost, func(round int, at []int) {
		if round%every != every-1 && round != ascents-1 {
			return
		}
		x := make(pick, len(s.variables))
		for i := range x {
			x[i] = &s.variables[i].options[at[i]]
		}
		if x = s.repaired(x); x != nil {
			found = append(found, x)
		}
	})
	slices.SortStableFunc(found, func(a, b pick) int {
		return int(math.Copysign(1, s.model.cost(a)-s.model.cost(b)))
	})
	for _, x := range found[:min(len(found), 2)] {
		s.offer(s.improve(x))
	}
	if len(found) == 0 {
		s.offer(s.improve(slices.Clone(s.best)))
	}
	for _, weight := range []func(*chain, *variable) float64{equal, byWork} {
		if x := s.split(weight, 0.15); x != nil && s.model.cost(x) < 1.5*s.cost {
			s.offer(s.improve(x))
		}
	}
}

// repaired makes a choice quicker, for the least cost per time gained, until it
// holds, and then cheaper again where it is quicker than it must be; nil where that
// fails.
func (s *search) repaired(x pick) pick {
	for range 20 * len(x) {
		s.evaluate(x)
		over, worst := s.excess()
		if over == 0 {
			return s.cheapened(x)
		}
		f := s.flows[worst]
		missing := float64(f.done() - f.deadline)
		at, to, value := -1, (*option)(nil), 0.0
		for _, i := range f.longest() {
			st := f.steps[i]
			if st.server < 0 || s.servers[st.server].variable < 0 {
				continue
			}
			srv := s.servers[st.server]
			now := float64(st.done - st.ready)
			v := &s.variables[srv.variable]
			for k := range v.options {
				c := &v.options[k]
				if c.cost <= x[srv.variable].cost && c.delays[srv.slot] >= x[srv.variable].delays[srv.slot] {
					continue
				}
				gain := min(now, float64(x[srv.variable].delays[srv.slot])) - float64(c.delays[srv.slot])
				if gain <= 0 {
					continue
				}
				if each := min(gain, missing) / max(c.cost-x[srv.variable].cost, 1e-9); each > value {
					at, to, value = srv.variable, c, each
				}
			}
		}
		if at < 0 {
			return nil
		}
		x[at] = to
	}
	return nil
}

// cheapened takes the cheapest option for one variable after the other that still
// holds, the one that saves most per time lost first.
func (s *search) cheapened(x pick) pick {
	closed := make([]bool, len(x))
	lost := make([]int64, len(s.flows))
	slack := s.slack(x)
	for range 8 * len(x) {
		at, to, value := -1, (*option)(nil), 0.0
		for i := range s.variables {
			v := &s.variables[i]
			if closed[i] {
				continue
			}
			for k := range v.options {
				c := &v.options[k]
				saves := x[i].cost - c.cost
				if saves <= 1e-12 {
					break // cheapest first
				}
				v.lost(x[i], c, lost)
				fits, most := true, int64(0)
				for n, f := range v.flows {
					fits, most = fits && lost[n] <= slack[f], max(most, lost[n])
				}
				if each := saves / float64(1+most); fits && each > value {
					at, to, value = i, c, each
				}
			}
		}
		if at < 0 {
			return x
		}
		before := x[at]
		x[at] = to
		slack = s.slack(x)
		if over, _ := s.excess(); over > 0 {
			x[at], closed[at] = before, true
			slack = s.slack(x)
		}
	}
	return x
}

// lost is what the flows of a variable lose when it takes another option, with the
// least jitters.
func (v *variable) lost(from, to *option, out []int64) {
	clear(out[:len(v.flows)])
	for slot, touched := range v.touches {
		for _, n := range touched {
			out[n] += to.delays[slot] - from.delays[slot]
		}
	}
}

// slack is what each flow has left with a choice; the steps have its delays.
func (s *search) slack(x pick) []int64 {
	s.evaluate(x)
	out := make([]int64, len(s.flows))
	for i, f := range s.flows {
		out[i] = f.deadline - f.done()
	}
	return out
}

// loss is the same with the jitters as they are.
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

// shaken moves some variables to a neighbour that is a little dearer or cheaper.
func (s *search) shaken(x pick) pick {
	x = slices.Clone(x)
	for range 1 + s.rand.IntN(max(1, len(x)/3)+1) {
		i := s.rand.IntN(len(x))
		v := &s.variables[i]
		x[i] = &v.options[s.rand.IntN(len(v.options))]
	}
	return x
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
