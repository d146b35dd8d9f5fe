package dimension

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// use is the least share of CPUs that all vCPUs of a VM take together, whatever is
// chosen.
func (r *refuter) use(vm *vsn.VM, walks map[*vsn.Flow]walked) *big.Rat {
	if g := vm.Reservation; g != nil && g.Runtime > 0 {
		return new(big.Rat).Mul(big.NewRat(int64(g.Runtime), int64(g.Period)), ratOf(int64(vm.VCPUs)))
	}
	least := new(big.Rat)
	if r.promised(vm.Name) {
		least = r.asked(vm.Name)
		for _, f := range r.comes[vm.Name] {
			if f.Deadline == 0 {
				continue
			}
			w := walks[f]
			limit := int64(f.Deadline) - w.through[vm.Name] + w.at[vm.Name]
			if u := r.ease[vm.Name].use(w.meets[vm.Name], limit); u.Cmp(least) > 0 {
				least = u
			}
		}
	}
	least = new(big.Rat).Mul(least, ratOf(int64(vm.VCPUs)))
	if tasks := tasksUse(vm); tasks.Cmp(least) > 0 {
		return tasks
	}
	return least
}

func (r *refuter) walks() map[*vsn.Flow]walked {
	out := map[*vsn.Flow]walked{}
	for i := range r.n.Flows {
		if f := &r.n.Flows[i]; f.Deadline > 0 {
			out[f] = r.walk(f)
		}
	}
	return out
}

// together is the least that the VMs on one way of a flow take together: what one
// takes less of the deadline another may take more. With x = limit - work - 2 grain the
// share of each is at least m/(m+x) (see use), and all x sum to X at most, so that all
// shares sum to (sum of sqrt(m))^2 / (X + sum of m) at least (Cauchy-Schwarz). The
// roots are rounded down.
func (r *refuter) together(f *vsn.Flow, w walked) (way []*vsn.VM, least *big.Rat) {
	left := int64(f.Deadline) - w.total
	room, roots := new(big.Rat), new(big.Int)
	const scale = 32 // bits of each root behind the point
	for _, stage := range f.Path {
		name := slices.MaxFunc(stage, func(a, b string) int { return cmp.Compare(w.through[a], w.through[b]) })
		vm, e := r.n.VM(name), r.ease[name]
		if vm.Reservation != nil {
			continue // at least what its period allows, which is in w
		}
		m := leastGaps(ratOf(w.meets[name]), ratOf(e.budget()))
		left += w.at[name] - w.meets[name] - 2*e.grain
		room.Add(room, m)
		m.Mul(m, ratOf(int64(vm.VCPUs)))
		square := new(big.Int).Lsh(m.Num(), 2*scale)
		roots.Add(roots, square.Sqrt(square.Quo(square, m.Denom())))
		way = append(way, vm)
	}
	if room.Add(room, ratOf(left)); room.Sign() <= 0 {
		return way, new(big.Rat)
	}
	least = new(big.Rat).SetFrac(roots.Mul(roots, roots), new(big.Int).Lsh(big.NewInt(1), 2*scale))
	return way, least.Quo(least, room)
}

// takes is the least that all VMs of the network take together: each by itself, or,
// where that is more, those on a flow's way that are not counted yet.
func (r *refuter) takes() *big.Rat {
	walks, each, sum := r.walks(), map[*vsn.VM]*big.Rat{}, new(big.Rat)
	for i := range r.n.VMs {
		each[&r.n.VMs[i]] = r.use(&r.n.VMs[i], walks)
	}
	for i := range r.n.Flows {
		f := &r.n.Flows[i]
		if f.Deadline == 0 {
			continue
		}
		way, all := r.together(f, walks[f])
		alone := new(big.Rat)
		for _, vm := range way {
			if each[vm] == nil {
				alone = all // counted with another flow
				break
			}
			alone.Add(alone, each[vm])
		}
		if all.Cmp(alone) > 0 {
			sum.Add(sum, all)
			for _, vm := range way {
				each[vm] = nil
			}
		}
	}
	for i := range r.n.VMs {
		if u := each[&r.n.VMs[i]]; u != nil {
			sum.Add(sum, u)
		}
	}
	return sum
}

// totals compares the least that all VMs take with all that the hosts offer. Networks
// that are not always active are not counted: they may be given what is not there.
func totals(p *placement.Problem) []placement.Conflict {
	need, have := new(big.Rat), new(big.Rat)
	for i := range p.Networks {
		if active, _ := p.Networks[i].Odds(); active != vsn.One {
			continue
		}
		need.Add(need, newRefuter(p, &p.Networks[i]).takes())
	}
	for i := range p.Inventory.Hosts {
		h := &p.Inventory.Hosts[i]
		for _, c := range h.CPUs {
			have.Add(have, h.ShareOf(c).Rat())
		}
	}
	if need.Cmp(have) <= 0 {
		return nil
	}
	return []placement.Conflict{conflict(ruleCPU, "all hosts processor time", need, have, "cpu",
		"whatever reservations are chosen, deadlines and tasks take %s cpus or more, and all hosts offer %s: longer deadlines or more cpus", decimal(need), decimal(have))}
}
