package solve

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// part is some VMs, links and flows of a problem.
type part struct {
	vms, links, flows map[[2]string]bool
}

func newPart() *part {
	return &part{map[[2]string]bool{}, map[[2]string]bool{}, map[[2]string]bool{}}
}

func (p *part) size() int { return len(p.vms) + len(p.links) + len(p.flows) }

func (p *part) addLink(n *vsn.Network, l *vsn.Link) {
	p.links[[2]string{n.Name, l.Name}] = true
	for _, vm := range l.Between {
		p.vms[[2]string{n.Name, vm}] = true
	}
}

func (p *part) addFlow(n *vsn.Network, f *vsn.Flow) {
	p.flows[[2]string{n.Name, f.Name}] = true
	for _, vm := range f.VMs() {
		p.vms[[2]string{n.Name, vm}] = true
	}
	for _, s := range f.Steps() {
		for i := range n.Links {
			if joins(&n.Links[i], s.From, s.To) {
				p.addLink(n, &n.Links[i])
			}
		}
	}
}

// kind is what a part is made of.
type kind int

const (
	kindVM kind = iota
	kindLink
	kindFlow
)

// without is the part less one flow, link or VM. VMs and links that others in the
// part need stay.
func (s *solver) without(p *part, what kind, key [2]string) *part {
	less := newPart()
	for vm := range p.vms {
		if what != kindVM || vm != key {
			less.vms[vm] = true
		}
	}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Flows {
			if k := [2]string{n.Name, n.Flows[j].Name}; p.flows[k] && (what != kindFlow || k != key) {
				less.addFlow(n, &n.Flows[j])
			}
		}
		for j := range n.Links {
			if k := [2]string{n.Name, n.Links[j].Name}; p.links[k] && (what != kindLink || k != key) {
				less.addLink(n, &n.Links[j])
			}
		}
	}
	return less
}

func joins(l *vsn.Link, a, b string) bool {
	return l.Between[0] == a && l.Between[1] == b || l.Between[0] == b && l.Between[1] == a
}

// only is the problem and the embedding without what is not in the part, and
// without the hosts and cables that the rest of the embedding does not use. Rules of
// placement are left out: they hold, and no bound looks at them.
func (s *solver) only(e *placement.Embedding, p *part) (*placement.Problem, *placement.Embedding) {
	problem, embedding := &placement.Problem{}, &placement.Embedding{}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		some := vsn.Network{Name: n.Name, Confidence: n.Confidence, Active: n.Active}
		for _, vm := range n.VMs {
			if p.vms[[2]string{n.Name, vm.Name}] {
				some.VMs = append(some.VMs, vm)
			}
		}
		for _, l := range n.Links {
			if p.links[[2]string{n.Name, l.Name}] {
				some.Links = append(some.Links, l)
			}
		}
		for _, f := range n.Flows {
			if p.flows[[2]string{n.Name, f.Name}] {
				some.Flows = append(some.Flows, f)
			}
		}
		if len(some.VMs) > 0 {
			problem.Networks = append(problem.Networks, some)
		}
	}
	for _, seat := range e.Seats {
		if p.vms[[2]string{seat.Network, seat.VM}] {
			embedding.Seats = append(embedding.Seats, seat)
		}
	}
	for _, r := range e.Routes {
		if p.links[[2]string{r.Network, r.Link}] {
			embedding.Routes = append(embedding.Routes, r)
		}
	}
	problem.Inventory = s.used(embedding)
	return problem, embedding
}

// index numbers the inventory: nodes are hosts, then switches.
type index struct {
	nodes, cables map[string]int
}

func newIndex(inv *hosts.Inventory) *index {
	x := &index{map[string]int{}, map[string]int{}}
	for i := range inv.Hosts {
		x.nodes[inv.Hosts[i].Name] = i
	}
	for i := range inv.Switches {
		x.nodes[inv.Switches[i].Name] = len(inv.Hosts) + i
	}
	for i := range inv.Cables {
		x.cables[inv.Cables[i].Name] = i
	}
	return x
}

// used is the inventory that an embedding uses.
func (s *solver) used(e *placement.Embedding) (out hosts.Inventory) {
	all := &s.problem.Inventory
	if s.index == nil {
		s.index = newIndex(all)
	}
	nodes, cables := map[int]bool{}, map[int]bool{}
	node := func(name string) {
		i := s.index.nodes[name]
		switch {
		case nodes[i]:
		case i < len(all.Hosts):
			out.Hosts = append(out.Hosts, all.Hosts[i])
		default:
			out.Switches = append(out.Switches, all.Switches[i-len(all.Hosts)])
		}
		nodes[i] = true
	}
	for _, seat := range e.Seats {
		node(seat.Host)
	}
	for _, r := range e.Routes {
		for _, name := range r.Path {
			node(name)
		}
		for _, name := range r.Cables {
			if i := s.index.cables[name]; !cables[i] {
				cables[i] = true
				out.Cables = append(out.Cables, all.Cables[i])
			}
		}
	}
	return out
}
