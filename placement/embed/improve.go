package embed

import (
	"cmp"
	"context"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// levels are how many groups are free at a time, and how many decisions are made about
// them: the next where the one before gives no more.
var levels = []level{{6, 400}, {9, 2000}, {12, 10000}}

type level struct {
	groups int
	quota  int64
}

// Bounds of Improve.
const (
	nearbyHosts  = 24         // hosts that are looked at for a group, of many
	mostForBound = 256        // hosts: blocks are computed where there are no more
	mostWork     = 40_000_000 // steps of making states
)

// Improve makes an embedding cheaper: if the groups are few, by branch and bound over
// all of them; then by freeing a few at a time, those that links join or that share a
// host, and looking for better seats and routes of these alone (large neighbourhood
// search; Shaw 1998). It ends when no neighbourhood gives more, or the nodes are
// spent, and returns what it was given where it finds nothing better. Options are as
// Search has them.
func Improve(ctx context.Context, p *placement.Problem, o Options, from *placement.Embedding) (*placement.Embedding, Tally, error) {
	m, err := prepare(p, o)
	if err != nil {
		return nil, Tally{}, err
	}
	o.tell(trace.Event{Kind: trace.Search, What: "improvement"})
	if len(m.refute()) > 0 { // strikes hosts that are too small, too
		return from, Tally{}, nil
	}
	if work(m) > mostWork {
		return from, Tally{}, nil
	}
	v := &improvement{ctx: ctx, m: m, o: o, known: from, costs: m.costs(from), cuts: newCuts(m)}
	if len(m.hosts) <= mostForBound {
		v.blocks = m.blocks()
	}
	if m.loose <= mostInBlock && v.blocks != nil {
		if done, err := v.whole(o.Nodes * 3 / 4); done || err != nil {
			return v.known, v.tally, err
		}
	}
	for at := 0; at < len(levels) && !v.spent(); {
		before := slices.Clone(v.costs)
		for _, free := range v.neighbourhoods(levels[at].groups) {
			if v.spent() {
				break
			}
			if err := v.try(free, levels[at].quota); err != nil {
				return v.known, v.tally, err
			}
		}
		if at++; slices.Compare(v.costs, before) < 0 {
			at = 0
		}
	}
	if m.loose <= mostForFirst && v.blocks != nil && !v.spent() {
		_, err := v.whole(o.Nodes)
		return v.known, v.tally, err
	}
	return v.known, v.tally, nil
}

type improvement struct {
	ctx    context.Context
	m      *model
	o      Options
	known  *placement.Embedding
	costs  []int64
	cuts   cuts
	blocks []block
	tally  Tally
	work   int64
}

func (v *improvement) spent() bool {
	return v.ctx.Err() != nil || v.tally.Nodes >= v.o.Nodes || v.work >= mostWork
}

// work is the steps of making a state of everything.
func work(m *model) int64 {
	groups, loose, hosts := int64(len(m.groups)), int64(m.loose), int64(len(m.hosts))
	return groups*(loose+1) + groups*hosts/64 + int64(len(m.cables)+len(m.links))
}

// whole is branch and bound over everything, criterion by criterion; it reports whether
// the best there is was found.
func (v *improvement) whole(nodes int64) (done bool, err error) {
	b := newBest(v.ctx, v.m, v.o)
	b.known, b.costs, b.blocks, b.cuts, b.tally, b.o.Nodes = v.known, v.costs, v.blocks, v.cuts, v.tally, nodes
	b.most = v.o.Nodes
	b.tellFree(nil, nodes-v.tally.Nodes)
	b.free()
	done = true
	for k := range b.by {
		if done = b.prove(k); !done {
			break
		}
	}
	v.known, v.costs, v.cuts, v.tally = b.known, b.costs, b.cuts, b.tally
	return done, b.err
}

// try frees some groups and looks for better seats and routes of them alone.
func (v *improvement) try(free []int32, quota int64) error {
	m := v.m
	b := newBest(v.ctx, m, v.o)
	b.known, b.costs, b.blocks, b.cuts, b.tally = v.known, v.costs, v.blocks, v.cuts, v.tally
	loose := make([]bool, len(m.groups))
	for _, g := range free {
		loose[g] = true
	}
	b.keep(loose)
	if len(m.hosts) > nearbyHosts*4 {
		b.nearby = nearbyHosts
	}
	b.tellFree(free, quota)
	b.free()
	v.work += work(m)
	b.most, b.o.Nodes = v.o.Nodes, min(v.o.Nodes, v.tally.Nodes+quota)
	for k := range b.by {
		if !b.prove(k) {
			break
		}
	}
	v.known, v.costs, v.cuts, v.tally = b.known, b.costs, b.cuts, b.tally
	return b.err
}

// keep leaves all groups but some where they are, with the links between them.
func (b *best) keep(loose []bool) {
	b.adopt(b.known, loose)
	b.keepRouted()
}

// keepRouted leaves the links that have a route on it.
func (b *best) keepRouted() {
	b.kept, b.base = nil, 0
	for l, r := range b.route {
		if r == nil {
			continue
		}
		if b.kept == nil {
			b.kept = make([]bool, len(b.m.links))
		}
		b.kept[l] = true
		b.base = plus(b.base, objective.Times(b.m.links[l].rate, int64(len(r.cables))))
	}
}

// pullFree counts the links to groups that stay, from those that are free and, where
// the route is to be found, from one another.
func (b *best) pullFree() {
	for l := range b.m.links {
		lk := &b.m.links[l]
		x, y := b.m.vms[lk.ends[0]].group, b.m.vms[lk.ends[1]].group
		if b.isKept(int32(l)) || x == y {
			continue
		}
		switch at, to := b.seat[x], b.seat[y]; {
		case at >= 0 && to >= 0:
			b.direct = plus(b.direct, objective.Times(lk.rate, int64(max(0, b.hops(lk.rate, at, to)))))
		case at >= 0:
			b.draw(y, lk.rate, at)
		case to >= 0:
			b.draw(x, lk.rate, to)
		}
	}
}

// neighbourhoods are sets of groups to free, those that cost most first: every group
// with those that it has most links with; what sits on the two hosts of a link, which
// may stand in the way of one of its ends; and what sits on one host.
func (v *improvement) neighbourhoods(most int) (out [][]int32) {
	m := v.m
	b := newBest(v.ctx, m, v.o)
	b.adopt(v.known, nil)
	cost, price := make([]int64, len(m.groups)), make([]int64, len(m.links))
	for l := range m.links {
		price[l] = objective.Times(m.links[l].rate, int64(len(b.route[l].cables)))
		for _, end := range m.links[l].ends {
			cost[m.vms[end].group] = plus(cost[m.vms[end].group], price[l])
		}
	}
	for _, g := range dearest(cost) {
		if m.stay(g) {
			continue
		}
		in := m.staying()
		var some []int32
		for next := g; next >= 0 && len(some) < most; next = m.closest(some, in) {
			some, in[next] = append(some, next), true
		}
		out = append(out, some)
	}
	for _, l := range dearest(price) {
		x, y := b.seatAt(m.links[l].ends[0]), b.seatAt(m.links[l].ends[1])
		if x == y {
			continue
		}
		if some := slices.Concat(m.only(b.on[x]), m.only(b.on[y])); len(some) > 0 && len(some) <= most {
			out = append(out, some)
		}
	}
	for h := range m.hosts {
		if some := m.only(b.on[h]); len(some) > 0 && len(some) <= most {
			out = append(out, some)
		}
	}
	return out
}

// dearest is the indices of prices, the highest first.
func dearest(price []int64) []int32 {
	out := make([]int32, len(price))
	for i := range out {
		out[i] = int32(i)
	}
	slices.SortStableFunc(out, func(x, y int32) int { return cmp.Compare(price[y], price[x]) })
	return out
}
