package dimension

import (
	"math"
	"slices"
)

// way is one way of a flow through its servers, as a constraint of the relaxation:
// the delays of its servers and the fixed ones sum to no more than the deadline.
type way struct {
	flow    int
	servers []int   // one entry for each visit
	room    float64 // ns: the deadline less all that is not to be chosen
	price   float64 // of a ns, the multiplier
}

// relaxed is the problem without its coupling: every server has the least jitter
// there can be, so that its delay depends on its own option alone; and each way's
// deadline is not a rule but has a price (Lagrangian relaxation). For any prices the
// least cost of that, found option by option, is below the cost of every choice that
// holds.
type relaxed struct {
	m     *model
	ways  []way
	fixed []int64 // of servers that are given: the delay with the least jitter
	best  float64 // the largest bound so far
}

func newRelaxed(m *model) *relaxed {
	r := &relaxed{m: m, fixed: make([]int64, len(m.servers)), best: math.Inf(-1)}
	m.evaluate(make(pick, len(m.variables))) // no choice has less jitter anywhere
	for i, s := range m.servers {
		if s.variable < 0 {
			r.fixed[i] = m.serve(s, nil)
		}
	}
	for i, f := range m.flows {
		if f.deadline > 0 {
			r.add(i, f.longest())
		}
	}
	return r
}

// add makes a way of a flow a constraint, unless it is one.
func (r *relaxed) add(flow int, steps []int) {
	f := r.m.flows[flow]
	w := way{flow: flow, room: float64(f.deadline)}
	for _, i := range steps {
		switch s := &f.steps[i]; {
		case s.server < 0:
			w.room -= float64(s.fixed)
		case r.m.servers[s.server].variable < 0:
			w.room -= float64(r.fixed[s.server])
		default:
			w.servers = append(w.servers, s.server)
		}
	}
	if !slices.ContainsFunc(r.ways, func(o way) bool { return o.flow == flow && slices.Equal(o.servers, w.servers) }) {
		r.ways = append(r.ways, w)
	}
}

// least is the cheapest option of each variable at the prices, and the bound.
func (r *relaxed) least(prices []float64, of func(*variable) []option) (at []int, bound float64) {
	at = make([]int, len(r.m.variables))
	for i := range r.m.variables {
		v := &r.m.variables[i]
		best := math.Inf(1)
		for k, c := range of(v) {
			cost := c.cost
			for slot, id := range v.servers {
				cost += prices[id] * float64(c.delays[slot])
			}
			if cost < best {
				best, at[i] = cost, k
			}
		}
		bound += best
	}
	for _, w := range r.ways {
		bound -= w.price * w.room
	}
	return at, bound
}

// prices sums the prices of all ways by server.
func (r *relaxed) prices() []float64 {
	out := make([]float64, len(r.m.servers))
	for _, w := range r.ways {
		for _, id := range w.servers {
			out[id] += w.price
		}
	}
	return out
}

const ascents = 300

// raise looks for the prices with the largest bound by subgradient steps (Polyak,
// with a target that is a choice's cost), and hands the options of each step to
// visit. It is done early when the bound meets the target.
func (r *relaxed) raise(target float64, visit func(round int, at []int)) {
	theta, since := 1.0, 0
	for round := range ascents {
		prices := r.prices()
		floor, bound := r.least(prices, func(v *variable) []option { return v.least })
		if bound > r.best+1e-12 {
			r.best, since = bound, 0
		} else if since++; since > 12 {
			theta, since = theta/2, 0
		}
		if visit != nil {
			at, _ := r.least(prices, func(v *variable) []option { return v.options })
			visit(round, at)
		}
		norm := 0.0
		over := make([]float64, len(r.ways))
		for i, w := range r.ways {
			over[i] = -w.room
			for _, id := range w.servers {
				s := r.m.servers[id]
				over[i] += float64(r.m.variables[s.variable].least[floor[s.variable]].delays[s.slot])
			}
			if over[i] < 0 && w.price == 0 {
				continue
			}
			norm += over[i] * over[i]
		}
		if norm == 0 || target-bound < 1e-9 {
			return
		}
		step := theta * (target - bound) / norm
		for i := range r.ways {
			r.ways[i].price = max(0, r.ways[i].price+step*over[i])
		}
	}
}
