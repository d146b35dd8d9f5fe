package proof

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// total is a claim that terms sum to at most limit.
func total(subject, rule, unit string, terms []placement.Term, limit placement.Rat) placement.Claim {
	sum := placement.Int(0)
	for _, t := range terms {
		sum = sum.Add(t.Value)
	}
	return placement.Claim{Subject: subject, Rule: rule, Unit: unit, Terms: terms, Bound: sum, Limit: limit}
}

// hostClaims are memory, counted resources and processor time of a host that carries
// something.
func (m *model) hostClaims(host int) []placement.Claim {
	h, vms := &m.inventory.Hosts[host], m.at[host]
	memory := make([]placement.Term, 0, len(vms))
	for _, g := range vms {
		vm := m.vm(g)
		memory = append(memory, placement.Term{Name: vm.name.String(), Value: placement.Int(int64(vm.Memory))})
	}
	out := []placement.Claim{total("host "+h.Name+" memory", RuleMemory, "B", memory, placement.Int(int64(h.Memory)))}
	out = append(out, m.resourceClaims(h, vms)...)
	for _, d := range m.domainsOf(host) {
		if h.Partition {
			out = append(out, m.cpuClaim(d))
		} else {
			out = append(out, m.globalClaim(d))
		}
	}
	return out
}

func (m *model) resourceClaims(h *hosts.Host, vms []guest) []placement.Claim {
	terms := map[string][]placement.Term{}
	for _, g := range vms {
		vm := m.vm(g)
		for resource, count := range vm.Resources {
			terms[resource] = append(terms[resource], placement.Term{Name: vm.name.String(), Value: placement.Int(count)})
		}
	}
	var out []placement.Claim
	for _, resource := range slices.Sorted(maps.Keys(terms)) {
		out = append(out, total("host "+h.Name+" resource "+resource, RuleResource, "1", terms[resource], placement.Int(h.Resources[resource])))
	}
	return out
}

// granted are all reservations on a host, VM by VM.
func (m *model) granted(host int) []granted {
	var out []granted
	for _, g := range m.at[host] {
		out = append(out, m.vm(g).granted...)
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
	return total(d.subject, RuleEDF, "cpu", d.terms, placement.FromBig(d.Limit))
}

// globalClaim is the test of Goossens, Funk and Baruah (2003) for global EDF over
// the m CPUs of one root domain: sum U + (m-1)*Umax <= m, here with the shares of
// the CPUs in the place of m.
func (m *model) globalClaim(d *domain) placement.Claim {
	if m.tolerated(d) {
		return d.overbooking()
	}
	return total(d.subject, RuleGFB, "cpu", d.terms, placement.FromBig(d.Limit))
}

// cableClaim sums the rates of the links over a cable. Full duplex, a link asks the same
// of both directions; half duplex, both together take its rate (rests).
func (d *derivation) cableClaim(cable int) placement.Claim {
	c := &d.inventory.Cables[cable]
	var terms []placement.Term
	for _, u := range d.over(cable) {
		l := &d.parts[u.slot].links[u.path/2]
		terms = append(terms, placement.Term{Name: l.name.String(), Value: placement.Int(l.rate)})
	}
	limit := new(big.Rat).Mul(c.Share.Rat(), new(big.Rat).SetInt64(int64(c.Rate)))
	return total("cable "+c.Name, RuleCable, "bit/s", terms, placement.FromBig(limit))
}

// ruleClaims count, for every rule of placement of a network, what breaks it.
func (p *part) ruleClaims() []placement.Claim {
	var out []placement.Claim
	for j := range p.Place {
		r := &p.Place[j]
		rule, violations := RuleLabels, 0
		switch {
		case len(r.Apart) > 0:
			rule, violations = RuleApart, p.pairs(r.Apart, true)
		case len(r.Together) > 0:
			rule, violations = RuleTogether, p.pairs(r.Together, false)
		case len(r.Spread) > 0:
			rule, violations = RuleSpread, p.bunched(r)
		default:
			violations = p.unlabelled(r)
		}
		vms := slices.Concat(r.Apart, r.Together, r.Spread, r.VMs)
		out = append(out, placement.Claim{Subject: fmt.Sprintf("network %s place %d (%s)", p.Name, j, strings.Join(vms, ", ")), Rule: rule, Unit: "violations",
			Bound: placement.Int(int64(violations)), Limit: placement.Int(0)})
	}
	return out
}

// pairs counts the pairs of VMs that share a host, or that do not.
func (p *part) pairs(vms []string, sharing bool) int {
	count := 0
	for i, a := range vms {
		for _, b := range vms[:i] {
			if (p.hostOf(a) == p.hostOf(b)) == sharing {
				count++
			}
		}
	}
	return count
}

// bunched counts the VMs on hosts without the label, and the pairs on hosts with the
// same value of it.
func (p *part) bunched(r *vsn.Rule) int {
	count := 0
	for i, a := range r.Spread {
		value, ok := p.label(a, r.Over)
		if !ok {
			count++
		}
		for _, b := range r.Spread[:i] {
			if other, has := p.label(b, r.Over); ok && has && other == value {
				count++
			}
		}
	}
	return count
}

func (p *part) unlabelled(r *vsn.Rule) int {
	count := 0
	for _, vm := range r.VMs {
		for label, value := range r.On {
			if have, ok := p.label(vm, label); !ok || have != value {
				count++
			}
		}
	}
	return count
}

// hostOf is the host of a VM; nil where a rule names one that is not there.
func (p *part) hostOf(vm string) *hosts.Host {
	if v := p.find(vm); v != nil {
		return v.host
	}
	return nil
}

// label is one of the host of a VM.
func (p *part) label(vm, key string) (value string, ok bool) {
	if h := p.hostOf(vm); h != nil {
		value, ok = h.Labels[key]
	}
	return value, ok
}
