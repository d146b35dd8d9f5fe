package vsn

import "github.com/vsnctl/vsnctl/vsn/strict"

// given reports whether the runtime is, even as 0.
func (r *Reservation) given(at strict.Position) bool { return r.Runtime != 0 || at.Has("runtime") }

func checkTasks(v *VM, at strict.Position) {
	tasks, scheduler := at.Key("tasks"), at.Key("guestScheduler")
	if len(v.Tasks) == 0 {
		switch {
		case tasks.Given():
			tasks.Failf("is empty: leave it out if the guest has no tasks to plan for")
		case v.GuestScheduler != "" || scheduler.Given():
			scheduler.Failf("goes with tasks only: what the guest schedules")
		}
		return
	}
	if v.GuestScheduler != GuestEDF && v.GuestScheduler != GuestFixed {
		scheduler.Failf("%q is none of %s, %s", v.GuestScheduler, GuestEDF, GuestFixed)
	}
	names, sound := map[string]bool{}, true
	for i := range v.Tasks {
		t := &v.Tasks[i]
		at := tasks.Item(i, t.Name)
		check(at.Key("name"), CheckName(t.Name))
		if names[t.Name] {
			at.Key("name").Failf("two tasks of this VM have this name")
		}
		names[t.Name] = true
		sound = checkTask(t, at) && sound
	}
	if len(v.Tasks) > MaxTasks {
		tasks.Failf("are %d, at most %d are allowed", len(v.Tasks), MaxTasks)
	} else if sound && v.VCPUs >= 1 {
		checkUtilization(v, tasks)
	}
}

// checkTask reports whether the times of a task make sense.
func checkTask(t *Task, at strict.Position) bool {
	sound := checkTime(t.WCET, at.Key("wcet"))
	sound = checkTime(t.Period, at.Key("period")) && sound
	if deadline := at.Key("deadline"); t.Deadline != t.Period || deadline.Given() {
		sound = checkTime(t.Deadline, deadline) && sound
	}
	switch {
	case !sound:
	case t.WCET > t.Deadline:
		at.Key("wcet").Unfitf("%v exceeds the deadline, %v: no processor is fast enough", t.WCET, t.Deadline)
		sound = false
	case t.WCET > t.Period:
		at.Key("wcet").Unfitf("%v exceeds the period, %v: one virtual CPU would fall behind without end", t.WCET, t.Period)
		sound = false
	}
	return sound
}

func checkTime(d Duration, at strict.Position) bool {
	if d < 1 || d > MaxTime {
		at.Failf("%v is not in %v..%v", d, Duration(1), MaxTime)
		return false
	}
	return true
}

// checkUtilization refuses tasks that ask for more than all vCPUs at full speed.
func checkUtilization(v *VM, at strict.Position) {
	need := sumOf(len(v.Tasks), func(i int) (num, den int64) { return int64(v.Tasks[i].WCET), int64(v.Tasks[i].Period) })
	if need.over(int64(v.VCPUs)) {
		at.Unfitf("need %s virtual CPUs at full speed, the sum of wcet over period, and have %d: lengthen periods, or give it more vcpus, at least %v",
			need.ceilDecimal(), v.VCPUs, need.ceil(1))
	}
}

// checkFindable refuses a runtime left open where nothing says how much it must be.
func (c *network) checkFindable() {
	promised := map[string]bool{} // VMs that flows with a deadline pass
	for i := range c.Flows {
		f := &c.Flows[i]
		if f.Deadline != 0 || c.at.Key("flows").Item(i, f.Name).Has("deadline") {
			for _, vm := range f.VMs() {
				promised[vm] = true
			}
		}
	}
	for i := range c.VMs {
		v := &c.VMs[i]
		at := c.at.Key("vms").Item(i, v.Name)
		reservation := at.Key("reservation")
		if v.Reservation == nil || v.Reservation.given(reservation) || promised[v.Name] || len(v.Tasks) > 0 || at.Has("tasks") {
			continue
		}
		reservation.Failf("has no runtime, and nothing to find it from: give it one, or give the VM tasks or a flow with a deadline")
	}
}

// checkShares looks at the probabilities of the network.
func (c *network) checkShares() {
	confidence, active := c.at.Key("confidence"), c.at.Key("active")
	hasConfidence := c.Confidence != 0 || confidence.Given()
	if hasConfidence && (c.Confidence <= 0 || c.Confidence > One) {
		confidence.Failf("%v is not in (0,1]", c.Confidence)
	}
	switch {
	case !hasConfidence && (c.Active != 0 || active.Given()):
		active.Failf("goes with confidence only: without it every reservation is had always")
	case hasConfidence && (c.Active <= 0 || c.Active > One):
		active.Failf("%v is not in (0,1]", c.Active)
	}
}
