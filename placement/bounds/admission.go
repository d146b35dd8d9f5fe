package bounds

import (
	"fmt"
	"math/big"
)

// SumShares is the sum of Runtime/Period of the reservations.
func SumShares(reservations []Supply) *big.Rat {
	sum := new(big.Rat)
	for i := range reservations {
		sum.Add(sum, reservations[i].Utilization())
	}
	return sum
}

// FitsCPU tells whether earliest deadline first gives all reservations on one
// processor their budgets: their shares sum to at most limit (at most 1; the rest
// is left to others), and where a deadline is under its period, no window demands
// more than its length. Exact: Liu and Layland 1973; Baruah, Mok and Rosier 1990.
// A reservation that is not valid does not fit.
func FitsCPU(reservations []Supply, limit *big.Rat) bool {
	implicit := true
	for i := range reservations {
		if !reservations[i].valid() {
			return false
		}
		implicit = implicit && reservations[i].deadline() == reservations[i].Period
	}
	if !sumWithin(reservations, limit) {
		return false
	}
	if implicit {
		return limit.Cmp(big.NewRat(1, 1)) <= 0 || sumWithin(reservations, big.NewRat(1, 1))
	}
	tasks := make([]Task, len(reservations))
	for i, r := range reservations {
		tasks[i] = Task{Cost: r.Runtime, Period: r.Period, Deadline: r.deadline()}
	}
	_, ok := EDF(tasks, Dedicated)
	return ok
}

// sumWithin compares the sum of shares with a limit, in fixed point where that
// decides.
func sumWithin(reservations []Supply, limit *big.Rat) bool {
	if num, den := limit.Num(), limit.Denom(); num.IsInt64() && den.IsInt64() && num.Sign() >= 0 && num.Cmp(den) <= 0 {
		limitLow, limitHigh := fixed(num.Int64(), den.Int64())
		var low, high uint64
		for i := range reservations {
			l, h := fixed(reservations[i].Runtime, reservations[i].Period)
			low, high = low+l, high+h
			if low > limitHigh {
				return false
			}
		}
		if high <= limitLow {
			return true
		}
	}
	return SumShares(reservations).Cmp(limit) <= 0
}

// FitsGlobal tells whether global earliest deadline first on that many processors
// meets all deadlines (those of the periods) of the reservations: sum U <= cpus -
// (cpus-1)*max U. Sufficient, not necessary: Goossens, Funk and Baruah,
// "Priority-Driven Scheduling of Periodic Task Systems on Multiprocessors", 2003.
func FitsGlobal(reservations []Supply, cpus int) bool {
	most := new(big.Rat)
	for i := range reservations {
		if !reservations[i].valid() || reservations[i].deadline() != reservations[i].Period {
			return false
		}
		if u := reservations[i].Utilization(); u.Cmp(most) > 0 {
			most = u
		}
	}
	limit := most.Mul(most, ratInt(int64(cpus-1)))
	limit.Sub(ratInt(int64(cpus)), limit)
	return SumShares(reservations).Cmp(limit) <= 0
}

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
