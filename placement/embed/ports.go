package embed

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

// ports is what the cables of each host can carry: whatever ways its links go, each
// that leaves the host goes over one of them.
type ports struct {
	offered []int64 // by host
	rates   []int64 // of the links that leave the host that is looked at
	spare   []int64 // of its cables
	steps   int
}

func newPorts(s *state) ports {
	p := ports{offered: make([]int64, len(s.m.hosts))}
	for h := range s.m.hosts {
		for _, a := range s.m.nodes[h].arcs {
			p.offered[h] = plus(p.offered[h], s.rate[a.cable])
		}
	}
	return p
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
	sum, rates := int64(0), b.rates[:0]
	for _, g := range b.on[h] {
		for _, l := range b.m.groups[g].links {
			o := b.other(l, g)
			if o == g || b.isKept(l) || b.seat[o] == h || b.seat[o] < 0 && b.domain[o].has(h) {
				continue
			}
			sum, rates = plus(sum, b.m.links[l].rate), append(rates, b.m.links[l].rate)
		}
	}
	b.rates = rates
	switch {
	case sum > b.offered[h]:
		b.nearest.fullPorts(b.search, h, sum, b.offered[h])
		b.tellPorts(h, sum)
		return true
	case sum > b.offered[h]/2 && len(b.m.nodes[h].arcs) > 1 && b.unpackable(h):
		b.tellPorts(h, sum)
		return true
	}
	return false
}

// packSteps bounds the ways that are tried to divide links among cables.
const packSteps = 200

// unpackable reports that b.rates cannot be divided among the cables of h, each link
// going over one.
func (b *best) unpackable(h int32) bool {
	slices.SortFunc(b.rates, func(x, y int64) int { return cmp.Compare(y, x) })
	b.spare = b.spare[:0]
	for _, a := range b.m.nodes[h].arcs {
		b.spare = append(b.spare, b.state.rate[a.cable])
	}
	b.steps = 0
	return !b.divide(0)
}

// divide reports whether the rates from the i-th on fit, or that it took too long to
// tell.
func (p *ports) divide(i int) bool {
	if p.steps++; i == len(p.rates) || p.steps > packSteps {
		return true
	}
	for c := range p.spare {
		if p.spare[c] < p.rates[i] || slices.Contains(p.spare[:c], p.spare[c]) {
			continue
		}
		p.spare[c] -= p.rates[i]
		fits := p.divide(i + 1)
		p.spare[c] += p.rates[i]
		if fits {
			return true
		}
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
