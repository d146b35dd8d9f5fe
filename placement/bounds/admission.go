package bounds

import (
	"fmt"
	"math/big"
)

// Tenant asks for Share of a capacity while it is active, and is so with probability
// Active, independent of all others.
type Tenant struct{ Share, Active *big.Rat }

// maxSums limits the different sums that CapacityProbability tells apart.
const maxSums = 1 << 14

// CapacityProbability is the probability that the shares of those tenants that are
// active sum to at most capacity, by convolution of their two-point distributions
// (Konstanteli, Cucinotta, Psychas and Varvarigou, "Elastic Admission Control for
// Federated Cloud Services", IEEE Transactions on Cloud Computing, 2014).
// Exact up to 2^14 different sums, so with up to 14 tenants always; where there are
// more, shares are first rounded up to multiples of 2^-13 of the capacity: then the
// result is no more than the truth.
func CapacityProbability(capacity *big.Rat, tenants []Tenant) (*big.Rat, error) {
	if capacity.Sign() < 0 {
		return new(big.Rat), nil
	}
	values := []*big.Rat{capacity}
	for _, s := range tenants {
		values = append(values, s.Share)
	}
	if ints, _, err := Scale(values...); err == nil {
		if p, ok := convolve(ints[0], ints[1:], tenants); ok {
			return p, nil
		}
	}
	const grid = maxSums / 2
	shares := make([]int64, len(tenants))
	for i, s := range tenants {
		switch {
		case s.Share.Sign() < 0:
			return nil, fmt.Errorf("tenant %d: share %s is negative", i+1, s.Share.RatString())
		case s.Share.Cmp(capacity) > 0:
			shares[i] = grid + 1
		case s.Share.Sign() > 0:
			part := new(big.Rat).Quo(s.Share, capacity)
			shares[i] = ceilRat(part.Mul(part, ratInt(grid)))
		}
	}
	p, _ := convolve(grid, shares, tenants)
	return p, nil
}

// convolve is the probability of sums up to capacity; ok is false where there are
// too many different ones. Weights are whole numbers over the product of the
// denominators, so that nothing is reduced on the way.
func convolve(capacity int64, shares []int64, tenants []Tenant) (p *big.Rat, ok bool) {
	weights := map[int64]*big.Int{0: big.NewInt(1)}
	whole := big.NewInt(1)
	for i, s := range tenants {
		active, all := s.Active.Num(), s.Active.Denom()
		inactive := new(big.Int).Sub(all, active)
		whole.Mul(whole, all)
		next := make(map[int64]*big.Int, 2*len(weights))
		put := func(sum int64, weight *big.Int) {
			if sum > capacity || weight.Sign() == 0 {
				return
			}
			if known := next[sum]; known != nil {
				known.Add(known, weight)
			} else {
				next[sum] = weight
			}
		}
		for sum, weight := range weights {
			put(sum, new(big.Int).Mul(weight, inactive))
			put(addSat(sum, shares[i]), new(big.Int).Mul(weight, active))
		}
		if len(next) > maxSums {
			return nil, false
		}
		weights = next
	}
	total := new(big.Int)
	for _, weight := range weights {
		total.Add(total, weight)
	}
	return new(big.Rat).SetFrac(total, whole), true
}
