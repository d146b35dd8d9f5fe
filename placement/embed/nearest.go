package embed

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
)

// nearest is the conflict that was met with most decisions made: what stood in the
// way last. It is for people; the search does not look at it.
type nearest struct {
	depth    int // -1: none yet
	conflict placement.Conflict
}

// beats reports whether a conflict at this depth is worth writing down.
func (n *nearest) beats(depth int) bool { return depth > n.depth }

// offer keeps the conflict if it is deeper, or as deep, about the same and closer.
func (n *nearest) offer(depth int, c placement.Conflict) {
	closer := depth == n.depth && c.Rule == n.conflict.Rule && c.Need.Cmp(n.conflict.Need) < 0
	if n.beats(depth) || closer {
		n.depth, n.conflict = depth, c
	}
}

// noHost says that group g finds no host beside what is placed.
func (n *nearest) noHost(s *search, g int32) {
	if !n.beats(s.depth()) {
		return
	}
	if c, ok := s.closest(g); ok {
		if s.seated > 0 {
			c.Says += fmt.Sprintf(", beside what else has to be placed (%d of %d decisions stood)", s.depth(), s.m.decisions())
		}
		n.offer(s.depth(), c)
	}
}

// outOfReach says that link l of g has no path from its seated end to some host
// that g could have.
func (n *nearest) outOfReach(s *search, g, l int32) {
	if !n.beats(s.depth()) {
		return
	}
	seated := s.seat[s.other(l, g)]
	wide := s.widest(seated)
	best := int64(0)
	for h := range s.m.hosts {
		if h := int32(h); h != seated && s.domain[g].has(h) && wide[h] < s.m.links[l].rate {
			best = max(best, wide[h])
		}
	}
	n.offer(s.depth(), s.m.rateConflict(l, s.m.nodes[seated].name, "any other host that "+s.m.groupName(g)+" could have", best))
}

// noPath says that the two hosts of link l have no path with its rate left.
func (n *nearest) noPath(s *search, l int32) {
	if !n.beats(s.depth()) {
		return
	}
	a, b := s.ends(l)
	n.offer(s.depth(), s.m.rateConflict(l, s.m.nodes[a].name, s.m.nodes[b].name, s.widest(a)[b]))
}

func (m *model) rateConflict(l int32, from, to string, have int64) placement.Conflict {
	lk := &m.links[l]
	need := max(lk.rate, have+1) // a link without a rate still needs a path
	return placement.Conflict{Rule: RuleCable, Subjects: []string{m.linkName(l), "host " + from}, Need: placement.Int(need), Have: placement.Int(have), Unit: "bit/s",
		Says: fmt.Sprintf("%s asks for %v, and the widest path from %s to %s has %d bit/s left", m.linkName(l), lk.Link.Rate, from, to, have)}
}

// linkLate says that no path of link l is as short as its delay asks.
func (n *nearest) linkLate(s *search, l int32) {
	if !n.beats(s.depth()) {
		return
	}
	a, b := s.ends(l)
	least := s.quickest(a, s.m.links[l].rate)[b]
	if least <= s.m.links[l].limit {
		return // a path in time exists: what failed is not this
	}
	n.offer(s.depth(), placement.Conflict{Rule: RuleLink, Subjects: []string{s.m.linkName(l)}, Need: placement.Int(least), Have: placement.Int(s.m.links[l].limit), Unit: "ns",
		Says: fmt.Sprintf("the cables and nodes of the quickest path from %s to %s alone take %dns, and %s allows %v", s.m.nodes[a].name, s.m.nodes[b].name, least, s.m.linkName(l), s.m.links[l].Link.Delay)})
}

// flowLate says that the least delay of a flow is over its deadline.
func (n *nearest) flowLate(s *search, i int32, least int64) {
	fl := &s.m.flows[i]
	n.offer(s.depth(), placement.Conflict{Rule: RuleEndToEnd, Subjects: []string{"flow " + fl.network + "/" + fl.Name}, Need: placement.Int(least), Have: placement.Int(int64(fl.Deadline)), Unit: "ns",
		Says: fmt.Sprintf("the work at its vms and the cables and nodes on its way alone take %dns of its deadline of %v", least, fl.Deadline)})
}

func (s *search) ends(l int32) (a, b int32) {
	e := s.m.links[l].ends
	return s.seat[s.m.vms[e[0]].group], s.seat[s.m.vms[e[1]].group]
}

