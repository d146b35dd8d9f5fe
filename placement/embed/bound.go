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
// limit of the criteria up to this stage; or, lexically, that none costs less than the
// best known: the first criterion that may differ decides.
func (b *best) beyond() bool {
	if b.lexical {
		for i := range b.by {
			if least := b.lowest(i); least != b.costs[i] {
				return least > b.costs[i]
			}
		}
		return true
	}
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

// block is some groups of which the links between any of them are known to cost so
// much at least, however they are divided among hosts.
type block struct {
	groups []int32
	cost   []int64 // by subset of groups, as bits
	hosts  []int8  // by subset: hosts that it takes at least
}

// mostInBlock bounds the 3^n steps of computing one.
const mostInBlock = 12

// split is the cost of the links between the groups of the block without seats.
func (k *block) split(seat []int32) int64 {
	return k.cost[k.unseated(seat)]
}

func (k *block) unseated(seat []int32) (subset int) {
	for i, g := range k.groups {
		if seat[g] < 0 {
			subset |= 1 << i
		}
	}
	return subset
}

// blocks divides the groups: those that links join, as far as they fit into one, most
// rate first.
func (m *model) blocks() (out []block) {
	in := make([]bool, len(m.groups))
	for g := range m.groups {
		if in[g] {
			continue
		}
		k := block{}
		for next := int32(g); next >= 0 && len(k.groups) < mostInBlock; next = m.closest(k.groups, in) {
			k.groups = append(k.groups, next)
			in[next] = true
		}
		m.fill(&k)
		out = append(out, k)
	}
	return out
}

// closest is the group outside of all blocks with most rate towards some groups, or -1.
func (m *model) closest(some []int32, in []bool) int32 {
	best, most := int32(-1), int64(-1)
	for _, g := range some {
		for _, l := range m.groups[g].links {
			for _, v := range m.links[l].ends {
				if o := m.vms[v].group; !in[o] && m.links[l].rate > most {
					best, most = o, m.links[l].rate
				}
			}
		}
	}
	return best
}

// fill computes the costs of all subsets. Groups on one host make its links free;
// every other link takes at least the hops of the nearest two hosts. So the cost is
// the links' sum less the most that a division into parts, each of which fits some
// host alone, can save: the best part with the first group, and the best of the rest.
func (m *model) fill(k *block) {
	size := 1 << len(k.groups)
	inside, saved := make([]int64, size), make([]int64, size)
	fits := make([]bool, size)
	k.cost, k.hosts = make([]int64, size), make([]int8, size)
	reach := newReached(m)
	weight := m.weights(k, &reach)
	empty := newState(m)
	for set := 1; set < size; set++ {
		first := bits.TrailingZeros(uint(set))
		rest := set &^ (1 << first)
		inside[set] = inside[rest]
		for i := range k.groups {
			if rest&(1<<i) != 0 {
				inside[set] = plus(inside[set], weight[first][i])
			}
		}
		fits[set] = m.fitTogether(&empty, k.groups, set, fits)
		k.hosts[set] = 100 // no division has so many
		for part := rest; ; part = (part - 1) & rest {
			if with := part | 1<<first; fits[with] {
				others := set &^ with
				saved[set] = max(saved[set], plus(inside[with], saved[others]))
				k.hosts[set] = min(k.hosts[set], k.hosts[others]+1)
			}
			if part == 0 {
				break
			}
		}
		k.cost[set] = inside[set] - saved[set]
	}
}

// weights are, for two groups of a block, rate times hops of the links between them,
// if they are on different hosts.
func (m *model) weights(k *block, reach *reached) [mostInBlock][mostInBlock]int64 {
	var out [mostInBlock][mostInBlock]int64
	at := map[int32]int{}
	for i, g := range k.groups {
		at[g] = i
	}
	for i, g := range k.groups {
		for _, l := range m.groups[g].links {
			lk := &m.links[l]
			a, b := m.vms[lk.ends[0]].group, m.vms[lk.ends[1]].group
			j, ok := at[b]
			if a != g || b == g || !ok {
				continue
			}
			w := objective.Times(lk.rate, m.leastHops(a, b, lk.rate, reach))
			out[i][j], out[j][i] = plus(out[i][j], w), plus(out[j][i], w)
		}
	}
	return out
}

// mostPairs bounds the distances that leastHops looks at.
const mostPairs = 1 << 14

// leastHops is the hops between the nearest two different hosts that two groups can
// have.
func (m *model) leastHops(a, b int32, rate int64, reach *reached) int64 {
	if m.groups[a].domain.count()*len(m.hosts) > mostPairs {
		return 1
	}
	least := int64(math.MaxInt32)
	for h := range m.hosts {
		if !m.groups[a].domain.has(int32(h)) {
			continue
		}
		for o, d := range reach.from(rate, int32(h))[:len(m.hosts)] {
			if d > 0 && m.groups[b].domain.has(int32(o)) {
				least = min(least, int64(d))
			}
		}
	}
	if least == math.MaxInt32 {
		return 1
	}
	return least
}

// fitTogether reports whether some host can carry these groups and nothing else.
func (m *model) fitTogether(empty *state, groups []int32, set int, fits []bool) bool {
	for i := range groups {
		if without := set &^ (1 << i); without != set && without != 0 && !fits[without] {
			return false
		}
	}
	var some []int32
	for i, g := range groups {
		if set&(1<<i) != 0 {
			for _, o := range some {
				if slices.Contains(m.groups[g].apart, o) {
					return false
				}
			}
			some = append(some, g)
		}
	}
	var tried []int32
	for h := range m.hosts {
		if like := m.hosts[h].alike; !slices.Contains(tried, like) {
			tried = append(tried, like)
			if m.carriesAll(empty, some, int32(h)) {
				return true
			}
		}
	}
	return false
}

func (m *model) carriesAll(empty *state, some []int32, h int32) bool {
	for _, g := range some {
		if !m.groups[g].domain.has(h) {
			return false
		}
	}
	yes, taken := true, 0
	for _, g := range some {
		if yes = empty.fits(g, h); !yes {
			break
		}
		empty.load(g, h)
		taken++
	}
	empty.memory[h], empty.largest[h] = m.hosts[h].memory, empty.largest[h].Times(0)
	empty.used[h] = empty.used[h].Times(0)
	copy(empty.resources[h], m.hosts[h].resources)
	empty.on[h] = empty.on[h][:0]
	return yes
}

// load counts g on h, and nothing beside that.
func (s *state) load(g, h int32) {
	gr, ho := &s.m.groups[g], &s.m.hosts[h]
	s.on[h] = append(s.on[h], g)
	s.memory[h] -= gr.memory
	for i, need := range gr.resources {
		s.resources[h][i] -= need
	}
	s.used[h] = s.used[h].Plus(s.need(g, h))
	s.largest[h] = s.largest[h].Max(gr.largest).Max(ho.emulator)
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
