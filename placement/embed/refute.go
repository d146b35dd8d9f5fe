package embed

import (
	"context"
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
)

// The rules, by the names that the proof has for them: headings of docs/theory.md.
const (
	RuleMemory   = "memory"
	RuleResource = "resource"
	RuleEDF      = "partitioned-edf"
	RuleGFB      = "gfb"
	RuleApart    = "apart"
	RuleTogether = "together"
	RuleLabels   = "labels"
	RulePinned   = "pinned"
	RuleSpread   = "spread"
	RuleCable    = "cable-rate"
	RuleLink     = "link-delay"
	RuleEndToEnd = "end-to-end"
)

// refute looks for a budget that no placement can keep: conditions that every
// placement meets, cheap to test and easy to read. It returns the conflicts of the
// first condition that fails; none says nothing.
func (m *model) refute() []placement.Conflict {
	for _, test := range []func() []placement.Conflict{m.refuteRules, m.refuteGroups, m.refuteTotals, m.refuteApart, m.refuteSpread, m.refuteLinks, m.refuteFlows} {
		if out := test(); len(out) > 0 {
			return out
		}
	}
	return nil
}

// refuteRules finds VMs that must be both together and apart, and labels that no
// host carries.
func (m *model) refuteRules() (out []placement.Conflict) {
	for g := range m.groups {
		gr := &m.groups[g]
		switch {
		case gr.torn:
			out = append(out, placement.Conflict{Rule: RuleApart, Subjects: []string{m.groupName(int32(g))}, Need: placement.Int(2), Have: placement.Int(1), Unit: "hosts",
				Says: fmt.Sprintf("%s are to stay together by one rule and two of them apart by another", m.groupName(int32(g)))})
		case gr.domain.count() == 0 && gr.pinned != nil && gr.pinned.count() > 0:
			out = append(out, m.pinConflict(int32(g)))
		case gr.domain.count() == 0:
			out = append(out, placement.Conflict{Rule: RuleLabels, Subjects: []string{m.groupName(int32(g))}, Need: placement.Int(1), Have: placement.Int(0), Unit: "hosts",
				Says: fmt.Sprintf("no host carries the labels that the rules ask for %s", m.groupName(int32(g)))})
		}
	}
	return out
}

// refuteGroups finds groups that do not fit on any host with nothing but what stays
// there, and strikes hosts that are too small from the domain of the others.
func (m *model) refuteGroups() (out []placement.Conflict) {
	empty := newSearch(context.Background(), m, Options{})
	for g := range m.groups {
		g := int32(g)
		if m.stay(g) {
			continue
		}
		var small []int32
		for h := range m.hosts {
			if h := int32(h); m.groups[g].domain.has(h) && (!empty.fits(g, h) || empty.ruledOut(g, h)) {
				small = append(small, h)
			}
		}
		if len(small) == m.groups[g].domain.count() {
			if c, ok := empty.closest(g); ok {
				out = append(out, c)
			}
			continue
		}
		for _, h := range small {
			m.groups[g].domain.unset(h)
		}
	}
	return out
}

