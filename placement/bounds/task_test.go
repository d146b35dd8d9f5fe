package bounds

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestResponseVectors(t *testing.T) {
	for _, v := range []struct {
		name  string
		tasks []Task
		s     Supply
		want  []int64
	}{
		{"schedcat", []Task{{1, 4, 0}, {1, 5, 0}, {3, 9, 0}, {3, 18, 0}}, Dedicated, []int64{1, 2, 7, 18}},
		{"Lehoczky 1990", []Task{{52, 100, 0}, {52, 140, 0}}, Dedicated, []int64{52, 156}},
		{"reversed", []Task{{52, 140, 0}, {52, 100, 0}}, Dedicated, []int64{52, 108}},
		// 1990, table 1: the responses of the second task's first seven jobs are 114,
		// 102, 116, 104, 118, 106, 94: the fifth, not the first, is the worst.
		{"Lehoczky 1990, example 2", []Task{{26, 70, 0}, {62, 100, 118}}, Dedicated, []int64{26, 118}},
		{"one task in 3/5", []Task{{3, 20, 0}}, Supply{Runtime: 3, Period: 5}, []int64{7}},
		{"two tasks in 3/5", []Task{{3, 20, 0}, {1, 20, 0}}, Supply{Runtime: 3, Period: 5}, []int64{7, 10}},
		{"overload", []Task{{3, 4, 0}, {2, 4, 0}, {1, 100, 0}}, Dedicated, []int64{3, Inf, Inf}},
		{"the whole of a processor", []Task{{1, 2, 0}, {2, 4, 0}}, Dedicated, []int64{1, 4}},
		{"not valid", []Task{{0, 4, 0}}, Dedicated, []int64{Inf}},
		{"no supply", []Task{{1, 4, 0}}, Supply{}, []int64{Inf}},
	} {
		if got := ResponseTimes(v.tasks, v.s); !slices.Equal(got, v.want) {
			t.Errorf("%s: %v, want %v", v.name, got, v.want)
		}
	}
}

func TestEDFKnown(t *testing.T) {
	for _, v := range []struct {
		name  string
		tasks []Task
		s     Supply
		at    int64
		ok    bool
	}{
		{"all of a processor", []Task{{1, 2, 0}, {2, 4, 0}}, Dedicated, 0, true},
		{"more than a processor", []Task{{1, 2, 0}, {3, 4, 0}}, Dedicated, Inf, false},
		{"short deadlines", []Task{{2, 8, 2}, {2, 8, 3}}, Dedicated, 3, false},
		{"at the rate, never in time", []Task{{3, 5, 0}}, Supply{Runtime: 3, Period: 5}, 5, false},
		{"at the rate, late but in time", []Task{{3, 5, 7}}, Supply{Runtime: 3, Period: 5}, 0, true},
		{"at the rate, one too late", []Task{{3, 5, 6}}, Supply{Runtime: 3, Period: 5}, 6, false},
		{"not valid", []Task{{1, 0, 1}}, Dedicated, Inf, false},
		{"no supply", []Task{{1, 4, 0}}, Supply{}, Inf, false},
		{"nothing to do", nil, Dedicated, 0, true},
	} {
		at, ok := EDF(v.tasks, v.s)
		if ok != v.ok || v.at == Inf != (at == Inf) || v.name == "short deadlines" && at != v.at {
			t.Errorf("%s: %d, %v, want %d, %v", v.name, at, ok, v.at, v.ok)
		}
		if !ok && at < Inf && Demand(v.tasks, at) <= v.s.SBF(at) {
			t.Errorf("%s: the window %d does not fail: demand %d, supply %d", v.name, at, Demand(v.tasks, at), v.s.SBF(at))
		}
	}
}

func TestPriorityOrders(t *testing.T) {
	tasks := []Task{{1, 9, 20}, {2, 5, 9}, {3, 5, 8}, {4, 7, 0}}
	if got, want := RateMonotonic(tasks), []Task{{2, 5, 9}, {3, 5, 8}, {4, 7, 0}, {1, 9, 20}}; !slices.Equal(got, want) {
		t.Errorf("rate monotonic: %v", got)
	}
	if got, want := DeadlineMonotonic(tasks), []Task{{4, 7, 0}, {3, 5, 8}, {2, 5, 9}, {1, 9, 20}}; !slices.Equal(got, want) {
		t.Errorf("deadline monotonic: %v", got)
	}
}

func drawTasks(t *rapid.T, arbitrary bool) []Task {
	tasks := make([]Task, rapid.IntRange(1, 3).Draw(t, "tasks"))
	for i := range tasks {
		period := rapid.SampledFrom([]int64{3, 4, 5, 6, 8, 10, 12, 15, 20}).Draw(t, "period")
		task := Task{Period: period, Cost: rapid.Int64Range(1, (period+1)/2).Draw(t, "cost")}
		latest := period
		if arbitrary {
			latest = 3 * period
		}
		task.Deadline = rapid.Int64Range(task.Cost, latest).Draw(t, "deadline")
		tasks[i] = task
	}
	return tasks
}

// schedule runs the tasks, all released together from 0 on, unit by unit, with the
// worst supply of s from then: pick orders the jobs. It gives the longest response
// of each task, over a common period and more.
func schedule(tasks []Task, s Supply, until int64, pick func(a, b job) bool) []int64 {
	worst := make([]int64, len(tasks))
	var waiting []job
	for now := int64(0); now < until || len(waiting) > 0; now++ {
		for i, task := range tasks {
			if now%task.Period == 0 && now < until {
				waiting = append(waiting, job{i, now, now + task.deadline(), task.Cost})
			}
		}
		if s.SBF(now+1) == s.SBF(now) || len(waiting) == 0 {
			continue
		}
		best := 0
		for k := range waiting {
			if pick(waiting[k], waiting[best]) {
				best = k
			}
		}
		if waiting[best].left--; waiting[best].left == 0 {
			j := waiting[best]
			worst[j.task] = max(worst[j.task], now+1-j.released)
			waiting = append(waiting[:best], waiting[best+1:]...)
		}
	}
	return worst
}

type job struct {
	task                int
	released, due, left int64
}

func commonPeriod(tasks []Task, s Supply) int64 {
	h := s.Period
	for _, t := range tasks {
		h = lcmSat(h, t.Period)
	}
	return h
}

// With all tasks released when the supply begins its worst, the simulation sees
// exactly the response times.
func TestResponseTimesAreAttained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks, s := drawTasks(t, true), drawSupply(t, 12)
		s.Grain = 0
		got := ResponseTimes(tasks, s)
		if slices.Contains(got, Inf) {
			if rate, _ := s.Linear(); Utilization(tasks).Cmp(rate) <= 0 {
				t.Fatalf("%v in %+v: %v, though within the rate", tasks, s, got)
			}
			return
		}
		h := commonPeriod(tasks, s)
		if h > 3000 {
			return
		}
		seen := schedule(tasks, s, h+2*slices.Max(got), func(a, b job) bool { return a.task < b.task })
		if !slices.Equal(got, seen) {
			t.Fatalf("%v in %+v: %v, the simulation sees %v", tasks, s, got, seen)
		}
	})
}

func TestEDFAgainstSimulation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks, s := drawTasks(t, true), drawSupply(t, 12)
		s.Grain = 0
		at, ok := EDF(tasks, s)
		h := commonPeriod(tasks, s)
		if rate, _ := s.Linear(); Utilization(tasks).Cmp(rate) > 0 {
			if ok {
				t.Fatalf("%v in %+v: taken, over the rate", tasks, s)
			}
			return
		}
		if !ok && Demand(tasks, at) <= s.SBF(at) {
			t.Fatalf("%v in %+v: the window %d does not fail", tasks, s, at)
		}
		if h > 3000 {
			return
		}
		seen := schedule(tasks, s, 2*s.Blackout()+4*h, func(a, b job) bool { return a.due < b.due })
		met := true
		for i := range tasks {
			met = met && seen[i] <= tasks[i].deadline()
		}
		if met != ok {
			t.Fatalf("%v in %+v: EDF says %v (at %d), the simulation sees %v", tasks, s, ok, at, seen)
		}
	})
}

func TestTasksMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks, s := drawTasks(t, true), drawSupply(t, 20)
		before := ResponseTimes(tasks, s)
		_, edfBefore := EDF(tasks, s)
		failing, fixedBefore := FixedPriority(tasks, s)
		for i, r := range before {
			if late := r > tasks[i].deadline(); late && fixedBefore || late && failing > i || !late && failing == i {
				t.Fatalf("%v in %+v: responses %v, but first failing %d, %v", tasks, s, before, failing, fixedBefore)
			}
		}
		worse := slices.Clone(tasks)
		worse[rapid.IntRange(0, len(tasks)-1).Draw(t, "which")].Cost++
		after := ResponseTimes(worse, s)
		_, edfAfter := EDF(worse, s)
		for i := range tasks {
			if after[i] < before[i] {
				t.Fatalf("%v in %+v: %v with more work %v", tasks, s, before, after)
			}
		}
		if edfAfter && !edfBefore {
			t.Fatalf("%v in %+v: EDF fits only with more work", tasks, s)
		}
		if fixedBefore && !edfBefore {
			t.Fatalf("%v in %+v: fixed priority fits, EDF does not", tasks, s)
		}
	})
}
