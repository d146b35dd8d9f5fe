// Package utilization adds up shares of processor time exactly and fast. Budgets
// over periods are fractions of any denominator; as integers over one common
// denominator they add like memory does. Where the common denominator is too large
// for that, each number is kept as two integers, rounded down and up, and the rare
// sum that falls between them is left to the caller to settle with big.Rat.
//
// It serves both phases of the planner; placement/proof does not use it. Start at
// Scale.
package utilization

import (
	"math/bits"

	"github.com/vsnctl/vsnctl/vsn"
)

// most is the largest denominator: 2^40 leaves room to add 2^23 whole CPUs.
const most = 1 << 40

// Scale is a denominator.
type Scale struct{ base int64 }

// U is a utilization, at least Lo/base and at most Hi/base of its Scale.
type U struct{ Lo, Hi int64 }

// NewScale finds a denominator under which shares and Q/P of all the periods (in
// ns, positive) are whole numbers, or, if there is none up to 2^40, one that keeps
// the error of each number under 2^-40.
func NewScale(periods []int64) Scale {
	base := int64(vsn.One)
	for _, p := range periods {
		factor := p / gcd(base, p)
		if factor > most/base {
			return Scale{most}
		}
		base *= factor
	}
	return Scale{base}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Of is runtime/period, with 0 <= runtime <= period and period > 0.
func (s Scale) Of(runtime, period int64) U {
	hi, lo := bits.Mul64(uint64(runtime), uint64(s.base))
	quotient, rest := bits.Div64(hi, lo, uint64(period))
	u := U{int64(quotient), int64(quotient)}
	if rest > 0 {
		u.Hi++
	}
	return u
}

// Share is a fraction in billionths, at most the whole.
func (s Scale) Share(v vsn.Share) U { return s.Of(int64(v), int64(vsn.One)) }

// Plus is a + b.
func (a U) Plus(b U) U { return U{a.Lo + b.Lo, a.Hi + b.Hi} }

// Without takes back an earlier Plus of b.
func (a U) Without(b U) U { return U{a.Lo - b.Lo, a.Hi - b.Hi} }

// Times is n times a, n >= 0.
func (a U) Times(n int64) U { return U{n * a.Lo, n * a.Hi} }

// Max is the larger of both.
func (a U) Max(b U) U { return U{max(a.Lo, b.Lo), max(a.Hi, b.Hi)} }

// Within tells whether sum <= limit. It is not sure where rounding could decide.
func Within(sum, limit U) (yes, sure bool) {
	if sum.Hi <= limit.Lo {
		return true, true
	}
	return false, sum.Lo > limit.Hi
}
