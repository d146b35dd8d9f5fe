package bounds

import "math/big"

// Compress shrinks the shares that one user requests to what its caps allow: all by
// one factor where together they exceed the user's cap, and then all by one more
// where what is left still exceeds the cap of the user's level. Shares within the
// caps come back as they are. Without guarantees this is the supervisor of AQuoSA:
// Palopoli, Cucinotta, Marzario and Lipari, "AQuoSA: adaptive quality of service
// architecture", Software: Practice and Experience, 2009.
func Compress(userCap, levelCap *big.Rat, requests []*big.Rat) []*big.Rat {
	return shrink(levelCap, shrink(userCap, requests))
}

// shrink scales the shares down to sum to limit, where they sum to more.
func shrink(limit *big.Rat, shares []*big.Rat) []*big.Rat {
	sum := new(big.Rat)
	for _, s := range shares {
		sum.Add(sum, s)
	}
	factor := big.NewRat(1, 1)
	if sum.Cmp(limit) > 0 {
		factor.Quo(limit, sum)
	}
	scaled := make([]*big.Rat, len(shares))
	for i, s := range shares {
		scaled[i] = new(big.Rat).Mul(s, factor)
	}
	return scaled
}
