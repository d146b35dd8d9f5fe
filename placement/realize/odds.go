package realize

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/placement/utilization"
	"github.com/vsnctl/vsnctl/vsn"
)

// odds are, by number of network: how likely it is active, how sure it is to have its
// processor time while it is. A packing without them is hard: all are active always.
type odds struct {
	active, confidence []vsn.Share
}

// oddsOf is nil where probability makes no difference: nobody is content with less than
// certainty, or all are always active.
func oddsOf(networks []vsn.Network) *odds {
	out := &odds{}
	content, absent := false, false
	for i := range networks {
		active, confidence := networks[i].Odds()
		out.active, out.confidence = append(out.active, active), append(out.confidence, confidence)
		content, absent = content || confidence < vsn.One, absent || active < vsn.One
	}
	if !content || !absent {
		return nil
	}
	return out
}

const (
	// slack is more than the rounding of floats in a sum of products of probabilities.
	slack = 1e-9
	// mostStates are told apart in one quick evaluation.
	mostStates = 1 << 12
	// steps is how finely a CPU is divided where even one takes more states.
	steps = 1 << 10
	// mostSlots is how many numbers a state has at most.
	mostSlots = 6
)

// state is what is asked of some CPUs: for each the sum, and for a root domain of
// several the largest as well.
type state [mostSlots]int64

// need is what CPU b is asked for when all are active.
func (p *packing) need(b int) utilization.U {
	c := &p.cpus[b]
	if c.extra == 0 {
		return c.sum
	}
	var largest utilization.U
	for _, t := range c.on {
		largest = largest.Max(p.threads[t].u)
	}
	return c.sum.Plus(largest.Times(c.extra))
}

// risky reports whether CPU b is asked for more than it has when all are active; it
// may say so of one that is filled exactly.
func (p *packing) risky(b int) bool { return p.need(b).Hi > p.cpus[b].share.Lo }

// suffices reports, exactly, whether CPU b has what all on it ask for together.
func (p *packing) suffices(b int) bool {
	if fits, sure := utilization.Within(p.need(b), p.cpus[b].share); sure {
		return fits
	}
	sum, largest := new(big.Rat), new(big.Rat)
	for _, t := range p.cpus[b].on {
		u := big.NewRat(p.threads[t].runtime, p.threads[t].period)
		if sum.Add(sum, u); u.Cmp(largest) > 0 {
			largest = u
		}
	}
	sum.Add(sum, largest.Mul(largest, big.NewRat(p.cpus[b].extra, 1)))
	return sum.Cmp(p.cpus[b].exact) <= 0
}

// content reports whether each network on CPU b has, on all its CPUs together, its
// processor time with the confidence that it asks for, as things stand.
func (p *packing) content(b int) bool {
	if p.suffices(b) {
		return true
	}
	var asked []int
	for _, t := range p.cpus[b].on {
		if n := p.threads[t].network; !slices.Contains(asked, n) {
			asked = append(asked, n)
		}
	}
	if slices.ContainsFunc(asked, func(n int) bool { return p.odds.confidence[n] == vsn.One }) {
		return false
	}
	return !slices.ContainsFunc(asked, func(n int) bool { return !p.confident(n) })
}

// confident decides for one network: in floats with a margin where that is enough,
// else exactly. What cannot be decided counts as a no, and the packing remembers that
// it was none (vague).
func (p *packing) confident(n int) bool {
	var risky []int
	for b := range p.cpus {
		on := slices.ContainsFunc(p.cpus[b].on, func(t int) bool { return p.threads[t].network == n })
		if on && p.risky(b) {
			risky = append(risky, b)
		}
	}
	want := float64(p.odds.confidence[n]) / float64(vsn.One)
	low, high, near := p.estimate(n, risky, want)
	switch {
	case low >= want+slack:
		return true
	case high < want-slack:
		return false
	case !near:
		p.vague = true
		return false
	}
	have, exact := p.exactly(n, risky)
	if have.Cmp(p.odds.confidence[n].Rat()) >= 0 {
		return true
	}
	p.vague = p.vague || !exact
	return false
}

// estimate is about the probability that network n, active, has its processor time on
// CPUs: no less than low, no more than high, but for slack. What is over want is not
// looked at further. near is false where there are too many states: then low is the
// product over the CPUs (see bounds.JointProbability), high the least of any.
func (p *packing) estimate(n int, cpus []int, want float64) (low, high float64, near bool) {
	if low, ok := p.convolve(p.joint(n, cpus, up, 1)); ok {
		if low >= want+slack {
			return low, 1, true
		}
		if high, ok = p.convolve(p.joint(n, cpus, down, 1)); ok {
			return low, high, true
		}
	}
	low, high = 1, 1
	for _, b := range cpus {
		alone := []int{b}
		unit := int64(1)
		one, ok := p.convolve(p.joint(n, alone, up, unit))
		if !ok {
			unit = max(1, p.cpus[b].share.Lo/steps)
			one, _ = p.convolve(p.joint(n, alone, up, unit))
		}
		most, ok := p.convolve(p.joint(n, alone, down, unit))
		if !ok {
			most = 1
		}
		low, high = low*one, min(high, most)
	}
	return low, high, false
}

