package embed

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

// prepare is the model of a problem with what stays as it is.
func prepare(p *placement.Problem, o Options) (*model, error) {
	m, err := newModel(p, o.Reserved)
	if err != nil || o.Kept == nil {
		return m, err
	}
	return m, m.keep(o.Kept)
}

// keep takes the seats and routes of e for decided: no search looks at them again, and
// what they take is not there for others.
func (m *model) keep(e *placement.Embedding) error {
	m.stays, m.ways = make([]int32, len(m.groups)), make([]*route, len(m.links))
	for g := range m.stays {
		m.stays[g] = -1
	}
	count := make([]int, len(m.groups))
	for _, seat := range e.Seats {
		v, err := m.vmOf(seat.Network, seat.VM, "a seat to keep")
		if err != nil {
			return err
		}
		h, ok := m.nodeIndex[seat.Host]
		g := m.vms[v].group
		if !ok || int(h) >= len(m.hosts) || m.stays[g] >= 0 && m.stays[g] != h {
			return fmt.Errorf("%s is to stay on %q: there is no such host, or what stays with it by a rule is elsewhere", m.vmName(v), seat.Host)
		}
		m.stays[g] = h
		count[g]++
	}
	for g := range m.groups {
		if m.stays[g] < 0 {
			continue
		}
		if count[g] < len(m.groups[g].vms) {
			return fmt.Errorf("of %s some are to stay on %q and others are not", m.groupName(int32(g)), m.hosts[m.stays[g]].Name)
		}
		m.loose--
		m.groups[g].domain = newBitset(len(m.hosts))
		m.groups[g].domain.set(m.stays[g])
		m.hosts[m.stays[g]].alike = int32(len(m.hosts)) + m.stays[g] // what is there sets it apart
	}
	return m.keepRoutes(e.Routes)
}

func (m *model) keepRoutes(routes []placement.Route) error {
	for i := range routes {
		l, ok := m.linkIndex[[2]string{routes[i].Network, routes[i].Link}]
		if !ok {
			return fmt.Errorf("link %s/%s is to keep its route, and there is no such link", routes[i].Network, routes[i].Link)
		}
		r, err := m.asRoute(&routes[i])
		if err != nil {
			return err
		}
		a, b := m.stays[m.vms[m.links[l].ends[0]].group], m.stays[m.vms[m.links[l].ends[1]].group]
		if a < 0 || b < 0 || len(r.nodes) == 0 || r.nodes[0] != a || r.nodes[len(r.nodes)-1] != b {
			return fmt.Errorf("%s is to keep its route, which does not join hosts that its ends keep", m.linkName(l))
		}
		m.ways[l] = r
	}
	return nil
}

// asRoute is a route by numbers, with the least time that it takes.
func (m *model) asRoute(from *placement.Route) (*route, error) {
	r := &route{}
	for _, name := range from.Path {
		n, ok := m.nodeIndex[name]
		if !ok {
			return nil, fmt.Errorf("the route of link %s/%s passes %q, and there is no such node", from.Network, from.Link, name)
		}
		r.nodes = append(r.nodes, n)
		r.delay = plus(r.delay, m.nodes[n].delay)
	}
	for _, name := range from.Cables {
		c, ok := m.cableIdx[name]
		if !ok {
			return nil, fmt.Errorf("the route of link %s/%s goes over %q, and there is no such cable", from.Network, from.Link, name)
		}
		r.cables = append(r.cables, c)
		r.delay = plus(r.delay, m.cables[c].delay)
	}
	return r, nil
}

// stay reports whether group g keeps its seat.
func (m *model) stay(g int32) bool { return m.stays != nil && m.stays[g] >= 0 }

// staying marks the groups that keep their seats.
func (m *model) staying() []bool {
	out := make([]bool, len(m.groups))
	for g := range m.groups {
		out[g] = m.stay(int32(g))
	}
	return out
}

// only is those of some groups that do not keep their seats.
func (m *model) only(groups []int32) (out []int32) {
	for _, g := range groups {
		if !m.stay(g) {
			out = append(out, g)
		}
	}
	return out
}

// offer is what hosts do with what can be taken of them.
func (m *model) offer() string {
	if m.loose < len(m.groups) {
		return "have left, beside what stays,"
	}
	return "offer"
}

// decisions is how many there are.
func (m *model) decisions() int { return m.loose + m.routes() }

// parts is how many VMs and links are decided about.
func (m *model) parts() (vms int) {
	for v := range m.vms {
		if !m.stay(m.vms[v].group) {
			vms++
		}
	}
	return vms + m.routes()
}

// routes is how many are to be found.
func (m *model) routes() int {
	n := len(m.links)
	for _, r := range m.ways {
		if r != nil {
			n--
		}
	}
	return n
}

// ruledOut reports whether a rule keeps g from h because of what has its seat already.
func (s *search) ruledOut(g, h int32) bool {
	return s.bunched(g, h) >= 0 || slices.ContainsFunc(s.m.groups[g].apart, func(a int32) bool { return s.seat[a] == h })
}

// settle puts what stays into a state; it is never taken back.
func (s *state) settle() {
	for g, h := range s.m.stays {
		if h >= 0 {
			s.seat[g] = h
			s.load(int32(g), h)
		}
	}
	for l, r := range s.m.ways {
		if r != nil {
			s.carry(int32(l), r)
		}
	}
	for l := range s.m.links {
		ends := s.m.links[l].ends
		a, b := s.m.vms[ends[0]].group, s.m.vms[ends[1]].group
		if s.m.stay(a) && !s.m.stay(b) {
			s.pull[b] = plus(s.pull[b], s.m.links[l].rate+1)
		}
		if s.m.stay(b) && !s.m.stay(a) {
			s.pull[a] = plus(s.pull[a], s.m.links[l].rate+1)
		}
	}
}

// unrouted are the links of which both ends stay, and the route does not.
func (m *model) unrouted() (out []int32) {
	for l := range m.ways {
		ends := m.links[l].ends
		if m.ways[l] == nil && m.stay(m.vms[ends[0]].group) && m.stay(m.vms[ends[1]].group) {
			out = append(out, int32(l))
		}
	}
	return out
}
