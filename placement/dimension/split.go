package dimension

import "github.com/vsnctl/vsnctl/placement/bounds"

// split gives each VM on a flow a part of the deadline, by weight, and takes the
// cheapest reservation that keeps its part; nil where that does not hold. Of the
// deadlines, as much is kept back, in steps, as must be for what jitter adds.
//
// It is what one does by hand, and never better than what the search makes of it.
func (m *model) split(weight func(*chain, *variable) float64, step float64) pick {
	for back := 0.0; back < 0.9; back += step {
		x := make(pick, len(m.variables))
		m.evaluate(x)
		for range 4 {
			if !m.divide(x, weight, 1-back) {
				break
			}
			if m.holds(x) {
				return x
			}
		}
	}
	return nil
}

// divide takes the cheapest option for each part, with the jitters as they are.
func (m *model) divide(x pick, weight func(*chain, *variable) float64, of float64) bool {
	for i := range m.variables {
		v := &m.variables[i]
		if v.vm == nil || m.servers[v.servers[0]].tasks != nil {
			x[i] = v.quickest()
			continue
		}
		part := bounds.Inf
		for _, f := range v.flows {
			part = min(part, int64(of*m.part(m.flows[f], v, weight)))
		}
		if x[i] = m.cheapest(v, part); x[i] == nil {
			return false
		}
	}
	return true
}

// part is what a VM gets of a flow's deadline, ns. Where a flow forks, that is as if
// its ways came one after the other.
func (m *model) part(f *chain, v *variable, weight func(*chain, *variable) float64) float64 {
	room, all := float64(f.deadline), 0.0
	for _, st := range f.steps {
		if st.server < 0 {
			room -= float64(st.fixed)
		} else if s := m.servers[st.server]; s.variable >= 0 && m.variables[s.variable].vm != nil {
			all += weight(f, &m.variables[s.variable])
		}
	}
	return max(0, room) * weight(f, v) / all
}

// cheapest is the cheapest reservation of a VM with which its messages wait no longer
// than limit; nil where there is none.
func (m *model) cheapest(v *variable, limit int64) *option {
	s := m.servers[v.servers[0]]
	where := m.place(v.key[1])
	var best *option
	for _, row := range v.rows {
		period := row[0].period
		if best != nil && m.floorCost(v, s, period) >= best.cost {
			continue
		}
		q, ok := leastRuntime(period, where, m.o.step(), func(sup bounds.Supply) bool {
			return requestDelay(sup, s.arrivals, limit) <= limit
		})
		if !ok {
			continue
		}
		if c := m.processorOption(v, s, []int64{q}, period); best == nil || c.cost < best.cost {
			best = &c
		}
	}
	return best
}

// floorCost is less than any reservation of that period costs.
func (m *model) floorCost(v *variable, s *server, period int64) float64 {
	load := 0.0
	for i := range s.arrivals {
		load += float64(s.arrivals[i].Cost) / float64(s.arrivals[i].Period)
	}
	least := max(load, float64(leastOf(s.supply.Grain, m.o.step()))/float64(period))
	return float64(v.vm.VCPUs) * (least + float64(m.o.Switch)/float64(period))
}

// equal and byWork are the usual weights: all alike, and by what is to be done.
func equal(*chain, *variable) float64 { return 1 }

func byWork(f *chain, v *variable) float64 { return max(1, float64(f.spec.Work[v.key[1]])) }
