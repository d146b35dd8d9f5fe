package hosts

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/vsn"
)

// atTicks is what a kernel gives that ends budgets at its ticks only, and takes what
// was too much from the budgets to come: ns, the ticks at multiples of tick.
func atTicks(q, p, tick, start int64, budgets int) Trial {
	t := Trial{RuntimeNs: q, PeriodNs: p}
	left, at := q, start
	for range budgets {
		end := (at + left + tick - 1) / tick * tick
		t.Runs = append(t.Runs, Run{at, end})
		left -= end - at
		for begin := at; left <= 0 || at <= end; { // the next period that has budget
			begin += p
			left = min(q, left+q)
			at = begin
		}
	}
	return t
}

// TestShowIsNeverMoreThanTheGrain: whatever is seen of a kernel with a tick, it is no
// more than the tick, and after enough budgets not much less.
func TestShowIsNeverMoreThanTheGrain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tick := rapid.Int64Range(100_000, 10_000_000).Draw(t, "tick")
		q := rapid.Int64Range(1_000_000, 12_000_000).Draw(t, "q")
		p := q + rapid.Int64Range(2*tick+q, 60_000_000).Draw(t, "pause")
		trial := atTicks(q, p, tick, rapid.Int64Range(0, tick).Draw(t, "start"), rapid.IntRange(fewestBudgets, 200).Draw(t, "budgets"))
		s, err := trial.Show()
		if err != nil {
			t.Fatal(err)
		}
		if s.OverrunNs < 0 || s.OverrunNs > tick || int64(s.Grain()) < s.OverrunNs {
			t.Fatalf("tick %d: %+v", tick, s)
		}
		// A pause that is an interrupt hides nothing but itself.
		r := &trial.Runs[rapid.IntRange(0, len(trial.Runs)-1).Draw(t, "cut")]
		if mid := (r.FromNs + r.ToNs) / 2; mid-r.FromNs > 2 {
			cut := Trial{trial.RuntimeNs, trial.PeriodNs, nil}
			for _, other := range trial.Runs {
				if other == *r {
					cut.Runs = append(cut.Runs, Run{r.FromNs, mid - 1}, Run{mid, r.ToNs})
					continue
				}
				cut.Runs = append(cut.Runs, other)
			}
			if again, err := cut.Show(); err != nil || again.OverrunNs > s.OverrunNs || again.OverrunNs < s.OverrunNs-1 || again.Budgets != s.Budgets {
				t.Fatalf("cut in two: %+v, %v, want %+v", again, err, s)
			}
		}
	})
}

func TestShowByHand(t *testing.T) {
	for _, c := range []struct {
		q, p, tick int64
		least      int64 // of the overrun
	}{{3_100_000, 16_300_000, 4_000_000, 3_600_000}, {12_100_000, 40_700_000, 4_000_000, 3_000_000}, {3_100_000, 16_300_000, 10_000_000, 9_000_000}, {3_100_000, 16_300_000, 1_000_000, 600_000}} {
		s, err := atTicks(c.q, c.p, c.tick, 700_000, 25).Show()
		if err != nil || s.OverrunNs < c.least || s.OverrunNs > c.tick {
			t.Errorf("%d/%d at ticks of %d: %+v, %v", c.q, c.p, c.tick, s, err)
		}
	}
	// The gaps of a measured table (Q, P, longest gap, all in us) and what they show: 8/20
	// and 10/100 lie below the textbook's worst, 2/10 and 0.5/1 above it.
	for _, c := range []struct{ q, p, gap, want int64 }{{10_000, 100_000, 90_800, 0}, {8_000, 20_000, 15_200, 0}, {2_000, 10_000, 20_200, 2_001}, {500, 1_000, 7_800, 1_900}, {5_000, 10_000, 15_000, 2_500}} {
		if got := (Trial{RuntimeNs: c.q, PeriodNs: c.p}).fit(c.gap); got != c.want {
			t.Errorf("%d/%d with a gap of %d: %d, want %d", c.q, c.p, c.gap, got, c.want)
		}
	}
}

func TestBadTrials(t *testing.T) {
	good := func() Trial { return atTicks(3_100_000, 16_300_000, 4_000_000, 0, 10) }
	for what, c := range map[string]struct {
		spoil func(*Trial)
		says  string
	}{
		"no runs":      {func(t *Trial) { t.Runs = nil }, "0 budgets seen, want 4"},
		"few":          {func(t *Trial) { t.Runs = t.Runs[:3] }, "3 budgets seen"},
		"no pause":     {func(t *Trial) { t.RuntimeNs = t.PeriodNs }, "leaves no pause"},
		"no runtime":   {func(t *Trial) { t.RuntimeNs = 0 }, "leaves no pause"},
		"negative":     {func(t *Trial) { t.Runs[0].FromNs = -1 }, "out of order"},
		"backwards":    {func(t *Trial) { t.Runs[4].ToNs = t.Runs[4].FromNs - 1 }, "out of order"},
		"overlapping":  {func(t *Trial) { t.Runs[4].FromNs = t.Runs[3].ToNs - 1 }, "out of order"},
		"one long run": {func(t *Trial) { t.Runs = []Run{{0, 400_000_000}} }, "1 budgets seen"},
		"not enforced": {func(t *Trial) {
			for i := range t.Runs {
				t.Runs[i] = Run{int64(i) * 16_000_000, int64(i)*16_000_000 + 10_000_000}
			}
		}, "does not enforce it"},
		"starved": {func(t *Trial) {
			for i := range t.Runs {
				t.Runs[i] = Run{int64(i) * 100_000_000, int64(i)*100_000_000 + 3_000_000}
			}
		}, "less than half"},
	} {
		trial := good()
		c.spoil(&trial)
		if _, err := Show([]Trial{good(), trial}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	if _, err := Show(nil); err == nil {
		t.Error("nothing shows something")
	}
	if s, err := Show([]Trial{good(), good()}); err != nil || s.Budgets != 20 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestTrustedGrain: never less than what was measured or configured, and not made
// smaller by seeing less.
func TestTrustedGrain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		configured := vsn.Duration(rapid.Int64Range(1, 20_000_000).Draw(t, "configured"))
		measured := vsn.Duration(rapid.Int64Range(0, 40_000_000).Draw(t, "measured"))
		known := rapid.Bool().Draw(t, "known")
		got := TrustedGrain(configured, known, measured)
		if got < configured || got < measured || got > max(configured, measured+10_000_000) {
			t.Fatalf("configured %v (known %t), measured %v: %v", configured, known, measured, got)
		}
		if more := TrustedGrain(configured, known, measured+1); more < got {
			t.Fatalf("%v measured gives %v, a nanosecond more %v", measured, got, more)
		}
	})
	for _, c := range []struct {
		configured vsn.Duration
		known      bool
		measured   vsn.Duration
		want       vsn.Duration
	}{
		{4e6, true, 3_629_001, 4e6}, {4e6, true, 0, 4e6}, {4e6, true, 4_010_000, 4_100_000}, {100_000, true, 130_000, 200_000},
		{4e6, false, 5e6, 10e6}, {4e6, false, 100_000, 4e6}, {4e6, false, 10_000_001, 10_100_000},
	} {
		if got := TrustedGrain(c.configured, c.known, c.measured); got != c.want {
			t.Errorf("configured %v (known %t), measured %v: %v, want %v", c.configured, c.known, c.measured, got, c.want)
		}
	}
}
