package construct

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
)

// A region is a small part of a substrate and of its state: some hosts, and the nodes
// and cables on the short ways between them.
type region struct {
	sub    *Substrate
	state  *State
	nodes  []int32 // in the numbers of the whole; hosts first
	cables []int32
}

// regions is the memory that making them needs.
type regions struct {
	mark    []int32 // of each node: the round that saw it
	far     []int32 // of each node seen in this round: hops from the first host
	way     []int32 // of each node: the round in which it is on a way
	local   []int32 // of each node: its number in the region
	crossed []int32 // of each cable: the round that took it
	number  []int32 // of each cable: its number in the region
	round   int32
	queue   []int32
}

func newRegions(s *Substrate) *regions {
	n := len(s.names)
	return &regions{mark: make([]int32, n), far: make([]int32, n), way: make([]int32, n), local: make([]int32, n), crossed: make([]int32, len(s.cables)), number: make([]int32, len(s.cables))}
}

// How much of the substrate a region shows.
const (
	enough   = 4 // hosts for each seat
	ways     = 6 // of the nodes before a node on the shortest ways there
	patience = 8 // hosts that are looked at for each that is wanted
)

// gather lists hosts around the first of those given, nearest first: those given, those
// that have room for more than half of the seats up to most, and others as long as a
// seat has too few or a rule too few values. It reports whether it has reached those given.
func (x *Embedder) gather(a *asking, given []int32, most int) ([]int32, bool) {
	r := x.regions
	r.round++
	c := &choice{x: x, a: a, most: most, serves: make([]int, len(a.q.seats)), left: len(given)}
	for range a.over {
		c.values = append(c.values, map[int32]int{})
	}
	for v := range a.q.seats {
		if a.fixed[v] < 0 {
			c.free++
		}
	}
	r.queue = append(r.queue[:0], given[0])
	r.mark[given[0]], r.far[given[0]] = r.round, 0
	for at := 0; at < len(r.queue) && !(c.left == 0 && c.full()); at++ {
		n := r.queue[at]
		if n < x.sub.hosts {
			c.offer(n, slices.Contains(given, n))
		}
		if at > 0 && (!x.sub.inner[n] || n < x.sub.hosts && x.failed[n]) {
			continue
		}
		for _, e := range x.sub.arcs[x.sub.first[n]:x.sub.first[n+1]] {
			if r.mark[e.to] != r.round {
				r.mark[e.to], r.far[e.to] = r.round, r.far[n]+1
				r.queue = append(r.queue, e.to)
			}
		}
	}
	return c.hosts, c.left == 0
}

// choice is the hosts of a region while they are chosen.
type choice struct {
	x      *Embedder
	a      *asking
	most   int
	hosts  []int32
	serves []int           // of each seat: hosts with room for it
	values []map[int32]int // of each rule that spreads: hosts for its seats, by value
	left   int             // of those given
	free   int             // seats that have no host yet
	seen   int             // hosts
}

func (c *choice) offer(h int32, given bool) {
	c.seen++
	if given {
		c.left--
	} else if c.x.failed[h] {
		return
	}
	wanted, short := given, false
	var serving []int
	for v := range c.a.q.seats {
		if c.x.serves(c.a, int32(v), h) {
			serving = append(serving, v)
			short = short || c.serves[v] < enough
		}
	}
	if len(serving) > 0 && !given {
		crowded, strange := c.spread(h, serving)
		wanted = short || strange || len(c.hosts) < c.most && !crowded && 2*len(serving) > c.free
	}
	if !wanted {
		return
	}
	c.hosts = append(c.hosts, h)
	for _, v := range serving {
		c.serves[v]++
	}
	for i, d := range c.a.over {
		if given || d.among(serving) {
			c.values[i][d.label.value[h]]++
		}
	}
}

// among reports whether one of the seats is one that the rule spreads.
func (d *dealt) among(seats []int) bool {
	return slices.ContainsFunc(seats, func(v int) bool { return slices.Contains(d.seats, int32(v)) })
}

// spread reports whether there are many hosts with the values of h already, and whether
// h has a value that is new where values are few.
func (c *choice) spread(h int32, serving []int) (crowded, strange bool) {
	for i, d := range c.a.over {
		if !d.among(serving) {
			continue
		}
		have := c.values[i][d.label.value[h]]
		crowded = crowded || have >= max(1, c.most/(len(d.seats)+1))
		strange = strange || have == 0 && d.label.value[h] >= 0 && len(c.values[i]) <= len(d.seats)
	}
	return crowded, strange
}

// full reports whether there are enough.
func (c *choice) full() bool {
	if len(c.hosts) < c.most && c.seen < patience*c.most {
		return false
	}
	for v := range c.serves {
		if c.serves[v] < enough && !c.a.kept[v] && c.a.fixed[v] < 0 {
			return false
		}
	}
	for i, d := range c.a.over {
		if len(c.values[i]) <= len(d.seats) {
			return false
		}
	}
	return true
}

