package bounds

import (
	"fmt"
	"math/big"
)

// result dispatches an analysis for flow f.
func (g *graph) result(f int, a Analysis) (Result, error) {
	if g.mux != FIFO && g.mux != Any {
		return Result{}, fmt.Errorf("no order of service %q: want %q or %q", g.mux, FIFO, Any)
	}
	switch a {
	case TFA:
		return g.tfa(f), nil
	case SFA:
		return g.sfa(f, f), nil
	case PMOO:
		return g.pmoo(f), nil
	case Best:
		return least(g.tfa(f), g.sfa(f, f), g.pmoo(f)), nil
	case Proven:
		return least(g.tfa(f), g.sfa(f, none), g.pmoo(f)), nil
	}
	return Result{}, fmt.Errorf("no analysis %q: want %q, %q, %q, %q or %q", a, TFA, SFA, PMOO, Best, Proven)
}

// tfa is total flow analysis: Cruz, "A Calculus for Network Delay, Part II", 1991.
func (g *graph) tfa(f int) Result {
	total := Result{Delay: new(big.Rat), Backlog: new(big.Rat)}
	for _, s := range g.paths[f] {
		server := g.net.Servers[s].RateLatency
		all := g.arrivals(s, g.through[s], none)
		var d *big.Rat
		if g.mux == FIFO || g.through[s].withoutFlow(f).empty() {
			d = server.Delay(all)
		} else {
			d = server.BusyPeriod(all)
		}
		b := server.Backlog(all)
		if d == nil || b == nil {
			total.Delay = nil
		}
		if b == nil {
			total.Backlog = nil
		}
		if total.Delay != nil {
			total.Delay.Add(total.Delay, d)
		}
		if total.Backlog != nil && b.Cmp(total.Backlog) > 0 {
			total.Backlog = b
		}
	}
	return total
}

// sfa is separated flow analysis: Le Boudec and Thiran 2001, section 1.4.3; as in
// Schmitt and Zdarsky, "The DISCO Network Calculator", 2006. interest is f, or none
// to count f against the cross traffic that shares its path.
func (g *graph) sfa(f, interest int) Result {
	var whole []RateLatency
	for _, s := range g.paths[f] {
		cross := g.through[s].withoutFlow(f)
		whole = append(whole, g.residual(s, g.crossing(s, cross, interest)))
	}
	return bounded(Tandem(whole), g.net.Flows[f].Bucket)
}

// pmoo groups the cross flows by the stretch of the path that they share, and
// counts each group once. It assumes servers of any order, so that it holds for all.
func (g *graph) pmoo(f int) Result {
	g = g.anyOrder()
	path := g.paths[f]
	servers := make([]RateLatency, len(path))
	var cross []Cross
	for from, s := range path {
		servers[from] = g.net.Servers[s].RateLatency
		joining := g.through[s].withoutFlow(f)
		if from > 0 {
			joining = joining.without(g.from(joining, path[from-1], s))
		}
		for to := from; to < len(path) && !joining.empty(); to++ {
			leaving := joining
			if to+1 < len(path) {
				staying := g.from(joining.and(g.through[path[to+1]]), path[to], path[to+1])
				leaving = joining.without(staying)
			}
			if !leaving.empty() {
				cross = append(cross, Cross{Bucket: g.arrivals(s, leaving, none), From: from, To: to})
			}
			joining = joining.without(leaving)
		}
	}
	return bounded(TandemPMOO(servers, cross), g.net.Flows[f].Bucket)
}

func bounded(s RateLatency, b Bucket) Result {
	return Result{Delay: s.Delay(b), Backlog: s.Backlog(b)}
}

// least takes the least of each number.
func least(results ...Result) Result {
	var best Result
	for _, r := range results {
		if best.Delay == nil || r.Delay != nil && r.Delay.Cmp(best.Delay) < 0 {
			best.Delay = r.Delay
		}
		if best.Backlog == nil || r.Backlog != nil && r.Backlog.Cmp(best.Backlog) < 0 {
			best.Backlog = r.Backlog
		}
	}
	return best
}

func (g *graph) residual(s int, cross Bucket) RateLatency {
	if g.mux == FIFO {
		return g.net.Servers[s].ResidualFIFO(cross)
	}
	return g.net.Servers[s].ResidualAny(cross)
}

// crossing is the bucket of the flows where they come to server s: those that come
// the same way as the flow of interest, with that of the lowest priority; and all
// others, off its path, without regard to it.
func (g *graph) crossing(s int, flows flowSet, interest int) Bucket {
	along := newFlowSet(len(g.net.Flows))
	if prev := g.before(interest, s); prev >= 0 {
		along = g.from(flows, prev, s)
	}
	return g.arrivals(s, along, interest).Plus(g.arrivals(s, flows.without(along), none))
}

// arrivals is the bucket of the flows, but for that of interest, where they come to
// server s: fresh from their sources, or as they leave the servers before.
func (g *graph) arrivals(s int, flows flowSet, interest int) Bucket {
	flows = flows.and(g.through[s]).withoutFlow(interest)
	sum := empty()
	if flows.empty() {
		return sum
	}
	key := flows.key(s, interest)
	if known, ok := g.seen[key]; ok {
		return known
	}
	for f := range g.net.Flows {
		if flows.has(f) && g.place[f][s] == 0 {
			sum = sum.Plus(g.net.Flows[f].Bucket)
		}
	}
	for _, prev := range g.upstream[s] {
		if group := g.from(flows, prev, s); !group.empty() {
			sum = sum.Plus(g.departures(prev, group, interest))
		}
	}
	g.seen[key] = sum
	return sum
}

// departures is the bucket of a group of flows that leave server last: the group is
// one flow over the servers that all of it has passed together, so that its burst
// is paid once there, less at each what other flows take. Source: Schmitt and
// Zdarsky 2006; Bondorf and Schmitt 2015 (aggregate PBOO arrival bounding).
func (g *graph) departures(last int, group flowSet, interest int) Bucket {
	stretch := g.together(last, group)
	var whole []RateLatency
	for _, s := range stretch {
		others := g.through[s].without(group).withoutFlow(interest)
		whole = append(whole, g.residual(s, g.crossing(s, others, interest)))
	}
	return Tandem(whole).Output(g.arrivals(stretch[0], group, interest))
}

// together is the longest stretch of servers up to last that all flows of the group
// have passed one after the other.
func (g *graph) together(last int, group flowSet) []int {
	stretch := []int{last}
	for {
		prev, first := -1, true
		for f := range g.net.Flows {
			if !group.has(f) {
				continue
			}
			before := g.before(f, stretch[0])
			if before < 0 || !first && before != prev {
				return stretch
			}
			prev, first = before, false
		}
		stretch = append([]int{prev}, stretch...)
	}
}
