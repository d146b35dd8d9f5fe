package bounds

import (
	"errors"
	"fmt"
	"math/big"
	"sort"
)

// ErrInfeasible says that no reservation of the period suffices, not even the
// whole processor.
var ErrInfeasible = errors.New("no budget suffices")

// ErrUndecided says that the numbers are beyond the range of this arithmetic.
var ErrUndecided = errors.New("not decided: a common period or a busy period is beyond 2^60; use coarser numbers")

// LeastRuntime is the least real runtime of a reservation with that period and
// deadline (0: the period), enforced ideally, that gives work in any interval; nil
// where work exceeds the interval. For each number n of budgets that the work
// spreads over, the runtime is at least work/n, and at least what the worst pattern
// needs to give it in time: the least over n of the larger of the two lies at the
// root where they cross. Derived from the supply of Shin and Lee 2003.
func LeastRuntime(work, interval, period, deadline int64) *big.Rat {
	if deadline == 0 {
		deadline = period
	}
	if work <= 0 {
		return new(big.Rat)
	}
	if work > interval || deadline > period || deadline <= 0 {
		return nil
	}
	// The larger root of period*n^2 - slack*n - work = 0, rounded down.
	p, c, slack := big.NewInt(period), big.NewInt(work), big.NewInt(interval-deadline)
	n := new(big.Int).Mul(slack, slack)
	n.Add(n, new(big.Int).Mul(big.NewInt(4), new(big.Int).Mul(p, c)))
	n.Sqrt(n).Add(n, slack).Quo(n, new(big.Int).Lsh(p, 1))
	least := runtimeOver(n, c, p, slack)
	if more := runtimeOver(n.Add(n, big.NewInt(1)), c, p, slack); least == nil || more.Cmp(least) < 0 {
		least = more
	}
	if least.Cmp(ratInt(deadline)) > 0 {
		return nil
	}
	return least
}

// runtimeOver is the larger of c/n and (n*p + c - slack)/(n+1); nil for n = 0.
func runtimeOver(n, c, p, slack *big.Int) *big.Rat {
	if n.Sign() == 0 {
		return nil
	}
	each := new(big.Rat).SetFrac(c, n)
	late := new(big.Int).Mul(n, p)
	late.Add(late, c).Sub(late, slack)
	inTime := new(big.Rat).SetFrac(late, new(big.Int).Add(n, big.NewInt(1)))
	if inTime.Cmp(each) > 0 {
		return inTime
	}
	return each
}

// LeastRuntimeEDF is the least real runtime with which a reservation of that
// period, enforced ideally, carries the tasks under earliest deadline first: the
// exact interface of Shin and Lee 2003. Errors: ErrInfeasible, ErrUndecided, a task
// that is not valid.
func LeastRuntimeEDF(tasks []Task, period int64) (*big.Rat, error) {
	runtime, err := leastStart(tasks, period)
	if err != nil {
		return nil, err
	}
	// Any window that fails gives a runtime that is needed at least; when none
	// fails, the runtime suffices as well, so it is the least.
	for {
		scale, scaled, s, err := scaledTo(runtime, tasks, period)
		if err != nil {
			return nil, err
		}
		at, ok := EDF(scaled, s)
		if ok {
			return runtime, nil
		}
		if at == Inf {
			return nil, ErrUndecided
		}
		at /= scale
		if runtime, err = raised(runtime, LeastRuntime(Demand(tasks, at), at, period, 0)); err != nil {
			return nil, err
		}
	}
}

// LeastRuntimeFixed is the least real runtime with which a reservation of that
// period, enforced ideally, carries the tasks under fixed priority in the order
// given (see RateMonotonic, DeadlineMonotonic). Errors as LeastRuntimeEDF.
func LeastRuntimeFixed(tasks []Task, period int64) (*big.Rat, error) {
	runtime, err := leastStart(tasks, period)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(tasks); {
		_, scaled, s, err := scaledTo(runtime, tasks, period)
		if err != nil {
			return nil, err
		}
		_, job, ok := response(scaled[:i+1], s, scaled[i].deadline())
		if ok {
			i++
			continue
		}
		if runtime, err = raised(runtime, leastForJob(tasks[:i+1], job, period)); err != nil {
			return nil, err
		}
	}
	return runtime, nil
}

