package bounds

import (
	"encoding/binary"
	"math/big"
	"slices"
)

// Capacity is what tenants share: one processor, or several that are one root domain
// under global earliest deadline first.
type Capacity struct {
	Limit *big.Rat
	// Extra is how often the largest single demand counts beside the sum of all: the
	// number of processors but one for global earliest deadline first (the test of
	// FitsGlobal), 0 for one processor.
	Extra int64
}

// Load is what one tenant asks of one capacity while it is active: the sum of its
// reservations there, and the largest of them. Nil stands for nothing.
type Load struct{ Sum, Largest *big.Rat }

// Party is a tenant with demands of several capacities, all of them or none: it is
// active with probability Active, independent of all others.
type Party struct {
	Active *big.Rat
	Loads  []Load // by capacity
}

// JointProbability is the probability that own, which is active, finds no capacity
// asked for more than its limit by itself and those of the others that are active. It
// is computed from the joint distribution of what is asked, exactly as long as no more
// than 2^14 different states have to be told apart at a time (so with up to 14 others
// always). Where there are more, exact is false and p is no more than the truth: that
// each capacity suffices is an event that more activity can only end, such events are
// positively correlated (Harris, "A Lower Bound for the Critical Probability in a
// Certain Percolation Process", 1960), and so the product of their probabilities is a
// lower bound; each of those is CapacityProbability.
func JointProbability(capacities []Capacity, own []Load, others []Party) (p *big.Rat, exact bool) {
	own, others = split(own, others)
	p, exact = big.NewRat(1, 1), true
	for _, part := range apart(unsafe(capacities, own, others), others) {
		j := newJoint(capacities, own, others, part)
		one, ok := j.probability()
		if !ok {
			one, exact = apiece(capacities, own, others, part), false
		}
		p.Mul(p, one)
	}
	return p, exact
}

// split adds those that are always active to own, and leaves out those that never are.
func split(own []Load, others []Party) ([]Load, []Party) {
	own = slices.Clone(own)
	var unsure []Party
	for _, o := range others {
		switch {
		case o.Active.Cmp(big.NewRat(1, 1)) >= 0:
			for k, d := range o.Loads {
				own[k] = own[k].plus(d)
			}
		case o.Active.Sign() > 0:
			unsure = append(unsure, o)
		}
	}
	return own, unsure
}

func (d Load) plus(o Load) Load {
	return Load{new(big.Rat).Add(orZero(d.Sum), orZero(o.Sum)), maxRat(orZero(d.Largest), orZero(o.Largest))}
}

func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

