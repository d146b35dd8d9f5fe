package construct

// What a construction is led by. None of it decides what is allowed.
const (
	jitter = 0.3 // at most, by which costs are blurred from round to round
	future = 0.3 // of a link whose other end has no seat, what counts when the next seat is chosen
	tries  = 3   // hosts on which a seat is tried before the round is given up
	nearby = 8   // nodes that are settled around what a link leads to; their neighbours are reached
)

// construct builds one embedding; the first round without chance.
func (x *Search) construct(round int) bool {
	noise := 0.0
	if round > 0 {
		noise = jitter * x.float()
	}
	for range x.q.seats {
		v := x.next(noise)
		if !x.place(v, noise) {
			x.blame[v]++
			return false
		}
	}
	return true
}

// next is the seat with most rate to what is seated, and to the rest; more so the more
// often it was the one that failed.
func (x *Search) next(noise float64) int32 {
	best, most := int32(-1), -1.0
	for v := range x.q.seats {
		if x.seat[v] >= 0 {
			continue
		}
		st := &x.q.seats[v]
		here := future * float64(st.leaving)
		for _, l := range st.links {
			if x.seat[x.q.other(l, int32(v))] >= 0 {
				here += float64(x.q.links[l].rate)
			}
		}
		here = here*(1+x.blame[v])*(1+2*noise*x.float()) + 1
		if here > most {
			best, most = int32(v), here
		}
	}
	return best
}

// other is the seat at the other end of a link.
func (q *Request) other(l, v int32) int32 {
	e := &q.links[l].ends
	if e[0] == v {
		return e[1]
	}
	return e[0]
}

type candidate struct {
	host int32
	cost float64
}

// place seats v where its links to what is seated, and the host, are cheapest.
func (x *Search) place(v int32, noise float64) bool {
	x.approach(v)
	var top [tries]candidate
	found := 0
	x.nodes += int64(x.sub.hosts) / 8
	for h := range x.sub.hosts {
		cost, ok := x.cost(v, h)
		if !ok {
			continue
		}
		if len(x.near) == 0 {
			cost = 1 // any place to begin with
		}
		cost *= 1 + noise*x.float()
		at := min(found, tries-1)
		if found == tries && cost >= top[at].cost {
			continue
		}
		found = min(found+1, tries)
		for at > 0 && top[at-1].cost > cost {
			top[at] = top[at-1]
			at--
		}
		top[at] = candidate{h, cost}
	}
	for _, c := range top[:found] {
		if x.settle(v, c.host) {
			return true
		}
	}
	return false
}

// approach lists the links of v to what is seated, those with most rate first, and
// grows the ways from there.
func (x *Search) approach(v int32) {
	x.near = x.near[:0]
	for _, l := range x.q.seats[v].links { // by rate
		if o := x.q.other(l, v); x.seat[o] >= 0 {
			i := len(x.near)
			x.near = append(x.near, l)
			x.grow(x.trees[2*i], x.seat[o], x.q.links[l].rate, false, nearby)
			if x.q.links[l].limit > 0 {
				x.grow(x.trees[2*i+1], x.seat[o], x.q.links[l].rate, true, nearby)
			}
		}
	}
}

// cost of seat v at host h: its links to what is seated, and the price of the host.
func (x *Search) cost(v, h int32) (float64, bool) {
	st := &x.q.seats[v]
	if st.allowed != nil && !st.allowed[h] || x.state.adjacent[h] < st.leaving+x.pending[h] || !x.state.holds(st, h) {
		return 0, false
	}
	n := len(x.q.seats)
	for o, at := range x.seat {
		if at == h && x.q.apart[int(v)*n+o] {
			return 0, false
		}
	}
	sum := x.prices.seat(v, h)
	for i, l := range x.near {
		t := x.way(i, l, h)
		if t == nil {
			return 0, false
		}
		if t.root != h {
			price, _, _ := x.reach(t, h)
			sum += float64(price) * float64(t.rate)
		}
	}
	return sum, true
}

// way is the tree by which the i-th near link reaches h within its limit: the cheapest
// one, else the quickest, or nil.
func (x *Search) way(i int, l, h int32) *tree {
	limit := x.q.links[l].limit
	t := x.trees[2*i]
	if t.root == h {
		if limit > 0 && x.sub.delay[h] > limit {
			return nil
		}
		return t
	}
	price, delay, _ := x.reach(t, h)
	if price == far {
		return nil
	}
	if limit == 0 || delay <= limit {
		return t
	}
	t = x.trees[2*i+1]
	if price, delay, _ = x.reach(t, h); price == far || delay > limit {
		return nil
	}
	return t
}

// settle seats v at h and routes its near links; all of it or nothing.
func (x *Search) settle(v, h int32) bool {
	var ok bool
	if x.bins[v], ok = x.state.sit(&x.q.seats[v], h, x.bins[v]); !ok {
		return false
	}
	x.sit(v, h)
	for i, l := range x.near {
		if !x.route(i, l, v, h) {
			for _, o := range x.near[:i] {
				x.unroute(o)
			}
			x.unseat(v)
			return false
		}
	}
	return true
}

// sit notes a seat that the state has taken.
func (x *Search) sit(v, h int32) {
	x.seat[v] = h
	x.used += x.prices.seat(v, h)
	x.pending[h] += x.q.seats[v].leaving
}

// unseat takes a seat back whose links have no path.
func (x *Search) unseat(v int32) {
	h := x.seat[v]
	x.pending[h] -= x.q.seats[v].leaving
	x.used -= x.prices.seat(v, h)
	x.state.leave(&x.q.seats[v], h, x.bins[v])
	x.bins[v], x.seat[v] = x.bins[v][:0], -1
}

// improve moves one seat after the other to where it is cheaper, until none is. It is
// tried on what is not much worse than the best.
func (x *Search) improve() {
	n := len(x.q.seats)
	if x.used > x.best.cost*promising {
		return
	}
	v := int32(x.random.Uint64() % uint64(n))
	for quiet := 0; quiet < n; v = (v + 1) % int32(n) {
		if x.move(v) {
			quiet = 0
		} else {
			quiet++
		}
	}
}

const (
	promising = 1.2
	gain      = 1e-6 // relative: less is rounding
)

// move takes v out and places it again; where that is no cheaper all is as before.
func (x *Search) move(v int32) bool {
	before, old, links := x.used, x.seat[v], x.q.seats[v].links
	for i, l := range links {
		x.saved[i] = append(x.saved[i][:0], x.path[l]...)
		x.unroute(l)
	}
	x.unseat(v)
	if x.place(v, 0) {
		if x.used < before*(1-gain) {
			return true
		}
		for _, l := range links {
			x.unroute(l)
		}
		x.unseat(v)
	}
	x.bins[v], _ = x.state.sit(&x.q.seats[v], old, x.bins[v])
	x.sit(v, old)
	for i, l := range links {
		x.path[l] = append(x.path[l][:0], x.saved[i]...)
		x.lay(l)
	}
	x.used = before
	return false
}
