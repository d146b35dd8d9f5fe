package placement

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestRatIsBigRat: whatever form a number has inside, it adds, compares and is written
// as math/big says.
func TestRatIsBigRat(t *testing.T) {
	edge := rapid.SampledFrom([]int64{0, 1, -1, 2, 3, 1 << 30, 1<<31 - 1, 1 << 31, 1 << 32, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, 999_999_937})
	number := rapid.Custom(func(t *rapid.T) *big.Rat {
		num := rapid.OneOf(edge, rapid.Int64(), rapid.Int64Range(-50, 50)).Draw(t, "num")
		den := rapid.OneOf(edge, rapid.Int64Range(1, 60)).Filter(func(v int64) bool { return v > 0 }).Draw(t, "den")
		r := big.NewRat(num, den)
		if rapid.IntRange(0, 9).Draw(t, "huge") == 0 {
			r.Mul(r, big.NewRat(math.MaxInt64, 7))
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, y := FromBig(a), FromBig(b)
		if x.Cmp(y) != a.Cmp(b) || x.Big().Cmp(a) != 0 || x.String() != a.RatString() {
			t.Fatalf("%v and %v: %d, want %d; %v", x, y, x.Cmp(y), a.Cmp(b), x.Big())
		}
		if got, want := x.Add(y), new(big.Rat).Add(a, b); got.Big().Cmp(want) != 0 || got.String() != want.RatString() || got.Cmp(FromBig(want)) != 0 {
			t.Fatalf("%v + %v = %v, want %v", x, y, got, want)
		}
		if a.Num().IsInt64() && a.Denom().IsInt64() {
			if f := Frac(a.Num().Int64(), a.Denom().Int64()); f.Cmp(x) != 0 {
				t.Fatalf("%v is %v as a fraction", a, f)
			}
		}
		if x.Cmp(Inf()) != -1 || Inf().Cmp(x) != 1 || !x.Add(Inf()).IsInf() {
			t.Fatalf("%v beside inf", x)
		}
		data, err := json.Marshal(x)
		var again Rat
		if err != nil || json.Unmarshal(data, &again) != nil || again.Cmp(x) != 0 {
			t.Fatalf("%v is written %s, read %v (%v)", x, data, again, err)
		}
	})
	var x Rat
	for _, text := range []string{"1.0", "01", "-0", "+1", `"2/4"`, `"4/1"`, `"-"`, `""`, `"1/0"`, `"1/-2"`, "1e3", `"01/2"`, `"Inf"`, "null", `" 1"`} {
		if err := json.Unmarshal([]byte(text), &x); err == nil && text != "null" {
			t.Errorf("%s is read as %v", text, x)
		}
	}
}
