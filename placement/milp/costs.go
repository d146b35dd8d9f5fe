package milp

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
)

// mostWeight bounds what the sum of all criteria, each weighed so that the one before
// decides, may come to: solvers count in doubles and to a tolerance.
const mostWeight = 1 << 40

// criterion is one thing to make less, as a sum of variables.
type criterion struct {
	by    hosts.Objective
	terms []term
	most  *big.Int // the sum comes to no more
	per   int64    // the cost is so many times the sum
}

// criteria are those of the problem.
func (g *program) criteria() (out []criterion) {
	for _, by := range objective.Of(g.p) {
		c := criterion{by: by, most: new(big.Int), per: 1}
		switch by {
		case hosts.LeastBandwidth:
			c = g.bandwidth()
		case hosts.FewestHosts:
			for h := range g.inv.Hosts {
				c.terms = append(c.terms, whole(1, fmt.Sprintf("y%d", h)))
			}
			c.most.SetInt64(int64(len(g.inv.Hosts)))
		case hosts.Balance:
			c.terms = []term{whole(1, "z")}
			c.most.SetInt64(objective.Million)
		case hosts.LeastMoved:
			for v := range g.vms {
				if h, ok := g.before(v); ok {
					c.terms = append(c.terms, whole(1, "one"))
					if h >= 0 && g.vms[v].allowed[h] {
						c.terms = append(c.terms, whole(-1, g.x(v, h)))
					}
					c.most.Add(c.most, big.NewInt(1))
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// bandwidth counts rate times hops in the largest unit that all rates are multiples of.
func (g *program) bandwidth() criterion {
	c := criterion{by: hosts.LeastBandwidth, most: new(big.Int)}
	for _, l := range g.links {
		c.per = gcd(c.per, int64(l.Rate))
	}
	c.per = max(1, c.per)
	for l := range g.links {
		rate := int64(g.links[l].Rate) / c.per
		if rate == 0 {
			continue
		}
		c.most.Add(c.most, new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(len(g.arcs)))))
		for cable := range g.inv.Cables {
			if g.wide(l, cable) {
				c.terms = append(c.terms, whole(rate, g.f(l, cable, 0)), whole(rate, g.f(l, cable, 1)))
			}
		}
	}
	return c
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// before is the host that a VM had, -1 if it is gone.
func (g *program) before(v int) (host int, known bool) {
	i := slices.IndexFunc(g.p.Before, func(s placement.Seat) bool { return s.Network == g.vms[v].network.Name && s.VM == g.vms[v].Name })
	if i < 0 {
		return 0, false
	}
	h, ok := g.nodes[g.p.Before[i].Host]
	if !ok || h >= len(g.inv.Hosts) {
		return -1, true
	}
	return h, true
}

// objective writes the criteria as one sum, in which each is worth more than all that
// come after it can amount to. Those that would make the weights too large are left out,
// and a comment says so.
func (g *program) objective() {
	all := g.criteria()
	weights := make([]*big.Int, len(all))
	for n := len(all); n > 0; n-- {
		weight := big.NewInt(1)
		for i := n - 1; i >= 0; i-- {
			weights[i] = new(big.Int).Set(weight)
			weight.Mul(weight, new(big.Int).Add(all[i].most, big.NewInt(1)))
		}
		if weight.Cmp(big.NewInt(mostWeight)) <= 0 || n == 1 {
			all, weights = all[:n], weights[:n]
			break
		}
	}
	for i, c := range all {
		g.text(fmt.Sprintf("\\ %s: 1 of it is %d %s, and weighs %v\n", c.by, c.per, objective.Unit(c.by), weights[i]))
	}
	for _, by := range objective.Of(g.p)[len(all):] {
		g.text(fmt.Sprintf("\\ %s is left out: its weight would be lost in the tolerance of a solver\n", by))
	}
	g.text("Minimize\n")
	g.column = 0
	g.word("cost:")
	sum := []term{whole(0, "one")} // a sum of nothing is a mistake to some readers
	for i, c := range all {
		for _, t := range c.terms {
			sum = append(sum, term{new(big.Rat).Mul(t.by, new(big.Rat).SetInt(weights[i])), t.name})
		}
	}
	g.sum(merged(sum))
	g.text("\n")
}

// costs ties the variables of costs to the others: a host is on if something sits on it
// or passes it, and balance is over every part taken.
func (g *program) costs() {
	for _, by := range objective.Of(g.p) {
		switch by {
		case hosts.FewestHosts:
			g.hostsOn()
		case hosts.Balance:
			g.balance()
		}
	}
}

func (g *program) hostsOn() {
	for h := range g.inv.Hosts {
		y := whole(1, fmt.Sprintf("y%d", h))
		for v := range g.vms {
			if g.vms[v].allowed[h] {
				g.row("on", append([]term{y}, whole(-1, g.x(v, h))), ">=", nothing)
			}
		}
		if !g.inv.Hosts[h].Transit {
			continue
		}
		for l := range g.links {
			for _, t := range g.through(l, h, true, -1) {
				g.row("on", []term{y, t}, ">=", nothing)
			}
		}
	}
}

// balance: a million times what is taken of a budget, over the budget, is at most z.
func (g *program) balance() {
	million := new(big.Rat).SetInt64(objective.Million)
	for h := range g.inv.Hosts {
		host := &g.inv.Hosts[h]
		part := func(budget *big.Rat, need func(vm) *big.Rat) {
			var terms []term
			for v := range g.vms {
				if u := need(g.vms[v]); g.vms[v].allowed[h] && u.Sign() > 0 && budget.Sign() > 0 {
					terms = append(terms, term{new(big.Rat).Quo(u.Mul(u, million), budget), g.x(v, h)})
				}
			}
			if len(terms) > 0 {
				g.row("part", append(terms, whole(-1, "z")), "<=", nothing)
			}
		}
		part(new(big.Rat).SetInt64(int64(host.Memory)), func(v vm) *big.Rat { return new(big.Rat).SetInt64(int64(v.Memory)) })
		for _, name := range g.resources() {
			part(new(big.Rat).SetInt64(host.Resources[name]), func(v vm) *big.Rat { return new(big.Rat).SetInt64(v.Resources[name]) })
		}
		share := new(big.Rat)
		for _, cpu := range host.CPUs {
			share.Add(share, host.ShareOf(cpu).Rat())
		}
		part(share, func(v vm) *big.Rat {
			need := new(big.Rat)
			if u := v.u(); u != nil {
				need.Mul(u, new(big.Rat).SetInt64(int64(v.VCPUs)))
			}
			if u := emulator(host); u != nil {
				need.Add(need, u)
			}
			return need
		})
	}
}

// variables lists the bounds and the integers.
func (g *program) variables() {
	g.text("Bounds\n one = 1\n")
	g.limits()
	g.text("Binaries\n")
	g.column = 0
	g.binaries()
	g.text("\n")
	if slices.Contains(objective.Of(g.p), hosts.Balance) {
		g.general = append(g.general, "z")
	}
	if len(g.general) == 0 {
		return
	}
	g.text("Generals\n")
	g.column = 0
	for _, name := range g.general {
		g.word(name)
	}
	g.text("\n")
}

// limits bounds what is an integer and not binary.
func (g *program) limits() {
	for v := range g.vms {
		for h := range g.inv.Hosts {
			if host := &g.inv.Hosts[h]; g.vms[v].allowed[h] && host.Partition && g.vms[v].u() != nil && g.vms[v].VCPUs > 1 {
				for c := range host.CPUs {
					g.text(fmt.Sprintf(" 0 <= n%d_%d_%d <= %d\n", v, h, c, g.vms[v].VCPUs))
				}
			}
		}
	}
	if slices.Contains(objective.Of(g.p), hosts.Balance) {
		g.text(fmt.Sprintf(" 0 <= z <= %d\n", objective.Million))
	}
}

// binaries lists what is 0 or 1, and keeps, of CPUs, what is not.
func (g *program) binaries() {
	for v := range g.vms {
		for h := range g.inv.Hosts {
			if g.vms[v].allowed[h] {
				g.word(g.x(v, h))
				g.binaryCPUs(v, h)
			}
		}
	}
	for l := range g.links {
		for c := range g.inv.Cables {
			if g.wide(l, c) {
				g.word(g.f(l, c, 0))
				g.word(g.f(l, c, 1))
			}
		}
	}
	if slices.Contains(objective.Of(g.p), hosts.FewestHosts) {
		for h := range g.inv.Hosts {
			g.word(fmt.Sprintf("y%d", h))
		}
	}
}

// binaryCPUs lists what is 0 or 1 of the CPUs of a VM, and keeps what is not.
func (g *program) binaryCPUs(v, h int) {
	host := &g.inv.Hosts[h]
	if !host.Partition {
		return
	}
	for c := range host.CPUs {
		if g.vms[v].u() != nil {
			name := fmt.Sprintf("n%d_%d_%d", v, h, c)
			if g.vms[v].VCPUs > 1 {
				g.general = append(g.general, name)
			} else {
				g.word(name)
			}
		}
		if host.Emulator != nil {
			g.word(fmt.Sprintf("e%d_%d_%d", v, h, c))
		}
	}
}
