package bounds

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// drawParties draws capacities, one of which may be several processors, and who asks.
func drawParties(t *rapid.T, most int) (capacities []Capacity, own []Load, others []Party) {
	count := rapid.IntRange(1, 3).Draw(t, "capacities")
	for range count {
		capacities = append(capacities, Capacity{big.NewRat(rapid.Int64Range(4, 9).Draw(t, "limit"), 10), rapid.SampledFrom([]int64{0, 0, 1, 2}).Draw(t, "extra")})
	}
	demands := func(most int64) (out []Load) {
		for range count {
			if rapid.IntRange(0, 2).Draw(t, "asks") == 0 {
				out = append(out, Load{})
				continue
			}
			largest := big.NewRat(rapid.Int64Range(0, most).Draw(t, "largest"), rapid.SampledFrom([]int64{100, 70, 99}).Draw(t, "of"))
			out = append(out, Load{new(big.Rat).Mul(largest, big.NewRat(rapid.Int64Range(10, 20).Draw(t, "times"), 10)), largest})
		}
		return out
	}
	own = demands(15)
	// Sampled, since a range is drawn small more often: of many who ask and may be away.
	for range rapid.SampledFrom([]int{0, 1, most / 2, most - 2, most - 1, most, most}).Draw(t, "others") {
		active := rapid.SampledFrom([]int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}).Draw(t, "active")
		others = append(others, Party{big.NewRat(active, 10), demands(40)})
	}
	return capacities, own, others
}

// everyone sums over all sets of those who are active.
func everyone(capacities []Capacity, own []Load, others []Party) *big.Rat {
	all := new(big.Rat)
	for mask := range 1 << len(others) {
		p, fits := big.NewRat(1, 1), true
		for i, o := range others {
			if mask>>i&1 == 1 {
				p.Mul(p, o.Active)
			} else {
				p.Mul(p, new(big.Rat).Sub(big.NewRat(1, 1), o.Active))
			}
		}
		for k, c := range capacities {
			sum, most := new(big.Rat), new(big.Rat)
			count := func(d Load) {
				if d.Sum != nil {
					sum.Add(sum, d.Sum)
				}
				if d.Largest != nil && d.Largest.Cmp(most) > 0 {
					most.Set(d.Largest)
				}
			}
			count(own[k])
			for i, o := range others {
				if mask>>i&1 == 1 {
					count(o.Loads[k])
				}
			}
			sum.Add(sum, most.Mul(most, big.NewRat(c.Extra, 1)))
			fits = fits && sum.Cmp(c.Limit) <= 0
		}
		if fits {
			all.Add(all, p)
		}
	}
	return all
}

func TestJointProbability(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		capacities, own, others := drawParties(t, 7)
		want := everyone(capacities, own, others)
		got, exact := JointProbability(capacities, own, others)
		if !exact || got.Cmp(want) != 0 {
			t.Fatalf("%v (exact %v), want %v", got, exact, want)
		}
		seen[[]string{"never", "sometimes", "always"}[want.Sign()*(1+boolInt(want.Cmp(big.NewRat(1, 1)) == 0))]]++
		// The bound for too many states is one.
		product := big.NewRat(1, 1)
		firm, unsure := split(own, others)
		for _, k := range unsafe(capacities, firm, unsure) {
			product.Mul(product, apiece(capacities, firm, unsure, []int{k}))
		}
		if product.Cmp(want) > 0 {
			t.Fatalf("product %v over the truth, %v", product, want)
		}
	})
	if seen["sometimes"] < 20 {
		t.Errorf("the draw has lost its edge: %v", seen)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// More activity and more demand never make it likelier.
func TestJointProbabilityIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacities, own, others := drawParties(t, 5)
		before, _ := JointProbability(capacities, own, others)
		if len(others) == 0 {
			return
		}
		i := rapid.IntRange(0, len(others)-1).Draw(t, "who")
		others[i].Active = maxRat(others[i].Active, big.NewRat(rapid.Int64Range(0, 10).Draw(t, "more active"), 10))
		if rapid.Bool().Draw(t, "and more") {
			others[i].Loads[0] = others[i].Loads[0].plus(Load{rat("1/9"), rat("1/9")})
		}
		if after, _ := JointProbability(capacities, own, others); after.Cmp(before) > 0 {
			t.Fatalf("%v after, %v before", after, before)
		}
	})
}

// Two processors that a tenant always asks for together are free together: the joint
// probability is that of one, not the square of it.
func TestJointIsNotTheProduct(t *testing.T) {
	one := []Capacity{{rat("0.9"), 0}, {rat("0.9"), 0}}
	half := []Load{{rat("1/2"), rat("1/2")}, {rat("1/2"), rat("1/2")}}
	if p, exact := JointProbability(one, half, []Party{{rat("0.3"), half}}); !exact || p.Cmp(rat("0.7")) != 0 {
		t.Errorf("%v, exact %v, want 7/10", p, exact)
	}
	apart := []Party{{rat("0.3"), []Load{half[0], {}}}, {rat("0.3"), []Load{{}, half[1]}}}
	if p, exact := JointProbability(one, half, apart); !exact || p.Cmp(rat("0.49")) != 0 {
		t.Errorf("%v, exact %v, want 49/100", p, exact)
	}
}

// Where there are too many states the answer is not exact, near, and no promise more.
func TestJointProbabilityRounded(t *testing.T) {
	for _, extra := range []int64{0, 1} {
		capacities := []Capacity{{rat("1.1"), extra}}
		var others []Party
		for i := range 40 {
			share := big.NewRat(50_000_000+1<<i%99_991, 1_000_000_000)
			others = append(others, Party{rat("1/2"), []Load{{share, share}}})
		}
		got, exact := JointProbability(capacities, []Load{{}}, others)
		if low, high := rat("0.4"), rat("0.8"); exact || got.Cmp(low) < 0 || got.Cmp(high) > 0 {
			t.Errorf("extra %d: %v, exact %v", extra, got.FloatString(6), exact)
		}
	}
}