// connect adds to hosts, of which gather has seen all, the nodes on some of the
// shortest ways to the first of them.
func (x *Embedder) connect(chosen []int32) []int32 {
	r, s := x.regions, x.sub
	nodes := slices.Clone(chosen)
	for _, h := range nodes {
		r.way[h] = r.round
	}
	var before []arc
	for at := 0; at < len(nodes); at++ {
		n := nodes[at]
		before = before[:0]
		for _, e := range s.arcs[s.first[n]:s.first[n+1]] {
			if r.mark[e.to] == r.round && r.far[e.to] == r.far[n]-1 && (r.far[e.to] == 0 || s.inner[e.to]) && !(e.to < s.hosts && x.failed[e.to]) {
				before = append(before, e)
			}
		}
		slices.SortStableFunc(before, func(a, b arc) int { return cmp.Compare(x.state.free[b.cable], x.state.free[a.cable]) })
		for _, e := range before[:min(len(before), ways)] {
			if r.way[e.to] != r.round {
				r.way[e.to] = r.round
				nodes = append(nodes, e.to)
			}
		}
	}
	slices.SortStableFunc(nodes, func(a, b int32) int { return -order(a < s.hosts, b < s.hosts) })
	return nodes
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// region cuts nodes, hosts first, out of the substrate and the state.
func (x *Embedder) region(nodes []int32) *region {
	r, s := x.regions, x.sub
	out := &region{nodes: nodes, sub: &Substrate{inventory: &hosts.Inventory{}, kinds: s.kinds, dims: s.dims + 1}, state: &State{}}
	out.state.sub = out.sub
	domains := int32(0)
	for _, n := range nodes {
		if n < s.hosts {
			out.sub.hosts++
			domains += s.domains[n+1] - s.domains[n]
		}
	}
	out.reserve(int(domains))
	for i, n := range nodes {
		r.local[n] = int32(i)
		out.sub.names[i], out.sub.delay[i], out.sub.inner[i] = s.names[n], s.delay[n], s.inner[n]
		if n < s.hosts {
			x.addHost(out, int32(i), n)
		}
	}
	out.sub.domains = append(out.sub.domains, domains)
	x.addCables(out)
	return out
}

// reserve makes room for what there is of each node, host and domain.
func (out *region) reserve(domains int) {
	n, m := len(out.nodes), int(out.sub.hosts)
	out.sub.names, out.sub.delay, out.sub.inner = make([]string, n), make([]int64, n), make([]bool, n)
	out.sub.first, out.sub.outer, out.state.adjacent = make([]int32, n+1), make([]int32, n), make([]int64, n)
	out.sub.inventory.Hosts, out.sub.emulator, out.state.spare = make([]hosts.Host, m), make([]int64, m), make([]int64, m)
	out.state.room = make([]int64, 0, m*int(out.sub.dims))
	out.sub.domains, out.sub.domain = make([]int32, 0, m+1), make([]domain, 0, domains)
	out.sub.hostOf, out.state.idle, out.state.granted = make([]int32, 0, domains), make([]int64, 0, domains), make([][]int64, domains)
}

// addHost copies a host. Processor time, all CPUs together, is one budget more, so that
// limits of the index bind here, too.
func (x *Embedder) addHost(out *region, i, h int32) {
	s := x.sub
	out.sub.inventory.Hosts[i], out.sub.emulator[i] = s.inventory.Hosts[h], s.emulator[h]
	out.state.spare[i] = x.state.spare[h]
	free := x.index.leaf(x.rank[h])
	for k := range s.dims + 1 {
		out.state.room = append(out.state.room, max(0, free[k]))
	}
	at := len(out.sub.domain)
	out.sub.domains = append(out.sub.domains, int32(at))
	from, to := s.domains[h], s.domains[h+1]
	out.sub.domain = append(out.sub.domain, s.domain[from:to]...)
	out.state.idle = append(out.state.idle, x.state.idle[from:to]...)
	for k, g := range x.state.granted[from:to] {
		out.state.granted[at+k] = slices.Clone(g)
		out.sub.hostOf = append(out.sub.hostOf, i)
	}
}

// addCables copies the cables between the nodes, and their arcs in the order of the
// whole.
func (x *Embedder) addCables(out *region) {
	r, s := x.regions, x.sub
	for i, n := range out.nodes {
		out.sub.first[i] = int32(len(out.sub.arcs))
		for at := s.first[n]; at < s.first[n+1]; at++ {
			if at == s.outer[n] {
				out.sub.outer[i] = int32(len(out.sub.arcs))
			}
			e := s.arcs[at]
			if r.way[e.to] != r.round {
				continue
			}
			out.sub.arcs = append(out.sub.arcs, arc{r.local[e.to], x.cableIn(out, e.cable)})
			out.state.adjacent[i] += x.state.free[e.cable]
		}
		if s.outer[n] == s.first[n+1] {
			out.sub.outer[i] = int32(len(out.sub.arcs))
		}
	}
	out.sub.first[len(out.nodes)] = int32(len(out.sub.arcs))
}

// cableIn is the number of a cable in a region, where it is added if it is new.
func (x *Embedder) cableIn(out *region, c int32) int32 {
	r := x.regions
	if r.crossed[c] != r.round {
		r.crossed[c], r.number[c] = r.round, int32(len(out.cables))
		out.cables = append(out.cables, c)
		whole := x.sub.cables[c]
		whole.ends = [2]int32{r.local[whole.ends[0]], r.local[whole.ends[1]]}
		out.sub.cables = append(out.sub.cables, whole)
		out.state.free = append(out.state.free, x.state.free[c])
	}
	return r.number[c]
}
