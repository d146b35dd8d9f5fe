package construct

import (
	"math"
	"slices"
)

// refiner moves the seats of an embedding about, led by a metric: a tabu search over
// moves of one seat and exchanges of two (Glover 1989; Taillard 1991 for quadratic
// assignment, of which this is one with budgets). A move costs some additions where a
// construction grows trees, so that thousands are looked at; what comes out best is
// routed, and only that counts.
type refiner struct {
	metric metric
	unit   float64   // of rate: the largest of the request is 1
	rate   []float32 // of each link, in units
	cost   []float32 // of seat v at host h, at v*hosts+h: its price there and its links to where the others are
	taboo  []int32   // of the same: the move until which v is not to go back to h
	moves  int32
	total  float64         // of all seats where they are
	tried  map[uint64]bool // by their hosts: what has been routed
}

const (
	stale     = 10      // moves without anything better before it ends
	longest   = 20      // times as many in all
	crowding  = 1.0     // what a seat costs for the share of what is free at the host that its links need, to the third power: they get in each other's way
	smallest  = 3       // seats for which it is worth it
	widest    = 512     // hosts
	biggest   = 1 << 16 // seats times hosts
	promising = 2.0     // times the cost of the best: what a construction may cost to be refined
)

// refines reports whether a request and a substrate are of a size to be refined.
func (x *Search) refines() bool {
	n, h := len(x.q.seats), int(x.sub.hosts)
	return n >= smallest && h <= widest && n*h <= biggest
}

// refine begins where x.start says and makes moves as long as they lead to something better.
func (x *Search) refine() {
	if x.assign(x.start) {
		x.tabu()
	}
	x.reset()
}

// measure makes the refiner one for the request.
func (x *Search) measure() {
	r := &x.refiner
	r.metric.open(x)
	n := len(x.q.seats) * int(x.sub.hosts)
	r.cost = slices.Grow(r.cost[:0], n)[:n]
	r.taboo = slices.Grow(r.taboo[:0], n)[:n]
	most := int64(1)
	for l := range x.q.links {
		most = max(most, x.q.links[l].rate)
	}
	r.unit = float64(most)
	r.rate = r.rate[:0]
	for l := range x.q.links {
		r.rate = append(r.rate, float32(float64(x.q.links[l].rate)/r.unit))
	}
	if r.tried == nil {
		r.tried = map[uint64]bool{}
	}
	clear(r.tried)
}

// assign seats all where they are to be, without paths, and reckons the costs.
func (x *Search) assign(seats []int32) bool {
	r := &x.refiner
	hosts := x.sub.hosts
	clear(r.taboo)
	r.moves = 0
	for v := range x.seat {
		row := x.costs(int32(v))
		for h := range hosts {
			if x.open(int32(v), h) {
				row[h] = x.lure(int32(v), h)
			} else {
				row[h] = float32(math.Inf(1))
			}
		}
	}
	x.nodes += int64(len(r.cost)) / 32
	for v, h := range seats {
		var ok bool
		if x.bins[v], ok = x.state.sit(&x.q.seats[v], h, x.bins[v]); !ok {
			return false
		}
		x.sit(int32(v), h)
		for _, l := range x.q.seats[v].links {
			x.tell(x.q.other(l, int32(v)), l, -1, h)
		}
	}
	r.total = 0
	for v, h := range seats {
		r.total += (float64(x.costs(int32(v))[h]) + float64(x.lure(int32(v), h))) / 2
	}
	return true
}

// costs is those of a seat, by host.
func (x *Search) costs(v int32) []float32 {
	n := int(x.sub.hosts)
	return x.refiner.cost[int(v)*n:][:n]
}

// lure is what seat v costs at h beside its links, in units.
func (x *Search) lure(v, h int32) float32 {
	need := float64(x.q.seats[v].leaving)
	share := need / (float64(x.prices.adjacent[h]) + 1)
	return float32((x.prices.seat(v, h) + crowding*need*share*share*share) / x.refiner.unit)
}

// tell lets the costs of seat o know that the other end of link l has moved from one host,
// or from none where that is negative, to another.
func (x *Search) tell(o, l, from, to int32) {
	r := &x.refiner
	c, rate := x.costs(o), r.rate[l]
	b := r.metric.row(to, l)
	limited := x.q.links[l].limit > 0
	x.nodes += int64(len(c)) / 256
	switch {
	case limited:
		for h := range c {
			c[h] += rate * r.metric.between(b, l, int32(h))
		}
		x.nodes += int64(len(c)) / 32
		if from >= 0 {
			a := r.metric.row(from, l)
			for h := range c {
				c[h] -= rate * r.metric.between(a, l, int32(h))
			}
		}
	case from < 0:
		for h, p := range b.price[:len(c)] {
			c[h] += rate * p
		}
	default:
		a := r.metric.row(from, l).price[:len(c)]
		for h, p := range b.price[:len(c)] {
			c[h] += rate * (p - a[h])
		}
	}
}

