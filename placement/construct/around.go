package construct

import (
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
)

// How far an Embedder looks.
const (
	trials    = 16   // hosts that all of a network is tried on
	small     = 32   // hosts of a region
	large     = 96   // hosts of a region where small ones were not enough
	largest   = 2048 // hosts of the last region
	elsewhere = 4    // regions around other hosts, before that
	rounds    = 300  // nodes that the search of a region explores, by and large: twice as many gave 0.1 % less bandwidth
)

// together looks for a host that takes all of a network: first among those that carry
// something.
func (x *Embedder) together(a *asking) *found {
	h, ok := a.oneHost()
	if !ok {
		return nil
	}
	if h >= 0 {
		return x.allOn(a, h)
	}
	for _, from := range []struct {
		in *index
		at int32
	}{{x.filled, 0}, {x.index, x.fresh}, {x.index, 0}} {
		at := from.in.first(from.at, a.whole)
		for range trials {
			if at < 0 {
				break
			}
			if f := x.allOn(a, x.order[at]); f != nil {
				return f
			}
			at = from.in.first(at+1, a.whole)
		}
	}
	return nil
}

// oneHost reports whether one host for all is no contradiction, and which it must be,
// or -1.
func (a *asking) oneHost() (host int32, ok bool) {
	if a.parts > 1 {
		return -1, false
	}
	host = -1
	for _, h := range a.fixed {
		if h >= 0 && host >= 0 && h != host {
			return -1, false
		}
		host = max(host, h)
	}
	return host, true
}

// allOn puts all of a network on one host, if it can.
func (x *Embedder) allOn(a *asking, h int32) *found {
	for v := range a.q.seats {
		if !a.allows(int32(v), h) {
			return nil
		}
	}
	for l := range a.q.links {
		if limit := a.q.links[l].limit; limit > 0 && x.sub.delay[h] > limit {
			return nil
		}
	}
	n := len(a.q.seats)
	f := &found{Embedding: Embedding{seats: make([]int32, n), bins: make([][]int32, n), paths: make([][]int32, len(a.q.links))}}
	done := 0
	for ok := true; ok && done < n; {
		v := a.bySize[done]
		f.seats[v] = h
		if f.bins[v], ok = x.state.sit(&a.q.seats[v], h, nil); ok {
			done++
		}
	}
	for _, v := range a.bySize[:done] {
		x.state.leave(&a.q.seats[v], h, f.bins[v])
	}
	if done < n {
		return nil
	}
	f.cost = x.costs(a, &f.Embedding)
	return f
}

// around looks for a place in the surroundings of several hosts, and for any better
// than best.
func (x *Embedder) around(a *asking, best *found) *found {
	if given := a.given(); len(given) > 0 {
		for _, most := range []int{small, large, largest} {
			if f := x.in(a, given, most); f != nil {
				return x.better(best, f)
			}
		}
		return best
	}
	part := a.part()
	for _, from := range x.seeds(a, part) {
		best = x.better(best, x.in(a, from, small))
	}
	if best != nil {
		return best
	}
	at := int32(-1)
	for range elsewhere {
		if at = x.index.first(at+1, part); at < 0 {
			break
		}
		if best = x.in(a, x.order[at:at+1], large); best != nil {
			return best
		}
		at = x.beyond(at)
	}
	if at = x.index.first(0, part); at >= 0 {
		best = x.in(a, x.order[at:at+1], largest)
	}
	return best
}

// given are the hosts that some seats have, each once; first that of the most.
func (a *asking) given() (out []int32) {
	seats := map[int32]int{}
	for _, h := range a.fixed {
		if h < 0 {
			continue
		}
		if seats[h]++; seats[h] == 1 {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b int32) int { return seats[b] - seats[a] })
	return out
}

// part is what a host must have free to be in the middle of a region: room for any seat
// that needs most of something, and for an equal part of all.
func (a *asking) part() []int64 {
	out := slices.Clone(a.need[0])
	for _, need := range a.need {
		for k := range out {
			out[k] = max(out[k], need[k])
		}
	}
	return out
}

// share is part, and no less than a part of the whole, in budgets that add up.
func (a *asking) share(part []int64, num, den int64) []int64 {
	out := slices.Clone(part)
	for k := range out[:len(out)-2] {
		out[k] = max(out[k], a.whole[k]/den*num)
	}
	return out
}

// seeds are the hosts around which a place is looked for first: one that carries
// something and has room, one that carries nothing; where few hosts are what counts
// most, many at once that carry something.
func (x *Embedder) seeds(a *asking, part []int64) (out [][]int32) {
	needs := [][]int64{a.share(part, 7, 8), a.share(part, 1, int64(max(2, a.parts))), part}
	var used []int32
	for _, need := range needs {
		for at := x.filled.first(0, need); at >= 0 && len(used) < small/2; at = x.filled.first(at+1, need) {
			used = append(used, x.order[at])
			if x.by[0] != hosts.FewestHosts {
				break
			}
		}
		if len(used) > 0 {
			break
		}
	}
	if len(used) > 0 {
		out = append(out, used)
	}
	for _, need := range needs {
		if h := x.untouched(need); h >= 0 {
			return append(out, []int32{h})
		}
	}
	return out
}