func maxRat(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// within tells whether what is asked is no more than there is.
func (c *Capacity) within(d Load) bool {
	need := new(big.Rat).Mul(orZero(d.Largest), ratInt(c.Extra))
	return need.Add(need, orZero(d.Sum)).Cmp(c.Limit) <= 0
}

// unsafe lists the capacities that do not suffice for all at once.
func unsafe(capacities []Capacity, own []Load, others []Party) (out []int) {
	for k := range capacities {
		all := own[k]
		for _, o := range others {
			all = all.plus(o.Loads[k])
		}
		if !capacities[k].within(all) {
			out = append(out, k)
		}
	}
	return out
}

// apart divides capacities so that nobody asks of two parts: what happens in one is
// independent of the others.
func apart(capacities []int, others []Party) (parts [][]int) {
	for _, k := range capacities {
		merged := []int{k}
		parts = slices.DeleteFunc(parts, func(part []int) bool {
			joined := slices.ContainsFunc(others, func(o Party) bool {
				return asks(o, []int{k}) && asks(o, part)
			})
			if joined {
				merged = append(merged, part...)
			}
			return joined
		})
		slices.Sort(merged)
		parts = append(parts, merged)
	}
	return parts
}

func asks(o Party, capacities []int) bool {
	return slices.ContainsFunc(capacities, func(k int) bool { return orZero(o.Loads[k].Sum).Sign() > 0 })
}

// apiece is the lower bound where there are too many states: the product over the
// capacities. For global earliest deadline first the largest demand of all is counted,
// active or not, where that takes too many states as well.
func apiece(capacities []Capacity, own []Load, others []Party, part []int) *big.Rat {
	p := big.NewRat(1, 1)
	for _, k := range part {
		j := newJoint(capacities, own, others, []int{k})
		if one, ok := j.probability(); ok {
			p.Mul(p, one)
			continue
		}
		most := orZero(own[k].Largest)
		var tenants []Tenant
		for _, o := range others {
			if d := o.Loads[k]; orZero(d.Sum).Sign() > 0 {
				most = maxRat(most, d.Largest)
				tenants = append(tenants, Tenant{Share: d.Sum, Active: o.Active})
			}
		}
		left := new(big.Rat).Mul(most, ratInt(capacities[k].Extra))
		left.Add(left, orZero(own[k].Sum)).Sub(capacities[k].Limit, left)
		one, err := CapacityProbability(left, tenants)
		if err != nil {
			return new(big.Rat)
		}
		p.Mul(p, one)
	}
	return p
}

// joint is some capacities and who asks of them, in whole numbers: all of one capacity
// over one denominator.
type joint struct {
	limit  []*big.Int
	extra  []*big.Int
	own    ask
	others []asker
}

// ask is what is asked of each capacity.
type ask struct{ sum, largest []*big.Int }

type asker struct {
	ask
	active, inactive, all *big.Int // over all
}

func newJoint(capacities []Capacity, own []Load, others []Party, part []int) *joint {
	j := &joint{}
	for _, o := range others {
		if asks(o, part) {
			num, den := o.Active.Num(), o.Active.Denom()
			j.others = append(j.others, asker{active: num, inactive: new(big.Int).Sub(den, num), all: den})
		}
	}
	for _, k := range part {
		den := new(big.Int).Set(capacities[k].Limit.Denom())
		lcm := func(r *big.Rat) {
			d := orZero(r).Denom()
			den.Mul(den, new(big.Int).Div(d, new(big.Int).GCD(nil, nil, den, d)))
		}
		each := func(visit func(d Load, to *ask)) {
			visit(own[k], &j.own)
			i := 0
			for _, o := range others {
				if asks(o, part) {
					visit(o.Loads[k], &j.others[i].ask)
					i++
				}
			}
		}
		each(func(d Load, _ *ask) { lcm(d.Sum); lcm(d.Largest) })
		whole := func(r *big.Rat) *big.Int {
			n := new(big.Int).Mul(orZero(r).Num(), den)
			return n.Div(n, orZero(r).Denom())
		}
		each(func(d Load, to *ask) {
			to.sum, to.largest = append(to.sum, whole(d.Sum)), append(to.largest, whole(d.Largest))
		})
		j.limit, j.extra = append(j.limit, whole(capacities[k].Limit)), append(j.extra, big.NewInt(capacities[k].Extra))
	}
	// Those that ask for most first: what is too much is found sooner.
	slices.SortStableFunc(j.others, func(a, b asker) int { return total(b.sum).Cmp(total(a.sum)) })
	return j
}

func total(list []*big.Int) *big.Int {
	out := new(big.Int)
	for _, v := range list {
		out.Add(out, v)
	}
	return out
}

func (a ask) plus(b ask) ask {
	out := ask{make([]*big.Int, len(a.sum)), make([]*big.Int, len(a.sum))}
	for k := range a.sum {
		out.sum[k], out.largest[k] = new(big.Int).Add(a.sum[k], b.sum[k]), a.largest[k]
		if b.largest[k].Cmp(a.largest[k]) > 0 {
			out.largest[k] = b.largest[k]
		}
	}
	return out
}

func (j *joint) within(a ask) bool {
	for k := range a.sum {
		need := new(big.Int).Mul(a.largest[k], j.extra[k])
		if need.Add(need, a.sum[k]).Cmp(j.limit[k]) > 0 {
			return false
		}
	}
	return true
}

// key tells states apart.
func (j *joint) key(a ask) string {
	var out []byte
	put := func(v *big.Int) {
		bytes := v.Bytes()
		out = append(binary.AppendUvarint(out, uint64(len(bytes))), bytes...)
	}
	for k := range a.sum {
		put(a.sum[k])
		if j.extra[k].Sign() > 0 {
			put(a.largest[k])
		}
	}
	return string(out)
}

type outcome struct {
	ask
	weight *big.Int // over the product of the denominators so far
}

// probability goes through the others one by one. States that are too much already are
// dropped, those that stay within the limits whoever else is active are counted at
// once. ok is false where there are too many of the rest.
func (j *joint) probability() (p *big.Rat, ok bool) {
	if !j.within(j.own) {
		return new(big.Rat), true
	}
	rest := make([]ask, len(j.others)+1) // what those from i on ask together
	rest[len(j.others)] = j.own.none()
	for i := len(j.others) - 1; i >= 0; i-- {
		rest[i] = rest[i+1].plus(j.others[i].ask)
	}
	states := map[string]*outcome{"": {j.own, big.NewInt(1)}}
	within, whole := new(big.Int), big.NewInt(1)
	for i, o := range j.others {
		whole.Mul(whole, o.all)
		within.Mul(within, o.all)
		next := make(map[string]*outcome, 2*len(states))
		put := func(a ask, weight *big.Int) {
			switch key := j.key(a); {
			case j.within(a.plus(rest[i+1])):
				within.Add(within, weight)
			case !j.within(a):
			case next[key] != nil:
				next[key].weight.Add(next[key].weight, weight)
			default:
				next[key] = &outcome{a, weight}
			}
		}
		for _, s := range states {
			put(s.ask, new(big.Int).Mul(s.weight, o.inactive))
			put(s.plus(o.ask), new(big.Int).Mul(s.weight, o.active))
		}
		if len(next) > maxSums {
			return nil, false
		}
		states = next
	}
	if len(j.others) == 0 {
		within.SetInt64(1)
	}
	return new(big.Rat).SetFrac(within, whole), true
}

func (a ask) none() ask {
	out := ask{make([]*big.Int, len(a.sum)), make([]*big.Int, len(a.sum))}
	for k := range a.sum {
		out.sum[k], out.largest[k] = new(big.Int), new(big.Int)
	}
	return out
}
