package embed

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// sort puts hosts first that the criterion of this stage likes.
func (b *best) sort(g int32, list []candidate) {
	rank := func(c candidate) int64 { return 0 }
	switch b.by[b.stage] {
	case hosts.Balance:
		rank = func(c candidate) int64 { return b.taken(g, c.host) }
	case hosts.FewestHosts:
		rank = func(c candidate) int64 {
			if c.opens && b.passing[c.host] == 0 {
				return 1
			}
			return 0
		}
	case hosts.LeastMoved:
		rank = func(c candidate) (moved int64) {
			for _, v := range b.m.groups[g].vms {
				if was, known := b.m.before()[v]; known && was != c.host {
					moved++
				}
			}
			return moved
		}
	}
	slices.SortFunc(list, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.cost, y.cost), order(x.opens, y.opens), cmp.Compare(x.loaded, y.loaded), cmp.Compare(x.shuffle, y.shuffle), cmp.Compare(x.host, y.host))
	})
}

// routes chooses paths for the links of b.order from the i-th on, all groups having
// seats; what is whole and keeps to the limits wins.
func (b *best) routes(i int) {
	if b.order == nil {
		b.orderLinks()
	}
	if i == 0 {
		b.began = b.tally.Nodes
	}
	if i == len(b.order) {
		if costs := b.costsNow(); b.within(costs) {
			b.win(costs)
		} else {
			b.everything(-1, b.fail)
		}
		return
	}
	l := b.order[i]
	lk := &b.m.links[l]
	b.tellLink(l)
	from, to := b.seatAt(lk.ends[0]), b.seatAt(lk.ends[1])
	t := &trail{best: b, l: l, i: i, to: to, distance: b.from(lk.rate, to), reasons: newSet(len(b.m.groups) + len(b.m.links)), nodes: []int32{from}}
	t.from(from)
	if b.stopped || b.err != nil || t.jumped {
		return
	}
	switch {
	case t.late:
		b.nearest.linkLate(b.search, l)
	case b.known == nil && from != to && b.widest(from)[to] < max(1, lk.rate):
		b.nearest.noPath(b.search, l)
	}
	if t.blocked {
		b.everything(-1, t.reasons)
	}
	t.reasons.add(b.m.vms[lk.ends[0]].group)
	t.reasons.add(b.m.vms[lk.ends[1]].group)
	t.reasons.drop(b.m.linkDecision(l))
	copy(b.fail, t.reasons)
	b.tellFail(trace.Fail, -1, l)
}

func (b *best) seatAt(v int32) int32 { return b.seat[b.m.vms[v].group] }

// orderLinks puts those of most rate first, whose paths are the fewest.
func (b *best) orderLinks() {
	b.order = make([]int32, 0, len(b.m.links))
	for l := range b.m.links {
		if !b.isKept(int32(l)) {
			b.order = append(b.order, int32(l))
		}
	}
	slices.SortStableFunc(b.order, func(x, y int32) int { return cmp.Compare(b.m.links[y].rate, b.m.links[x].rate) })
}

// longest is the hops that a path of this rate may have before bandwidth is beyond its
// limit; direct counts the shortest path of every link not yet routed.
func (b *best) longest(rate int64, shortest int32) int32 {
	most := int32(len(b.m.nodes)) - 1
	for i := range b.stage + 1 {
		if b.by[i] == hosts.LeastBandwidth && rate > 0 {
			spare := (b.limits[i] - plus(b.base, b.direct)) / rate
			most = min(most, shortest+int32(min(spare, int64(most))))
		}
	}
	return most
}

// trail enumerates the simple paths of one link.
type trail struct {
	*best
	l, to    int32
	i        int // its place in order
	hops     int32
	distance []int32 // from each node to the end
	nodes    []int32
	cables   []int32
	reasons  set
	deeper   bool // some path is longer than hops
	blocked  bool // a path was left out for want of rate, or for its cost
	late     bool // a path was over a limit of time
	ended    bool
	jumped   bool
}

