package hosts

import (
	"errors"
	"fmt"

	"github.com/vsnctl/vsnctl/vsn"
)

// Trial is what a thread with SCHED_DEADLINE got that wanted to run all the time, on
// a CPU that somebody else wanted, too.
type Trial struct {
	RuntimeNs int64 `json:"runtimeNs"`
	PeriodNs  int64 `json:"periodNs"`
	Runs      []Run `json:"runs"` // in the order of time
}

// Run is a time without a pause, ns of one clock.
type Run struct {
	FromNs int64 `json:"fromNs"`
	ToNs   int64 `json:"toNs"`
}

// Showing is what trials show of the grain at which a host enforces budgets: none of
// it exceeds what happened, so that the real grain may be larger, not smaller.
type Showing struct {
	OverrunNs int64 `json:"overrunNs"` // the most time that a budget gave beyond its runtime
	GapNs     int64 `json:"gapNs"`     // the longest pause
	FitNs     int64 `json:"fitNs"`     // the least grain whose curve allows for that pause
	Budgets   int   `json:"budgets"`   // how many were seen from begin to end
}

// Grain is the least that covers both.
func (s Showing) Grain() vsn.Duration { return vsn.Duration(max(s.OverrunNs, s.FitNs)) }

// fewestBudgets is what a trial must have seen to say anything.
const fewestBudgets = 4

// Show tells what a trial shows. It is an error where it shows nothing: times out of
// order, too few budgets, a budget that was not enforced, or less than half of the
// promised time, so that something else was in the way.
//
// A pause of less than a quarter of what the thread has to wait between budgets is
// no throttling but an interrupt or a hypervisor: the budget goes on behind it, and
// the pause, in which the thread got nothing, is no part of what it got.
func (t Trial) Show() (Showing, error) {
	if t.RuntimeNs <= 0 || t.PeriodNs <= t.RuntimeNs {
		return Showing{}, fmt.Errorf("runtime %d ns in period %d ns leaves no pause to see", t.RuntimeNs, t.PeriodNs)
	}
	var s Showing
	var used, got, end int64 // in all, of this budget, of the run before
	for i, r := range t.Runs {
		if r.FromNs < 0 || r.ToNs < r.FromNs || i > 0 && r.FromNs < end {
			return Showing{}, fmt.Errorf("run %d is from %d to %d ns, after one to %d ns: out of order", i, r.FromNs, r.ToNs, end)
		}
		if i > 0 {
			s.GapNs = max(s.GapNs, r.FromNs-end)
		}
		if i == 0 || r.FromNs-end >= (t.PeriodNs-t.RuntimeNs)/4 {
			s.Budgets, got = s.Budgets+1, 0
		}
		used += r.ToNs - r.FromNs
		got += r.ToNs - r.FromNs
		s.OverrunNs = max(s.OverrunNs, got-t.RuntimeNs)
		end = r.ToNs
	}
	if s.Budgets < fewestBudgets {
		return Showing{}, fmt.Errorf("%d budgets seen, want %d: it was not throttled, or hardly ran", s.Budgets, fewestBudgets)
	}
	s.FitNs = t.fit(s.GapNs)
	return s, t.plausible(used, end-t.Runs[0].FromNs, s.OverrunNs)
}

// plausible compares the time that the thread used in all with its share. In a short
// window a kernel that enforces budgets at the tick is a tenth off.
func (t Trial) plausible(used, window, overrun int64) error {
	due := float64(window) * float64(t.RuntimeNs) / float64(t.PeriodNs)
	switch {
	case float64(used) > 1.25*due+float64(t.RuntimeNs+overrun):
		return errors.New("the thread got more than its reservation: the kernel does not enforce it")
	case 2*float64(used) < due:
		return errors.New("the thread got less than half of its reservation: something else was in the way")
	}
	return nil
}

// fit is the least grain g whose curve has a blackout of gap ns: 2(P-Q)+2g for g up to
// Q, and above, where k = floor(g/Q) budgets may be owed before and as many again,
// 2(P-Q)(k+1)+2g (placement/bounds.Supply, for a reservation that has its CPU for itself).
func (t Trial) fit(gap int64) int64 {
	q, p := t.RuntimeNs, t.PeriodNs
	switch {
	case gap <= 2*(p-q):
		return 0
	case gap <= 2*p:
		return (gap - 2*(p-q) + 1) / 2
	}
	k := (gap + 1) / (2 * p) // grains under (k+1)Q reach 2P(k+1)-2
	return max(k*q, q+1, (gap-2*(p-q)*(k+1)+1)/2)
}

// Show puts the showings of several trials together: the worst of each.
func Show(trials []Trial) (Showing, error) {
	var worst Showing
	for _, t := range trials {
		s, err := t.Show()
		if err != nil {
			return Showing{}, fmt.Errorf("%v/%v: %w", vsn.Duration(t.RuntimeNs), vsn.Duration(t.PeriodNs), err)
		}
		worst.OverrunNs, worst.GapNs, worst.FitNs = max(worst.OverrunNs, s.OverrunNs), max(worst.GapNs, s.GapNs), max(worst.FitNs, s.FitNs)
		worst.Budgets += s.Budgets
	}
	if len(trials) == 0 {
		return Showing{}, errors.New("no trials")
	}
	return worst, nil
}

// ticks are those that kernels are built with (kernel/Kconfig.hz), ns.
var ticks = []vsn.Duration{1_000_000, 3_333_334, 4_000_000, 10_000_000}

// grainStep is what a measured grain is rounded up to, ns.
const grainStep = 100_000

// TrustedGrain is the grain to plan with. What the kernel's configuration says is
// never made smaller by a measurement: a run of a second does not meet every case.
// What was measured above it counts, rounded up; where the configuration is not known,
// up to the next tick that kernels have.
func TrustedGrain(configured vsn.Duration, known bool, measured vsn.Duration) vsn.Duration {
	if measured <= 0 {
		return configured
	}
	up := (measured + grainStep - 1) / grainStep * grainStep
	if !known {
		for _, tick := range ticks {
			if measured <= tick {
				up = max(up, tick)
				break
			}
		}
	}
	return max(configured, up)
}
