package embed

import (
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// descend seats what is left, or routes.
func (b *best) descend() {
	if b.over() {
		return
	}
	if b.beyond() {
		b.tellPrune()
		b.everything(-1, b.fail)
		return
	}
	if b.seated == b.m.loose {
		b.routes(0)
		return
	}
	g := b.next()
	f := b.frame(b.depth())
	b.list(g, f)
	b.tellVM(g, f.candidates)
	for i := range f.candidates {
		b.enter(g, f.candidates[i].host)
		if b.stopped || b.err != nil {
			return
		}
		if !b.fail.has(g) {
			b.tellFail(trace.Jump, g, -1)
			return // a cut that does not name g: no host of it helps
		}
		f.reasons.union(b.fail)
	}
	b.everything(-1, f.reasons)
	f.reasons.drop(g)
	copy(b.fail, f.reasons)
	b.tellFail(trace.Fail, g, -1)
}

// enter searches with g on h, and takes that back.
func (b *best) enter(g, h int32) {
	mark := b.take(g, h)
	b.place(g, h)
	b.tellSeat(g, h, mark)
	switch {
	case b.congested(g):
		b.everything(-1, b.fail)
	case b.starved >= 0:
		b.starves(b.starved)
		b.everything(-1, b.fail)
		b.tellStarved(b.starved)
	case b.seatWorks(g, h):
		b.descend()
	}
	b.displace(g, h)
	b.untake(g, mark)
}

// list orders the hosts that g can have: by what the criterion of this stage is made
// of, then as phase one has it.
func (b *best) list(g int32, f *frame) {
	f.candidates = f.candidates[:0]
	b.round++
	for h := range b.m.hosts {
		h := int32(h)
		if !b.domain[g].has(h) {
			continue
		}
		if !b.doubled(h) {
			f.candidates = append(f.candidates, candidate{h, b.near[g][h], b.strange(g, h), len(b.on[h]) == 0, b.loaded(g, h), shuffle(b.o.Seed, int64(g), int64(h))})
		}
	}
	b.sort(g, f.candidates)
	if b.nearby > 0 && len(f.candidates) > b.nearby {
		f.candidates = f.candidates[:b.nearby]
		b.truncated = true
	}
}

// place and displace keep what is known of the links of g, which has got host h or is
// to lose it.
func (b *best) place(g, h int32) {
	for _, l := range b.m.groups[g].links {
		other := b.other(l, g)
		if other == g || b.isKept(l) {
			continue
		}
		rate := b.m.links[l].rate
		if at := b.seat[other]; at >= 0 {
			b.direct = plus(b.direct, objective.Times(rate, int64(b.hops(rate, at, h))))
			continue
		}
		b.draw(other, rate, h)
	}
}

// draw counts a link of g, which has no seat, to what sits on h.
func (b *best) draw(g int32, rate int64, h int32) {
	from := b.from(rate, h)
	for o := range b.near[g] {
		d := from[o]
		if d < 0 {
			b.lose(g, int32(o)) // no path is wide enough
			continue
		}
		b.near[g][o] += rate * int64(d)
	}
}

func (b *best) displace(g, h int32) {
	for _, l := range b.m.groups[g].links {
		other := b.other(l, g)
		if other == g || b.isKept(l) {
			continue
		}
		rate := b.m.links[l].rate
		if at := b.seat[other]; at >= 0 {
			b.direct -= objective.Times(rate, int64(b.hops(rate, at, h)))
			continue
		}
		from := b.from(rate, h)
		for o := range b.near[other] {
			if d := from[o]; d > 0 {
				b.near[other][o] -= rate * int64(d)
			}
		}
	}
}

func (b *best) isKept(l int32) bool { return b.kept != nil && b.kept[l] }

// win takes a whole embedding that costs less, if the others agree to it.
func (b *best) win(costs []int64) {
	e := b.embedding()
	b.tally.Nodes += int64(b.m.parts())
	if b.o.Accept != nil {
		err := b.o.Accept(e)
		b.tellAsked(trace.Event{Kind: trace.Accept}, err)
		if err != nil {
			b.pay()
			b.refused(err, -1)
			return
		}
	}
	b.known, b.costs = e, costs
	b.wins++
	b.stopped = b.stopped || b.first || b.least()
	b.limits[b.stage] = costs[b.stage] - 1
	b.everything(-1, b.fail)
	b.tellStage(trace.Better)
	b.report()
}
