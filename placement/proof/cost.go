package proof

import "github.com/vsnctl/vsnctl/placement"

// costClaims say what the plan takes: the processors of all reservations, and the
// rates of all links that have one, each once. Nothing limits them; they are what the
// planner made small where it chose.
func (m *model) costClaims() []placement.Claim {
	var cpus, rates []placement.Term
	if n := len(m.realization.Reservations) + len(m.realization.Emulators); n > 0 {
		cpus = make([]placement.Term, 0, n)
	}
	m.networks(func(p *part) {
		for j := range p.vms {
			for _, g := range p.vms[j].granted {
				cpus = append(cpus, placement.Term{Name: g.who, Value: g.u})
			}
		}
		for j := range p.links {
			if l := &p.links[j]; l.shaped {
				rates = append(rates, placement.Term{Name: l.name.String(), Value: placement.Int(l.rate)})
			}
		}
	})
	var out []placement.Claim
	if len(cpus) > 0 {
		out = append(out, total("all reservations", RuleCost, "cpu", cpus, placement.Inf()))
	}
	if len(rates) > 0 {
		out = append(out, total("all links", RuleCost, "bit/s", rates, placement.Inf()))
	}
	return out
}