// from tries all paths that begin at a host, the shortest first.
func (t *trail) from(host int32) {
	begin := t.m.nodes[host].delay
	if host == t.to {
		t.try(begin)
		return
	}
	shortest := t.distance[host]
	if shortest < 0 {
		return
	}
	longest := t.longest(t.m.links[t.l].rate, shortest)
	t.blocked = longest < int32(len(t.m.nodes))-1
	for t.hops = shortest; t.hops <= longest && !t.ended; t.hops++ {
		t.deeper = false
		t.extend(host, begin)
		if !t.deeper {
			return
		}
	}
}

// extend goes on from node n, to which the path takes delay.
func (t *trail) extend(n int32, delay int64) {
	for _, a := range t.onward(n) {
		if t.over() || t.impatient() {
			t.ended, t.blocked = true, true
			return
		}
		next := plus(delay, plus(t.m.cables[a.cable].delay, t.m.nodes[a.to].delay))
		t.nodes, t.cables = append(t.nodes, a.to), append(t.cables, a.cable)
		switch limit := t.m.links[t.l].limit; {
		case limit > 0 && next > limit:
			t.late, t.blocked = true, true
		case a.to == t.to:
			t.try(next)
		default:
			t.extend(a.to, next)
		}
		t.nodes, t.cables = t.nodes[:len(t.nodes)-1], t.cables[:len(t.cables)-1]
		if t.ended {
			return
		}
	}
}

// impatient reports, and notes, that the routes of these seats have taken too long.
func (b *best) impatient() bool {
	if b.patience == 0 || b.tally.Nodes-b.began <= b.patience {
		return false
	}
	b.hasty = true
	return true
}

// onward lists the cables by which a path of exactly t.hops can go on from n, the one
// with most rate left first.
func (t *trail) onward(n int32) []arc {
	var out []arc
	for _, a := range t.m.nodes[n].arcs {
		last := a.to == t.to
		if !last && !t.m.nodes[a.to].forwards || slices.Contains(t.nodes, a.to) {
			continue
		}
		if t.rate[a.cable] < t.m.links[t.l].rate {
			t.blocked = true
			continue
		}
		switch far := int32(len(t.cables)) + 1 + t.distance[a.to]; {
		case t.distance[a.to] < 0:
		case far > t.hops:
			t.deeper = true
		case !last || far == t.hops:
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b arc) int {
		return cmp.Or(cmp.Compare(t.rate[b.cable], t.rate[a.cable]), cmp.Compare(shuffle(t.o.Seed, int64(t.l), int64(a.cable)), shuffle(t.o.Seed, int64(t.l), int64(b.cable))))
	})
	return out
}

// try takes the path that was built and routes the rest.
func (t *trail) try(delay int64) {
	lk := &t.m.links[t.l]
	if lk.limit > 0 && delay > lk.limit {
		t.late, t.blocked = true, true
		return
	}
	d := t.m.linkDecision(t.l)
	extra := int64(0)
	if len(t.cables) > 0 {
		extra = objective.Times(lk.rate, int64(len(t.cables))-int64(t.distance[t.nodes[0]]))
	}
	t.carry(t.l, &route{slices.Clone(t.nodes), slices.Clone(t.cables), delay})
	t.routed++
	t.direct = plus(t.direct, extra)
	t.tellRoute(t.l)
	switch {
	case t.beyondRoutes():
		t.tellPrune()
		t.everything(-1, t.fail)
	case !t.cuts.hit(t.search, d, t.fail) && !t.tooLate(t.l, t.fail) && !t.condemned(t.l):
		t.routes(t.i + 1)
	}
	t.direct -= extra
	t.routed--
	t.uncarry(t.l)
	switch {
	case t.stopped || t.err != nil:
		t.ended = true
	case !t.fail.has(d):
		t.tellFail(trace.Jump, -1, t.l)
		t.ended, t.jumped = true, true
	default:
		t.reasons.union(t.fail)
	}
}

