package embed

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
)

// ports is what the cables of each host can carry, and the rates of the links that
// leave it: whatever ways they go, they go over one of its cables.
type ports struct {
	offered []int64 // by host
	leaving []int64
}

func newPorts(s *state) ports {
	p := ports{make([]int64, len(s.m.hosts)), make([]int64, len(s.m.hosts))}
	for h := range s.m.hosts {
		for _, a := range s.m.nodes[h].arcs {
			p.offered[h] = plus(p.offered[h], s.rate[a.cable])
		}
	}
	return p
}

// leave counts a link between two hosts.
func (p *ports) leave(a, b int32, rate int64) {
	if a != b {
		p.leaving[a] += rate
		p.leaving[b] += rate
	}
}

// congested reports, g having got its seat, that more leaves a host than its cables
// can carry, or must leave it: the links to a group that cannot sit there.
func (b *best) congested(g int32) bool {
	if b.full(b.seat[g]) {
		return true
	}
	for _, l := range b.m.groups[g].links {
		if at := b.seat[b.other(l, g)]; at >= 0 && b.full(at) {
			return true
		}
	}
	return false
}

func (b *best) full(h int32) bool {
	sum := b.leaving[h]
	for _, g := range b.on[h] {
		for _, l := range b.m.groups[g].links {
			if o := b.other(l, g); o != g && b.seat[o] < 0 && !b.domain[o].has(h) {
				sum = plus(sum, b.m.links[l].rate)
			}
		}
	}
	if sum > b.offered[h] {
		b.nearest.fullPorts(b.search, h, sum, b.offered[h])
		return true
	}
	return false
}

// fullPorts says that the links of what sits on a host to what cannot ask more of its
// cables than they have.
func (n *nearest) fullPorts(s *search, h int32, need, have int64) {
	if n.beats(s.depth()) {
		n.offer(s.depth(), placement.Conflict{Rule: RuleCable, Subjects: []string{"host " + s.m.hosts[h].Name}, Need: placement.Int(need), Have: placement.Int(have), Unit: "bit/s",
			Says: fmt.Sprintf("the links that leave %s for other hosts ask for %d bit/s, and its cables have %d for them", s.m.hosts[h].Name, need, have)})
	}
}

// starves says why a group has no host left: no room, or no way to its neighbours.
func (b *best) starves(g int32) {
	before := b.nearest.depth
	b.nearest.noHost(b.search, g)
	for _, l := range b.m.groups[g].links {
		if b.nearest.depth > before {
			return
		}
		if o := b.other(l, g); o != g && b.seat[o] >= 0 {
			b.nearest.outOfReach(b.search, g, l)
		}
	}
}