// leastForJob is the least runtime with which that job of the last task, counted
// from 0 in the busy period, is done by its deadline: the least over all moments at
// which the work released before grows.
func leastForJob(tasks []Task, job, period int64) *big.Rat {
	last := tasks[len(tasks)-1]
	due := addSat(mulSat(job, last.Period), last.deadline())
	var least *big.Rat
	consider := func(t int64) {
		work := mulSat(job+1, last.Cost)
		for _, higher := range tasks[:len(tasks)-1] {
			work = addSat(work, mulSat(ceilDiv(t, higher.Period), higher.Cost))
		}
		if r := LeastRuntime(work, t, period, 0); r != nil && (least == nil || r.Cmp(least) < 0) {
			least = r
		}
	}
	consider(due)
	for _, higher := range tasks[:len(tasks)-1] {
		for t := higher.Period; t < due; t += higher.Period {
			consider(t)
		}
	}
	return least
}

// leastStart is a runtime that is needed in any case: the utilization's, and that
// of each task alone.
func leastStart(tasks []Task, period int64) (*big.Rat, error) {
	if period <= 0 || period > largest {
		return nil, fmt.Errorf("period %d: want 1 to 2^60", period)
	}
	for i, t := range tasks {
		if err := t.Validate(); err != nil {
			return nil, fmt.Errorf("task %d: %w", i+1, err)
		}
	}
	runtime := Utilization(tasks)
	if runtime.Cmp(ratInt(1)) > 0 {
		return nil, fmt.Errorf("%w: the tasks use %s of a processor", ErrInfeasible, runtime.RatString())
	}
	runtime.Mul(runtime, ratInt(period))
	for _, t := range tasks {
		if alone := LeastRuntime(t.Cost, t.deadline(), period, 0); alone.Cmp(runtime) > 0 {
			runtime = alone
		}
	}
	return runtime, nil
}

// raised checks that a runtime that was found wanting grows.
func raised(from, to *big.Rat) (*big.Rat, error) {
	if to == nil {
		return nil, ErrInfeasible
	}
	if to.Cmp(from) <= 0 {
		return nil, ErrUndecided
	}
	return to, nil
}

// scaledTo brings tasks and the reservation to a unit in which runtime is whole.
func scaledTo(runtime *big.Rat, tasks []Task, period int64) (scale int64, scaled []Task, s Supply, err error) {
	if runtime.Sign() == 0 { // no tasks: any supply does
		return 1, nil, Dedicated, nil
	}
	if !runtime.Denom().IsInt64() || !runtime.Num().IsInt64() {
		return 0, nil, s, ErrUndecided
	}
	scale = runtime.Denom().Int64()
	s = Supply{Runtime: runtime.Num().Int64(), Period: mulSat(period, scale)}
	for _, t := range tasks {
		scaled = append(scaled, Task{Cost: mulSat(t.Cost, scale), Period: mulSat(t.Period, scale), Deadline: mulSat(t.deadline(), scale)})
		if !scaled[len(scaled)-1].valid() {
			return 0, nil, s, ErrUndecided
		}
	}
	if !s.valid() {
		return 0, nil, s, ErrUndecided
	}
	return scale, scaled, s, nil
}

// LeastBudget is the least whole Runtime for s, a multiple of step and no less than
// the grain of s, for which fits holds; fits must hold for all larger ones too. ok
// is false where it does not even for the largest. The Runtime that s has is ignored.
func LeastBudget(s Supply, step int64, fits func(Supply) bool) (runtime int64, ok bool) {
	first := max(ceilDiv(max(s.Grain, 1), step), 1)
	last := s.deadline() / step
	if last < first {
		return 0, false
	}
	n := sort.Search(int(last-first+1), func(k int) bool {
		s.Runtime = (first + int64(k)) * step
		return fits(s)
	})
	runtime = (first + int64(n)) * step
	return runtime, runtime <= last*step
}
