// Package objective says what a placement costs: a function of a problem and its
// answer, in integers, that the proof derives again. It searches nothing.
//
// Costs are compared lexicographically, criterion by criterion. Start at Costs;
// docs/planner.md has the formulas.
package objective

import (
	"math"
	"math/big"
	"math/bits"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// Million is the whole of what hosts.Balance counts in.
const Million = 1_000_000

// Default is the objective where none is named.
func Default() []hosts.Objective { return []hosts.Objective{hosts.LeastBandwidth, hosts.FewestHosts} }

// Of is what is to be made least in a problem, the most important first.
func Of(p *placement.Problem) []hosts.Objective {
	if len(p.Inventory.Objective) > 0 {
		return p.Inventory.Objective
	}
	return Default()
}

// Unit is what a criterion is counted in.
func Unit(o hosts.Objective) string {
	switch o {
	case hosts.LeastBandwidth:
		return "bit/s"
	case hosts.FewestHosts:
		return "hosts"
	case hosts.Balance:
		return "ppm"
	}
	return "vms"
}

// Cost is one criterion, counted.
type Cost struct {
	By    hosts.Objective
	Value int64 // in Unit(By); math.MaxInt64 where it would be larger
	Terms []placement.Term
}

// Costs counts each criterion of the problem for an answer, which has to be one: a
// seat for each VM, a route for each link. What the planner chose of rates and
// reservations is read from the realization.
func Costs(p *placement.Problem, e *placement.Embedding, r *placement.Realization) []Cost {
	var out []Cost
	for _, by := range Of(p) {
		switch by {
		case hosts.LeastBandwidth:
			out = append(out, bandwidth(p, e, r))
		case hosts.FewestHosts:
			out = append(out, hostsOn(p, e))
		case hosts.Balance:
			out = append(out, balance(p, e, r))
		case hosts.LeastMoved:
			out = append(out, moves(p, e))
		}
	}
	return out
}

// Values are the costs without their terms.
func Values(costs []Cost) []int64 {
	out := make([]int64, len(costs))
	for i, c := range costs {
		out[i] = c.Value
	}
	return out
}

// Times is rate times hops, both not negative.
func Times(rate, hops int64) int64 {
	hi, lo := bits.Mul64(uint64(rate), uint64(hops))
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

// Plus is the sum of two costs that are not negative.
func Plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// bandwidth is the sum over the links of rate times hops, network by network. A link
// without a rate costs none.
func bandwidth(p *placement.Problem, e *placement.Embedding, r *placement.Realization) Cost {
	type key [2]string
	rates, hops := map[key]int64{}, map[key]int64{}
	for _, q := range r.Queues {
		if q.At == placement.AtPort {
			rates[key{q.Network, q.Link}] = max(rates[key{q.Network, q.Link}], q.RateBit)
		}
	}
	for _, route := range e.Routes {
		hops[key{route.Network, route.Link}] = int64(len(route.Cables))
	}
	out := Cost{By: hosts.LeastBandwidth}
	for i := range p.Networks {
		n, sum := &p.Networks[i], int64(0)
		for j := range n.Links {
			l := &n.Links[j]
			rate := int64(l.Rate)
			if rate == 0 {
				rate = rates[key{n.Name, l.Name}]
			}
			sum = Plus(sum, Times(rate, hops[key{n.Name, l.Name}]))
		}
		out.Value = Plus(out.Value, sum)
		out.Terms = append(out.Terms, placement.Term{Name: "network " + n.Name, Value: placement.Int(sum)})
	}
	return out
}

// hostsOn counts the hosts on which a VM sits or through which a route passes.
func hostsOn(p *placement.Problem, e *placement.Embedding) Cost {
	on := map[string]bool{}
	for _, s := range e.Seats {
		on[s.Host] = true
	}
	for _, r := range e.Routes {
		for _, node := range r.Path {
			on[node] = true
		}
	}
	out := Cost{By: hosts.FewestHosts}
	for i := range p.Inventory.Hosts {
		if name := p.Inventory.Hosts[i].Name; on[name] {
			out.Value++
			out.Terms = append(out.Terms, placement.Term{Name: "host " + name, Value: placement.Int(1)})
		}
	}
	return out
}

// balance is the largest part of a budget of a host that is taken, in millionths,
// rounded up: of memory, of each counted resource, and of processor time (the sum of
// Q/P against the sum of the shares). Its term is that budget.
func balance(p *placement.Problem, e *placement.Embedding, r *placement.Realization) Cost {
	at := map[string]*load{}
	for i := range p.Inventory.Hosts {
		at[p.Inventory.Hosts[i].Name] = &load{resources: map[string]int64{}, cpu: new(big.Rat)}
	}
	seats := make(map[[2]string]string, len(e.Seats))
	for _, s := range e.Seats {
		seats[[2]string{s.Network, s.VM}] = s.Host
	}
	for i := range p.Networks {
		n := &p.Networks[i]
		for j := range n.VMs {
			l := at[seats[[2]string{n.Name, n.VMs[j].Name}]]
			l.memory = Plus(l.memory, int64(n.VMs[j].Memory))
			for name, count := range n.VMs[j].Resources {
				l.resources[name] = Plus(l.resources[name], count)
			}
		}
	}
	for _, v := range r.Reservations {
		at[v.Host].cpu.Add(at[v.Host].cpu, big.NewRat(v.RuntimeNs, v.PeriodNs))
	}
	for _, v := range r.Emulators {
		at[v.Host].cpu.Add(at[v.Host].cpu, big.NewRat(v.RuntimeNs, v.PeriodNs))
	}
	most, where := new(big.Rat), ""
	for i := range p.Inventory.Hosts {
		h := &p.Inventory.Hosts[i]
		at[h.Name].parts(h, func(budget string, part *big.Rat) {
			if part.Cmp(most) > 0 {
				most, where = part, "host "+h.Name+" "+budget
			}
		})
	}
	out := Cost{By: hosts.Balance, Value: ppm(most)}
	if where != "" {
		out.Terms = []placement.Term{{Name: where, Value: placement.FromBig(most)}}
	}
	return out
}

// load is what is taken of a host.
type load struct {
	memory    int64
	resources map[string]int64
	cpu       *big.Rat
}

// parts gives the part that is taken of each budget, in the same order each time.
func (l *load) parts(h *hosts.Host, visit func(budget string, part *big.Rat)) {
	ratio := func(budget string, used, of int64) {
		switch {
		case used > 0 && of > 0:
			visit(budget, big.NewRat(used, of))
		case used > 0:
			visit(budget, new(big.Rat).SetInt64(math.MaxInt64))
		}
	}
	ratio("memory", l.memory, int64(h.Memory))
	names := make([]string, 0, len(l.resources))
	for name := range l.resources {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		ratio("resource "+name, l.resources[name], h.Resources[name])
	}
	share := new(big.Rat)
	for _, cpu := range h.CPUs {
		share.Add(share, h.ShareOf(cpu).Rat())
	}
	if l.cpu.Sign() > 0 && share.Sign() > 0 {
		visit("cpu", share.Quo(l.cpu, share))
	}
}

// ppm is a part in millionths, rounded up.
func ppm(part *big.Rat) int64 {
	scaled := new(big.Int).Mul(part.Num(), big.NewInt(Million))
	quotient, rest := scaled.QuoRem(scaled, part.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if !quotient.IsInt64() {
		return math.MaxInt64
	}
	return quotient.Int64()
}

// moves counts the VMs that were somewhere before and sit elsewhere now. What is new,
// or gone, does not move.
func moves(p *placement.Problem, e *placement.Embedding) Cost {
	before := map[[2]string]string{}
	for _, s := range p.Before {
		before[[2]string{s.Network, s.VM}] = s.Host
	}
	out := Cost{By: hosts.LeastMoved}
	for _, s := range e.Seats {
		if was, known := before[[2]string{s.Network, s.VM}]; known && was != s.Host {
			out.Value++
			out.Terms = append(out.Terms, placement.Term{Name: "vm " + s.Network + "/" + s.VM, Value: placement.Int(1)})
		}
	}
	return out
}
