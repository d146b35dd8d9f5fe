package bounds

import (
	"fmt"
	"math/big"
)

// Service asks for Share of a capacity while it is active, and is so with
// probability Active, independent of all others. When active it wants its share
// with probability Confidence; 1 is a promise without exception.
type Service struct {
	Share, Active, Confidence *big.Rat
}

// Admit tells whether every service, when active, has its share of the capacity
// with its confidence: Pr{own share + shares of the others that are active <=
// capacity} >= Confidence. When not, failing is the first for which that is not so,
// and have is its probability (CapacityProbability). After Konstanteli, Cucinotta,
// Psychas and Varvarigou, "Elastic Admission Control for Federated Cloud Services",
// IEEE Transactions on Cloud Computing, 2014. The error names a value out of range.
func Admit(capacity *big.Rat, services []Service) (failing int, have *big.Rat, err error) {
	one := big.NewRat(1, 1)
	for i, s := range services {
		if s.Share.Sign() < 0 || s.Active.Sign() < 0 || s.Active.Cmp(one) > 0 || s.Confidence.Sign() < 0 || s.Confidence.Cmp(one) > 0 {
			return i, nil, fmt.Errorf("service %d: share %s, active %s, confidence %s: want a share from 0, the others from 0 to 1",
				i+1, s.Share.RatString(), s.Active.RatString(), s.Confidence.RatString())
		}
	}
	for i, s := range services {
		others := append(append([]Service{}, services[:i]...), services[i+1:]...)
		have, err := CapacityProbability(new(big.Rat).Sub(capacity, s.Share), others)
		if err != nil {
			return i, nil, err
		}
		if have.Cmp(s.Confidence) < 0 {
			return i, have, nil
		}
	}
	return -1, nil, nil
}

// maxSums limits the different sums that CapacityProbability tells apart.
const maxSums = 1 << 14

// CapacityProbability is the probability that the shares of those services that are
// active sum to at most capacity, by convolution of their two-point distributions.
// Exact up to 2^14 different sums, so with up to 14 services always; where there are
// more, shares are first rounded up to multiples of 2^-13 of the capacity: then the
// result is no more than the truth.
func CapacityProbability(capacity *big.Rat, services []Service) (*big.Rat, error) {
	if capacity.Sign() < 0 {
		return new(big.Rat), nil
	}
	values := []*big.Rat{capacity}
	for _, s := range services {
		values = append(values, s.Share)
	}
	if ints, _, err := Scale(values...); err == nil {
		if p, ok := convolve(ints[0], ints[1:], services); ok {
			return p, nil
		}
	}
	const grid = maxSums / 2
	shares := make([]int64, len(services))
	for i, s := range services {
		switch {
		case s.Share.Sign() < 0:
			return nil, fmt.Errorf("service %d: share %s is negative", i+1, s.Share.RatString())
		case s.Share.Cmp(capacity) > 0:
			shares[i] = grid + 1
		case s.Share.Sign() > 0:
			part := new(big.Rat).Quo(s.Share, capacity)
			shares[i] = ceilRat(part.Mul(part, ratInt(grid)))
		}
	}
	p, _ := convolve(grid, shares, services)
	return p, nil
}

// convolve is the probability of sums up to capacity; ok is false where there are
// too many different ones. Weights are whole numbers over the product of the
// denominators, so that nothing is reduced on the way.
func convolve(capacity int64, shares []int64, services []Service) (p *big.Rat, ok bool) {
	weights := map[int64]*big.Int{0: big.NewInt(1)}
	whole := big.NewInt(1)
	for i, s := range services {
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
