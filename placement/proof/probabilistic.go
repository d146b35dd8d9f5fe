package proof

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// domain is what EDF schedules by itself: a CPU of a host with partitions, or all CPUs
// of another (Extra is then their number less one), with what is reserved there.
type domain struct {
	subject string
	bounds.Capacity
	cpus  int
	held  []granted
	terms []placement.Term // the shares of all reservations and, where it counts, the largest
	need  placement.Rat    // what all reservations together ask for
}

// domainsOf lists the domains of a host that hold reservations, in the order of its
// CPUs.
func (m *model) domainsOf(host int) []*domain {
	h, all := &m.inventory.Hosts[host], m.granted(host)
	if len(all) == 0 {
		return nil
	}
	if h.Partition {
		var out []*domain
		held := make([][]granted, len(h.CPUs))
		for _, g := range all {
			at := cpuAt(h, g.cpu)
			held[at] = append(held[at], g)
		}
		for i, cpu := range h.CPUs {
			if len(held[i]) > 0 {
				d := &domain{subject: fmt.Sprintf("host %s cpu %d", h.Name, cpu.ID), Capacity: bounds.Capacity{Limit: h.ShareOf(cpu).Rat()}, cpus: 1, held: held[i]}
				out = append(out, d.addUp())
			}
		}
		return out
	}
	d := &domain{subject: "host " + h.Name + " cpus", Capacity: bounds.Capacity{Limit: new(big.Rat), Extra: int64(len(h.CPUs)) - 1}, cpus: len(h.CPUs), held: all}
	for _, cpu := range h.CPUs {
		d.Limit.Add(d.Limit, h.ShareOf(cpu).Rat())
	}
	return []*domain{d.addUp()}
}

func (d *domain) addUp() *domain {
	most := placement.Int(0)
	d.terms = make([]placement.Term, 0, len(d.held)+1)
	for _, g := range d.held {
		d.terms = append(d.terms, placement.Term{Name: g.who, Value: g.u})
		if g.u.Cmp(most) > 0 {
			most = g.u
		}
	}
	if d.global() {
		rest := new(big.Rat).Mul(most.Big(), new(big.Rat).SetInt64(d.Extra))
		d.terms = append(d.terms, placement.Term{Name: fmt.Sprintf("(%d-1)*Umax", d.cpus), Value: placement.FromBig(rest)})
	}
	d.need = placement.Int(0)
	for _, t := range d.terms {
		d.need = d.need.Add(t.Value)
	}
	return d
}

// global reports whether the domain is a root domain of all CPUs.
func (d *domain) global() bool { return d.held[0].cpu == hosts.AnyCPU }

func (d *domain) overbooked() bool { return d.need.Cmp(placement.FromBig(d.Limit)) > 0 }

// tolerated reports whether a domain is overbooked and no network there minds.
func (m *model) tolerated(d *domain) bool {
	return d.overbooked() && !slices.ContainsFunc(d.held, func(g granted) bool { return m.confidence(g.network) == vsn.One })
}

func (m *model) confidence(network string) vsn.Share {
	if slot, ok := m.slots[network]; ok {
		_, confidence := m.parts[slot].Odds()
		return confidence
	}
	return vsn.One
}

// overbooking states what a domain is asked for when all networks are active at once.
// Nothing limits it: what is promised is in networkClaims.
func (d *domain) overbooking() placement.Claim {
	return placement.Claim{Subject: d.subject, Rule: RuleOdds, Unit: "cpu", Terms: d.terms, Bound: d.need, Limit: placement.Inf()}
}

// load is what a network asks of a domain.
func (d *domain) load(network string) bounds.Load {
	out := bounds.Load{Sum: new(big.Rat), Largest: new(big.Rat)}
	for _, g := range d.held {
		if g.network != network {
			continue
		}
		out.Sum.Add(out.Sum, g.u.Big())
		if u := g.u.Big(); u.Cmp(out.Largest) > 0 {
			out.Largest = u
		}
	}
	return out
}

