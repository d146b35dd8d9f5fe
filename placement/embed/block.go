package embed

import (
	"math"
	"math/bits"
	"slices"

	"github.com/vsnctl/vsnctl/placement/objective"
)

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
	in := m.staying()
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
	memory, largest, used, on := empty.memory[h], empty.largest[h], empty.used[h], len(empty.on[h])
	resources := slices.Clone(empty.resources[h])
	yes := true
	for _, g := range some {
		if yes = empty.fits(g, h); !yes {
			break
		}
		empty.load(g, h)
	}
	empty.memory[h], empty.largest[h], empty.used[h], empty.on[h] = memory, largest, used, empty.on[h][:on]
	copy(empty.resources[h], resources)
	return yes
}
