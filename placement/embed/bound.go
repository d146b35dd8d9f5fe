package embed

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/objective"
)

// beyond reports whether every embedding with the seats as they are costs more than a
// limit of the criteria up to this stage.
func (b *best) beyond() bool {
	for i := range b.stage + 1 {
		if b.lowest(i) > b.limits[i] {
			return true
		}
	}
	return false
}

// lowest is what criterion i costs at least with the seats as they are.
func (b *best) lowest(i int) int64 {
	switch b.by[i] {
	case hosts.LeastBandwidth:
		return b.lowestBandwidth()
	case hosts.FewestHosts:
		return b.lowestHosts()
	case hosts.Balance:
		return b.lowestBalance()
	}
	return b.lowestMoves()
}

// lowestBandwidth adds up three sets of links, of which none is in two: those with
// both ends seated, over their shortest paths; those with one end seated, each group
// where all of its own cost least; and those between groups without seats, of which
// some must leave a host (block).
func (b *best) lowestBandwidth() int64 {
	sum := plus(b.base, b.direct)
	for g := range b.m.groups {
		if b.seat[g] < 0 && b.pull[g] > 0 {
			sum = plus(sum, b.leastNear(int32(g)))
		}
	}
	for i := range b.blocks {
		sum = plus(sum, b.blocks[i].split(b.seat))
	}
	return sum
}

// leastNear is the least of a group's rate times distance to its seated neighbours.
func (b *best) leastNear(g int32) int64 {
	least := int64(math.MaxInt64)
	for w, word := range b.domain[g] {
		for ; word != 0; word &= word - 1 {
			least = min(least, b.near[g][w*64+bits.TrailingZeros64(word)])
		}
	}
	return least
}

// lowestHosts is the hosts that are on, and those that what is left takes beyond the
// room on them: of each budget, as many of the largest others as make up for it. No
// fewer than a block takes by itself.
func (b *best) lowestHosts() int64 {
	on := int64(0)
	for h := range b.m.hosts {
		if b.isOn(int32(h)) {
			on++
		}
	}
	most := on
	for budget := range 2 + len(b.m.resources) {
		if budget == 1 && b.m.odd {
			continue // a host may be asked for more processor time than it has
		}
		most = max(most, on+b.more(budget))
	}
	for i := range b.blocks {
		most = max(most, int64(b.blocks[i].hosts[len(b.blocks[i].hosts)-1]))
	}
	return most
}

func (b *best) isOn(h int32) bool { return len(b.on[h]) > 0 || b.passing[h] > 0 }

// more is how many hosts that are off must come on for what is left of a budget:
// memory, processor time, resources by their number.
func (b *best) more(budget int) int64 {
	need := int64(0)
	for g := range b.m.groups {
		if b.seat[g] < 0 {
			need = plus(need, b.m.groups[g].takes(budget))
		}
	}
	if need == 0 {
		return 0
	}
	var off []int64
	for h := range b.m.hosts {
		h := int32(h)
		if b.isOn(h) {
			need -= b.room(h, budget)
		} else {
			off = append(off, b.room(h, budget))
		}
	}
	slices.SortFunc(off, func(x, y int64) int { return cmp.Compare(y, x) })
	count := int64(0)
	for _, room := range off {
		if need <= 0 {
			break
		}
		need -= room
		count++
	}
	return count
}

func (g *group) takes(budget int) int64 {
	switch {
	case budget == 0:
		return g.memory
	case budget == 1:
		return g.vcpus.Lo
	case g.resources == nil:
		return 0
	}
	return g.resources[budget-2]
}

func (s *state) room(h int32, budget int) int64 {
	switch budget {
	case 0:
		return s.memory[h]
	case 1:
		return s.m.hosts[h].share.Hi - s.used[h].Lo
	}
	return s.resources[h][budget-2]
}

// lowestBalance is the largest part of a budget that is taken now, or is when a group
// sits where that is least.
func (b *best) lowestBalance() int64 {
	most := int64(0)
	for h := range b.m.hosts {
		if len(b.on[h]) > 0 {
			most = max(most, b.taken(-1, int32(h)))
		}
	}
	for g := range b.m.groups {
		if b.seat[g] >= 0 {
			continue
		}
		least := int64(math.MaxInt64)
		for w, word := range b.domain[g] {
			for ; word != 0; word &= word - 1 {
				least = min(least, b.taken(int32(g), int32(w*64+bits.TrailingZeros64(word))))
			}
		}
		most = max(most, least)
	}
	return most
}

// taken is at most the largest part of a budget of h that is taken once g (or nothing,
// if g is -1) sits there too, in millionths.
func (s *state) taken(g, h int32) int64 {
	ho := &s.m.hosts[h]
	memory, cpu := ho.memory-s.memory[h], s.used[h]
	var resources []int64
	if g >= 0 {
		memory, cpu, resources = memory+s.m.groups[g].memory, cpu.Plus(s.need(g, h)), s.m.groups[g].resources
	}
	most := max(millionths(memory, ho.memory), millionths(cpu.Lo, ho.share.Hi))
	for i, of := range ho.resources {
		used := of - s.resources[h][i]
		if resources != nil {
			used += resources[i]
		}
		most = max(most, millionths(used, of))
	}
	return most
}

// millionths is used/of, rounded down.
func millionths(used, of int64) int64 {
	if used <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(used), objective.Million)
	if of <= 0 || hi >= uint64(of) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(min(q, math.MaxInt64))
}

// lowestMoves counts the VMs that have moved, and those that must.
func (b *best) lowestMoves() int64 {
	count := int64(0)
	for v, was := range b.m.before() {
		g := b.m.vms[v].group
		if at := b.seat[g]; at >= 0 && at != was || at < 0 && (was < 0 || !b.domain[g].has(was)) {
			count++
		}
	}
	return count
}

// before is where VMs were, by their number; -1 on a host that is gone.
func (m *model) before() map[int32]int32 {
	if m.was == nil {
		m.was = map[int32]int32{}
		for _, seat := range m.problem.Before {
			v, ok := m.vmIndex[[2]string{seat.Network, seat.VM}]
			if !ok {
				continue
			}
			h, ok := m.nodeIndex[seat.Host]
			if !ok || int(h) >= len(m.hosts) {
				h = -1
			}
			m.was[v] = h
		}
	}
	return m.was
}
