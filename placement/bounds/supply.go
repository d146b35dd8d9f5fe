package bounds

import (
	"fmt"
	"math/big"
)

// Supply is one CPU reservation: Runtime of processor time in every Period, given
// within Deadline of the period's start. All are nanoseconds (or one other unit).
//
// Source of the ideal curve: the periodic resource model, Shin and Lee, "Periodic
// Resource Model for Compositional Real-Time Guarantees", RTSS 2003; with a
// deadline under the period, the explicit-deadline periodic model, Easwaran, Anand
// and Lee, "Compositional Analysis Framework Using EDP Resource Models", RTSS 2007.
//
// Grain is the interval at which the host enforces budgets: the scheduler tick
// where HRTICK_DL is off. The curves for a Grain over 0 are an engineering model
// fitted to measurements on Linux, not a theorem. Runtime >= Grain: the ideal curve,
// 2*Grain later. Runtime < Grain: what runs from tick to tick may have used a Grain
// too much, and pays for that with as many of the next budgets as it takes
// (kernel/sched/deadline.c, replenish_dl_entity): that wait, a Grain of debt, and all
// that 2*Grain later. Less Runtime never supplies more.
//
// Others are further reservations on the same CPU. Each may overrun its budget by up
// to a Grain before it is stopped, which delays this one by a Grain more for each; and
// what this one has overrun, which alone it has had the sooner, is then missing from a
// budget that comes as late as it can: a Grain of debt. With ideal enforcement they do
// not matter.
//
// A Supply for which Validate reports an error supplies nothing.
type Supply struct {
	Runtime  int64
	Period   int64
	Deadline int64 // 0: Period
	Grain    int64 // 0: ideal enforcement
	Others   int64 // reservations that share the CPU
}

// Names of the curves that Curve reports.
const (
	CurveIdeal    = "ideal"
	CurveDelayed  = "tick-delayed"
	CurveInflated = "tick-inflated"
	CurveNone     = "none"
)

// Validate reports why s is no reservation: it wants 0 < Runtime <= Deadline <=
// Period <= 2^60, 0 <= Grain <= 2^60 and 0 <= Others <= 2^20.
func (s Supply) Validate() error {
	d := s.deadline()
	switch {
	case s.Period <= 0 || s.Period > largest:
		return fmt.Errorf("period %d: want 1 to 2^60", s.Period)
	case s.Runtime <= 0:
		return fmt.Errorf("runtime %d: want more than 0", s.Runtime)
	case d > s.Period:
		return fmt.Errorf("deadline %d exceeds period %d", d, s.Period)
	case s.Runtime > d:
		return fmt.Errorf("runtime %d exceeds deadline %d: no processor can give it", s.Runtime, d)
	case s.Grain < 0 || s.Grain > largest:
		return fmt.Errorf("grain %d: want 0 to 2^60", s.Grain)
	case s.Others < 0 || s.Others > mostOthers:
		return fmt.Errorf("others %d: want 0 to 2^20", s.Others)
	}
	return nil
}

func (s Supply) valid() bool {
	d := s.deadline()
	return s.Runtime > 0 && s.Runtime <= d && d <= s.Period && s.Period <= largest && s.Grain >= 0 && s.Grain <= largest &&
		s.Others >= 0 && s.Others <= mostOthers
}

// mostOthers is more than the reservations that any host carries.
const mostOthers = 1 << 20

// shift is how much later than the ideal curve supply comes.
func (s Supply) shift() int64 { return mulSat(2+s.Others, s.Grain) }

func (s Supply) deadline() int64 {
	if s.Deadline == 0 {
		return s.Period
	}
	return s.Deadline
}

// Curve names the curve that all other methods use: CurveIdeal, CurveDelayed or
// CurveInflated; CurveNone where s is not valid.
func (s Supply) Curve() string {
	switch {
	case !s.valid():
		return CurveNone
	case s.Grain == 0:
		return CurveIdeal
	case s.Runtime >= s.Grain:
		return CurveDelayed
	}
	return CurveInflated
}

// SBF is the supply bound function: the least processor time that s gives in any
// window of length t.
func (s Supply) SBF(t int64) int64 {
	if !s.valid() || t <= 0 {
		return 0
	}
	return s.pattern().sbf(t - min(t, s.shift()))
}

// Time is the inverse of SBF: the longest time in which s gives c of processor
// time, that is the least t with SBF(t) >= c. ok is false, and the time Inf, where
// s gives nothing or the time is beyond the range.
func (s Supply) Time(c int64) (t int64, ok bool) {
	if c <= 0 {
		return 0, true
	}
	if !s.valid() {
		return Inf, false
	}
	t = addSat(s.pattern().time(c), s.shift())
	return t, t < Inf
}

// Blackout is the longest window without any supply; Inf where s is not valid.
func (s Supply) Blackout() int64 {
	if !s.valid() {
		return Inf
	}
	return addSat(s.pattern().time(1)-1, s.shift())
}

// Linear is a rate-latency curve below SBF, the largest where the latency is whole: in
// any window of length t, s gives at least rate*(t-latency). Its inverse latency +
// c/rate is never less than Time(c). Where s is not valid the rate is 0 and the latency Inf.
func (s Supply) Linear() (rate *big.Rat, latency int64) {
	if !s.valid() {
		return new(big.Rat), Inf
	}
	w := s.pattern()
	latency = addSat(addSat(w.gap, mulDivUp(w.debt, w.p-w.q, w.q)), s.shift())
	return big.NewRat(s.Runtime, s.Period), latency
}

// rate is the long-run share that SBF guarantees, as a fraction; 0/1 where s is
// not valid.
func (s Supply) rate() (num, den int64) {
	if !s.valid() {
		return 0, 1
	}
	return s.Runtime, s.Period
}

// pattern is a worst pattern of supply: nothing for gap less debt, then q in every p,
// of which the first, debt in all, is lost.
type pattern struct{ q, p, gap, debt int64 }

func (s Supply) pattern() pattern {
	w := pattern{q: s.Runtime, p: s.Period, gap: s.Period + s.deadline() - 2*s.Runtime, debt: s.Debt()}
	if s.Runtime < s.Grain {
		// A grain in debt, the server is given at once the budgets of as many
		// periods as pay it, with a deadline after all of them; it runs a grain into
		// debt again, waits for that deadline, and then for others on its CPU.
		w.gap = mulSat(s.Grain/s.Runtime+2, s.Period-s.Runtime)
	}
	return w
}

// Debt is how much of the first budgets may be missing for what was overrun before:
// a Grain where the budget is less, or where Others can keep it waiting besides.
func (s Supply) Debt() int64 {
	if s.Runtime < s.Grain || s.Others > 0 {
		return s.Grain
	}
	return 0
}

func (w pattern) sbf(t int64) int64 {
	if t <= w.gap {
		return 0
	}
	t = addSat(t-w.gap, w.debt)
	return max(0, t/w.p*w.q+min(t%w.p, w.q)-w.debt)
}

func (w pattern) time(c int64) int64 {
	whole := addSat(c-1, w.debt) / w.q // budgets used up before the one in which c is reached
	return addSat(addSat(w.gap, c), mulSat(whole, w.p-w.q))
}
