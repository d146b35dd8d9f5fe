package proof

import (
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// total is a claim that terms sum to at most limit.
func total(subject, rule, unit string, terms []placement.Term, limit placement.Rat) placement.Claim {
	sum := new(big.Rat)
	for _, t := range terms {
		sum.Add(sum, t.Value.Big())
	}
	return placement.Claim{Subject: subject, Rule: rule, Unit: unit, Terms: terms, Bound: placement.FromBig(sum), Limit: limit}
}

// hostClaims are memory, counted resources and processor time of every host that
// carries something.
func (m *model) hostClaims() []placement.Claim {
	var out []placement.Claim
	for i := range m.problem.Inventory.Hosts {
		h := &m.problem.Inventory.Hosts[i]
		vms := m.at[h.Name]
		if len(vms) == 0 {
			continue
		}
		var memory []placement.Term
		for _, vm := range vms {
			memory = append(memory, placement.Term{Name: vm.String(), Value: placement.Int(int64(m.vms[vm].Memory))})
		}
		out = append(out, total("host "+h.Name+" memory", RuleMemory, "B", memory, placement.Int(int64(h.Memory))))
		out = append(out, m.resourceClaims(h, vms)...)
		for _, d := range m.domainsOf(h) {
			if h.Partition {
				out = append(out, m.cpuClaim(d))
			} else {
				out = append(out, m.globalClaim(d))
			}
		}
	}
	return out
}

func (m *model) resourceClaims(h *hosts.Host, vms []name) []placement.Claim {
	terms := map[string][]placement.Term{}
	for _, vm := range vms {
		for resource, count := range m.vms[vm].Resources {
			terms[resource] = append(terms[resource], placement.Term{Name: vm.String(), Value: placement.Int(count)})
		}
	}
	names := make([]string, 0, len(terms))
	for resource := range terms {
		names = append(names, resource)
	}
	sort.Strings(names)
	var out []placement.Claim
	for _, resource := range names {
		out = append(out, total("host "+h.Name+" resource "+resource, RuleResource, "1", terms[resource], placement.Int(h.Resources[resource])))
	}
	return out
}

// granted is one reservation on a host, of a vCPU or of device threads.
type granted struct {
	who     string
	network string
	cpu     int
	u       placement.Rat
}

func (m *model) granted(vms []name) []granted {
	var out []granted
	for _, vm := range vms {
		for _, r := range m.reservations[vm] {
			out = append(out, granted{fmt.Sprintf("%v/vcpu%d", vm, r.VCPU), vm.network, r.CPU, placement.Frac(r.RuntimeNs, r.PeriodNs)})
		}
		if e, ok := m.emulators[vm]; ok {
			out = append(out, granted{vm.String() + "/emulator", vm.network, e.CPU, placement.Frac(e.RuntimeNs, e.PeriodNs)})
		}
	}
	return out
}

// cpuClaim is the test of partitioned EDF for a CPU with reservations:
// implicit deadlines on one processor are met iff the utilizations sum to no more
// than its share (Liu and Layland 1973). Where all networks on a CPU are content with
// less than that, networkClaims say how often it is so.
func (m *model) cpuClaim(d *domain) placement.Claim {
	if m.tolerated(d) {
		return d.overbooking()
	}
	return total(d.subject, RuleEDF, "cpu", d.terms(), placement.FromBig(d.Limit))
}

// globalClaim is the test of Goossens, Funk and Baruah (2003) for global EDF over
// the m CPUs of one root domain: sum U + (m-1)*Umax <= m, here with the shares of
// the CPUs in the place of m.
func (m *model) globalClaim(d *domain) placement.Claim {
	if m.tolerated(d) {
		return d.overbooking()
	}
	return total(d.subject, RuleGFB, "cpu", d.terms(), placement.FromBig(d.Limit))
}

// cableClaims sum the rates of the links over each cable. Full duplex, a link asks
// the same of both directions; half duplex, both together take its rate (rests).
func (m *model) cableClaims() []placement.Claim {
	terms := map[string][]placement.Term{}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			link := name{n.Name, n.Links[j].Name}
			for _, cable := range m.routes[link].Cables {
				terms[cable] = append(terms[cable], placement.Term{Name: link.String(), Value: placement.Int(m.rates[link].rate)})
			}
		}
	}
	var out []placement.Claim
	for i := range m.problem.Inventory.Cables {
		c := &m.problem.Inventory.Cables[i]
		if len(terms[c.Name]) > 0 {
			limit := new(big.Rat).Mul(c.Share.Rat(), new(big.Rat).SetInt64(int64(c.Rate)))
			out = append(out, total("cable "+c.Name, RuleCable, "bit/s", terms[c.Name], placement.FromBig(limit)))
		}
	}
	return out
}

// ruleClaims count, for every rule of placement, what breaks it.
func (m *model) ruleClaims() []placement.Claim {
	var out []placement.Claim
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Place {
			r := &n.Place[j]
			rule, violations := RuleLabels, 0
			switch {
			case len(r.Apart) > 0:
				rule, violations = RuleApart, m.pairs(n.Name, r.Apart, true)
			case len(r.Together) > 0:
				rule, violations = RuleTogether, m.pairs(n.Name, r.Together, false)
			case len(r.Spread) > 0:
				rule, violations = RuleSpread, m.bunched(n.Name, r)
			default:
				violations = m.unlabelled(n.Name, r)
			}
			vms := slices.Concat(r.Apart, r.Together, r.Spread, r.VMs)
			out = append(out, placement.Claim{Subject: fmt.Sprintf("network %s place %d (%s)", n.Name, j, strings.Join(vms, ", ")), Rule: rule, Unit: "violations",
				Bound: placement.Int(int64(violations)), Limit: placement.Int(0)})
		}
	}
	return out
}

// pairs counts the pairs of VMs that share a host, or that do not.
func (m *model) pairs(network string, vms []string, sharing bool) int {
	count := 0
	for i, a := range vms {
		for _, b := range vms[:i] {
			if (m.seats[name{network, a}] == m.seats[name{network, b}]) == sharing {
				count++
			}
		}
	}
	return count
}

// bunched counts the VMs on hosts without the label, and the pairs on hosts with the
// same value of it.
func (m *model) bunched(network string, r *vsn.Rule) int {
	count := 0
	for i, a := range r.Spread {
		value, ok := m.seats[name{network, a}].Labels[r.Over]
		if !ok {
			count++
		}
		for _, b := range r.Spread[:i] {
			if other, has := m.seats[name{network, b}].Labels[r.Over]; ok && has && other == value {
				count++
			}
		}
	}
	return count
}

func (m *model) unlabelled(network string, r *vsn.Rule) int {
	count := 0
	for _, vm := range r.VMs {
		h := m.seats[name{network, vm}]
		for label, value := range r.On {
			if have, ok := h.Labels[label]; !ok || have != value {
				count++
			}
		}
	}
	return count
}
