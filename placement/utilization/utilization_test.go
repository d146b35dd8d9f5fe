package utilization

import (
	"math/big"
	"testing"

	"github.com/vsnctl/vsnctl/vsn"
	"pgregory.net/rapid"
)

func TestCommonDenominatorIsExact(t *testing.T) {
	s := NewScale([]int64{100e6, 30e6, 7e6})
	sum := s.Of(20e6, 100e6).Plus(s.Of(10e6, 30e6)).Plus(s.Of(1e6, 7e6))
	if sum.Lo != sum.Hi {
		t.Fatalf("sum %+v is not exact", sum)
	}
	whole := s.Of(1, 3e6).Times(3e6)
	if yes, sure := Within(whole, s.Share(vsn.One)); whole.Lo != whole.Hi || !yes || !sure {
		t.Fatalf("3e6 times 1/3e6 is %+v, want exactly one", whole)
	}
	if yes, sure := Within(whole.Plus(s.Of(1, 7e6)), s.Share(vsn.One)); yes || !sure {
		t.Fatal("more than one is within one")
	}
}

// What is sure is true, whatever the periods.
func TestWithinIsNeverSurelyWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period := rapid.OneOf(rapid.Int64Range(1, 12), rapid.Int64Range(1, 1<<40))
		periods := rapid.SliceOfN(period, 1, 6).Draw(t, "periods")
		s := NewScale(periods)
		sum, exact := U{}, new(big.Rat)
		for _, p := range periods {
			q := rapid.Int64Range(0, p).Draw(t, "runtime")
			sum = sum.Plus(s.Of(q, p))
			exact.Add(exact, big.NewRat(q, p))
		}
		share := vsn.Share(rapid.Int64Range(0, int64(vsn.One)).Draw(t, "share"))
		cpus := rapid.Int64Range(1, 6).Draw(t, "cpus")
		limit := new(big.Rat).Mul(share.Rat(), big.NewRat(cpus, 1))
		yes, sure := Within(sum, s.Share(share).Times(cpus))
		if sure && yes != (exact.Cmp(limit) <= 0) {
			t.Fatalf("sum %v, limit %v: surely %v", exact, limit, yes)
		}
		if !sure && s.base != most {
			t.Fatalf("unsure under an exact denominator %d", s.base)
		}
	})
}
