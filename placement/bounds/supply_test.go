package bounds

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestSupplyVectors(t *testing.T) {
	// Of the response-time-analysis crate by B. Brandenburg.
	shin := Supply{Runtime: 3, Period: 5}
	for i, want := range []int64{0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6, 7} {
		if got := shin.SBF(int64(i)); got != want {
			t.Errorf("3/5: sbf(%d) = %d, want %d", i, got, want)
		}
	}
	for i, want := range []int64{5, 6, 7, 10, 11, 12, 15, 16, 17, 20, 21, 22, 25, 26, 27} {
		if got, ok := shin.Time(int64(i + 1)); got != want || !ok {
			t.Errorf("3/5: time(%d) = %d, %v, want %d", i+1, got, ok, want)
		}
	}
	edp := Supply{Runtime: 2, Period: 11, Deadline: 5}
	for at, want := range map[int64]int64{12: 0, 13: 1, 14: 2, 15: 2, 22: 2, 23: 2, 24: 3, 25: 4, 26: 4} {
		if got := edp.SBF(at); got != want {
			t.Errorf("2/11 in 5: sbf(%d) = %d, want %d", at, got, want)
		}
	}
	for _, v := range []struct{ q, p, c, want int64 }{
		{10, 100, 5, 185}, {10, 100, 10, 190}, {10, 100, 11, 281}, {10, 100, 20, 290},
		{30, 100, 10, 150}, {30, 100, 30, 170}, {30, 100, 31, 241}, {30, 100, 60, 270},
	} {
		if got, _ := (Supply{Runtime: v.q, Period: v.p}).Time(v.c); got != v.want {
			t.Errorf("%d/%d: time(%d) = %d, want %d", v.q, v.p, v.c, got, v.want)
		}
	}
	four := Supply{Runtime: 4, Period: 10}
	for at, want := range map[int64]int64{13: 1, 14: 2, 15: 3, 16: 4, 23: 5} {
		if got := four.SBF(at); got != want {
			t.Errorf("4/10: sbf(%d) = %d, want %d", at, got, want)
		}
	}
}

// The longest gaps that one CPU hog saw on a host with a tick of 4 ms, in
// microseconds: the model of the grain must cover each.
func TestGrainCoversMeasurement(t *testing.T) {
	for _, m := range []struct {
		q, p, gap int64
		curve     string
	}{
		{10000, 100000, 90800, CurveDelayed},
		{30000, 100000, 70600, CurveDelayed},
		{20000, 40000, 21800, CurveDelayed},
		{8000, 20000, 15200, CurveDelayed},
		{5000, 10000, 7100, CurveDelayed},
		{2000, 10000, 20200, CurveInflated},
		{500, 1000, 7800, CurveInflated},
	} {
		s := Supply{Runtime: m.q, Period: m.p, Grain: 4000}
		if s.Blackout() < m.gap {
			t.Errorf("%d/%d us: blackout %d us is under the %d us measured", m.q, m.p, s.Blackout(), m.gap)
		}
		if s.Curve() != m.curve {
			t.Errorf("%d/%d us: curve %s, want %s", m.q, m.p, s.Curve(), m.curve)
		}
	}
	if got := (Supply{Runtime: 2, Period: 10}).Curve(); got != CurveIdeal {
		t.Errorf("no grain: curve %s", got)
	}
}

func TestSupplyRefused(t *testing.T) {
	for _, s := range []Supply{
		{}, {Runtime: 1}, {Runtime: 0, Period: 5}, {Runtime: 6, Period: 5}, {Runtime: 3, Period: 5, Deadline: 2},
		{Runtime: 3, Period: 5, Deadline: 6}, {Runtime: 1, Period: 5, Grain: -1}, {Runtime: -1, Period: 5},
		{Runtime: 1, Period: 1 << 61}, {Runtime: 1, Period: 5, Grain: 1 << 61}, {Runtime: 1, Period: 5, Deadline: -1},
	} {
		if s.Validate() == nil || s.valid() {
			t.Errorf("%+v is taken for valid", s)
		}
		if got := s.SBF(Inf); got != 0 {
			t.Errorf("%+v supplies %d", s, got)
		}
		if got, ok := s.Time(1); ok || got != Inf {
			t.Errorf("%+v supplies 1 within %d", s, got)
		}
		if rate, latency := s.Linear(); rate.Sign() != 0 || latency != Inf || s.Blackout() != Inf || s.Curve() != CurveNone {
			t.Errorf("%+v: rate %s, latency %d", s, rate, latency)
		}
	}
}

