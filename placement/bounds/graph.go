package bounds

import (
	"encoding/binary"
	"slices"
)

// graph is a Net by indices, with what has been computed already for one order of
// service.
type graph struct {
	net      Net
	mux      Mux
	paths    [][]int   // servers of each flow
	place    [][]int   // place[flow][server] on the path, or -1
	through  []flowSet // flows through each server
	upstream [][]int   // servers right before each server, over all flows
	seen     map[string]Bucket
	blind    *graph // the same with servers of any order
}

// anyOrder is g for servers of any order.
func (g *graph) anyOrder() *graph {
	if g.mux == Any {
		return g
	}
	if g.blind == nil {
		blind := *g
		blind.mux, blind.seen = Any, map[string]Bucket{}
		g.blind = &blind
	}
	return g.blind
}

func (n Net) graph(m Mux) (*graph, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	index := map[string]int{}
	for i := range n.Servers {
		index[n.Servers[i].Name] = i
	}
	g := &graph{net: n, mux: m, seen: map[string]Bucket{}}
	g.through = make([]flowSet, len(n.Servers))
	g.upstream = make([][]int, len(n.Servers))
	for s := range g.through {
		g.through[s] = newFlowSet(len(n.Flows))
	}
	known := map[[2]int]bool{}
	for f := range n.Flows {
		path := make([]int, len(n.Flows[f].Path))
		place := make([]int, len(n.Servers))
		for s := range place {
			place[s] = -1
		}
		for i, name := range n.Flows[f].Path {
			s := index[name]
			path[i], place[s] = s, i
			g.through[s].add(f)
			if i > 0 && !known[[2]int{path[i-1], s}] {
				known[[2]int{path[i-1], s}] = true
				g.upstream[s] = append(g.upstream[s], path[i-1])
			}
		}
		g.paths, g.place = append(g.paths, path), append(g.place, place)
	}
	return g, g.acyclic()
}

// acyclic looks for a cycle of "comes right before" among the servers.
func (g *graph) acyclic() error {
	done := map[int]bool{}
	for s := range g.net.Servers {
		cycle := Cycle(s, func(s int) []int { return g.upstream[s] }, func(int) bool { return true }, done)
		if cycle == nil {
			continue
		}
		first := slices.Index(cycle, slices.Min(cycle))
		cycle = slices.Concat(cycle[first:], cycle[:first])
		e := &CycleError{}
		for i, s := range cycle {
			e.Servers = append(e.Servers, g.net.Servers[s].Name)
			e.Flows = append(e.Flows, g.flowBetween(s, cycle[(i+1)%len(cycle)]))
		}
		return e
	}
	return nil
}

func (g *graph) flowBetween(from, to int) string {
	for f := range g.net.Flows {
		if g.before(f, to) == from {
			return g.net.Flows[f].Name
		}
	}
	return ""
}

// before is the server right before s on the path of f, or -1; f may be none.
func (g *graph) before(f, s int) int {
	if f == none || g.place[f][s] <= 0 {
		return -1
	}
	return g.paths[f][g.place[f][s]-1]
}

// from is those of the flows that come to s directly from server prev.
func (g *graph) from(flows flowSet, prev, s int) flowSet {
	subset := newFlowSet(len(g.net.Flows))
	for f := range g.net.Flows {
		if flows.has(f) && g.before(f, s) == prev && (prev >= 0 || g.place[f][s] == 0) {
			subset.add(f)
		}
	}
	return subset
}

// none is no flow, where one may be given.
const none = -1

// flowSet is a set of flows by index.
type flowSet []uint64

func newFlowSet(flows int) flowSet { return make(flowSet, (flows+63)/64) }

func (s flowSet) add(f int)      { s[f/64] |= 1 << (f % 64) }
func (s flowSet) has(f int) bool { return s[f/64]>>(f%64)&1 == 1 }

func (s flowSet) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

func (s flowSet) and(other flowSet) flowSet {
	both := make(flowSet, len(s))
	for i := range s {
		both[i] = s[i] & other[i]
	}
	return both
}

func (s flowSet) without(other flowSet) flowSet {
	rest := make(flowSet, len(s))
	for i := range s {
		rest[i] = s[i] &^ other[i]
	}
	return rest
}

func (s flowSet) withoutFlow(f int) flowSet {
	rest := append(flowSet{}, s...)
	if f != none {
		rest[f/64] &^= 1 << (f % 64)
	}
	return rest
}

// key names a computation: the place, the flow of interest and the set.
func (s flowSet) key(place, interest int) string {
	b := binary.AppendVarint(nil, int64(place))
	b = binary.AppendVarint(b, int64(interest))
	for _, word := range s {
		b = binary.BigEndian.AppendUint64(b, word)
	}
	return string(b)
}