// beyondRoutes is beyond for what paths can change.
func (b *best) beyondRoutes() bool {
	for i := range b.stage + 1 {
		switch b.by[i] {
		case hosts.LeastBandwidth, hosts.FewestHosts:
			if b.lowest(i) > b.limits[i] {
				return true
			}
		}
	}
	return false
}

func (b *best) within(costs []int64) bool {
	for i := range b.stage + 1 {
		if costs[i] > b.limits[i] {
			return false
		}
	}
	return true
}

// costsNow are the costs of all criteria, everything being decided.
func (b *best) costsNow() []int64 {
	out := make([]int64, len(b.by))
	for i, by := range b.by {
		switch by {
		case hosts.LeastBandwidth:
			for l, r := range b.route {
				out[i] = plus(out[i], objective.Times(b.m.links[l].rate, int64(len(r.cables))))
			}
		case hosts.FewestHosts:
			for h := range b.m.hosts {
				if b.isOn(int32(h)) {
					out[i]++
				}
			}
		case hosts.Balance:
			for h := range b.m.hosts {
				out[i] = max(out[i], b.exactPart(int32(h)))
			}
		case hosts.LeastMoved:
			out[i] = b.lowestMoves()
		}
	}
	return out
}

// exactPart is the largest part of a budget of h that is taken, in millionths, rounded
// up, as package objective has it.
func (s *state) exactPart(h int32) int64 {
	ho := &s.m.hosts[h]
	most := upMillionths(ho.memory-s.memory[h], ho.memory)
	for i, of := range ho.resources {
		most = max(most, upMillionths(of-s.resources[h][i], of))
	}
	used, share := new(big.Rat), new(big.Rat)
	for _, g := range s.on[h] {
		used.Add(used, s.m.vcpuTime(g))
		if e := ho.Emulator; e != nil {
			used.Add(used, new(big.Rat).Mul(big.NewRat(int64(e.Runtime), int64(e.Period)), new(big.Rat).SetInt64(int64(len(s.m.groups[g].vms)))))
		}
	}
	if used.Sign() == 0 {
		return most
	}
	for _, cpu := range ho.CPUs {
		share.Add(share, ho.Host.ShareOf(cpu).Rat())
	}
	used.Quo(used, share)
	scaled := new(big.Int).Mul(used.Num(), big.NewInt(objective.Million))
	quotient, rest := scaled.QuoRem(scaled, used.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return max(most, quotient.Int64())
}

func upMillionths(used, of int64) int64 {
	down := millionths(used, of)
	if down < math.MaxInt64 && !divides(used, of) {
		return down + 1
	}
	return down
}

// divides reports whether a million times used is a multiple of of.
func divides(used, of int64) bool {
	if used <= 0 {
		return true
	}
	product := new(big.Int).Mul(big.NewInt(used), big.NewInt(objective.Million))
	return product.Rem(product, big.NewInt(of)).Sign() == 0
}

// costs counts an embedding: it is put into a state of its own.
func (m *model) costs(e *placement.Embedding) []int64 {
	b := &best{search: &search{state: newState(m)}, by: objective.Of(m.problem)}
	b.adopt(e, nil)
	return b.costsNow()
}

// adopt seats and routes as e has it: the groups that are not free, and the links
// between them.
func (b *best) adopt(e *placement.Embedding, free []bool) {
	for _, seat := range e.Seats {
		g := b.m.vms[b.m.vmIndex[[2]string{seat.Network, seat.VM}]].group
		if b.seat[g] < 0 && (free == nil || !free[g]) {
			b.take(g, b.m.nodeIndex[seat.Host])
		}
	}
	for i := range e.Routes {
		l := b.m.linkIndex[[2]string{e.Routes[i].Network, e.Routes[i].Link}]
		ends := b.m.links[l].ends
		if b.route[l] != nil || b.seatAt(ends[0]) < 0 || b.seatAt(ends[1]) < 0 {
			continue
		}
		if r, err := b.m.asRoute(&e.Routes[i]); err == nil {
			b.carry(l, r)
		}
	}
}
