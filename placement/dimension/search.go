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