func TestSupplySaturates(t *testing.T) {
	s := Supply{Runtime: 1, Period: largest}
	if got, ok := s.Time(1 << 40); ok || got != Inf {
		t.Errorf("2^40 of 1/2^60: %d, %v, want no finite time", got, ok)
	}
	s.Grain = 1 << 59
	if got, ok := s.Time(1 << 40); ok || got != Inf {
		t.Errorf("with a grain of 2^59: %d, %v, want no finite time", got, ok)
	}
	if got := s.SBF(Inf); got < 0 || got > 9 {
		t.Errorf("sbf(Inf) = %d, want at most 8", got)
	}
}

func drawSupply(t *rapid.T, most int64) Supply {
	p := rapid.Int64Range(1, most).Draw(t, "period")
	q := rapid.Int64Range(1, p).Draw(t, "runtime")
	s := Supply{Runtime: q, Period: p}
	if rapid.Bool().Draw(t, "constrained") {
		s.Deadline = rapid.Int64Range(q, p).Draw(t, "deadline")
	}
	if rapid.Bool().Draw(t, "ticks") {
		s.Grain = rapid.Int64Range(1, most).Draw(t, "grain")
	}
	return s
}

func TestTimeInvertsSBF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 60)
		c := rapid.Int64Range(1, 300).Draw(t, "c")
		at, ok := s.Time(c)
		if !ok || s.SBF(at) < c || s.SBF(at-1) >= c {
			t.Fatalf("%+v: time(%d) = %d, but sbf is %d there and %d just before", s, c, at, s.SBF(at), s.SBF(at-1))
		}
		if b := s.Blackout(); s.SBF(b) != 0 || s.SBF(b+1) != 1 {
			t.Fatalf("%+v: blackout %d, but sbf is %d there and %d just after", s, b, s.SBF(b), s.SBF(b+1))
		}
	})
}

func TestLinearIsBelowSBF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 60)
		rate, latency := s.Linear()
		if rate.Cmp(big.NewRat(s.Runtime, s.Period)) > 0 {
			t.Fatalf("%+v: rate %s exceeds the share", s, rate)
		}
		touched := false
		for at := range int64(800) {
			line := new(big.Rat).Mul(rate, ratInt(at-latency))
			got := ratInt(s.SBF(at))
			if at >= latency && got.Cmp(line) < 0 {
				t.Fatalf("%+v: sbf(%d) = %s is under the line %s", s, at, got, line)
			}
			touched = touched || at > latency && got.Cmp(line) == 0
		}
		if s.Curve() != CurveInflated && latency+s.Period < 800 && !touched { // inflated: its latency is rounded
			t.Fatalf("%+v: the line never touches the supply: not the largest", s)
		}
	})
}

func TestSupplyMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 60)
		at := rapid.Int64Range(0, 600).Draw(t, "t")
		if s.SBF(at+1) < s.SBF(at) || s.SBF(at+1) > s.SBF(at)+1 {
			t.Fatalf("%+v: sbf goes from %d to %d", s, s.SBF(at), s.SBF(at+1))
		}
		ideal := Supply{Runtime: s.Runtime, Period: s.Period, Deadline: s.Deadline}
		if s.SBF(at) > ideal.SBF(at) {
			t.Fatalf("%+v: the grain adds supply: %d > %d", s, s.SBF(at), ideal.SBF(at))
		}
		more := s
		more.Runtime++
		if more.valid() && more.SBF(at) < s.SBF(at) {
			t.Fatalf("%+v: one more of runtime gives %d, not %d", s, more.SBF(at), s.SBF(at))
		}
	})
}

// Every way in which a server may place its budget, for small integers: the least
// supply over all windows is sbf.
func TestSBFBruteForce(t *testing.T) {
	const periods = 4
	for p := 1; p <= 4; p++ {
		for d := 1; d <= p; d++ {
			for q := 1; q <= d; q++ {
				least := leastSupply(q, p, d, periods)
				s := Supply{Runtime: int64(q), Period: int64(p), Deadline: int64(d)}
				for length, want := range least {
					if got := s.SBF(int64(length)); got != int64(want) {
						t.Errorf("%+v: sbf(%d) = %d, brute force %d", s, length, got, want)
					}
				}
			}
		}
	}
}

