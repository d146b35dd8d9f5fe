package bounds

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Against arithmetic without limits: exact within the range, Inf beyond.
func TestSaturatingArithmetic(t *testing.T) {
	value := rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(0, Inf), rapid.Int64Range(Inf-9, Inf))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := value.Draw(t, "a"), value.Draw(t, "b"), max(value.Draw(t, "c"), 1)
		x, y, z := big.NewInt(a), big.NewInt(b), big.NewInt(c)
		product := new(big.Int).Mul(x, y)
		up := new(big.Int).Add(product, z)
		up.Sub(up, big.NewInt(1)).Quo(up, z)
		for name, v := range map[string]struct {
			got  int64
			want *big.Int
		}{
			"a+b":   {addSat(a, b), new(big.Int).Add(x, y)},
			"a*b":   {mulSat(a, b), product},
			"a*b/c": {mulDivUp(a, b, c), up},
			"a/c":   {ceilDiv(a, c), new(big.Int).Quo(new(big.Int).Add(x, new(big.Int).Sub(z, big.NewInt(1))), z)},
		} {
			want := Inf
			if v.want.IsInt64() {
				want = v.want.Int64()
			}
			if v.got != want {
				t.Fatalf("%s of %d, %d, %d: %d, want %d", name, a, b, c, v.got, want)
			}
		}
	})
	if got := mulDivUp(Inf, 2, 1); got != Inf {
		t.Errorf("Inf*2/1 = %d", got)
	}
	if got := mulDivUp(1<<62, 4, 1); got != Inf {
		t.Errorf("2^62*4/1 = %d", got)
	}
}

func TestLCM(t *testing.T) {
	for _, v := range []struct{ a, b, want int64 }{{4, 6, 12}, {1, 7, 7}, {5, 5, 5}, {1<<40 - 1, 1 << 40, Inf}, {Inf, 3, Inf}, {3, Inf, Inf}} {
		if got := lcmSat(v.a, v.b); got != v.want {
			t.Errorf("lcm(%d, %d) = %d, want %d", v.a, v.b, got, v.want)
		}
	}
}
