package milp

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

func (g *program) x(v, h int) string { return fmt.Sprintf("x%d_%d", v, h) }

var nothing = new(big.Rat)

// seats: every VM sits on one host.
func (g *program) seats() {
	for v := range g.vms {
		var terms []term
		for h := range g.inv.Hosts {
			if g.vms[v].allowed[h] {
				terms = append(terms, whole(1, g.x(v, h)))
			}
		}
		g.row("seat", terms, "=", unit)
	}
}

// rules: of VMs that are apart at most one sits on a host; VMs that are together sit
// where the first of them does. Labels and pins have left out variables.
func (g *program) rules() {
	for i := range g.p.Networks {
		n := &g.p.Networks[i]
		for _, rule := range n.Place {
			g.spread(n.Name, rule)
			apart, together := g.named(n.Name, rule.Apart), g.named(n.Name, rule.Together)
			for h := range g.inv.Hosts {
				if len(apart) > 0 {
					g.row("apart", g.on(h, apart, 1), "<=", unit)
				}
				for _, v := range together[min(1, len(together)):] {
					g.row("together", append(g.on(h, []int{v}, 1), g.on(h, together[:1], -1)...), "=", nothing)
				}
			}
		}
	}
}

// spread: of VMs that are spread at most one sits on hosts with one value of the label.
func (g *program) spread(network string, r vsn.Rule) {
	vms := g.named(network, r.Spread)
	values := map[string][]term{}
	for h := range g.inv.Hosts {
		value := g.inv.Hosts[h].Labels[r.Over]
		values[value] = append(values[value], g.on(h, vms, 1)...)
	}
	for _, value := range slices.Sorted(maps.Keys(values)) {
		if len(vms) > 0 && len(values[value]) > 0 {
			g.row("spread", values[value], "<=", unit)
		}
	}
}

func (g *program) named(network string, names []string) (out []int) {
	for v := range g.vms {
		if g.vms[v].network.Name == network && slices.Contains(names, g.vms[v].Name) {
			out = append(out, v)
		}
	}
	return out
}

// on is the seats of some VMs on a host.
func (g *program) on(h int, vms []int, by int64) (out []term) {
	for _, v := range vms {
		if g.vms[v].allowed[h] {
			out = append(out, whole(by, g.x(v, h)))
		}
	}
	return out
}

// budgetsOfHosts: memory and counted resources.
func (g *program) budgetsOfHosts() {
	for h := range g.inv.Hosts {
		host := &g.inv.Hosts[h]
		g.integers("memory", g.taken(h, func(v vm) int64 { return int64(v.Memory) }), new(big.Rat).SetInt64(int64(host.Memory)))
		for _, name := range g.resources() {
			g.integers("resource", g.taken(h, func(v vm) int64 { return v.Resources[name] }), new(big.Rat).SetInt64(host.Resources[name]))
		}
	}
}

