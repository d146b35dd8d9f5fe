package linux

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

func flagOf(t *testing.T, dir string) string {
	t.Helper()
	v, err := mounted(cpusetMount).Read(filepath.Join(dir, v1Balance))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Somebody else's cpusets: what spans a partition is turned off, whenever it comes;
// what does not is left alone; and all is put back as it was found.
func TestPartitionAmongOthers(t *testing.T) {
	m, s := onMachine(t)
	outer, inner := testGroup+"/outer", testGroup+"/outer/one"
	off, late, again := testGroup+"/off", testGroup+"/late", testGroup+"/again"
	s.mkset(outer, "0-1")
	s.mkset(inner, "1")
	s.mkset(off, "0-1")
	s.write(filepath.Join(off, v1Balance), "0")
	s.mkset(again, "0-1")

	do(t, m, create(hosts.Partition{CPU: 1})...)
	d := &cpusetV1{tree: mounted(cpusetMount)}
	alone := func(when string) {
		t.Helper()
		if with, err := d.joined(1); err != nil || len(with) != 1 {
			t.Errorf("%s: cpu 1 is in a root domain with %v (%v)", when, with, err)
		}
	}
	alone("made")
	for dir, want := range map[string]string{"": "0", testGroup: "0", outer: "0", inner: "1", off: "0", again: "0", v1Rest: "1", cpuCgroup(1): "1"} {
		if got := flagOf(t, dir); got != want {
			t.Errorf("%s of %q is %s, want %s", v1Balance, dir, got, want)
		}
	}

	s.mkset(late, "0-1")
	if with, _ := d.joined(1); len(with) != 2 {
		t.Errorf("a late cpuset should join the root domains, they are %v", with)
	}
	must(t, m.Settle(t.Context()))
	alone("settled")

	must(t, d.Rmdir(again))
	s.mkset(again, "0-1")
	s.write(filepath.Join(again, v1Balance), "0") // its maker wants that
	do(t, m, hosts.Change{Old: hosts.Partition{CPU: 1}})
	for dir, want := range map[string]string{"": "1", testGroup: "1", outer: "1", inner: "1", off: "0", late: "1", again: "0"} {
		if got := flagOf(t, dir); got != want {
			t.Errorf("after removal %s of %q is %s, want %s", v1Balance, dir, got, want)
		}
	}
	must(t, m.Settle(t.Context()))
	if _, err := os.Stat(filepath.Join(cpusetMount, v1Rest)); err == nil {
		t.Error("settling without partitions made one")
	}
}

// A reservation of somebody else's that spans a CPU, or is pinned to it, is not
// harmed.
func TestPartitionSparesOthers(t *testing.T) {
	m, s := onMachine(t)
	s.start("net", "a", "sleep", 1, "")
	other, err := New(PIDs(s.pids)).thread("net", "a", "vcpu0")
	must(t, err, other.setDeadline(1_000_000, 100_000_000))
	if err := m.Do(t.Context(), hosts.Change{New: hosts.Partition{CPU: 1}}); !errors.Is(err, unix.EBUSY) {
		t.Errorf("under a reservation on all cpus: %v, want EBUSY", err)
	}
	must(t, other.setOther())
	do(t, m, create(hosts.Partition{CPU: 1})...)
	var set unix.CPUSet
	set.Set(1)
	must(t, unix.SchedSetaffinity(other.tid, &set), nudge(t.Context(), other), other.setDeadline(1_000_000, 100_000_000))
	if err := m.Do(t.Context(), hosts.Change{Old: hosts.Partition{CPU: 1}}); !errors.Is(err, unix.EBUSY) {
		t.Errorf("over a reservation on its cpu: %v, want EBUSY", err)
	}
	must(t, other.setOther())
}

// Nudging does not disturb: a stopped thread stays stopped, a sleeping one sleeps on,
// and one that has ended is no error.
func TestNudge(t *testing.T) {
	_, s := onMachine(t)
	cmd := s.start("net", "a", "sleep", 1, "")
	main := thread{cmd.Process.Pid, cmd.Process.Pid}
	for range 20 {
		must(t, nudge(t.Context(), main))
	}
	must(t, cmd.Process.Signal(unix.SIGSTOP))
	stopped := func() bool {
		for range 5000 {
			b, err := os.ReadFile(main.proc("stat"))
			must(t, err)
			if bytes.Contains(b, []byte(") T ")) {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	}
	if !stopped() {
		t.Fatal("it does not stop")
	}
	must(t, nudge(t.Context(), main))
	if !stopped() {
		t.Error("it was stopped, and runs")
	}
	must(t, cmd.Process.Signal(unix.SIGCONT))
	s.stop("vsn.net.a", cmd)
	must(t, nudge(t.Context(), main))
}

// A signal that arrives while a thread is nudged is not lost.
func TestNudgeKeepsSignals(t *testing.T) {
	hosttest.Need(t, hosttest.Root)
	s := newStandins(t, "")
	cmd := s.start("net", "a", "echo", 0, "")
	main := thread{cmd.Process.Pid, cmd.Process.Pid}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			err = nudge(context.WithoutCancel(ctx), main)
		}
		done <- err
	}()
	for i := range 300 {
		must(t, unix.Tgkill(main.pid, main.tid, unix.SIGUSR1))
		got := make(chan error, 1)
		go func() { _, err := s.said.ReadString('\n'); got <- err }()
		select {
		case err := <-got:
			must(t, err)
		case <-time.After(10 * time.Second):
			t.Fatalf("signal %d was lost", i)
		}
	}
	stop()
	must(t, <-done)
}