// refuteTotals adds up what all groups need and what the hosts that any of them may
// have offer.
func (m *model) refuteTotals() (out []placement.Conflict) {
	useful := newBitset(len(m.hosts))
	for g := range m.groups {
		for w, bits := range m.groups[g].domain {
			if !m.stay(int32(g)) {
				useful[w] |= bits
			}
		}
	}
	total := func(rule, what, unit string, need func(g int32) *big.Rat, have func(h int32) *big.Rat) {
		needed, offered, most, like := new(big.Rat), new(big.Rat), new(big.Rat), ""
		for g := range m.groups {
			if !m.stay(int32(g)) {
				needed.Add(needed, need(int32(g)))
			}
		}
		for h := range m.hosts {
			if useful.has(int32(h)) {
				each := have(int32(h))
				if offered.Add(offered, each); each.Cmp(most) > 0 {
					most, like = each, m.hosts[h].Name
				}
			}
		}
		for g := range m.groups {
			if m.stay(int32(g)) && useful.has(m.stays[g]) {
				offered.Sub(offered, need(int32(g)))
			}
		}
		if needed.Cmp(offered) > 0 {
			says := fmt.Sprintf("the vms together need %s %s of %s and all hosts that they may have "+m.offer()+" %s", needed.RatString(), unit, what, offered.RatString())
			if most.Sign() > 0 { // none offers more, so that no fewer will do
				short := new(big.Rat).Sub(needed, offered)
				says += fmt.Sprintf("; missing are at least %d such as %s, which offers most", ceilRat(short.Quo(short, most)), like)
			}
			out = append(out, placement.Conflict{Rule: rule, Subjects: []string{"all hosts " + what}, Need: placement.FromBig(needed), Have: placement.FromBig(offered), Unit: unit, Says: says})
		}
	}
	total(RuleMemory, "memory", "B", func(g int32) *big.Rat { return ratOf(m.groups[g].memory) }, func(h int32) *big.Rat { return ratOf(m.hosts[h].memory) })
	for i, name := range m.resources {
		total(RuleResource, "resource "+name, "1", func(g int32) *big.Rat {
			if m.groups[g].resources == nil {
				return new(big.Rat)
			}
			return ratOf(m.groups[g].resources[i])
		}, func(h int32) *big.Rat { return ratOf(m.hosts[h].resources[i]) })
	}
	total(RuleEDF, "processor time", "cpu", m.alwaysTime, m.cpuTime)
	return out
}

// ceilRat is a number rounded up.
func ceilRat(r *big.Rat) *big.Int {
	out := new(big.Int).Add(r.Num(), r.Denom())
	return out.Sub(out, big.NewInt(1)).Quo(out, r.Denom())
}

// vcpuTime is what the vCPUs of a group take, without the device threads, which
// depend on the host.
func (m *model) vcpuTime(g int32) *big.Rat {
	sum := new(big.Rat)
	for _, v := range m.groups[g].vms {
		for _, r := range m.vms[v].reserved {
			sum.Add(sum, big.NewRat(int64(r.Runtime), int64(r.Period)))
		}
	}
	return sum
}

func (m *model) cpuTime(h int32) *big.Rat {
	sum := new(big.Rat)
	for _, cpu := range m.hosts[h].CPUs {
		sum.Add(sum, m.hosts[h].Host.ShareOf(cpu).Rat())
	}
	return sum
}

// refuteApart counts pigeons and holes: VMs pairwise apart by one rule and the
// hosts that any of them may have.
func (m *model) refuteApart() (out []placement.Conflict) {
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for _, r := range n.Place {
			if len(r.Apart) == 0 {
				continue
			}
			holes := newBitset(len(m.hosts))
			subjects := make([]string, 0, len(r.Apart))
			for _, name := range r.Apart {
				v := m.vmIndex[[2]string{n.Name, name}]
				subjects = append(subjects, m.vmName(v))
				for w, bits := range m.groups[m.vms[v].group].domain {
					holes[w] |= bits
				}
			}
			if have := holes.count(); have < len(r.Apart) {
				out = append(out, placement.Conflict{Rule: RuleApart, Subjects: subjects, Need: placement.Int(int64(len(r.Apart))), Have: placement.Int(int64(have)), Unit: "hosts",
					Says: fmt.Sprintf("%d vms of network %q have to be on different hosts and there are %d with room for any of them", len(r.Apart), n.Name, have)})
			}
		}
	}
	return out
}

// parted reports whether two groups cannot share a host.
func (m *model) parted(a, b int32) bool {
	if a == b {
		return false
	}
	for _, o := range m.groups[a].apart {
		if o == b {
			return true
		}
	}
	for w := range m.groups[a].domain {
		if m.groups[a].domain[w]&m.groups[b].domain[w] != 0 {
			return false
		}
	}
	return true
}