// step is a move: seat v to host h, and where other is not negative that seat to where v was.
type step struct {
	v, other, h int32
	gain        float32 // negative: cheaper
}

// tabu makes the best move that is not taboo again and again.
func (x *Search) tabu() {
	r := &x.refiner
	least := r.total
	for idle, all := 0, 0; idle < stale && all < stale*longest; all++ {
		r.moves++
		idle++
		s := x.cheapest(least)
		if s.v < 0 {
			break
		}
		if s.gain >= 0 { // all that is near costs more
			x.try()
		}
		if !x.make(s) {
			break
		}
		if r.total < least*(1-1e-6) {
			least, idle = r.total, 0
		}
	}
}

// cheapest is the best move that is not taboo, or that leads to less than the least.
func (x *Search) cheapest(least float64) step {
	r := &x.refiner
	best := step{v: -1, other: -1, gain: float32(math.Inf(1))}
	n := x.sub.hosts
	for v := range int32(len(x.seat)) {
		c, taboo := x.costs(v), r.taboo[v*n:][:n]
		base := c[x.seat[v]]
		for h := range n {
			gain := c[h] - base
			if x.opening != nil {
				gain += x.turned(v, h)
			}
			if gain >= best.gain || h == x.seat[v] || taboo[h] > r.moves && r.total+float64(gain) >= least*(1-1e-6) {
				continue
			}
			if x.open(v, h) {
				best = step{v, -1, h, gain}
			}
		}
	}
	x.nodes += int64(len(r.cost)) / 128
	for v := range int32(len(x.seat)) {
		for o := range v {
			x.exchange(v, o, least, &best)
		}
	}
	return best
}

// turned is what moving v to h changes of the prices of hosts that carry nothing, in units.
func (x *Search) turned(v, h int32) float32 {
	d := x.begun(h)
	if from := x.seat[v]; x.sits[from] == 1 {
		d -= x.opening[from]
	}
	return float32(d / x.refiner.unit)
}

// exchange looks at two seats that change places, each alone on its host.
func (x *Search) exchange(v, o int32, least float64, best *step) {
	r := &x.refiner
	n := x.sub.hosts
	a, b := x.seat[v], x.seat[o]
	if a == b || x.sits[a] != 1 || x.sits[b] != 1 {
		return
	}
	gain := r.cost[v*n+b] + r.cost[o*n+a] - r.cost[v*n+a] - r.cost[o*n+b]
	if gain >= best.gain { // what follows adds to it
		return
	}
	for _, l := range x.q.seats[v].links {
		if x.q.other(l, v) == o { // it stays as long as it was
			gain += 2 * r.rate[l] * r.metric.between(r.metric.row(b, l), l, a)
		}
	}
	if gain >= best.gain || r.taboo[v*n+b] > r.moves && r.taboo[o*n+a] > r.moves && r.total+float64(gain) >= least*(1-1e-6) {
		return
	}
	if len(x.q.seats[v].spreads)+len(x.q.seats[o].spreads) > 0 {
		return
	}
	*best = step{v, o, b, gain}
}

// make makes a move. It reports whether the seats could be taken.
func (x *Search) make(s step) bool {
	r := &x.refiner
	tenure := 1 + int32(float64(len(x.seat))*(0.5+x.float()))
	from := x.seat[s.v]
	x.unseat(s.v)
	if s.other >= 0 {
		x.unseat(s.other)
		if !x.reseat(s.other, s.h, from, tenure) {
			return false
		}
	}
	if !x.reseat(s.v, from, s.h, tenure) {
		return false
	}
	r.total += float64(s.gain)
	return true
}

func (x *Search) reseat(v, from, to, tenure int32) bool {
	r := &x.refiner
	var ok bool
	if x.bins[v], ok = x.state.sit(&x.q.seats[v], to, x.bins[v]); !ok {
		return false
	}
	x.sit(v, to)
	r.taboo[v*x.sub.hosts+from] = r.moves + tenure
	for _, l := range x.q.seats[v].links {
		x.tell(x.q.other(l, v), l, from, to)
	}
	return true
}