// closest is the host that comes nearest to having room for g, and what it lacks:
// the fewest budgets short, then the least of need over have.
func (s *search) closest(g int32) (placement.Conflict, bool) {
	var best placement.Conflict
	bestShort, bestRatio, found := 0, 0.0, false
	for h := range s.m.hosts {
		h := int32(h)
		if !s.m.groups[g].domain.has(h) {
			continue
		}
		short := s.lacking(g, h)
		if len(short) == 0 {
			continue
		}
		worst, ratio := short[0], 0.0
		for _, c := range short {
			have, _ := c.Have.Big().Float64()
			need, _ := c.Need.Big().Float64()
			if r := need / max(have, 1e-12); r > ratio {
				worst, ratio = c, r
			}
		}
		if !found || len(short) < bestShort || len(short) == bestShort && ratio < bestRatio {
			best, bestShort, bestRatio, found = worst, len(short), ratio, true
		}
	}
	if found {
		best.Says = fmt.Sprintf("no host has room for %s; the nearest, %s", s.m.groupName(g), best.Says)
	}
	return best, found
}

// lacking lists the budgets of host h that are too short for group g. Says starts
// with the name of the host.
func (s *search) lacking(g, h int32) []placement.Conflict {
	gr, ho := &s.m.groups[g], &s.m.hosts[h]
	var out []placement.Conflict
	who := s.m.groupName(g)
	add := func(rule, subject, unit, says string, need, have placement.Rat) {
		out = append(out, placement.Conflict{Rule: rule, Subjects: []string{subject, who}, Need: need, Have: have, Unit: unit,
			Says: fmt.Sprintf("%s, has %v %s of %s and %v are needed", ho.Name, have, unit, says, need)})
	}
	if gr.memory > s.memory[h] {
		add(RuleMemory, "host "+ho.Name+" memory", "B", "memory left", placement.Int(gr.memory), placement.Int(s.memory[h]))
	}
	for i, need := range gr.resources {
		if have := s.resources[h][i]; need > have {
			add(RuleResource, "host "+ho.Name+" resource "+s.m.resources[i], "1", s.m.resources[i]+" left", placement.Int(need), placement.Int(have))
		}
	}
	if !s.cpuFits(g, h) {
		rule, subject := RuleEDF, "host "+ho.Name+" cpu"
		if !ho.Partition {
			rule = RuleGFB
		}
		need, have := s.cpuTerms(g, h)
		add(rule, subject, "cpu", "processor time for all its reservations", placement.FromBig(need), placement.FromBig(have))
	}
	if a := s.bunched(g, h); a >= 0 && s.seat[a] != h {
		add(RuleSpread, s.m.groupName(a), "hosts", "its own for it", placement.Int(2), placement.Int(1))
		out[len(out)-1].Says = fmt.Sprintf("%s, is of one kind with the host of %s, from which it has to be spread", ho.Name, s.m.groupName(a))
	}
	for _, a := range gr.apart {
		if s.seat[a] == h {
			add(RuleApart, s.m.groupName(a), "hosts", "its own for it", placement.Int(2), placement.Int(1))
			out[len(out)-1].Says = fmt.Sprintf("%s, has %s, from which it has to be apart", ho.Name, s.m.groupName(a))
		}
	}
	return out
}

func (m *model) vmName(v int32) string   { return "vm " + m.vms[v].network + "/" + m.vms[v].name }
func (m *model) linkName(l int32) string { return "link " + m.links[l].network + "/" + m.links[l].Name }

func (m *model) groupName(g int32) string {
	vms := m.groups[g].vms
	name := m.vmName(vms[0])
	if len(vms) > 1 {
		name += fmt.Sprintf(" and %d that stay with it", len(vms)-1)
	}
	return name
}

// widest is the most rate left on a path from host h to every node.
func (s *search) widest(h int32) []int64 {
	return s.best(h, true, func(at int64, a arc) int64 { return min(at, s.rate[a.cable]) })
}

// quickest is the least delay from host h to every node over cables with rate left.
func (s *search) quickest(h int32, rate int64) []int64 {
	return s.best(h, false, func(at int64, a arc) int64 {
		if s.rate[a.cable] < rate {
			return never
		}
		return plus(at, plus(s.m.cables[a.cable].delay, s.m.nodes[a.to].delay))
	})
}

// best is Dijkstra's algorithm, for the widest or for the quickest path. It runs
// only when a conflict is written down.
func (s *search) best(h int32, wide bool, along func(at int64, a arc) int64) []int64 {
	better := func(a, b int64) bool { return a != b && (a > b) == wide }
	value, settled := make([]int64, len(s.m.nodes)), make([]bool, len(s.m.nodes))
	for n := range value {
		if !wide {
			value[n] = never
		}
	}
	value[h] = s.m.nodes[h].delay
	if wide {
		value[h] = never
	}
	for {
		n := -1
		for i := range value {
			if !settled[i] && (n < 0 || better(value[i], value[n])) {
				n = i
			}
		}
		if n < 0 {
			return value
		}
		settled[n] = true
		if int32(n) != h && !s.m.nodes[n].forwards {
			continue
		}
		for _, a := range s.m.nodes[n].arcs {
			if v := along(value[n], a); better(v, value[a.to]) && !settled[a.to] {
				value[a.to] = v
			}
		}
	}
}

func ratOf(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }
