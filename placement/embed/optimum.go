package embed

import (
	"context"
	"math"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// Best is what a search for the least cost has found.
type Best struct {
	Embedding *placement.Embedding // nil: none was found
	By        []hosts.Objective
	Costs     []int64 // of the embedding, criterion by criterion
	// Bounds are what no placement undercuts, as Costs compares. The first that differs
	// from its cost is the gap; what comes after was not looked at and is 0.
	Bounds []int64
	// Why says, where a gap is left, what ended the search.
	Why string
}

// Proved reports whether no placement costs less.
func (b *Best) Proved() bool {
	for i := range b.Costs {
		if b.Bounds[i] < b.Costs[i] {
			return false
		}
	}
	return b.Embedding != nil
}

// Optimum searches for the embedding of least cost that Admit and Accept agree to:
// branch and bound, criterion by criterion, with from (which may be nil) as the best
// that is known. It ends when that is proved, when the nodes are spent or when ctx
// ends; the error is *placement.Infeasible where there is no embedding at all,
// *placement.GaveUp where none was found and there may be one.
func Optimum(ctx context.Context, p *placement.Problem, o Options, from *placement.Embedding) (Best, Tally, error) {
	m, err := prepare(p, o)
	if err != nil {
		return Best{}, Tally{}, err
	}
	o.tell(trace.Event{Kind: trace.Search, What: "the optimum"})
	if conflicts := m.refute(); len(conflicts) > 0 {
		o.tellRefuted(conflicts)
		return Best{}, Tally{}, &placement.Infeasible{Conflicts: conflicts}
	}
	b := newBest(ctx, m, o)
	b.blocks = m.blocks()
	b.free()
	if from != nil {
		b.known, b.costs = from, m.costs(from)
	}
	for k := range b.by {
		if !b.prove(k) {
			break
		}
	}
	return b.answer()
}

// mostForFirst bounds the groups and hosts of what First looks at.
const mostForFirst = 64

// First searches for some embedding as Optimum does, which finds one where Search, that
// decides about routes as it goes, gives up among too many of them. Larger problems it
// leaves alone: *placement.GaveUp.
func First(ctx context.Context, p *placement.Problem, o Options) (*placement.Embedding, Tally, error) {
	m, err := prepare(p, o)
	if err != nil {
		return nil, Tally{}, err
	}
	o.tell(trace.Event{Kind: trace.Search, What: "the cheapest first"})
	if conflicts := m.refute(); len(conflicts) > 0 {
		o.tellRefuted(conflicts)
		return nil, Tally{}, &placement.Infeasible{Conflicts: conflicts}
	}
	b := newBest(ctx, m, o)
	if m.loose > mostForFirst || len(m.hosts) > mostForFirst {
		return nil, Tally{}, b.gaveUp()
	}
	b.blocks, b.first = m.blocks(), true
	b.free()
	b.prove(0)
	out, tally, err := b.answer()
	return out.Embedding, tally, err
}

// best is a branch and bound over seats; routes are chosen when all groups sit.
type best struct {
	*search
	by       []hosts.Objective
	first    bool    // any embedding will do
	stage    int     // the criterion that is made less; those before it keep their cost
	patience int64   // nodes for the routes of one choice of seats; 0: no limit
	began    int64   // the node at which the present one began
	hasty    bool    // one was left for want of patience
	limits   []int64 // what each criterion up to stage may cost

	known  *placement.Embedding // the best so far
	costs  []int64              // of it
	bounds []int64              // proved
	wins   int64                // times that it got better

	blocks []block
	reached
	near   [][]int64 // of each group without a seat, by host: rate times distance to seated groups
	ports            // what leaves each host
	base   int64     // rate times hops of the routes that stay as they are
	direct int64     // rate times distance of the other links with both ends seated
	kept   []bool    // links whose routes stay; nil: none
	order  []int32   // links to route, in the order of deciding
	nearby int       // hosts that are looked at for each group; 0: all
}

func newBest(ctx context.Context, m *model, o Options) *best {
	b := &best{search: newSearch(ctx, m, o), by: objective.Of(m.problem)}
	b.limits, b.bounds = make([]int64, len(b.by)), make([]int64, len(b.by))
	for i := range b.limits {
		b.limits[i] = math.MaxInt64
	}
	b.reached = newReached(m)
	b.near = make([][]int64, len(m.groups))
	b.standing = func() ([]hosts.Objective, []int64, []int64) { return b.by, b.costs, b.bounds }
	b.keepRouted()
	return b
}

// free reckons with the budgets that are left by what stays, and makes room for what is known of groups without seats.
func (b *best) free() {
	b.ports = newPorts(&b.state)
	for g := range b.near {
		if b.seat[g] < 0 {
			b.near[g] = make([]int64, len(b.m.hosts))
		}
	}
	b.pullFree()
}

// firstQuota is how many nodes the first search of a stage gets, and the first of
// those for half the gap.
const firstQuota = 64

// prove makes the cost of criterion k least, those before it being proved, and
// reports whether the result is proved too. Each search is for less than some limit
// (aim) and ends in one of three ways: it finds something; it comes to its end, and
// the limit is a bound; or its quota is spent, and the next one has more.
func (b *best) prove(k int) bool {
	b.stage = k
	for i := range k {
		b.limits[i] = b.costs[i]
	}
	step := b.unit(k)
	b.limits[k] = math.MaxInt64 - 1
	b.bounds[k] = roundUp(b.lowest(k), step)
	b.tellStage(trace.Stage)
	a := aim{quota: firstQuota}
	for b.known == nil || b.bounds[k] < b.costs[k] {
		before := b.wins
		b.limits[k] = a.below(b, k, step) - 1
		b.pass = pass{nodes: min(b.o.Nodes, b.tally.Nodes+a.quota)}
		b.stopped, b.truncated, b.hasty, b.patience = false, false, false, max(1, a.quota/hurry)
		b.report()
		b.tellAim(a.quota)
		b.descend()
		b.tellEnd()
		switch {
		case b.err == nil && b.least():
		case b.err != nil || b.ctx.Err() != nil || b.first && b.known != nil || b.stopped && b.tally.Nodes >= b.o.Nodes:
			return false
		case (b.stopped || b.hasty) && b.wins == before:
			a.miss()
		case b.stopped || b.hasty:
		case b.truncated || b.limits[k] == math.MaxInt64-1:
			b.exhausted = true // some of it could not be told, or there is nothing at all
			return false
		default:
			b.bounds[k] = max(b.bounds[k], roundUp(b.limits[k]+1, step))
			b.tellStage(trace.Bound)
		}
	}
	b.bounds[k] = b.costs[k]
	return true
}

// least reports whether what is known costs no more than the bound of this stage.
func (b *best) least() bool { return b.known != nil && b.costs[b.stage] <= b.bounds[b.stage] }

// hurry is the part of a quota, one in so many, that the routes of one choice of seats
// may take: where they are many and none will do, others have their turn.
const hurry = 8

// aim is what the next search looks for. Where something is known: all that is better
// first, then what takes half of the gap away. Where nothing is: what costs twice as
// much as the bound, then four times, and so on up to anything, and then again; what
// is cheap leaves few choices, so that it is found soon if it is there.
type aim struct {
	quota  int64
	misses int // in this round
	half   bool
}

func (a *aim) below(b *best, k int, step int64) int64 {
	low := b.bounds[k]
	if b.known == nil {
		shift := min(a.misses+1, anything)
		if shift == anything {
			return math.MaxInt64
		}
		return roundUp(objective.Plus(max(low, step), objective.Times(max(low, step), 1<<shift)), step)
	}
	most := b.costs[k]
	if a.half {
		most = min(most, low+roundUp(max(step, (most-low)/2), step))
	}
	return most
}

// anything is the round in which every cost will do.
const anything = 7

func (a *aim) miss() {
	a.misses++
	if a.half || a.misses == anything {
		a.quota, a.misses = 2*a.quota, 0
	}
	a.half = true
}

// answer is what is known when the search has ended.
func (b *best) answer() (Best, Tally, error) {
	out := Best{Embedding: b.known, By: b.by, Costs: b.costs, Bounds: b.bounds}
	switch {
	case b.err != nil:
		return out, b.tally, b.err
	case b.known == nil && b.exhausted && !b.truncated:
		return out, b.tally, b.infeasible()
	case b.known == nil:
		return out, b.tally, b.gaveUp()
	}
	if !out.Proved() {
		out.Why = b.gaveUp().(*placement.GaveUp).Why
	}
	return out, b.tally, nil
}

// unit is a number of which every cost by criterion k is a multiple.
func (b *best) unit(k int) int64 {
	if b.by[k] != hosts.LeastBandwidth {
		return 1
	}
	step := int64(0)
	for l := range b.m.links {
		step = gcd(step, b.m.links[l].rate)
	}
	return max(1, step)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func roundUp(v, step int64) int64 {
	if rest := v % step; rest > 0 && v < math.MaxInt64-step {
		return v + step - rest
	}
	return v
}
