package construct

import "slices"

// route gives the i-th near link of v a path to h: that of its tree if it is free still,
// else that of the tree grown anew.
func (x *Search) route(i int, l, v, h int32) bool {
	x.path[l] = x.path[l][:0]
	t, _ := x.way(i, l, h)
	if t == nil {
		return false
	}
	if t.root != h && !x.walk(l, h, t) {
		for _, hurry := range []bool{false, true} {
			if hurry && x.q.links[l].limit == 0 {
				break
			}
			x.grow(x.trees[2*i+one(hurry)], t.root, t.rate, hurry, 1<<30)
		}
		if t, _ = x.way(i, l, h); t == nil || !x.walk(l, h, t) {
			return false
		}
	}
	if x.q.links[l].ends[0] != v { // walk begins at v
		slices.Reverse(x.path[l])
	}
	x.lay(l)
	return true
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// walk reads the path from h back to the root out of the tree, and reports whether all
// of it is free.
func (x *Search) walk(l, h int32, t *tree) bool {
	x.path[l] = x.path[l][:0]
	price, _, last := x.reach(t, h)
	if price == far {
		return false
	}
	for x.state.free[last.cable] >= t.rate {
		x.path[l] = append(x.path[l], last.cable)
		if last.to == t.root {
			return true
		}
		if !x.passable(last.to, t.rate) {
			return false
		}
		last = t.via[last.to]
	}
	return false
}

// lay takes the cables of the path of a link.
func (x *Search) lay(l int32) {
	rate := x.q.links[l].rate
	for _, c := range x.path[l] {
		x.used += float64(x.prices.cable[c]) * float64(rate)
		x.state.carry(c, rate)
	}
	x.routed[l] = true
	x.owe(l, -rate)
}

// unroute gives them back.
func (x *Search) unroute(l int32) {
	rate := x.q.links[l].rate
	for _, c := range x.path[l] {
		x.used -= float64(x.prices.cable[c]) * float64(rate)
		x.state.carry(c, -rate)
	}
	x.routed[l], x.path[l] = false, x.path[l][:0]
	x.owe(l, rate)
}

// owe changes what the hosts of a link's ends have yet to carry for it, where the ends
// cannot share a host.
func (x *Search) owe(l int32, rate int64) {
	e := &x.q.links[l].ends
	if x.q.apart[int(e[0])*len(x.q.seats)+int(e[1])] {
		x.pending[x.seat[e[0]]] += rate
		x.pending[x.seat[e[1]]] += rate
	}
}
