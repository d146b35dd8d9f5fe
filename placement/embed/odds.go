package embed

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement/utilization"
)

// Where networks are content with less than certainty, a host may be asked for more
// than it has, and how much more is for phase two to say (Options.Admit). What no
// confidence above zero allows: that a network does not fit beside those that are
// always active, nobody else being there.

// oddFits is cpuFits for such problems.
func (s *state) oddFits(g, h int32) bool {
	ho := &s.m.hosts[h]
	for _, groups := range s.atOnce(g, h) {
		var sum, largest utilization.U
		for _, o := range groups {
			sum, largest = sum.Plus(s.need(o, h)), largest.Max(s.m.groups[o].largest).Max(ho.emulator)
		}
		if !ho.Partition {
			sum = sum.Plus(largest.Times(int64(len(ho.CPUs) - 1)))
		}
		yes, sure := utilization.Within(sum, ho.share)
		if !sure {
			need, have := s.termsOf(groups, h)
			yes = need.Cmp(have) <= 0
		}
		if !yes {
			return false
		}
	}
	return true
}

// atOnce lists groups on h, g among them, that are active together whatever else is:
// those of networks that are always active, each time with one other network, if there
// are others.
func (s *state) atOnce(g, h int32) (out [][]int32) {
	var always []int32
	parts := map[int32][]int32{}
	var order []int32
	for _, o := range append(slices.Clone(s.on[h]), g) {
		gr := &s.m.groups[o]
		if !gr.odd {
			always = append(always, o)
			continue
		}
		if parts[gr.part] == nil {
			order = append(order, gr.part)
		}
		parts[gr.part] = append(parts[gr.part], o)
	}
	if s.m.groups[g].odd { // what the others ask for is known to fit
		order = []int32{s.m.groups[g].part}
	}
	if len(order) == 0 {
		return [][]int32{always}
	}
	for _, part := range order {
		out = append(out, slices.Concat(always, parts[part]))
	}
	return out
}

// alwaysTime is what the vCPUs of a group take whenever anything runs.
func (m *model) alwaysTime(g int32) *big.Rat {
	if m.groups[g].odd {
		return new(big.Rat)
	}
	return m.vcpuTime(g)
}

// strange reports whether the network of g sits on other hosts and not on h. A network
// is surer of one host than of several.
func (s *state) strange(g, h int32) bool {
	gr := &s.m.groups[g]
	if !gr.odd {
		return false
	}
	for _, o := range s.on[h] {
		if s.m.groups[o].part == gr.part {
			return false
		}
	}
	for o := range s.m.groups {
		if s.seat[o] >= 0 && s.m.groups[o].part == gr.part {
			return true
		}
	}
	return false
}
