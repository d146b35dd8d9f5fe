package proof

import "github.com/vsnctl/vsnctl/placement"

// costClaims say what the plan takes: the processors of all reservations, and the
// rates of all links that have one, each once. Nothing limits them; they are what the
// planner made small where it chose.
func (m *model) costClaims() []placement.Claim {
	var vms []name
	var cpus, rates []placement.Term
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.VMs {
			vms = append(vms, name{n.Name, n.VMs[j].Name})
		}
		for j := range n.Links {
			link := name{n.Name, n.Links[j].Name}
			if g, shaped := m.rates[link]; shaped {
				rates = append(rates, placement.Term{Name: link.String(), Value: placement.Int(g.rate)})
			}
		}
	}
	for _, g := range m.granted(vms) {
		cpus = append(cpus, placement.Term{Name: g.who, Value: g.u})
	}
	var out []placement.Claim
	if len(cpus) > 0 {
		out = append(out, total("all reservations", RuleCost, "cpu", cpus, placement.Inf()))
	}
	if len(rates) > 0 {
		out = append(out, total("all links", RuleCost, "bit/s", rates, placement.Inf()))
	}
	return out
}