// untouched is the first host with enough free that carries nothing, or -1.
func (x *Embedder) untouched(need []int64) int32 {
	at := x.index.first(x.fresh, need)
	for tries := 0; at >= 0 && x.on[x.order[at]] > 0; tries++ {
		if at = x.index.first(at+1, need); tries == large {
			return -1
		}
	}
	if at < 0 {
		return -1
	}
	return x.order[at]
}

// beyond is the last place in the order of those that are beside one another on the
// same node.
func (x *Embedder) beyond(at int32) int32 {
	s := x.sub
	near := func(h int32) int32 {
		if s.first[h] == s.first[h+1] {
			return -1
		}
		return s.arcs[s.first[h]].to
	}
	for at+1 < s.hosts && near(x.order[at+1]) >= s.hosts && near(x.order[at+1]) == near(x.order[at]) {
		at++
	}
	return at
}

// in constructs a place in the surroundings of the hosts given.
func (x *Embedder) in(a *asking, given []int32, most int) *found {
	chosen, all := x.gather(a, given, max(most, 3*x.least(a)))
	if !all {
		return nil
	}
	r := x.region(x.connect(chosen))
	q, err := NewRequest(r.sub, a.network)
	if err != nil || q.why != "" {
		return nil
	}
	x.fit(a, q, r)
	search := NewSearch(r.state, x.seed)
	search.opening = x.openings(a, r)
	search.prices.plain = true // those of the objective are in opening; nobody is known to come later
	if x.regions.far[chosen[len(chosen)-1]] > 4 {
		search.around = len(r.nodes)
	}
	effort := rounds * int64(1+len(q.seats)/10)
	e := search.Find(q, effort, 4*effort)
	if e == nil {
		return nil
	}
	f := &found{Embedding: x.whole(a, r, e)}
	f.cost = x.costs(a, &f.Embedding)
	return f
}

// least is about how many hosts a network needs at the least.
func (x *Embedder) least(a *asking) int {
	need := int64(a.parts)
	top := x.index.most[x.index.dims:][:x.index.dims] // of the root: the most that is free anywhere
	for k, sum := range a.whole[:len(a.whole)-2] {
		if top[k] > 0 {
			need = max(need, (sum+top[k]-1)/top[k])
		}
	}
	return int(min(need, largest))
}

// fit makes the request of a region what is asked: seats and links that stay take
// nothing, pins bind, and processor time is a budget of a host, too.
func (x *Embedder) fit(a *asking, q *Request, r *region) {
	for v := range q.seats {
		if a.kept[v] {
			q.keep(int32(v))
		} else {
			q.seats[v].room[x.sub.dims] = a.need[v][x.sub.dims]
		}
		if a.fixed[v] < 0 && a.avoid == nil {
			continue // the rules are in the request
		}
		q.seats[v].pinned = a.fixed[v] >= 0
		allowed := make([]bool, r.sub.hosts)
		for h := range allowed {
			allowed[h] = a.allows(int32(v), r.nodes[h])
		}
		q.seats[v].allowed = allowed
	}
	for l, stays := range a.stays {
		if stays {
			q.stay(int32(l))
		}
	}
}

// openings are the prices of the first seat on a host that carries nothing: more than
// any path where few hosts count more than bandwidth, else what decides between paths
// that are equal.
func (x *Embedder) openings(a *asking, r *region) []float64 {
	rates := 1.0
	for l := range a.q.links {
		rates += float64(a.q.links[l].rate)
	}
	price := 0.01 * rates / float64(1+len(a.q.links))
	heavy := map[hosts.Objective]float64{}
	bandwidth := slices.Index(x.by, hosts.LeastBandwidth)
	for i, by := range x.by {
		heavy[by] = price
		if bandwidth < 0 || i < bandwidth {
			heavy[by] = 8 * rates
		}
	}
	out := make([]float64, r.sub.hosts)
	for i, h := range r.nodes[:r.sub.hosts] {
		if x.on[h] == 0 {
			out[i] += heavy[hosts.FewestHosts]
		}
		if weight := heavy[hosts.Balance]; weight > 0 {
			out[i] += weight * float64(x.load(h, make([]int64, x.sub.dims+1))) / 1e6
		}
	}
	return out
}

// whole is an embedding of a region in the numbers of the whole.
func (x *Embedder) whole(a *asking, r *region, e *Embedding) Embedding {
	out := Embedding{seats: make([]int32, len(e.seats)), bins: make([][]int32, len(e.bins)), paths: make([][]int32, len(e.paths))}
	for v, h := range e.seats {
		out.seats[v] = r.nodes[h]
		for _, d := range e.bins[v] {
			out.bins[v] = append(out.bins[v], x.sub.domains[r.nodes[h]]+d-r.sub.domains[h])
		}
	}
	for l, path := range e.paths {
		for _, c := range path {
			out.paths[l] = append(out.paths[l], r.cables[c])
		}
	}
	return out
}
