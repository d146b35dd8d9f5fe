package placement

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// Rat is an exact number of a proof. In JSON a whole number is a number, any other
// a string "39/14", and no bound at all is "inf". A large plan has millions of them, so
// that whole numbers of 64 bits, nearly all, take no memory beside their own.
type Rat struct {
	num  int64
	rest *rest // nil: the number is whole, num
}

// rest is what a number that is not whole, or too large, has beside num.
type rest struct {
	den int64    // > 1: the number is num/den, in lowest terms
	big *big.Rat // den 0: the number, which does not fit; nil as well: Inf
}

var infinite = &rest{}

// Int is a whole number.
func Int(v int64) Rat { return Rat{num: v} }

// Frac is a/b. It panics on b = 0, as big.NewRat does.
func Frac(a, b int64) Rat {
	if a < 0 || b <= 0 {
		return FromBig(big.NewRat(a, b))
	}
	if d := gcd(a, b); d > 1 {
		a, b = a/d, b/d
	}
	if b == 1 {
		return Rat{num: a}
	}
	return Rat{a, &rest{den: b}}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// FromBig copies r.
func FromBig(r *big.Rat) Rat {
	switch {
	case r.IsInt() && r.Num().IsInt64():
		return Rat{num: r.Num().Int64()}
	case r.Num().IsInt64() && r.Denom().IsInt64():
		return Rat{r.Num().Int64(), &rest{den: r.Denom().Int64()}}
	}
	return Rat{rest: &rest{big: new(big.Rat).Set(r)}}
}

// Inf is greater than every number: there is no bound.
func Inf() Rat { return Rat{rest: infinite} }

// Big is a copy of the number; nil for Inf.
func (x Rat) Big() *big.Rat {
	switch {
	case x.rest == nil:
		return new(big.Rat).SetInt64(x.num)
	case x.rest.den > 0:
		return big.NewRat(x.num, x.rest.den)
	case x.rest.big == nil:
		return nil
	}
	return new(big.Rat).Set(x.rest.big)
}

// IsInf reports whether there is no bound.
func (x Rat) IsInf() bool { return x.rest != nil && x.rest.den == 0 && x.rest.big == nil }

// parts are numerator and denominator of a number that is not negative and of which
// both are under 2^31, so that products of them fit.
func (x Rat) parts() (num, den int64, small bool) {
	den = 1
	if x.rest != nil {
		den = x.rest.den
	}
	return x.num, den, den > 0 && uint64(x.num|den) < 1<<31
}

// Add is x + y.
func (x Rat) Add(y Rat) Rat {
	if x.IsInf() || y.IsInf() {
		return Inf()
	}
	if x.rest == nil && y.rest == nil {
		if sum := x.num + y.num; (sum > x.num) == (y.num > 0) {
			return Rat{num: sum}
		}
	}
	if a, b, ok := x.parts(); ok {
		if c, d, ok := y.parts(); ok {
			if b == d {
				return Frac(a+c, b)
			}
			return Frac(a*d+c*b, b*d)
		}
	}
	sum := x.Big()
	return FromBig(sum.Add(sum, y.Big()))
}

// Cmp is -1, 0 or 1 as x is less than, equal to or greater than y.
func (x Rat) Cmp(y Rat) int {
	switch {
	case x == y:
		return 0
	case x.IsInf() && y.IsInf():
		return 0
	case x.IsInf():
		return 1
	case y.IsInf():
		return -1
	case x.rest == nil && y.rest == nil:
		if x.num < y.num {
			return -1
		}
		return 1
	}
	if a, b, ok := x.fraction(); ok {
		if c, d, ok := y.fraction(); ok {
			return compare128(a, d, c, b)
		}
	}
	return x.Big().Cmp(y.Big())
}

// fraction is numerator and denominator of a number that is not negative.
func (x Rat) fraction() (num, den uint64, ok bool) {
	if x.num < 0 {
		return 0, 0, false
	}
	if x.rest == nil {
		return uint64(x.num), 1, true
	}
	return uint64(x.num), uint64(x.rest.den), x.rest.den > 0
}

// compare128 compares a*b with c*d.
func compare128(a, b, c, d uint64) int {
	h, l := bits.Mul64(a, b)
	i, m := bits.Mul64(c, d)
	switch {
	case h > i || h == i && l > m:
		return 1
	case h == i && l == m:
		return 0
	}
	return -1
}

// Float is for people and for searches, never for a proof.
func (x Rat) Float() float64 {
	if x.rest == nil {
		return float64(x.num)
	}
	if x.IsInf() {
		return 0
	}
	f, _ := x.Big().Float64()
	return f
}

func (x Rat) String() string { return string(x.append(nil)) }

// append is String into a buffer.
func (x Rat) append(to []byte) []byte {
	switch {
	case x.rest == nil:
		return strconv.AppendInt(to, x.num, 10)
	case x.rest.den > 0:
		return strconv.AppendInt(append(strconv.AppendInt(to, x.num, 10), '/'), x.rest.den, 10)
	case x.rest.big == nil:
		return append(to, "inf"...)
	}
	return append(to, x.rest.big.RatString()...)
}

// isInt reports whether the number is whole.
func (x Rat) isInt() bool {
	return x.rest == nil || x.rest.big != nil && x.rest.big.IsInt()
}

// appendJSON is MarshalJSON into a buffer.
func (x Rat) appendJSON(to []byte) []byte {
	if x.isInt() {
		return x.append(to)
	}
	return append(x.append(append(to, '"')), '"')
}

// MarshalJSON writes a number where it is whole, else a string.
func (x Rat) MarshalJSON() ([]byte, error) { return x.appendJSON(nil), nil }

// UnmarshalJSON reads what MarshalJSON writes, and nothing else: a float or an
// unreduced fraction is refused, so that equal proofs are equal bytes.
func (x *Rat) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	return x.set(text)
}

func (x *Rat) set(text string) error {
	if v, ok := exactInt(text); ok {
		*x = Int(v)
		return nil
	}
	if text == "inf" {
		*x = Inf()
		return nil
	}
	if num, den, is := strings.Cut(text, "/"); is {
		a, ok := exactInt(num)
		b, also := exactInt(den)
		if ok && also && a >= 0 && b > 1 && gcd(a, b) == 1 {
			*x = Rat{a, &rest{den: b}}
			return nil
		}
	}
	if len(text) > 400 {
		return fmt.Errorf("a number of %d characters is too long for a proof", len(text))
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.RatString() != text {
		return fmt.Errorf("%q is not an exact number (want 7 or \"39/14\")", text)
	}
	*x = FromBig(r)
	return nil
}

// exactInt reads a whole number as it is written; false where it is longer than 64 bits
// hold, or written otherwise.
func exactInt(text string) (int64, bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits[0] == '0' && text != "0" || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}
