package dimension

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// rounds bounds the iteration to a fixed point; what does not settle has no bound. Nor
// has what comes to hopeless times its deadline on a cycle: delays only grow from round
// to round, so that the choice does not hold, and the more they grow the more there is
// to reckon.
const (
	rounds   = 200
	hopeless = 16
)

// pick is the option of each variable, by value: a search may make its own.
type pick []*option

// evaluate bounds all flows with a choice, as the proof does: messages wait at every
// server for those of all its clients, and behind it may be late by its delay
// (Tindell and Clark 1994). It reports whether it settled; then every step has its
// delay. The least fixed point is approached from below. Where nothing is chosen for a
// variable the best of its options counts; what misses a deadline then does so with
// every choice, and all ends there.
func (m *model) evaluate(x pick) bool {
	open := slices.Contains(x, nil)
	for _, f := range m.flows {
		for i := range f.steps {
			m.late(f, i, 0)
			f.steps[i].ready, f.steps[i].done = 0, 0
		}
	}
	for range rounds {
		settled := true
		for _, f := range m.flows {
			for i := range f.steps {
				st := &f.steps[i]
				ready := int64(0)
				for _, before := range st.after {
					ready = max(ready, f.steps[before].done)
				}
				delay := st.fixed
				if st.server >= 0 {
					if ready != st.ready {
						m.late(f, i, ready)
					}
					delay = m.delay(st.server, x)
				}
				done := sum(ready, delay)
				settled = settled && ready == st.ready && done == st.done
				st.ready, st.done = ready, done
			}
		}
		if settled {
			return true
		}
		if open && slices.ContainsFunc(m.flows, (*chain).late) || !open && m.hopeless() {
			return false
		}
	}
	return false
}

// hopeless tells whether a flow on a cycle is too late by far, and says of all that are
// that they are not done at all.
func (m *model) hopeless() (any bool) {
	for _, f := range m.flows {
		if !f.late() || f.done()/hopeless < f.deadline || !m.goesRound(f) {
			continue
		}
		any = true
		for _, i := range f.last {
			f.steps[i].done = bounds.Inf
		}
	}
	return any
}

// late tells whether a flow misses its deadline.
func (f *chain) late() bool { return f.deadline > 0 && f.done() > f.deadline }

// late sets the jitter with which a message comes to a step.
func (m *model) late(f *chain, i int, ready int64) {
	st := &f.steps[i]
	if st.server < 0 {
		return
	}
	s := m.servers[st.server]
	if to := sum(f.jitter, ready); s.arrivals[st.client].Jitter != to {
		s.arrivals[st.client].Jitter, s.fresh = to, false
	}
}

func (m *model) delay(server int, x pick) int64 {
	s := m.servers[server]
	var c *option
	if s.variable >= 0 {
		if c = x[s.variable]; c == nil {
			return m.shortest(s)
		}
	}
	if !s.fresh || s.with != c {
		s.fresh, s.with, s.now = true, c, m.serve(s, c)
	}
	return s.now
}

// shortest is the least delay at a server that any option gives.
func (m *model) shortest(s *server) int64 {
	least, options := bounds.Inf, m.variables[s.variable].options
	if s.kind == port || s.tasks != nil || slices.ContainsFunc(s.arrivals, endless) {
		for i := range options {
			least = min(least, m.serve(s, &options[i]))
		}
		return least
	}
	first := s.best
	for n := range options { // what was best before first: it is near to it, and soon ends the others
		i := (first + n) % len(options)
		sup := s.supply
		sup.Runtime, sup.Period = options[i].runtimes[0], options[i].period
		if d := requestDelay(sup, s.arrivals, least-1); d < least {
			least, s.best = d, i
		}
	}
	return least
}

// done is when the last VM of the last stage is done.
func (f *chain) done() int64 {
	last := int64(0)
	for _, i := range f.last {
		last = max(last, f.steps[i].done)
	}
	return last
}

// excess is by how much the flows with deadlines miss them, together and saturating,
// 0 where all hold; and the flow that misses by most.
func (m *model) excess() (total int64, worst int) {
	worst = -1
	most := int64(0)
	for i, f := range m.flows {
		if f.deadline == 0 {
			continue
		}
		if over := f.done() - f.deadline; over > 0 {
			total = sum(total, over)
			if over > most {
				most, worst = over, i
			}
		}
	}
	return total, worst
}

// holds tells whether all deadlines hold with a choice; the steps then have its
// delays.
func (m *model) holds(x pick) bool {
	if !m.evaluate(x) {
		return false
	}
	over, _ := m.excess()
	return over == 0
}

// longest lists the steps on the longest way of a flow, last first.
func (f *chain) longest() []int {
	at := f.last[0]
	for _, i := range f.last {
		if f.steps[i].done > f.steps[at].done {
			at = i
		}
	}
	out := []int{at}
	for len(f.steps[at].after) > 0 {
		next := f.steps[at].after[0]
		for _, i := range f.steps[at].after {
			if f.steps[i].done > f.steps[next].done {
				next = i
			}
		}
		at = next
		out = append(out, at)
	}
	return out
}

func (m *model) cost(x pick) float64 {
	sum := 0.0
	for _, c := range x {
		sum += c.cost
	}
	return sum
}

// burst is what may come at once at the ports of a link as of now, bytes.
func (m *model) burst(v *variable) int64 {
	if v.link.Burst > 0 {
		return int64(v.link.Burst)
	}
	least := int64(vsn.MaxFrame)
	for _, id := range v.servers {
		least = max(least, m.servers[id].sigma())
	}
	return min(least, bounds.Inf/2)
}

// sigma is the burst of the token bucket of all that comes to a port, bytes.
func (s *server) sigma() int64 {
	sigma := new(big.Rat)
	for _, a := range s.arrivals {
		sigma.Add(sigma, a.Bucket().Sigma)
	}
	return ceil(sigma)
}
