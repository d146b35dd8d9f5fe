package embed

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// spread is a group that must not sit on any host with the same value of a label.
type spread struct {
	group int32
	like  [][]int32 // by host: those with its value
}

// spread keeps VMs to hosts with the label, and their groups apart by its value.
func (m *model) spread(r *vsn.Rule, vms []int32) {
	values := map[string][]int32{}
	for h := range m.hosts {
		if value, ok := m.hosts[h].Labels[r.Over]; ok {
			values[value] = append(values[value], int32(h))
			continue
		}
		for _, v := range vms {
			m.groups[m.vms[v].group].domain.unset(int32(h))
		}
	}
	like := make([][]int32, len(m.hosts))
	for h := range m.hosts {
		if value, ok := m.hosts[h].Labels[r.Over]; ok {
			like[h] = values[value]
		}
	}
	for i, v := range vms {
		for _, w := range vms[:i] {
			a, b := m.vms[v].group, m.vms[w].group
			m.part(a, b)
			if a != b {
				m.groups[a].spread = append(m.groups[a].spread, spread{b, like})
				m.groups[b].spread = append(m.groups[b].spread, spread{a, like})
			}
		}
	}
}

// refuteSpread counts the VMs of each rule and the values that hosts with room for any
// of them have.
func (m *model) refuteSpread() (out []placement.Conflict) {
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for _, r := range n.Place {
			values := map[string]bool{}
			var subjects []string
			for _, name := range r.Spread {
				v := m.vmIndex[[2]string{n.Name, name}]
				subjects = append(subjects, m.vmName(v))
				for h := range m.hosts {
					if m.groups[m.vms[v].group].domain.has(int32(h)) {
						values[m.hosts[h].Labels[r.Over]] = true
					}
				}
			}
			if need, have := len(r.Spread), len(values); have < need {
				out = append(out, placement.Conflict{Rule: RuleSpread, Subjects: subjects, Need: placement.Int(int64(need)), Have: placement.Int(int64(have)), Unit: "values",
					Says: fmt.Sprintf("%d vms of network %q have to be on hosts with different values of %s, and the hosts with room for any of them have %d", need, n.Name, r.Over, have)})
			}
		}
	}
	return out
}

// bunched is the group on another host with the value of h from which g has to be
// spread, or -1.
func (s *search) bunched(g, h int32) int32 {
	for _, a := range s.m.groups[g].spread {
		if at := s.seat[a.group]; at >= 0 && slices.Contains(a.like[h], at) {
			return a.group
		}
	}
	return -1
}
