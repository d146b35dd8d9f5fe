package bounds

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestLeastRuntimeVectors(t *testing.T) {
	tasks := []Task{{Cost: 7, Period: 50}, {Cost: 9, Period: 75}}
	if got, err := LeastRuntimeEDF(tasks, 10); err != nil || got.RatString() != "39/14" {
		t.Errorf("EDF: %v, %v, want 39/14", got, err)
	}
	if got, err := LeastRuntimeFixed(RateMonotonic(tasks), 10); err != nil || got.RatString() != "7/2" {
		t.Errorf("rate monotonic: %v, %v, want 7/2", got, err)
	}
	// One message against its deadline: the inverse of the supply's vectors.
	for _, v := range []struct {
		work, interval, period int64
		want                   string
	}{{10, 190, 100, "10"}, {5, 185, 100, "10"}, {20, 290, 100, "10"}, {30, 30, 100, "100"}, {0, 5, 100, "0"}} {
		if got := LeastRuntime(v.work, v.interval, v.period, 0); got == nil || got.RatString() != v.want {
			t.Errorf("%d within %d, period %d: %v, want %s", v.work, v.interval, v.period, got, v.want)
		}
	}
	if got := LeastRuntime(31, 30, 100, 0); got != nil {
		t.Errorf("31 within 30: %v", got)
	}
}

func TestLeastRuntimeRefused(t *testing.T) {
	for _, least := range []func([]Task, int64) (*big.Rat, error){LeastRuntimeEDF, LeastRuntimeFixed} {
		if _, err := least([]Task{{3, 4, 0}, {2, 4, 0}}, 10); !errors.Is(err, ErrInfeasible) {
			t.Errorf("overload: %v", err)
		}
		if _, err := least([]Task{{2, 8, 2}, {2, 8, 3}}, 10); !errors.Is(err, ErrInfeasible) {
			t.Errorf("deadlines too short together: %v", err)
		}
		if _, err := least([]Task{{3, 4, 2}}, 10); err == nil {
			t.Error("cost over deadline is taken")
		}
		if _, err := least([]Task{{1, 4, 0}}, 0); err == nil {
			t.Error("period 0 is taken")
		}
		if got, err := least(nil, 10); err != nil || got.Sign() != 0 {
			t.Errorf("no tasks: %v, %v", got, err)
		}
		if got, err := least([]Task{{1, 2, 0}, {1, 2, 0}}, 10); err != nil || got.RatString() != "10" {
			t.Errorf("all of a processor: %v, %v", got, err)
		}
	}
}

// fitsReal tells whether a real runtime passes a test on integers.
func fitsReal(runtime *big.Rat, tasks []Task, period int64, test func([]Task, Supply) bool) bool {
	_, scaled, s, err := scaledTo(runtime, tasks, period)
	return err == nil && test(scaled, s)
}

func TestLeastRuntimeOfOneInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period := rapid.Int64Range(1, 30).Draw(t, "period")
		deadline := rapid.Int64Range(1, period).Draw(t, "deadline")
		work := rapid.Int64Range(1, 60).Draw(t, "work")
		interval := rapid.Int64Range(1, 150).Draw(t, "interval")
		least := LeastRuntime(work, interval, period, deadline)
		if least == nil {
			if whole := (Supply{Runtime: deadline, Period: period, Deadline: deadline}); whole.SBF(interval) >= work {
				t.Fatalf("the runtime %d gives %d, but none is found", deadline, whole.SBF(interval))
			}
			return
		}
		scale := new(big.Int).Mul(least.Denom(), big.NewInt(1000)).Int64()
		scaled := new(big.Rat).Mul(least, ratInt(scale)).Num().Int64()
		s := Supply{Runtime: scaled, Period: period * scale, Deadline: deadline * scale}
		if got := s.SBF(interval * scale); got < work*scale {
			t.Fatalf("runtime %s gives %d/%d, less than %d", least, got, scale, work)
		}
		s.Runtime--
		if s.valid() && s.SBF(interval*scale) >= work*scale {
			t.Fatalf("runtime %d/%d gives as much as the least, %s", s.Runtime, scale, least)
		}
	})
}

func TestLeastRuntimeIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawTasks(t, rapid.Bool().Draw(t, "arbitrary"))
		period := rapid.Int64Range(1, 12).Draw(t, "period")
		for name, v := range map[string]struct {
			least func([]Task, int64) (*big.Rat, error)
			test  func([]Task, Supply) bool
		}{
			"edf":   {LeastRuntimeEDF, func(tasks []Task, s Supply) bool { _, ok := EDF(tasks, s); return ok }},
			"fixed": {LeastRuntimeFixed, func(tasks []Task, s Supply) bool { _, ok := FixedPriority(tasks, s); return ok }},
		} {
			runtime, err := v.least(tasks, period)
			if errors.Is(err, ErrInfeasible) {
				if fitsReal(ratInt(period), tasks, period, v.test) {
					t.Fatalf("%s: %v fit a whole processor, but: %v", name, tasks, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v, period %d: %v", name, tasks, period, err)
			}
			if !fitsReal(runtime, tasks, period, v.test) {
				t.Fatalf("%s: %v do not fit %s/%d", name, tasks, runtime, period)
			}
			less := new(big.Rat).Sub(runtime, big.NewRat(1, 997))
			if less.Sign() > 0 && fitsReal(less, tasks, period, v.test) {
				t.Fatalf("%s: %v fit %s/%d, less than the least %s", name, tasks, less, period, runtime)
			}
		}
	})
}

func TestLeastBudget(t *testing.T) {
	fits := func(s Supply) bool { at, ok := s.Time(5); return ok && at <= 60 }
	for _, v := range []struct {
		s          Supply
		step, want int64
		ok         bool
	}{
		{Supply{Period: 40}, 1, 13, true}, // 5 + 2*(40-13) = 59
		{Supply{Period: 40}, 4, 16, true},
		{Supply{Period: 40, Grain: 2}, 1, 15, true},  // 4 later: 5 + 2*(40-15) + 4 = 59
		{Supply{Period: 40, Grain: 20}, 1, 33, true}, // 40 later: 5 + 2*(40-33) + 40 = 59
		{Supply{Period: 40, Grain: 41}, 1, 0, false},
		{Supply{Period: 100}, 64, 0, false},
	} {
		got, ok := LeastBudget(v.s, v.step, fits)
		if ok != v.ok || ok && got != v.want {
			t.Errorf("%+v by %d: %d, %v, want %d, %v", v.s, v.step, got, ok, v.want, v.ok)
		}
	}
}
