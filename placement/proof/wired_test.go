package proof

import (
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// wired is links alone: no VM sits anywhere, and what classes grant is as it is said.
type wired struct {
	network  vsn.Network
	hosts    map[string]*hosts.Host
	switches map[string]*hosts.Switch
	cables   map[string]*hosts.Cable
	routes   map[string]*placement.Route
	rates    map[string]granting
	queues   map[queueAt]*placement.Queue
}

func newWired() *wired {
	return &wired{vsn.Network{Name: "n"}, map[string]*hosts.Host{}, map[string]*hosts.Switch{}, map[string]*hosts.Cable{}, map[string]*placement.Route{}, map[string]granting{}, map[queueAt]*placement.Queue{}}
}

// paths bounds the delays of all links.
func (w *wired) paths() *paths {
	var p placement.Problem
	for _, h := range slices.Sorted(maps.Keys(w.hosts)) {
		p.Inventory.Hosts = append(p.Inventory.Hosts, *w.hosts[h])
	}
	for _, s := range slices.Sorted(maps.Keys(w.switches)) {
		p.Inventory.Switches = append(p.Inventory.Switches, *w.switches[s])
	}
	for _, c := range slices.Sorted(maps.Keys(w.cables)) {
		p.Inventory.Cables = append(p.Inventory.Cables, *w.cables[c])
	}
	s, err := newSite(&p.Inventory)
	if err != nil {
		panic(err)
	}
	n := &part{Network: &w.network}
	for j := range w.network.Links {
		l := &w.network.Links[j]
		n.links = append(n.links, routed{l, name{"n", l.Name}, w.routes[l.Name], true, w.rates[l.Name]})
	}
	n.lay(s, w.queues)
	for i, path := range n.paths {
		path.grant(true, n.links[i/2].granting)
	}
	ps := newPaths(&model{site: s, problem: &p, parts: []*part{n}, order: []int32{0}, place: []int32{0}})
	for _, l := range ps.lines {
		if l != nil {
			l.buffers = ps.buffersOf(l)
		}
	}
	return ps
}

// along is the route of a path.
func (w *wired) along(p *path) (nodes, cables []string) {
	r := w.routes[p.link.of]
	nodes, cables = slices.Clone(r.Path), slices.Clone(r.Cables)
	if p.from != p.spec.Between[0] {
		slices.Reverse(nodes)
		slices.Reverse(cables)
	}
	return nodes, cables
}

// every is all claims about links.
func (ps *paths) every() placement.Proof {
	out := placement.Proof{Claims: ps.cycleClaims()}
	for _, p := range ps.all() {
		out.Claims = append(out.Claims, ps.claims(p)...)
	}
	ps.eachBuffer(func(b *buffer) {
		out.Claims, out.Rests = append(out.Claims, b.claims...), append(out.Rests, b.rests...)
	})
	return out
}

// directions are both ways over a link.
func directions(l *vsn.Link) [2]direction {
	return [2]direction{{l.Between[0], l.Between[1], false}, {l.Between[1], l.Between[0], true}}
}

// direction is one of them.
type direction struct {
	from, to string
	back     bool // against Between
}
