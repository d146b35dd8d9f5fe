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

func TestAdmit(t *testing.T) {
	service := func(share, active, confidence string) Service {
		return Service{rat(share), rat(active), rat(confidence)}
	}
	// Three of a half each on one: two fit; the third is in the way with 0.3*0.3.
	three := []Service{service("1/2", "0.3", "0.91"), service("1/2", "0.3", "0.91"), service("1/2", "0.3", "0.91")}
	if failing, have, err := Admit(rat("1"), three); failing != -1 || err != nil {
		t.Errorf("three at 0.91: %d, %v, %v", failing, have, err)
	}
	three[1].Confidence = rat("0.910001")
	if failing, have, err := Admit(rat("1"), three); failing != 1 || err != nil || have.RatString() != "91/100" {
		t.Errorf("the second at more: %d, %v, %v", failing, have, err)
	}
	if failing, _, _ := Admit(rat("1"), []Service{service("1/2", "1", "1"), service("1/2", "0.01", "1")}); failing != -1 {
		t.Errorf("all that is asked fits, and yet %d fails", failing)
	}
	if failing, _, _ := Admit(rat("1"), []Service{service("1/2", "1", "1"), service("0.6", "0.01", "0.5")}); failing != 0 {
		t.Errorf("a promise without exception is broken with probability 0.01, but %d fails", failing)
	}
	if failing, have, _ := Admit(rat("1"), []Service{service("2", "0.5", "0.1")}); failing != 0 || have.Sign() != 0 {
		t.Errorf("more than the capacity: %d, %v", failing, have)
	}
	if _, _, err := Admit(rat("1"), []Service{service("1/2", "1.5", "1")}); err == nil {
		t.Error("a probability over 1 is taken")
	}
}

// Against all combinations of who is active.
func TestCapacityProbability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := make([]Service, rapid.IntRange(0, 6).Draw(t, "services"))
		for i := range services {
			services[i] = Service{
				Share:  big.NewRat(rapid.Int64Range(0, 40).Draw(t, "share"), rapid.Int64Range(20, 40).Draw(t, "of")),
				Active: big.NewRat(rapid.Int64Range(0, 10).Draw(t, "active"), 10),
			}
		}
		capacity := big.NewRat(rapid.Int64Range(0, 60).Draw(t, "capacity"), 20)
		want := new(big.Rat)
		for mask := range 1 << len(services) {
			p, sum := big.NewRat(1, 1), new(big.Rat)
			for i, s := range services {
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
		if got, err := CapacityProbability(capacity, services); err != nil || got.Cmp(want) != 0 {
			t.Fatalf("%s, %v, want %s", got, err, want)
		}
	})
}

// Too many different sums: the answer is rounded against us, and near.
func TestCapacityProbabilityRounded(t *testing.T) {
	services := make([]Service, 40)
	for i := range services {
		services[i] = Service{Share: big.NewRat(50_000_000+1<<i%99_991, 1_000_000_000), Active: rat("1/2")}
	}
	got, err := CapacityProbability(rat("1.1"), services)
	if err != nil || got.Cmp(rat("0.6")) < 0 || got.Cmp(rat("0.8")) > 0 {
		t.Errorf("%v, %v, want between 0.6 and 0.8", got.FloatString(6), err)
	}
	all, err := CapacityProbability(rat("3"), services)
	if err != nil || all.Cmp(rat("1")) != 0 {
		t.Errorf("all within the capacity: %v, %v", all.FloatString(6), err)
	}
}
