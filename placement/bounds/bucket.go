package bounds

import "math/big"

// Bucket is a token bucket, or leaky-bucket arrival curve: in any window of
// length t a flow brings at most Sigma + Rho*t. A nil Sigma is an unbounded burst:
// nothing can be said of the flow. Source: Cruz, "A Calculus for Network Delay,
// Part I", IEEE Transactions on Information Theory, 1991.
type Bucket struct {
	Sigma *big.Rat // burst
	Rho   *big.Rat // rate
}

// Bounded tells whether the burst is finite.
func (b Bucket) Bounded() bool { return b.Sigma != nil }

// Plus is the bucket of both flows together.
func (b Bucket) Plus(other Bucket) Bucket {
	sum := Bucket{Rho: new(big.Rat).Add(b.Rho, other.Rho)}
	if b.Bounded() && other.Bounded() {
		sum.Sigma = new(big.Rat).Add(b.Sigma, other.Sigma)
	}
	return sum
}

// empty is the bucket of no flow.
func empty() Bucket { return Bucket{Sigma: new(big.Rat), Rho: new(big.Rat)} }

func (b Bucket) isEmpty() bool { return b.Bounded() && b.Sigma.Sign() == 0 && b.Rho.Sign() == 0 }

// FormatRat writes a bound exactly: "16", "39/14", and "inf" for nil, no bound.
func FormatRat(v *big.Rat) string {
	if v == nil {
		return "inf"
	}
	return v.RatString()
}
