package linux

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// releaseTime is how long the kernel may keep bandwidth that a thread gave up: until
// its zero-lag time, at most one period, of at most 4.19 s.
const releaseTime = 5 * time.Second

// createReservation gives a thread SCHED_DEADLINE, or changes its numbers.
func (m *Machine) createReservation(ctx context.Context, r hosts.Reservation) error {
	if err := m.checkReservation(r); err != nil {
		return err
	}
	t, err := m.thread(r.Network, r.VM, r.Thread)
	if err != nil {
		return err
	}
	if r.CPU == hosts.AnyCPU {
		err = m.admitAnywhere(t)
	} else {
		err = m.admit(ctx, r.CPU, t)
	}
	if err != nil {
		return err
	}
	return m.reserve(ctx, r, t)
}

func (m *Machine) checkReservation(r hosts.Reservation) error {
	low, high := m.periodLimits()
	switch {
	case r.PeriodNs < low || r.PeriodNs > high:
		return fmt.Errorf("period %v is not in %v..%v: %w: choose another, or change kernel.sched_deadline_period_min_us and _max_us",
			time.Duration(r.PeriodNs), time.Duration(low), time.Duration(high), unix.EINVAL)
	case r.RuntimeNs < minRuntimeNs || r.RuntimeNs > r.PeriodNs:
		return fmt.Errorf("runtime %v is not in %v..%v: %w", time.Duration(r.RuntimeNs), time.Duration(minRuntimeNs), time.Duration(r.PeriodNs), unix.EINVAL)
	case r.CPU < hosts.AnyCPU:
		return fmt.Errorf("cpu %d: %w", r.CPU, unix.EINVAL)
	}
	return nil
}

// admit prepares the partition for the thread. The kernel refuses a thread whose
// CPUs are fewer than its root domain's; and it looks at the root domain where the
// thread ran last, which for one that sleeps since it was pinned is the wrong one.
func (m *Machine) admit(ctx context.Context, cpu int, t thread) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	d, err := m.domainsOf()
	if err != nil {
		return err
	}
	parts, err := d.partitions()
	if err != nil {
		return err
	}
	if !slices.Contains(parts, cpu) {
		return fmt.Errorf("cpu %d has no root domain of its own: %w: make the partition first", cpu, unix.EPERM)
	}
	if err := d.admit(cpu, t); err != nil {
		return err
	}
	cpus, err := t.affinity()
	if err != nil {
		return err
	}
	if !slices.Equal(cpus, []int{cpu}) {
		return fmt.Errorf("thread %d may run on cpus %s: %w: pin it to cpu %d", t.tid, formatCPUs(cpus), unix.EPERM, cpu)
	}
	last, err := t.lastCPU()
	if err != nil || last == cpu {
		return err
	}
	return nudge(ctx, t)
}

// admitAnywhere is for one root domain. A partition would be another.
func (m *Machine) admitAnywhere(t thread) error {
	d, err := m.domainsOf()
	if errors.Is(err, errNoCpuset) {
		return nil
	}
	if err != nil {
		return err
	}
	parts, err := d.partitions()
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		return fmt.Errorf("cpus %s have root domains of their own: %w: a reservation on any cpu needs all in one; `partition: true` plans for a cpu each", formatCPUs(parts), unix.EPERM)
	}
	return nil
}

// reserve asks the kernel until it agrees or is known to mean its refusal.
func (m *Machine) reserve(ctx context.Context, r hosts.Reservation, t thread) error {
	deadline := time.Now().Add(releaseTime)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := t.setDeadline(r.RuntimeNs, r.PeriodNs)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return m.refused(r, t, err)
		}
		left, full := m.left(r, t)
		if full || time.Now().After(deadline) {
			return fmt.Errorf("sched_setattr: %w: %s", err, left)
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("sched_setattr: %w while waiting for bandwidth: %w", unix.EBUSY, err)
		}
	}
}

// refused explains what the kernel does not.
func (m *Machine) refused(r hosts.Reservation, t thread, err error) error {
	advice := "see sched(7)"
	switch {
	case errors.Is(err, unix.EPERM):
		cpus, _ := t.affinity()
		advice = fmt.Sprintf("thread %d may run on cpus %s, which do not cover its root domain (or this process is not root)", t.tid, formatCPUs(cpus))
	case errors.Is(err, unix.EINVAL):
		low, high := m.periodLimits()
		advice = fmt.Sprintf("it takes periods of %v..%v and runtimes of %v or more", time.Duration(low), time.Duration(high), time.Duration(minRuntimeNs))
	case errors.Is(err, unix.ESRCH):
		advice = fmt.Sprintf("thread %d has ended", t.tid)
	}
	return fmt.Errorf("sched_setattr: %w: %s", err, advice)
}

// left says how much of the CPUs reservations hold, and whether that alone explains
// a refusal.
func (m *Machine) left(r hosts.Reservation, t thread) (text string, full bool) {
	cpus, err := t.affinity()
	if err != nil {
		return err.Error(), true
	}
	threads, err := deadlineThreads()
	if err != nil {
		return err.Error(), true
	}
	limit := new(big.Rat).Mul(m.share().Rat(), big.NewRat(int64(len(cpus)), 1))
	taken := new(big.Rat)
	for _, other := range threads {
		if other.tid != t.tid && overlap(other.cpus, cpus) {
			taken.Add(taken, other.share())
		}
	}
	free := new(big.Rat).Sub(limit, taken)
	need := big.NewRat(r.RuntimeNs, r.PeriodNs)
	text = fmt.Sprintf("needs %s of cpus %s, of which reservations may take %s and have %s: %s is left",
		need.FloatString(4), formatCPUs(cpus), limit.FloatString(4), taken.FloatString(4), free.FloatString(4))
	return text, need.Cmp(free) > 0
}

func overlap(a, b []int) bool {
	return slices.ContainsFunc(a, func(c int) bool { return slices.Contains(b, c) })
}

// removeReservation gives the thread back to the fair scheduler. The bandwidth may
// be free a period later only.
func (m *Machine) removeReservation(r hosts.Reservation) error {
	t, err := m.thread(r.Network, r.VM, r.Thread)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	_, has, err := t.attributes()
	if errors.Is(err, unix.ESRCH) || err == nil && !has {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.setOther(); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	return nil
}

// reservations observes them on all threads of our domains. One whose deadline is
// not its period, or that children would inherit, is not as we make it: its period is
// listed as 0.
func (m *Machine) reservations(o *hosts.Observation) error {
	all, err := m.domains()
	if err != nil {
		return err
	}
	for _, d := range all {
		threads, err := d.threads()
		if err != nil {
			continue // the domain ended meanwhile
		}
		for name, t := range threads {
			a, ok, err := t.attributes()
			if err != nil || !ok {
				continue
			}
			r := hosts.Reservation{Network: d.network, VM: d.vm, Thread: name, CPU: hosts.AnyCPU, RuntimeNs: int64(a.runtime), PeriodNs: int64(a.period)}
			if len(a.cpus) == 1 && slices.ContainsFunc(o.State.Partitions, func(p hosts.Partition) bool { return p.CPU == a.cpus[0] }) {
				r.CPU = a.cpus[0]
			}
			if a.deadline != a.period || !a.resetOnFork {
				r.PeriodNs = 0
			}
			o.State.Add(r)
			if meter, err := t.meter(); err == nil {
				o.Meters[r.Key()] = meter
			}
		}
	}
	return nil
}