// networkClaims are, for each network with a confidence: the probability that, while it
// is active, any of the CPUs that it has reservations on is asked for more than it
// offers, is no more than it accepts.
func (m *model) networkClaims() []placement.Claim {
	if !m.odds() {
		return nil
	}
	overbooked := m.overbooked()
	var out []placement.Claim
	m.networks(func(p *part) {
		if p.Confidence != 0 {
			out = append(out, m.networkClaim(p.Network, overbooked))
		}
	})
	return out
}

// odds reports whether any network is content with less than certainty.
func (m *model) odds() bool {
	for i := range m.problem.Networks {
		if m.problem.Networks[i].Confidence != 0 {
			return true
		}
	}
	return false
}

// overbooked are the domains that are asked for more than they have, host by host.
func (m *model) overbooked() (out []*domain) {
	for i := range m.inventory.Hosts {
		for _, d := range m.domainsOf(i) {
			if d.overbooked() {
				out = append(out, d)
			}
		}
	}
	return out
}

func (m *model) networkClaim(n *vsn.Network, overbooked []*domain) placement.Claim {
	active, confidence := n.Odds()
	one := big.NewRat(1, 1)
	c := placement.Claim{Subject: "network " + n.Name, Rule: RuleOdds, Unit: "probability", Limit: placement.FromBig(one.Sub(one, confidence.Rat()))}
	add := func(v *big.Rat, format string, args ...any) {
		c.Terms = append(c.Terms, placement.Term{Name: fmt.Sprintf(format, args...), Value: placement.FromBig(v)})
	}
	add(confidence.Rat(), "confidence")
	add(active.Rat(), "active")
	var capacities []bounds.Capacity
	var own []bounds.Load
	var mine []*domain
	for _, d := range overbooked {
		l := d.load(n.Name)
		if l.Sum.Sign() == 0 {
			continue
		}
		capacities, own, mine = append(capacities, d.Capacity), append(own, l), append(mine, d)
		add(d.Limit, "%s offers", d.subject)
		d.add(add, n.Name, l)
	}
	var others []bounds.Party
	for _, o := range m.beside(n.Name, mine) {
		party := bounds.Party{Loads: make([]bounds.Load, len(mine))}
		asks := false
		for k, d := range mine {
			if l := d.load(o.Name); l.Sum.Sign() > 0 {
				party.Loads[k], asks = l, true
				d.add(add, o.Name, l)
			}
		}
		if asks {
			share, _ := o.Odds()
			party.Active = share.Rat()
			others = append(others, party)
			add(party.Active, "%s active", o.Name)
		}
	}
	p, _ := bounds.JointProbability(capacities, own, others)
	c.Bound = risk(p)
	return c
}

// beside are the other networks with reservations in domains, in the order of the problem.
func (m *model) beside(network string, domains []*domain) []*vsn.Network {
	there := map[string]bool{network: true}
	var slots []int32
	for _, d := range domains {
		for _, g := range d.held {
			if !there[g.network] {
				there[g.network] = true
				slots = append(slots, m.slots[g.network])
			}
		}
	}
	slices.SortFunc(slots, func(a, b int32) int { return cmp.Compare(m.place[a], m.place[b]) })
	out := make([]*vsn.Network, len(slots))
	for i, slot := range slots {
		out[i] = m.parts[slot].Network
	}
	return out
}

// add names what a network asks of a domain.
func (d *domain) add(add func(v *big.Rat, format string, args ...any), network string, l bounds.Load) {
	add(l.Sum, "%s: %s", d.subject, network)
	if d.Extra > 0 {
		add(l.Largest, "%s: %s largest", d.subject, network)
	}
}

// longest is the most digits of a risk that is written exactly.
const longest = 150

// risk is 1 - p: exactly where that can be written down, else rounded up to 18 digits.
func risk(p *big.Rat) placement.Rat {
	out := new(big.Rat).Sub(big.NewRat(1, 1), p)
	if len(out.RatString()) > longest {
		unit := big.NewInt(1_000_000_000_000_000_000)
		num := new(big.Int).Mul(out.Num(), unit)
		num.Add(num, out.Denom()).Sub(num, big.NewInt(1)).Div(num, out.Denom())
		out.SetFrac(num, unit)
	}
	return placement.FromBig(out)
}
