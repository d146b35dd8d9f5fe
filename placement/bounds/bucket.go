package bounds

import "math/big"

// Bucket is a token bucket, or leaky-bucket arrival curve: in any window of
// length t a flow brings at most Sigma + Rho*t. Source: Cruz, "A Calculus for
// Network Delay", IEEE Trans. Information Theory, 1991.
type Bucket struct {
	Sigma *big.Rat // burst
	Rho   *big.Rat // rate
}
