package bounds

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Inf is "no finite bound" where a bound is an int64.
const Inf int64 = math.MaxInt64

// largest is the largest period, deadline or interval taken as input: sums of
// four such values do not wrap. 2^60 ns is 36 years.
const largest int64 = 1 << 60

// Sums and products of non-negative values; Inf in or over the range gives Inf.

func addSat(a, b int64) int64 {
	if a > Inf-b {
		return Inf
	}
	return a + b
}

func mulSat(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > uint64(Inf) {
		return Inf
	}
	return int64(lo)
}

// mulDivUp is ceil(a*b/c) for a, b >= 0 and c > 0, exact in 128 bits.
func mulDivUp(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return Inf
	}
	quotient, rest := bits.Div64(hi, lo, uint64(c))
	if rest > 0 {
		quotient++
	}
	if quotient > uint64(Inf) || quotient == 0 && rest > 0 {
		return Inf
	}
	return int64(quotient)
}

// ceilDiv is ceil(a/b) for a >= 0, b > 0, without the sum that could wrap.
func ceilDiv(a, b int64) int64 {
	quotient := a / b
	if a%b > 0 {
		quotient++
	}
	return quotient
}

// lcmSat is the least common multiple of positive values, or Inf.
func lcmSat(a, b int64) int64 {
	if a == Inf || b == Inf {
		return Inf
	}
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return mulSat(a/x, b)
}

// Scale brings rationals to integers over one common denominator den, the least
// there is: values[i] = ints[i]/den. A result of integer arithmetic on ints that
// has the dimension of the values is divided by den to come back. Negative values
// and values beyond 2^60 after scaling are errors.
func Scale(values ...*big.Rat) (ints []int64, den int64, err error) {
	common := big.NewInt(1)
	for _, v := range values {
		gcd := new(big.Int).GCD(nil, nil, common, v.Denom())
		common.Mul(common, new(big.Int).Quo(v.Denom(), gcd))
		if common.BitLen() > 60 {
			return nil, 0, fmt.Errorf("scale %s: the common denominator of the %d values is beyond 2^60: write them with fewer places", v.RatString(), len(values))
		}
	}
	for _, v := range values {
		if v.Sign() < 0 {
			return nil, 0, fmt.Errorf("scale %s: negative: durations and amounts start at 0", v.RatString())
		}
		scaled := new(big.Int).Mul(v.Num(), new(big.Int).Quo(common, v.Denom()))
		if !scaled.IsInt64() || scaled.Int64() > largest {
			return nil, 0, fmt.Errorf("scale %s: over the common denominator %s it is beyond 2^60: use a larger unit or fewer places", v.RatString(), common)
		}
		ints = append(ints, scaled.Int64())
	}
	return ints, common.Int64(), nil
}

// ratInt is n as a rational.
func ratInt(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }
