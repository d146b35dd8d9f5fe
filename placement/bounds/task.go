package bounds

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
)

// Task is a sporadic task inside a guest: at most every Period it asks for Cost of
// processor time, to be given within Deadline. Nanoseconds (or one other unit).
// Deadlines over the period are allowed: then several jobs may be waiting.
type Task struct {
	Cost     int64
	Period   int64
	Deadline int64 // 0: Period
}

// Validate reports why t is no task: it wants Cost from 1, Period and Deadline from
// 1 to 2^60, and Cost at most Deadline.
func (t Task) Validate() error {
	switch {
	case t.Period <= 0 || t.Period > largest:
		return fmt.Errorf("period %d: want 1 to 2^60", t.Period)
	case t.deadline() <= 0 || t.deadline() > largest:
		return fmt.Errorf("deadline %d: want 1 to 2^60", t.deadline())
	case t.Cost <= 0:
		return fmt.Errorf("cost %d: want more than 0", t.Cost)
	case t.Cost > t.deadline():
		return fmt.Errorf("cost %d exceeds deadline %d: no processor is that fast", t.Cost, t.deadline())
	}
	return nil
}

func (t Task) valid() bool {
	d := t.deadline()
	return t.Period > 0 && t.Period <= largest && d > 0 && d <= largest && t.Cost > 0 && t.Cost <= d
}

func (t Task) deadline() int64 {
	if t.Deadline == 0 {
		return t.Period
	}
	return t.Deadline
}

// Dedicated is the supply of a processor that a guest has to itself.
var Dedicated = Supply{Runtime: 1, Period: 1}

// RateMonotonic is the tasks in the order of their periods, the first with the
// highest priority; DeadlineMonotonic in that of their deadlines. Both keep the
// order of equals. Source: Liu and Layland 1973; Leung and Whitehead 1982.
func RateMonotonic(tasks []Task) []Task {
	return slices.SortedStableFunc(slices.Values(tasks), func(a, b Task) int { return cmp.Compare(a.Period, b.Period) })
}

// DeadlineMonotonic is described with RateMonotonic.
func DeadlineMonotonic(tasks []Task) []Task {
	return slices.SortedStableFunc(slices.Values(tasks), func(a, b Task) int { return cmp.Compare(a.deadline(), b.deadline()) })
}

// Utilization is the sum of Cost/Period.
func Utilization(tasks []Task) *big.Rat {
	sum := new(big.Rat)
	for _, t := range tasks {
		if t.Period > 0 {
			sum.Add(sum, big.NewRat(t.Cost, t.Period))
		}
	}
	return sum
}

// Demand is the demand bound function: the most work of the tasks that is both
// released and due in any window of length t. Source: Baruah, Mok and Rosier,
// "Preemptively Scheduling Hard-Real-Time Sporadic Tasks on One Processor", 1990.
func Demand(tasks []Task, t int64) int64 {
	var sum int64
	for i := range tasks {
		if d := tasks[i].deadline(); t >= d {
			sum = addSat(sum, mulSat((t-d)/tasks[i].Period+1, tasks[i].Cost))
		}
	}
	return sum
}

// EDF tells whether tasks scheduled by earliest deadline first inside s always meet
// their deadlines; when not, at is a window whose demand exceeds its supply (Inf
// where the tasks ask for more than the rate of s, where s or a task is not valid,
// and where that window may be beyond the range). Exact for sporadic tasks. Sources:
// the condition, Shin and Lee 2003; the walk over windows from the longest,
// Zhang and Burns, "Schedulability Analysis for Real-Time Systems with EDF
// Scheduling", IEEE Transactions on Computers, 2009.
func EDF(tasks []Task, s Supply) (at int64, ok bool) {
	horizon, ok := edfHorizon(tasks, s)
	if !ok {
		return Inf, false
	}
	for t := deadlineBefore(tasks, horizon+1); t > 0; {
		done, _ := s.Time(Demand(tasks, t))
		if done > t {
			return t, false
		}
		// From done to t the demand is no more than at t, and already supplied.
		t = deadlineBefore(tasks, done)
	}
	return 0, true
}

// deadlineBefore is the latest deadline before t of jobs released together from 0
// on; 0 where there is none.
func deadlineBefore(tasks []Task, t int64) int64 {
	var latest int64
	for i := range tasks {
		if d := tasks[i].deadline(); d < t {
			latest = max(latest, d+(t-1-d)/tasks[i].Period*tasks[i].Period)
		}
	}
	return latest
}

// edfHorizon is a window after which demand cannot exceed supply without having
// done so before: where the line above the demand meets that below the supply, and
// with both of one slope, a common period.
func edfHorizon(tasks []Task, s Supply) (horizon int64, ok bool) {
	if !s.valid() {
		return 0, false
	}
	num, den := s.rate()
	rateLow, _ := fixed(num, den)
	_, latency := s.Linear()
	head := mulDivUp(latency, num, den)
	var used uint64
	for i := range tasks {
		t := &tasks[i]
		if !t.valid() || t.Cost > t.Period {
			return 0, false
		}
		_, high := fixed(t.Cost, t.Period)
		used += high
		if d := t.deadline(); d < t.Period {
			head = addSat(head, mulDivUp(t.Cost, t.Period-d, t.Period))
		}
	}
	if used < rateLow {
		horizon = mulDivUp(head, 1<<48, int64(rateLow-used))
		return horizon, horizon <= largest
	}
	return edfHorizonExact(tasks, s)
}

// edfHorizonExact decides where the utilization is too near the rate for fixed point.
func edfHorizonExact(tasks []Task, s Supply) (horizon int64, ok bool) {
	rate, latency := s.Linear()
	slack := new(big.Rat).Sub(rate, Utilization(tasks))
	head := new(big.Rat).Mul(rate, ratInt(latency))
	repeat, longest := s.Period, latency
	for _, t := range tasks {
		d := t.deadline()
		if d < t.Period {
			head.Add(head, new(big.Rat).Mul(big.NewRat(t.Cost, t.Period), ratInt(t.Period-d)))
		}
		repeat, longest = lcmSat(repeat, t.Period), max(longest, d)
	}
	switch slack.Sign() {
	case -1:
		return 0, false
	case 0:
		horizon = addSat(repeat, longest)
	default:
		horizon = min(ceilRat(head.Quo(head, slack)), addSat(repeat, longest))
	}
	return horizon, horizon <= largest
}
