package canonical

import (
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// graph is the objects of a problem, each with a number for what it is by itself, and
// who is related to whom, in which role.
type graph struct {
	content []hash
	first   []int32 // of the edges of each object, and the end of the last
	edges   []edge
	pairs   []pair // until they are laid out as edges
}

type edge struct {
	to   int32
	role hash
}

type pair struct {
	a, b int32
	role hash
}

// index is where the objects are: numbers of the first host, cable and so on; names
// lead to a number plus one, so that 0 is none.
type index struct {
	hosts, switches, cables, networks int32
	node                              map[string]int32
	of                                []networkIndex
}

type networkIndex struct {
	vms, links, flows, rules int32
	vm                       map[string]int32
}

// Roles; those at a host by a pin or before, and those in a flow, depend on more.
const (
	roleEnd hash = iota + 1
	roleMember
	roleAt
	roleStage
)

func graphOf(p *placement.Problem) (*graph, *index) {
	g, x := &graph{}, &index{node: make(map[string]int32, len(p.Inventory.Hosts)+len(p.Inventory.Switches))}
	inv := &p.Inventory
	x.hosts = g.next()
	for i := range inv.Hosts {
		x.node[inv.Hosts[i].Name] = g.add(ofHost(&inv.Hosts[i]))
	}
	x.switches = g.next()
	for i := range inv.Switches {
		x.node[inv.Switches[i].Name] = g.add(hash(2).with(hash(inv.Switches[i].Delay)))
	}
	x.cables = g.next()
	for i := range inv.Cables {
		c := g.add(ofCable(&inv.Cables[i]))
		for _, end := range inv.Cables[i].Between {
			g.relate(c, x.node[end], roleEnd)
		}
	}
	x.networks = g.next()
	matters := odd(p.Networks)
	for i := range p.Networks {
		self := hash(4)
		if matters {
			active, confidence := p.Networks[i].Odds()
			self = self.with(hash(confidence)).with(hash(active))
		}
		g.add(self)
	}
	names := make(map[string]int, len(p.Networks))
	for i := range p.Networks {
		names[p.Networks[i].Name] = i
		x.of = append(x.of, g.network(&p.Networks[i], x.networks+int32(i)+1))
	}
	for role, seats := range [][]placement.Seat{p.Pins, p.Before} {
		for _, s := range seats {
			if i, ok := names[s.Network]; ok {
				g.relate(x.of[i].vm[s.VM], x.node[s.Host], roleAt.with(hash(role)))
			}
		}
	}
	g.layOut()
	return g, x
}

// odd reports whether probabilities are counted with: some network is content with less
// than certainty, and some is not always active.
func odd(networks []vsn.Network) bool {
	content, idle := false, false
	for i := range networks {
		active, confidence := networks[i].Odds()
		content, idle = content || confidence < vsn.One, idle || active < vsn.One
	}
	return content && idle
}

// network adds what is in a network. Numbers are plus one.
func (g *graph) network(n *vsn.Network, self int32) (x networkIndex) {
	x.vms, x.vm = g.next(), make(map[string]int32, len(n.VMs))
	for i := range n.VMs {
		v := g.add(ofVM(&n.VMs[i]))
		x.vm[n.VMs[i].Name] = v
		g.relate(self, v, roleMember)
	}
	x.links = g.next()
	for i := range n.Links {
		l := g.add(ofLink(&n.Links[i]))
		for _, end := range n.Links[i].Between {
			g.relate(l, x.vm[end], roleEnd)
		}
	}
	x.flows = g.next()
	for i := range n.Flows {
		f := g.add(ofFlow(&n.Flows[i]))
		for k, stage := range n.Flows[i].Path {
			for _, vm := range stage {
				g.relate(f, x.vm[vm], roleStage.with(hash(k)).with(hash(n.Flows[i].Work[vm])))
			}
		}
	}
	x.rules = g.next()
	for i := range n.Place {
		r := &n.Place[i]
		v := g.add(ofRule(r))
		for _, list := range [][]string{r.Apart, r.Together, r.Spread, r.VMs} {
			for _, vm := range list {
				g.relate(v, x.vm[vm], roleMember)
			}
		}
	}
	return x
}

func (g *graph) next() int32 { return int32(len(g.content)) }

// add numbers an object; its number plus one.
func (g *graph) add(content hash) int32 {
	g.content = append(g.content, content)
	return g.next()
}

// relate notes that a and b, numbers plus one, have to do with one another.
func (g *graph) relate(a, b int32, role hash) {
	if a > 0 && b > 0 {
		g.pairs = append(g.pairs, pair{a - 1, b - 1, role})
	}
}

func (g *graph) layOut() {
	g.first = make([]int32, len(g.content)+1)
	for _, p := range g.pairs {
		g.first[p.a+1]++
		g.first[p.b+1]++
	}
	for v := range g.content {
		g.first[v+1] += g.first[v]
	}
	g.edges = make([]edge, 2*len(g.pairs))
	end := append([]int32(nil), g.first...)
	for _, p := range g.pairs {
		g.edges[end[p.a]] = edge{p.b, p.role.with(1)}
		g.edges[end[p.b]] = edge{p.a, p.role.with(2)}
		end[p.a]++
		end[p.b]++
	}
	g.pairs = nil
}
