package embed

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
	return sum > b.offered[h]
}
