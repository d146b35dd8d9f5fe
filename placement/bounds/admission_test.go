package bounds

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func rats(texts ...string) []*big.Rat {
	var all []*big.Rat
	for _, text := range texts {
		all = append(all, rat(text))
	}
	return all
}

func TestCompressVectors(t *testing.T) {
	for _, v := range []struct{ user, level, a, b, wantA, wantB string }{
		{".5", ".75", ".1", ".3", "1/10", "3/10"},
		{".5", ".75", ".3", ".3", "1/4", "1/4"},
		{".5", ".75", ".4", ".4", "1/4", "1/4"},
		{".8", ".4", ".5", ".5", "1/5", "1/5"},
		{".5", ".75", "0", "0", "0", "0"},
		{"0", ".75", ".1", ".3", "0", "0"},
	} {
		got := Compress(rat(v.user), rat(v.level), rats(v.a, v.b))
		if got[0].RatString() != v.wantA || got[1].RatString() != v.wantB {
			t.Errorf("caps %s, %s: (%s, %s) -> (%s, %s), want (%s, %s)", v.user, v.level, v.a, v.b, got[0].RatString(), got[1].RatString(), v.wantA, v.wantB)
		}
	}
}

// Two others of a half each on one of which a half is taken: both at once are too many.
func TestCapacityProbabilityVectors(t *testing.T) {
	half := []Tenant{{rat("1/2"), rat("0.3")}, {rat("1/2"), rat("0.3")}}
	for _, v := range []struct{ capacity, want string }{{"1/2", "91/100"}, {"1", "1"}, {"0", "49/100"}, {"-1", "0"}} {
		if got, err := CapacityProbability(rat(v.capacity), half); err != nil || got.RatString() != v.want {
			t.Errorf("capacity %s: %v, %v, want %s", v.capacity, got, err, v.want)
		}
	}
}

// Against all combinations of who is active.
func TestCapacityProbability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tenants := make([]Tenant, rapid.IntRange(0, 6).Draw(t, "tenants"))
		for i := range tenants {
			tenants[i] = Tenant{
				Share:  big.NewRat(rapid.Int64Range(0, 40).Draw(t, "share"), rapid.Int64Range(20, 40).Draw(t, "of")),
				Active: big.NewRat(rapid.Int64Range(0, 10).Draw(t, "active"), 10),
			}
		}
		capacity := big.NewRat(rapid.Int64Range(0, 60).Draw(t, "capacity"), 20)
		want := new(big.Rat)
		for mask := range 1 << len(tenants) {
			p, sum := big.NewRat(1, 1), new(big.Rat)
			for i, s := range tenants {
				if mask>>i&1 == 1 {
					p.Mul(p, s.Active)
					sum.Add(sum, s.Share)
				} else {
					p.Mul(p, new(big.Rat).Sub(big.NewRat(1, 1), s.Active))
				}
			}
			if sum.Cmp(capacity) <= 0 {
				want.Add(want, p)
			}
		}
		if got, err := CapacityProbability(capacity, tenants); err != nil || got.Cmp(want) != 0 {
			t.Fatalf("%s, %v, want %s", got, err, want)
		}
	})
}

// Too many different sums: the answer is rounded against us, and near.
func TestCapacityProbabilityRounded(t *testing.T) {
	tenants := make([]Tenant, 40)
	for i := range tenants {
		tenants[i] = Tenant{Share: big.NewRat(50_000_000+1<<i%99_991, 1_000_000_000), Active: rat("1/2")}
	}
	got, err := CapacityProbability(rat("1.1"), tenants)
	if err != nil || got.Cmp(rat("0.6")) < 0 || got.Cmp(rat("0.8")) > 0 {
		t.Errorf("%v, %v, want between 0.6 and 0.8", got.FloatString(6), err)
	}
	all, err := CapacityProbability(rat("3"), tenants)
	if err != nil || all.Cmp(rat("1")) != 0 {
		t.Errorf("all within the capacity: %v, %v", all.FloatString(6), err)
	}
}
