package dimension

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
