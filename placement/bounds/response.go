package bounds

// ResponseTimes is the worst-case response time of each task inside s, under
// preemptive fixed priority in the order given, the first the highest; Inf where
// there is no bound (more demand than the rate of s from this task and those above,
// or a task or s not valid). Exact for sporadic tasks, also with deadlines over the
// period. Sources: Joseph and Pandya 1986; Lehoczky, "Fixed Priority Scheduling of
// Periodic Task Sets with Arbitrary Deadlines", RTSS 1990; with a supply in place of
// a processor, Shin and Lee 2003.
func ResponseTimes(tasks []Task, s Supply) []int64 {
	responses := make([]int64, len(tasks))
	for i := range tasks {
		responses[i], _, _ = response(tasks[:i+1], s, Inf)
	}
	return responses
}

// FixedPriority tells whether tasks under preemptive fixed priority in the order
// given always meet their deadlines inside s; when not, failing is the first that
// may not.
func FixedPriority(tasks []Task, s Supply) (failing int, ok bool) {
	for i := range tasks {
		if _, _, ok := response(tasks[:i+1], s, tasks[i].deadline()); !ok {
			return i, false
		}
	}
	return -1, true
}

// response is the worst response time of the last of the tasks, all others being
// above it. It gives up at the first job that takes longer than limit, with the
// number of that job in the busy period.
func response(tasks []Task, s Supply, limit int64) (worst, job int64, ok bool) {
	last := tasks[len(tasks)-1]
	repeat, ok := responseRepeat(tasks, s)
	if !ok {
		return Inf, 0, false
	}
	// Job after job from the start of the busy period. Once the work of all jobs is
	// done before the next comes, or all repeats, no later one takes longer.
	var done int64
	for steps := 0; steps < maxSteps; job++ {
		released := mulSat(job, last.Period)
		own := mulSat(job+1, last.Cost)
		for ; steps < maxSteps; steps++ {
			work := own
			for i := range tasks[:len(tasks)-1] {
				work = addSat(work, mulSat(ceilDiv(done, tasks[i].Period), tasks[i].Cost))
			}
			finished, finite := s.Time(work)
			if !finite || finished > largest {
				return Inf, job, false
			}
			if finished == done {
				break
			}
			done = finished
			if done-released > limit {
				return Inf, job, false
			}
		}
		if steps == maxSteps {
			break
		}
		worst = max(worst, done-released)
		next := addSat(released, last.Period)
		if done <= next || next >= repeat {
			return worst, job, true
		}
	}
	return Inf, job, false
}

// responseRepeat is the common period of the tasks and s; ok tells whether the
// tasks are valid and within the rate.
func responseRepeat(tasks []Task, s Supply) (repeat int64, ok bool) {
	if !s.valid() {
		return 0, false
	}
	num, den := s.rate()
	rateLow, rateHigh := fixed(num, den)
	var low, high uint64
	repeat = s.Period
	for i := range tasks {
		if !tasks[i].valid() || tasks[i].Cost > tasks[i].Period {
			return 0, false
		}
		l, h := fixed(tasks[i].Cost, tasks[i].Period)
		low, high = low+l, high+h
		repeat = lcmSat(repeat, tasks[i].Period)
	}
	if low > rateHigh {
		return 0, false
	}
	if high <= rateLow {
		return repeat, true
	}
	rate, _ := s.Linear()
	return repeat, Utilization(tasks).Cmp(rate) <= 0
}
