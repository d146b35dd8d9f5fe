package construct

import "math"

const far = math.MaxFloat32

// tree is the cheapest ways from one node over cables with enough rate left.
type tree struct {
	price []float32 // of one unit of rate to each inner node, and to the root; far: out of reach
	order []float32 // by which the tree grew: price, or where it hurries the delay in seconds
	delay []int64   // along that way, the nodes at both ends included
	via   []arc     // the step before: its node and its cable
	seen  []int32   // the nodes for which there is a price
	root  int32
	rate  int64
}

func newTree(nodes int) *tree {
	t := &tree{price: make([]float32, nodes), order: make([]float32, nodes), delay: make([]int64, nodes), via: make([]arc, nodes)}
	for n := range nodes {
		t.price[n], t.order[n] = far, far
	}
	return t
}

// entry of the queue of Dijkstra's algorithm: the bits of a float32 that is not
// negative are in its order, so that one integer holds price and node.
type entry uint64

func makeEntry(price float32, n int32) entry { return entry(math.Float32bits(price))<<32 | entry(n) }

// grow fills the tree from root for rate: so many nodes are settled, and their
// neighbours reached. Where it hurries the quickest ways are taken, so that a link with
// a limit of time has one where the cheapest is too slow.
func (x *Search) grow(t *tree, root int32, rate int64, hurry bool, settle int) {
	s := x.sub
	t.root, t.rate = root, rate
	for _, n := range t.seen {
		t.order[n], t.price[n] = far, far
	}
	t.seen = append(t.seen[:0], root)
	t.order[root], t.price[root], t.delay[root], t.via[root] = 0, 0, s.delay[root], arc{-1, -1}
	q := append(x.queue[:0], makeEntry(0, root))
	for len(q) > 0 && settle > 0 {
		var e entry
		e, q = pop(q)
		n := int32(uint32(e))
		order := math.Float32frombits(uint32(e >> 32))
		if order > t.order[n] {
			continue
		}
		x.nodes++
		settle--
		if n != root && !x.passable(n, rate) {
			continue
		}
		for _, a := range s.arcs[s.first[n]:s.outer[n]] {
			if x.state.free[a.cable] < rate {
				continue
			}
			next := order + x.prices.cable[a.cable]
			if hurry {
				next = order + float32(s.cables[a.cable].delay+s.delay[a.to])*1e-9
			}
			if next < t.order[a.to] {
				if t.order[a.to] == far {
					t.seen = append(t.seen, a.to)
				}
				t.order[a.to], t.price[a.to] = next, t.price[n]+x.prices.cable[a.cable]
				t.delay[a.to], t.via[a.to] = t.delay[n]+s.cables[a.cable].delay+s.delay[a.to], arc{n, a.cable}
				q = push(q, makeEntry(next, a.to))
			}
		}
	}
	x.queue = q
}

// passable reports whether what a path through n would take of its cables is not what
// the links of a seat there are going to need.
func (x *Search) passable(n int32, rate int64) bool {
	return n >= x.sub.hosts || x.blind || x.pending[n] == 0 || x.state.adjacent[n]-2*rate >= x.pending[n]
}

// reach is the price and the delay of the way to a host, and its last step where the
// host is none that a path passes.
func (x *Search) reach(t *tree, h int32) (price float32, delay int64, last arc) {
	s := x.sub
	if s.inner[h] || h == t.root {
		return t.price[h], t.delay[h], t.via[h]
	}
	price = far
	for _, a := range s.arcs[s.first[h]:s.first[h+1]] {
		p := t.price[a.to]
		if p == far || x.state.free[a.cable] < t.rate || a.to != t.root && (!s.inner[a.to] || !x.passable(a.to, t.rate)) {
			continue
		}
		if p += x.prices.cable[a.cable]; p < price {
			price, delay, last = p, t.delay[a.to]+s.cables[a.cable].delay+s.delay[h], a
		}
	}
	return price, delay, last
}

// reached lists the hosts to which trees have a way.
func (x *Search) reached(trees ...*tree) []int32 {
	s := x.sub
	x.listing++
	if x.marked == nil {
		x.marked = make([]int64, s.hosts)
	}
	list := x.listed[:0]
	add := func(h int32) {
		if h < s.hosts && x.marked[h] != x.listing {
			x.marked[h] = x.listing
			list = append(list, h)
		}
	}
	for _, t := range trees {
		for _, n := range t.seen {
			if s.inner[n] || n == t.root {
				add(n)
			}
			for _, a := range s.arcs[s.outer[n]:s.first[n+1]] {
				add(a.to)
			}
		}
	}
	x.listed = list
	return list
}

func push(q []entry, e entry) []entry {
	q = append(q, e)
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 2
		if q[up] <= e {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = e
	return q
}

func pop(q []entry) (entry, []entry) {
	top, n := q[0], len(q)-1
	e := q[n]
	q = q[:n]
	if n == 0 {
		return top, q
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && q[c+1] < q[c] {
			c++
		}
		if e <= q[c] {
			break
		}
		q[i] = q[c]
		i = c
	}
	q[i] = e
	return top, q
}
