package linux

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

const testGroup = "vsnctltest"

// onMachine is a Machine on this machine's cpusets, with stand-ins for domains, that
// must leave every cpuset as it found it.
func onMachine(t testing.TB) (*Machine, *standins) {
	machineLock(t)
	before := balance(t)
	t.Cleanup(func() {
		if d := cmp.Diff(before, balance(t)); d != "" {
			t.Errorf("cpusets are not as they were (-before +after):\n%s", d)
		}
	})
	s := newStandins(t, testGroup)
	t.Cleanup(func() { s.rmtree(testGroup) })
	// The real record and lock: a machine has one set of cpusets.
	m := New(PIDs(s.pids))
	if parts := observe(t, m).State.Partitions; len(parts) > 0 {
		t.Fatalf("%v is there: destroy what is deployed on this machine first", parts)
	}
	t.Cleanup(func() { // also when the test failed; its stand-ins have ended by now
		for _, p := range observe(t, m).State.Partitions {
			do(t, m, hosts.Change{Old: p})
		}
	})
	return m, s
}

// balance is the flag of every cpuset that is not a test's.
func balance(t testing.TB) map[string]string {
	t.Helper()
	tree := mounted(cpusetMount)
	dirs, err := walk(tree)
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{}
	for _, d := range dirs {
		if flags["/"+d], err = tree.Read(filepath.Join(d, v1Balance)); err != nil && !vanished(err) {
			t.Fatal(err)
		}
	}
	return flags
}

func reservation(vm, thread string, cpu int, q, p time.Duration) hosts.Reservation {
	return hosts.Reservation{Network: "net", VM: vm, Thread: thread, CPU: cpu, RuntimeNs: q.Nanoseconds(), PeriodNs: p.Nanoseconds()}
}

func TestReservationInPartitions(t *testing.T) {
	m, s := onMachine(t)
	do(t, m, create(hosts.Partition{CPU: 1}, hosts.Partition{CPU: 0})...)
	s.start("net", "a", "sleep", 2, "vcpu0=0 vcpu1=1 emulator=0")
	s.start("net", "b", "burn", 1, "vcpu0=1 emulator=1")
	want := hosts.State{
		Partitions: []hosts.Partition{{CPU: 0}, {CPU: 1}},
		Reservations: []hosts.Reservation{
			reservation("a", "emulator", 0, 4*time.Millisecond, 20*time.Millisecond),
			reservation("a", "vcpu0", 0, 20*time.Millisecond, 100*time.Millisecond),
			reservation("a", "vcpu1", 1, 33*time.Millisecond+333333, 100*time.Millisecond),
			reservation("b", "vcpu0", 1, 20*time.Millisecond, 100*time.Millisecond),
		}}
	for _, r := range want.Reservations {
		do(t, m, create(r)...)
		do(t, m, create(r)...)
	}
	if d := cmp.Diff(want.Objects(), scheduling(t, m).Objects()); d != "" {
		t.Fatalf("read back differs (-want +got):\n%s", d)
	}
	err := m.Do(context.Background(), hosts.Change{New: reservation("b", "emulator", 1, 50*time.Millisecond, 100*time.Millisecond)})
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("over-admission: %v, want EBUSY", err)
	}
	t.Log(err)
	err = m.Do(context.Background(), hosts.Change{Old: hosts.Partition{CPU: 1}})
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("removing a partition under reservations: %v, want EBUSY", err)
	}
	t.Log(err)
	for _, r := range want.Reservations {
		do(t, m, hosts.Change{Old: r}, hosts.Change{Old: r})
	}
	do(t, m, hosts.Change{Old: hosts.Partition{CPU: 1}}, hosts.Change{Old: hosts.Partition{CPU: 1}}, hosts.Change{Old: hosts.Partition{CPU: 0}})
	if got := scheduling(t, m); len(got.Objects()) != 0 {
		t.Errorf("left: %v", got)
	}
	if _, err := os.Stat(filepath.Join(m.run, "cpusets.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record is left: %v", err)
	}
}

// The kernel keeps what a thread gave up until its period is over: the next waits
// for it. What does not fit is refused without waiting.
func TestLateRelease(t *testing.T) {
	m, s := onMachine(t)
	do(t, m, create(hosts.Partition{CPU: 1})...)
	s.start("net", "a", "burn", 1, "vcpu0=1 emulator=1")
	s.start("net", "b", "burn", 1, "vcpu0=1 emulator=1")
	a, b := reservation("a", "vcpu0", 1, 1600*time.Millisecond, 2*time.Second), reservation("b", "vcpu0", 1, 80*time.Millisecond, 100*time.Millisecond)
	do(t, m, create(a)...)
	// Half of the budget used in the first 40 % of the period, it is held until 50 %.
	from := observe(t, m).Meters[a.Key()].CPUNs
	for observe(t, m).Meters[a.Key()].CPUNs < from+a.RuntimeNs/2 {
		must(t, pause(t.Context(), time.Millisecond))
	}
	do(t, m, hosts.Change{Old: a})
	th, err := m.thread("net", "b", "vcpu0")
	must(t, err)
	if err := th.setDeadline(b.RuntimeNs, b.PeriodNs); !errors.Is(err, unix.EBUSY) {
		t.Fatalf("the kernel released at once (%v): this tests nothing", err)
	}
	do(t, m, create(b)...)
	ctx, cancel := context.WithTimeout(t.Context(), releaseTime/2)
	defer cancel()
	do(t, m, hosts.Change{Old: b})
	do(t, m, create(reservation("b", "vcpu0", 1, 20*time.Millisecond, 100*time.Millisecond))...)
	err = m.Do(ctx, hosts.Change{New: a})
	if !errors.Is(err, unix.EBUSY) || ctx.Err() != nil {
		t.Errorf("what does not fit: %v (%v), want EBUSY without waiting", err, ctx.Err())
	}
}

// A reservation gives its share to within a point, whoever else wants the CPU.
func TestShareUnderLoad(t *testing.T) {
	m, s := onMachine(t)
	do(t, m, create(hosts.Partition{CPU: 1})...)
	s.start("net", "a", "burn", 1, "vcpu0=1 emulator=1")
	s.start("net", "b", "burn", 1, "vcpu0=1 emulator=1")
	s.start("net", "hog", "burn", 3, "vcpu0=1 vcpu1=1 vcpu2=1 emulator=1")
	all := []hosts.Reservation{
		reservation("a", "vcpu0", 1, 20*time.Millisecond, 100*time.Millisecond),
		reservation("b", "vcpu0", 1, 15*time.Millisecond, 50*time.Millisecond),
	}
	do(t, m, create(all[0], all[1])...)
	first := observe(t, m).Meters
	time.Sleep(4 * time.Second) // the window that is measured
	second := observe(t, m).Meters
	for _, r := range all {
		d, e := first[r.Key()], second[r.Key()]
		got := float64(e.CPUNs-d.CPUNs) / float64(e.ClockNs-d.ClockNs)
		want := float64(r.RuntimeNs) / float64(r.PeriodNs)
		t.Logf("%v: share %.4f, want %.4f", r, got, want)
		if got < want-0.01 || got > want+0.01 {
			t.Errorf("%v: share %.4f, want %.4f within 0.01", r, got, want)
		}
	}
	for _, r := range all {
		do(t, m, hosts.Change{Old: r})
	}
}

// scheduling keeps the kinds that are not of a network namespace.
func scheduling(t testing.TB, m hosts.Machine) hosts.State {
	s := observe(t, m).State
	return hosts.State{Partitions: s.Partitions, Reservations: s.Reservations}
}
