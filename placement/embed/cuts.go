package embed

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

// cuts are the answers of others that were learned: decisions that do not work
// together, whatever the rest.
type cuts struct {
	made  int // cuts that were learned: their numbers
	known []cut
	of    [][]int32 // by decision: cuts that it is in
	// crowds are groups that phase two cannot realize together on any host of a pack
	// number.
	crowds   []crowd
	crowdsOf [][]int32 // by group
}

type cut struct {
	number int
	seats  []seatAt
	routes []routeAt
}

type seatAt struct{ group, host int32 }

type routeAt struct {
	link          int32
	nodes, cables []int32
}

type crowd struct {
	number int
	pack   int32
	groups []int32
}

func newCuts(m *model) cuts {
	return cuts{of: make([][]int32, len(m.groups)+len(m.links)), crowdsOf: make([][]int32, len(m.groups))}
}

// linkDecision is the number of the decision that routes link l.
func (m *model) linkDecision(l int32) int32 { return int32(len(m.groups)) + l }

// learn keeps a cut and sets reasons to its decisions. Where it is about the seats
// of one host h (not -1) it holds for all hosts with the same CPUs.
func (k *cuts) learn(s *search, c *placement.Cut, h int32, reasons set) error {
	made, err := s.m.cut(c)
	if err != nil {
		return err
	}
	for _, at := range made.seats {
		reasons.add(at.group)
	}
	for _, at := range made.routes {
		reasons.add(s.m.linkDecision(at.link))
	}
	k.made++
	made.number = k.made
	if h >= 0 && len(made.routes) == 0 {
		id := int32(len(k.crowds))
		together := crowd{number: k.made, pack: s.m.hosts[h].pack}
		for _, at := range made.seats {
			together.groups = append(together.groups, at.group)
			k.crowdsOf[at.group] = append(k.crowdsOf[at.group], id)
		}
		k.crowds = append(k.crowds, together)
		return nil
	}
	for _, at := range made.routes {
		s.m.harden(at.link, reasons)
	}
	id := int32(len(k.known))
	k.known = append(k.known, made)
	for d := range k.of {
		if reasons.has(int32(d)) {
			k.of[d] = append(k.of[d], id)
		}
	}
	return nil
}

// harden marks a link and the flows over it that a cut holds, so that they are
// judged early from now on.
func (m *model) harden(l int32, cut set) {
	m.links[l].hard = true
	for _, i := range m.links[l].flows {
		if all(m.flows[i].links, func(o int32) bool { return cut.has(m.linkDecision(o)) }) {
			m.flows[i].hard = true
		}
	}
}

func (m *model) cut(c *placement.Cut) (cut, error) {
	var out cut
	for _, seat := range c.Seats {
		v, ok := m.vmIndex[[2]string{seat.Network, seat.VM}]
		h, known := m.nodeIndex[seat.Host]
		if !ok || !known || int(h) >= len(m.hosts) {
			return out, fmt.Errorf("a cut names vm %q of network %q on host %q, which are not in the problem", seat.VM, seat.Network, seat.Host)
		}
		if at := (seatAt{m.vms[v].group, h}); !slices.Contains(out.seats, at) {
			out.seats = append(out.seats, at)
		}
	}
	for _, r := range c.Routes {
		l, ok := m.linkIndex[[2]string{r.Network, r.Link}]
		if !ok {
			return out, fmt.Errorf("a cut names link %q of network %q, which is not in the problem", r.Link, r.Network)
		}
		at := routeAt{link: l}
		for _, n := range r.Path {
			at.nodes = append(at.nodes, m.nodeIndex[n])
		}
		for _, c := range r.Cables {
			at.cables = append(at.cables, m.cableIdx[c])
		}
		out.routes = append(out.routes, at)
	}
	return out, nil
}

// hit reports whether decision d, just made, completes a cut, and sets reasons to
// that cut's decisions.
func (k *cuts) hit(s *search, d int32, reasons set) bool {
	for _, id := range k.of[d] {
		c := &k.known[id]
		if !c.holds(s) {
			continue
		}
		reasons.clear()
		for _, at := range c.seats {
			reasons.add(at.group)
		}
		for _, at := range c.routes {
			reasons.add(s.m.linkDecision(at.link))
		}
		s.tellMet(c.number)
		return true
	}
	return false
}

func (c *cut) holds(s *search) bool {
	for _, at := range c.seats {
		if s.seat[at.group] != at.host {
			return false
		}
	}
	for _, at := range c.routes {
		r := s.route[at.link]
		if r == nil || !slices.Equal(r.cables, at.cables) || !slices.Equal(r.nodes, at.nodes) {
			return false
		}
	}
	return true
}

// hitOn is hit for what is known about hosts like h.
func (k *cuts) hitOn(s *search, g, h int32, reasons set) bool {
	for _, id := range k.crowdsOf[g] {
		c := &k.crowds[id]
		if c.pack != s.m.hosts[h].pack || !all(c.groups, func(o int32) bool { return s.seat[o] == h }) {
			continue
		}
		reasons.clear()
		for _, o := range c.groups {
			reasons.add(o)
		}
		s.tellMet(c.number)
		return true
	}
	return false
}

func all(list []int32, holds func(int32) bool) bool {
	for _, x := range list {
		if !holds(x) {
			return false
		}
	}
	return true
}
