package construct

import "math"

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
		if x.used >= x.best.cost*promising {
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
		if st.pinned {
			here += math.MaxInt64
		}
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
	list := x.candidates()
	x.nodes += int64(len(list)) / 8
	for _, h := range list {
		bound := math.Inf(1)
		if found == tries {
			bound = top[tries-1].cost
		}
		cost, ok := 1.0, true // any place to begin with
		if len(x.near) > 0 {
			cost, ok = x.cost(v, h, bound)
		}
		if !ok || !x.open(v, h) {
			continue
		}
		if cost *= 1 + noise*x.float(); cost >= bound {
			continue
		}
		at := min(found, tries-1)
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

// candidates are the hosts to which the first near link has a way, or all hosts where
// there is none to what is seated.
func (x *Search) candidates() []int32 {
	if len(x.near) == 0 {
		for h := int32(len(x.all)); h < x.sub.hosts; h++ {
			x.all = append(x.all, h)
		}
		return x.all
	}
	if x.q.links[x.near[0]].limit == 0 {
		return x.reached(x.trees[0])
	}
	return x.reached(x.trees[0], x.trees[1])
}

// approach lists the links of v to what is seated, those with most rate first, and
// grows the ways from there.
func (x *Search) approach(v int32) {
	x.near = x.near[:0]
	for _, l := range x.q.seats[v].links { // by rate
		if o := x.q.other(l, v); x.seat[o] >= 0 {
			i := len(x.near)
			x.near = append(x.near, l)
			x.grow(x.trees[2*i], x.seat[o], x.q.links[l].rate, false, x.around)
			if x.q.links[l].limit > 0 {
				x.grow(x.trees[2*i+1], x.seat[o], x.q.links[l].rate, true, x.around)
			}
		}
	}
}

// open reports whether seat v may sit on host h and has room there, and its links a
// way out.
func (x *Search) open(v, h int32) bool {
	st := &x.q.seats[v]
	if st.allowed != nil && !st.allowed[h] || x.state.adjacent[h] < st.leaving+x.pending[h] || !x.state.holds(st, h) {
		return false
	}
	n := len(x.q.seats)
	for o, at := range x.seat {
		if at == h && x.q.apart[int(v)*n+o] {
			return false
		}
	}
	return !x.bunched(v, h)
}

// cost of seat v at host h: its links to what is seated, and the price of the host. It
// is not ok where a link has no way there, or the cost reaches the bound.
func (x *Search) cost(v, h int32, bound float64) (float64, bool) {
	sum := 0.0
	for i, l := range x.near {
		t := x.trees[2*i]
		if x.sub.inner[h] && t.price[h] < far && x.q.links[l].limit == 0 { // the usual case, told apart for speed
			sum += float64(t.price[h]) * float64(t.rate)
		} else if t, price := x.way(i, l, h); t != nil {
			sum += float64(price) * float64(t.rate)
		} else {
			return 0, false
		}
		if sum >= bound {
			return 0, false
		}
	}
	sum += x.prices.seat(v, h) + x.begun(h)
	return sum, sum < bound
}

// way is the tree by which the i-th near link reaches h within its limit, the cheapest
// one, else the quickest, or nil; and its price there.
func (x *Search) way(i int, l, h int32) (*tree, float32) {
	limit := x.q.links[l].ways
	if x.trees[2*i].root == h {
		limit = x.q.links[l].limit
	}
	for _, t := range x.trees[2*i : 2*i+2] {
		price, delay, _ := x.reach(t, h)
		if price < far && (limit == 0 || delay <= limit) {
			return t, price
		}
		if limit == 0 {
			break
		}
	}
	return nil, far
}

// begun is what a seat at h costs for being the first there.
func (x *Search) begun(h int32) float64 {
	if x.opening == nil || x.sits[h] > 0 {
		return 0
	}
	return x.opening[h]
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
	x.used += x.prices.seat(v, h) + x.begun(h)
	x.sits[h]++
	x.pending[h] += x.q.seats[v].leaving
}

// unseat takes a seat back whose links have no path.
func (x *Search) unseat(v int32) {
	h := x.seat[v]
	x.pending[h] -= x.q.seats[v].leaving
	x.sits[h]--
	x.used -= x.prices.seat(v, h) + x.begun(h)
	x.state.leave(&x.q.seats[v], h, x.bins[v])
	x.bins[v], x.seat[v] = x.bins[v][:0], -1
}