// convolve goes through the networks that share these CPUs with n. ok is false where
// there are too many states.
func (p *packing) convolve(j *joint) (within float64, ok bool) {
	if j == nil {
		return 0, false
	}
	if all := j.plus(&j.own, &j.all); j.within(&all) {
		return 1, true
	}
	if !j.within(&j.own) {
		return 0, true
	}
	states := map[state]float64{j.own: 1}
	for i := range j.others {
		o, rest := &j.others[i], &j.rest[i]
		next := make(map[state]float64, 2*len(states))
		put := func(s state, weight float64) {
			if all := j.plus(&s, rest); j.within(&all) {
				within += weight
			} else if j.within(&s) {
				next[s] += weight
			}
		}
		// In an order that is always the same: sums of floats depend on it.
		for _, s := range sorted(states) {
			put(s, states[s]*(1-o.active))
			put(j.plus(&s, &o.state), states[s]*o.active)
		}
		*p.spent += 1 + len(next)
		if len(next) > mostStates {
			return 0, false
		}
		states = next
	}
	return within, true
}

func sorted(states map[state]float64) []state {
	out := make([]state, 0, len(states))
	for s := range states {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b state) int { return slices.Compare(a[:], b[:]) })
	return out
}

// joint is some CPUs and who asks of them, by slots of a state.
type joint struct {
	limit  []int64 // by CPU
	extra  []int64
	slot   []int // of the sum; that of the largest is the next, where extra counts
	own    state // of the network, and of those that are always active
	others []other
	rest   []state // what those after each ask for together
	all    state   // what all others ask for
}

type other struct {
	state
	active float64
}

// rounding is the side on which what is not a whole number is taken: up is too much
// asked of too little, down the other way.
type rounding bool

const (
	up   rounding = true
	down rounding = false
)

func (r rounding) of(u utilization.U, unit int64) int64 {
	if r == up {
		return (u.Hi + unit - 1) / unit
	}
	return u.Lo / unit
}

func (r rounding) limit(u utilization.U, unit int64) int64 {
	if r == up {
		return u.Lo / unit
	}
	return (u.Hi + unit - 1) / unit
}

// joint counts in units of the scale. It is nil where the CPUs take too many slots.
func (p *packing) joint(n int, cpus []int, r rounding, unit int64) *joint {
	j := &joint{}
	slots := 0
	at := map[int]int{} // network: place in others
	for _, b := range cpus {
		c := &p.cpus[b]
		slot := slots
		if slots++; c.extra > 0 {
			slots++
		}
		if slots > mostSlots {
			return nil
		}
		*p.spent += len(c.on) / 4
		j.limit, j.extra, j.slot = append(j.limit, r.limit(c.share, unit)), append(j.extra, c.extra), append(j.slot, slot)
		for _, t := range c.on {
			th := &p.threads[t]
			to := &j.own
			if th.network != n && p.odds.active[th.network] < vsn.One {
				i, known := at[th.network]
				if !known {
					i = len(j.others)
					at[th.network] = i
					j.others = append(j.others, other{active: float64(p.odds.active[th.network]) / float64(vsn.One)})
				}
				to = &j.others[i].state
			}
			u := r.of(th.u, unit)
			to[slot] += u
			if c.extra > 0 {
				to[slot+1] = max(to[slot+1], u)
			}
		}
	}
	slices.SortStableFunc(j.others, func(a, b other) int { return slices.Compare(b.state[:], a.state[:]) })
	j.rest = make([]state, len(j.others))
	for i := len(j.others) - 1; i >= 0; i-- {
		j.rest[i] = j.all
		j.all = j.plus(&j.all, &j.others[i].state)
	}
	return j
}

func (j *joint) plus(a, b *state) (out state) {
	out = *a
	for k, slot := range j.slot {
		out[slot] += b[slot]
		if j.extra[k] > 0 {
			out[slot+1] = max(a[slot+1], b[slot+1])
		}
	}
	return out
}

func (j *joint) within(s *state) bool {
	for k, slot := range j.slot {
		need := s[slot]
		if j.extra[k] > 0 {
			need += j.extra[k] * s[slot+1]
		}
		if need > j.limit[k] {
			return false
		}
	}
	return true
}

// exactly is the same probability as a rational, as the proof will find it.
func (p *packing) exactly(n int, cpus []int) (have *big.Rat, exact bool) {
	*p.spent += 100
	capacities, own := make([]bounds.Capacity, len(cpus)), make([]bounds.Load, len(cpus))
	var order []int
	parties := map[int]*bounds.Party{}
	for k, b := range cpus {
		capacities[k] = bounds.Capacity{Limit: p.cpus[b].exact, Extra: p.cpus[b].extra}
		for _, t := range p.cpus[b].on {
			th := &p.threads[t]
			to := own
			if th.network != n {
				if parties[th.network] == nil {
					order = append(order, th.network)
					parties[th.network] = &bounds.Party{Active: p.odds.active[th.network].Rat(), Loads: make([]bounds.Load, len(cpus))}
				}
				to = parties[th.network].Loads
			}
			if to[k].Sum == nil {
				to[k] = bounds.Load{Sum: new(big.Rat), Largest: new(big.Rat)}
			}
			u := big.NewRat(th.runtime, th.period)
			to[k].Sum.Add(to[k].Sum, u)
			if u.Cmp(to[k].Largest) > 0 {
				to[k].Largest = u
			}
		}
	}
	slices.Sort(order)
	others := make([]bounds.Party, len(order))
	for i, o := range order {
		others[i] = *parties[o]
	}
	return bounds.JointProbability(capacities, own, others)
}