// leastSupply gives, for each length up to (periods-1)*p, the least supply in any
// window of that length, over all placements of q slots in the first d of every p.
func leastSupply(q, p, d, periods int) []int {
	var placements []uint
	for mask := range uint(1) << d {
		if popcount(mask) == q {
			placements = append(placements, mask)
		}
	}
	least := make([]int, (periods-1)*p+1)
	for i := range least {
		least[i] = len(least)
	}
	pattern := make([]int, periods)
	for {
		var slots uint
		for k, choice := range pattern {
			slots |= placements[choice] << (k * p)
		}
		for start := 0; start < p; start++ {
			sum := 0
			for length := range least {
				least[length] = min(least[length], sum)
				sum += int(slots >> (start + length) & 1)
			}
		}
		k := 0
		for ; k < periods; k++ {
			if pattern[k]++; pattern[k] < len(placements) {
				break
			}
			pattern[k] = 0
		}
		if k == periods {
			return least
		}
	}
}

func popcount(mask uint) (n int) {
	for ; mask != 0; mask &= mask - 1 {
		n++
	}
	return n
}

func TestSupplyDoesNotAllocate(t *testing.T) {
	s := Supply{Runtime: 2e6, Period: 10e6, Grain: 4e6}
	flows := []Arrival{{Period: 20e6, Cost: 1e6, Jitter: 3e6}, {Period: 50e6, Cost: 2e6, Burst: 3}}
	var sink int64
	if n := testing.AllocsPerRun(100, func() {
		c, _ := s.Time(7e6)
		d, _ := RequestDelay(s, flows)
		sink += c + d + s.SBF(c) + s.Blackout()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestScale(t *testing.T) {
	ints, den, err := Scale(big.NewRat(1, 2), big.NewRat(2, 3), big.NewRat(5, 1))
	if err != nil || den != 6 || len(ints) != 3 || ints[0] != 3 || ints[1] != 4 || ints[2] != 30 {
		t.Errorf("1/2, 2/3, 5: %v over %d, %v", ints, den, err)
	}
	if _, _, err := Scale(big.NewRat(-1, 2)); err == nil {
		t.Error("a negative value is taken")
	}
	if _, _, err := Scale(big.NewRat(1, 1<<61)); err == nil {
		t.Error("a denominator beyond 2^60 is taken")
	}
	if _, _, err := Scale(big.NewRat(1<<50, 1), big.NewRat(1, 1<<30)); err == nil {
		t.Error("a scaled value beyond 2^60 is taken")
	}
}

// TestSBFCoversTicks plays a server whose budget ends at ticks, as in Linux
// (kernel/sched/deadline.c): what is overrun is missing, and is paid with as many
// budgets as it takes, all given at once with a deadline after their periods.
func TestSBFCoversTicks(t *testing.T) {
	const length = 120
	for p := int64(1); p <= 7; p++ {
		for q := int64(1); q <= p; q++ {
			for g := int64(1); g <= 9; g++ {
				s := Supply{Runtime: q, Period: p, Grain: g}
				for phase := range g {
					given := ticked(q, p, g, phase, 3*length)
					for from := range int64(2 * length) {
						for n := int64(0); n <= length; n++ {
							if seen := given[from+n] - given[from]; seen < s.SBF(n) {
								t.Fatalf("%+v, tick %d: %d in [%d, %d), sbf is %d", s, phase, seen, from, from+n, s.SBF(n))
							}
						}
					}
				}
			}
		}
	}
}

// ticked is what the server has given before each moment, to what always runs.
func ticked(q, p, g, phase, length int64) []int64 {
	given := make([]int64, length+1)
	left, deadline, stopped := q, p, false
	for now := range length {
		for ; stopped && now >= deadline && left <= 0; left += q {
			deadline += p
		}
		stopped = stopped && left <= 0
		given[now+1] = given[now]
		if !stopped {
			given[now+1]++
			left--
		}
		stopped = stopped || left <= 0 && (now+1)%g == phase
	}
	return given
}