// refuteLinks finds groups whose links to VMs on other hosts ask for more than the
// cables of any host that it may have, and links that no path is wide enough for.
func (m *model) refuteLinks() (out []placement.Conflict) {
	empty := newSearch(context.Background(), m, Options{})
	for g := range m.groups {
		g := int32(g)
		if m.stay(g) {
			continue
		}
		leaving := int64(0)
		for _, l := range m.groups[g].links {
			if m.parted(g, empty.other(l, g)) {
				leaving = plus(leaving, m.links[l].rate)
			}
		}
		best, at := int64(-1), int32(0)
		for h := range m.hosts {
			if !m.groups[g].domain.has(int32(h)) {
				continue
			}
			offered := int64(0)
			for _, a := range m.nodes[h].arcs {
				offered = plus(offered, empty.rate[a.cable])
			}
			if offered > best {
				best, at = offered, int32(h)
			}
		}
		if leaving > best {
			out = append(out, placement.Conflict{Rule: RuleCable, Subjects: []string{m.groupName(g), "host " + m.hosts[at].Name}, Need: placement.Int(leaving), Have: placement.Int(best), Unit: "bit/s",
				Says: fmt.Sprintf("the links of %s to vms that cannot share its host take %d bit/s, and the cables of the best host that it may have, %s, %s %d", m.groupName(g), leaving, m.hosts[at].Name, m.offer(), best)})
		}
	}
	if len(out) > 0 {
		return out
	}
	for l := range m.links {
		if m.ways != nil && m.ways[l] != nil {
			continue
		}
		if c, ok := m.refuteLink(empty, int32(l)); ok {
			out = append(out, c)
		}
	}
	return out
}

// refuteLink looks for any two hosts of the ends of a link that a path joins; it
// tries a limited number of first hosts, and says nothing beyond.
func (m *model) refuteLink(empty *search, l int32) (placement.Conflict, bool) {
	const sources = 64
	a, b := m.vms[m.links[l].ends[0]].group, m.vms[m.links[l].ends[1]].group
	if a == b || !m.parted(a, b) || m.groups[a].domain.count() > sources {
		return placement.Conflict{}, false
	}
	best, from, to := int64(-1), int32(0), int32(0)
	for h := range m.hosts {
		if !m.groups[a].domain.has(int32(h)) {
			continue
		}
		empty.reach.from(empty, int32(h), m.links[l].rate)
		for o := range m.hosts {
			if o != h && m.groups[b].domain.has(int32(o)) && empty.reach.distance[o] >= 0 {
				return placement.Conflict{}, false
			}
		}
	}
	for h := range m.hosts {
		if !m.groups[a].domain.has(int32(h)) {
			continue
		}
		for o, wide := range empty.widest(int32(h))[:len(m.hosts)] {
			if o != h && m.groups[b].domain.has(int32(o)) && wide > best {
				best, from, to = wide, int32(h), int32(o)
			}
		}
	}
	if best < 0 {
		return placement.Conflict{}, false // one host for both: the rule on apart says so
	}
	return m.rateConflict(l, m.hosts[from].Name, m.hosts[to].Name, best), true
}

// refuteFlows finds deadlines that no bound can meet: a VM on the way without a
// reservation, or more work than time.
func (m *model) refuteFlows() (out []placement.Conflict) {
	for i := range m.flows {
		fl := &m.flows[i]
		if fl.Deadline == 0 {
			continue
		}
		subject := "flow " + fl.network + "/" + fl.Name
		for _, v := range fl.vms {
			if len(m.vms[v].reserved) == 0 {
				out = append(out, placement.Conflict{Rule: RuleEndToEnd, Subjects: []string{subject, m.vmName(v)}, Need: placement.Inf(), Have: placement.Int(int64(fl.Deadline)), Unit: "ns",
					Says: fmt.Sprintf("%s has no reservation, so nothing bounds how long a message stays there: give it one, or the flow no deadline", m.vmName(v))})
			}
		}
		if fl.works > int64(fl.Deadline) {
			out = append(out, placement.Conflict{Rule: RuleEndToEnd, Subjects: []string{subject}, Need: placement.Int(fl.works), Have: placement.Int(int64(fl.Deadline)), Unit: "ns",
				Says: fmt.Sprintf("the work at its vms alone takes %dns of its deadline of %v", fl.works, fl.Deadline)})
		}
	}
	return out
}
