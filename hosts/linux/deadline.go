package linux

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	schedDeadline   = 6 // SCHED_DEADLINE, include/uapi/linux/sched.h
	flagResetOnFork = 1 // SCHED_FLAG_RESET_ON_FORK
	// minRuntimeNs is the least runtime that the kernel takes (DL_SCALE,
	// kernel/sched/deadline.c).
	minRuntimeNs = 1024
)

// deadlineThread is a thread with SCHED_DEADLINE, ours or not.
type deadlineThread struct {
	thread
	comm            string
	cpus            []int
	runtime, period uint64
	deadline        uint64
	resetOnFork     bool
}

func (t deadlineThread) share() *big.Rat {
	return big.NewRat(int64(t.runtime), int64(max(1, t.period)))
}

// attributes reads the policy of a thread; ok is false when it is not SCHED_DEADLINE.
func (t thread) attributes() (d deadlineThread, ok bool, err error) {
	a, err := unix.SchedGetAttr(t.tid, 0)
	if err != nil {
		return d, false, fmt.Errorf("sched_getattr: %w", err)
	}
	if a.Policy != schedDeadline {
		return d, false, nil
	}
	d = deadlineThread{thread: t, runtime: a.Runtime, period: a.Period, deadline: a.Deadline, resetOnFork: a.Flags&flagResetOnFork != 0}
	if d.period == 0 {
		d.period = d.deadline
	}
	d.cpus, err = t.affinity()
	return d, err == nil, err
}

// setDeadline gives the thread runtime in every period, deadline = period. Children
// start without it: a SCHED_DEADLINE thread cannot fork otherwise, and qemu starts
// threads when a vCPU is plugged in.
func (t thread) setDeadline(runtimeNs, periodNs int64) error {
	return unix.SchedSetAttr(t.tid, &unix.SchedAttr{Policy: schedDeadline, Flags: flagResetOnFork,
		Runtime: uint64(runtimeNs), Deadline: uint64(periodNs), Period: uint64(periodNs)}, 0)
}

// setOther gives the thread back to the fair scheduler.
func (t thread) setOther() error {
	return unix.SchedSetAttr(t.tid, &unix.SchedAttr{}, 0)
}

// deadlineThreads lists every SCHED_DEADLINE thread of the machine, but for those of
// the kernel itself (sugov, which pretends to have a period).
func deadlineThreads() ([]deadlineThread, error) {
	pids, err := numbers("/proc")
	if err != nil {
		return nil, err
	}
	var found []deadlineThread
	for _, pid := range pids {
		tids, err := numbers(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			continue // it ended meanwhile
		}
		for _, tid := range tids {
			t := thread{pid, tid}
			d, ok, err := t.attributes()
			if err != nil || !ok || !t.runs() {
				continue
			}
			comm, _ := os.ReadFile(t.proc("comm"))
			d.comm = strings.TrimSpace(string(comm))
			found = append(found, d)
		}
	}
	return found, nil
}

// runs reports whether this is a thread that takes processor time of the CPUs that are
// admitted to: neither one of the kernel (PF_KTHREAD, field 9 of proc_pid_stat(5)) nor
// one that has ended and waits for its parent (state Z or X), which keeps its policy and
// no bandwidth.
func (t thread) runs() bool {
	b, err := os.ReadFile(t.proc("stat"))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 7 {
		return false
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&0x00200000 == 0 && fields[0] != "Z" && fields[0] != "X"
}

func numbers(dir string) ([]int, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	var list []int
	for _, n := range names {
		if i, err := strconv.Atoi(n); err == nil {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	return list, err
}

// periodLimits are the shortest and the longest period that the kernel takes, ns.
func (m *Machine) periodLimits() (low, high int64) {
	read := func(name string, none int64) int64 {
		b, err := os.ReadFile(filepath.Join(m.root, "proc/sys/kernel", name))
		if err != nil {
			return none
		}
		us, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		if err != nil {
			return none
		}
		return us * 1000
	}
	return read("sched_deadline_period_min_us", 100_000), read("sched_deadline_period_max_us", 4_194_304_000)
}
