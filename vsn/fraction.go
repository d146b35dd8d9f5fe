package vsn

import "math/big"

// fraction is an exact sum, not in lowest terms: to reduce the sum of many takes far
// longer than to compare it.
type fraction struct{ num, den *big.Int }

// sumOf adds n terms by halves, so that the numbers stay small for as long as can be.
func sumOf(n int, term func(i int) (num, den int64)) fraction {
	var sum func(from, to int) fraction
	sum = func(from, to int) fraction {
		switch to - from {
		case 0:
			return fraction{new(big.Int), big.NewInt(1)}
		case 1:
			num, den := term(from)
			return fraction{big.NewInt(num), big.NewInt(den)}
		}
		a, b := sum(from, (from+to)/2), sum((from+to)/2, to)
		num := new(big.Int).Mul(a.num, b.den)
		num.Add(num, new(big.Int).Mul(b.num, a.den))
		return fraction{num, a.den.Mul(a.den, b.den)}
	}
	return sum(0, n)
}

// over reports whether f exceeds have.
func (f fraction) over(have int64) bool {
	return f.num.Cmp(new(big.Int).Mul(f.den, big.NewInt(have))) > 0
}

// ceil rounds f times scale up to a whole number.
func (f fraction) ceil(scale int64) *big.Int {
	q, rest := new(big.Int).QuoRem(new(big.Int).Mul(f.num, big.NewInt(scale)), f.den, new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q
}

// ceilRate rounds up to a whole kbit, to be read.
func (f fraction) ceilRate() Rate {
	k := fraction{f.num, new(big.Int).Mul(f.den, big.NewInt(1000))}.ceil(1)
	if !k.IsInt64() || k.Int64() > int64(1<<62)/1000 {
		return 1 << 62
	}
	return Rate(k.Int64() * 1000)
}

// ceilDecimal rounds up to three places, so that what is too much looks so.
func (f fraction) ceilDecimal() string {
	return new(big.Rat).SetFrac(f.ceil(1000), big.NewInt(1000)).FloatString(3)
}
