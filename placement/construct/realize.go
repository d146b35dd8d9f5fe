package construct

import "slices"

// try routes the seats as they are, where the metric says that it may be worth it and it
// was not tried, and keeps what comes out best. The seats stay.
func (x *Search) try() {
	r := &x.refiner
	rest := x.estimate()
	if x.used+rest >= x.best.cost {
		return
	}
	key := uint64(14695981039346656037) // FNV-1a
	for _, h := range x.seat {
		key = (key ^ uint64(h)) * 1099511628211
	}
	if r.tried[key] {
		return
	}
	r.tried[key] = true
	if x.routeAll(rest) {
		x.keep()
	}
	for l := range x.routed {
		if x.routed[l] {
			x.unroute(int32(l))
		}
	}
}

// estimate is what all links cost by the metric.
func (x *Search) estimate() float64 {
	sum := 0.0
	for l := range x.q.links {
		sum += x.alone(int32(l))
	}
	return sum
}

// alone is what a link costs by the metric.
func (x *Search) alone(l int32) float64 {
	m, e := &x.refiner.metric, x.q.links[l].ends
	return float64(m.between(m.row(x.seat[e[0]], l), l, x.seat[e[1]])) * float64(x.q.links[l].rate)
}

// routeAll gives all links paths, those of most rate first, unless it comes to cost more
// than the best; rest is what they cost by the metric.
func (x *Search) routeAll(rest float64) bool {
	for _, l := range x.q.wide {
		e := x.q.links[l].ends
		rest -= x.alone(l)
		if e[0] == e[1] {
			continue
		}
		if !x.lead(l, x.seat[e[0]], x.seat[e[1]]) || x.used+rest >= x.best.cost {
			return false
		}
	}
	return true
}

// lead gives link l a path: that of the metric if it is free, else the cheapest that is,
// else the quickest.
func (x *Search) lead(l, from, to int32) bool {
	k := &x.q.links[l]
	limit := k.ways
	if from == to {
		limit = k.limit
	}
	r := x.refiner.metric.row(from, l)
	for i, t := range []*tree{r.cheap, x.trees[0], r.quick, x.trees[1]} {
		if t == nil || i > 1 && k.limit == 0 {
			continue
		}
		rate := t.rate
		if i%2 == 1 {
			x.grow(t, from, k.rate, i > 1, 1<<30)
		} else {
			t.rate = k.rate // of its class it has less, or more
		}
		price, delay, _ := x.reach(t, to)
		ok := price < far && (k.limit == 0 || delay <= limit) && (from == to || x.walk(l, to, t))
		if i%2 == 0 {
			t.rate = rate
		}
		if ok {
			if from == to {
				x.path[l] = x.path[l][:0]
			}
			slices.Reverse(x.path[l])
			x.lay(l)
			return true
		}
	}
	return false
}