// resources are the names of those that some VM asks for, sorted.
func (g *program) resources() []string {
	names := map[string]bool{}
	for _, v := range g.vms {
		for name := range v.Resources {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (g *program) taken(h int, need func(vm) int64) (out []term) {
	for v := range g.vms {
		if amount := need(g.vms[v]); g.vms[v].allowed[h] && amount > 0 {
			out = append(out, whole(amount, g.x(v, h)))
		}
	}
	return out
}

// processors: on a host with partitions every reservation has a CPU and each CPU keeps
// its share; on others the sum and the largest keep to the test of Goossens, Funk and
// Baruah.
func (g *program) processors() {
	for h := range g.inv.Hosts {
		if g.inv.Hosts[h].Partition {
			g.partitioned(h)
		} else {
			g.global(h)
		}
	}
}

// u is Q/P of each vCPU of a VM, or nil.
func (v vm) u() *big.Rat {
	if v.Reservation == nil || v.Reservation.Period == 0 {
		return nil
	}
	return big.NewRat(int64(v.Reservation.Runtime), int64(v.Reservation.Period))
}

func emulator(h *hosts.Host) *big.Rat {
	if h.Emulator == nil {
		return nil
	}
	return big.NewRat(int64(h.Emulator.Runtime), int64(h.Emulator.Period))
}

func (g *program) partitioned(h int) {
	host := &g.inv.Hosts[h]
	on := make([][]term, len(host.CPUs))
	for v := range g.vms {
		vm := g.vms[v]
		if !vm.allowed[h] {
			continue
		}
		divide := func(kind string, count int, u *big.Rat) {
			divided := []term{whole(int64(-count), g.x(v, h))}
			for c := range host.CPUs {
				name := fmt.Sprintf("%s%d_%d_%d", kind, v, h, c)
				divided = append(divided, whole(1, name))
				on[c] = append(on[c], term{u, name})
			}
			g.row("divide", divided, "=", nothing)
		}
		if u := vm.u(); u != nil {
			divide("n", vm.VCPUs, u)
		}
		if u := emulator(host); u != nil {
			divide("e", 1, u)
		}
	}
	for c := range host.CPUs {
		if len(on[c]) > 0 {
			g.integers("cpu", on[c], host.ShareOf(host.CPUs[c]).Rat())
		}
	}
}

func (g *program) global(h int) {
	host := &g.inv.Hosts[h]
	largest := fmt.Sprintf("u%d", h)
	share := new(big.Rat)
	for _, cpu := range host.CPUs {
		share.Add(share, host.ShareOf(cpu).Rat())
	}
	var sum []term
	for v := range g.vms {
		vm := g.vms[v]
		if !vm.allowed[h] {
			continue
		}
		need := new(big.Rat)
		if u := vm.u(); u != nil {
			need.Add(need, new(big.Rat).Mul(u, new(big.Rat).SetInt64(int64(vm.VCPUs))))
			g.row("largest", []term{{unit, largest}, {new(big.Rat).Neg(u), g.x(v, h)}}, ">=", nothing)
		}
		if u := emulator(host); u != nil {
			need.Add(need, u)
			g.row("largest", []term{{unit, largest}, {new(big.Rat).Neg(u), g.x(v, h)}}, ">=", nothing)
		}
		if need.Sign() > 0 {
			sum = append(sum, term{need, g.x(v, h)})
		}
	}
	if len(sum) > 0 {
		if rest := int64(len(host.CPUs) - 1); rest > 0 {
			sum = append(sum, whole(rest, largest))
		}
		g.row("gfb", sum, "<=", share)
	}
}

func (g *program) f(l, cable, direction int) string {
	return fmt.Sprintf("f%d_%d_%d", l, cable, direction)
}

// wide reports whether a cable alone can carry a link.
func (g *program) wide(l, cable int) bool { return g.budgets[cable] >= int64(g.links[l].Rate) }

// through lists the variables of a link out of a node, or into it.
func (g *program) through(l, node int, out bool, by int64) (terms []term) {
	for _, a := range g.arcs[node] {
		if g.wide(l, a.cable) {
			d := a.direction
			if !out {
				d = 1 - d
			}
			terms = append(terms, whole(by, g.f(l, a.cable, d)))
		}
	}
	return terms
}

// paths: what of a link comes out of a node and does not go into it starts there; hosts
// that do not forward only start and end links.
func (g *program) paths() {
	for l := range g.links {
		a, b := g.links[l].ends[0], g.links[l].ends[1]
		for node := range g.arcs {
			terms := append(g.through(l, node, true, 1), g.through(l, node, false, -1)...)
			if node < len(g.inv.Hosts) {
				starts, ends := g.on(node, []int{a}, -1), g.on(node, []int{b}, -1)
				if !g.inv.Hosts[node].Transit {
					g.row("starts", append(g.through(l, node, true, 1), starts...), "<=", nothing)
					g.row("ends", append(g.through(l, node, false, 1), ends...), "<=", nothing)
				}
				terms = append(append(terms, starts...), g.on(node, []int{b}, 1)...)
			}
			g.row("path", terms, "=", nothing)
		}
	}
}

// cables: the rates over each, the same in both directions.
func (g *program) cables() {
	for c := range g.inv.Cables {
		var terms []term
		for l := range g.links {
			if rate := int64(g.links[l].Rate); rate > 0 && g.wide(l, c) {
				terms = append(terms, whole(rate, g.f(l, c, 0)), whole(rate, g.f(l, c, 1)))
			}
		}
		if len(terms) > 0 {
			g.integers("cable", terms, new(big.Rat).SetInt64(g.budgets[c]))
		}
	}
}

// delays: the way of a link, in ns, and the ways and works of a flow, queues apart.
func (g *program) delays() {
	for l := range g.links {
		if limit := g.links[l].Delay; limit > 0 {
			g.integers("delay", g.way(l), new(big.Rat).SetInt64(int64(limit)))
		}
	}
	for i := range g.p.Networks {
		n := &g.p.Networks[i]
		for j := range n.Flows {
			f := &n.Flows[j]
			if f.Deadline == 0 || len(f.VMs()) != len(f.Path) {
				continue
			}
			var terms []term
			left := int64(f.Deadline)
			for _, vm := range f.VMs() {
				left -= int64(f.Work[vm])
			}
			for _, step := range f.Steps() {
				for l := range g.links {
					if b := g.links[l].Between; g.links[l].network == n && slices.Contains(b, step.From) && slices.Contains(b, step.To) {
						terms = append(terms, g.way(l)...)
					}
				}
			}
			g.integers("deadline", terms, new(big.Rat).SetInt64(left))
		}
	}
}

// way is what a frame spends in nodes and cables.
func (g *program) way(l int) (terms []term) {
	for h := range g.inv.Hosts {
		if d := int64(g.inv.Hosts[h].Delay); d > 0 && g.vms[g.links[l].ends[0]].allowed[h] {
			terms = append(terms, whole(d, g.x(g.links[l].ends[0], h)))
		}
	}
	for node := range g.arcs {
		for _, a := range g.arcs[node] {
			delay := int64(g.inv.Cables[a.cable].Delay)
			if a.to < len(g.inv.Hosts) {
				delay += int64(g.inv.Hosts[a.to].Delay)
			} else {
				delay += int64(g.inv.Switches[a.to-len(g.inv.Hosts)].Delay)
			}
			if delay > 0 && g.wide(l, a.cable) {
				terms = append(terms, whole(delay, g.f(l, a.cable, a.direction)))
			}
		}
	}
	return terms
}
