package linux

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// TestMeasureGrain: budgets end late, but not much later than a tick, and nothing is
// left of the measurement.
func TestMeasureGrain(t *testing.T) {
	machineLock(t)
	m := New(Run(t.TempDir()))
	got, err := m.MeasureGrain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grain, from := m.grain()
	t.Logf("%+v; configured %v by %s", got, grain, from)
	// At the tick, a few dozen budgets that end anywhere in one see half of it at least.
	if on, known := m.hrtick(); from != "" && !(known && on) && got.Grain() < grain/2 {
		t.Errorf("%v of a tick of %v", got.Grain(), grain)
	}
	if got.Grain() <= 0 || got.Grain() > 50_000_000 || got.Attempts < 1 || got.Attempts > attempts || len(got.CPUs) == 0 || got.Budgets < 2*fewest || got.GapNs < 8_000_000 {
		t.Errorf("%+v is no measurement", got)
	}
	if trusted := m.TrustedGrain(got.Grain()); trusted < grain || trusted < got.Grain() {
		t.Errorf("%v is trusted, configured %v, measured %v", trusted, grain, got.Grain())
	}
	noneLeft(t)
}

// fewest budgets that any trial shows something by.
const fewest = 4

// noneLeft fails where a thread of this program, or of one that it started, still
// has SCHED_DEADLINE.
func noneLeft(t *testing.T) {
	t.Helper()
	threads, err := deadlineThreads()
	if err != nil {
		t.Fatal(err)
	}
	own, _ := os.ReadFile("/proc/self/comm")
	for _, d := range threads {
		if d.comm == "exe" || d.comm == strings.TrimSpace(string(own)) { // the child was started as /proc/self/exe
			t.Errorf("thread %d of process %d has SCHED_DEADLINE", d.tid, d.pid)
		}
	}
}

// TestMeasureBesideReservations: where somebody has a reservation, nothing is tried.
func TestMeasureBesideReservations(t *testing.T) {
	machineLock(t)
	err := onThread(func() error {
		self := thread{os.Getpid(), unix.Gettid()}
		if err := self.setDeadline(100_000, 100_000_000); err != nil {
			t.Error(err)
		}
		defer self.setOther()
		_, err := New(Run(t.TempDir())).MeasureGrain(t.Context())
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "has a reservation on cpus") {
		t.Errorf("got %v", err)
	}
	noneLeft(t)
}

// TestMeasureEndsWhenItIsKilled: neither a cancelled context nor the death of the
// process that asked leaves a thread behind.
func TestMeasureEndsWhenItIsKilled(t *testing.T) {
	machineLock(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := New(Run(t.TempDir())).MeasureGrain(ctx); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	noneLeft(t)
	asker := exec.Command("/proc/self/exe")
	asker.Env = append(os.Environ(), "VSNCTL_STANDIN=measure "+t.TempDir())
	if err := asker.Start(); err != nil {
		t.Fatal(err)
	}
	seen := false
	for end := time.Now().Add(20 * time.Second); !seen && time.Now().Before(end); time.Sleep(time.Millisecond) {
		threads, err := deadlineThreads()
		if err != nil {
			t.Fatal(err)
		}
		seen = len(threads) > 0
	}
	if !seen {
		t.Error("it never began")
	}
	asker.Process.Kill()
	asker.Wait()
	for end := time.Now().Add(300 * time.Millisecond); ; time.Sleep(time.Millisecond) {
		if threads, err := deadlineThreads(); err != nil || len(threads) == 0 {
			break
		}
		if time.Now().After(end) {
			break
		}
	}
	noneLeft(t)
}

// TestTrialOrders: a process that is given a bad order does nothing and says so.
func TestTrialOrders(t *testing.T) {
	for _, order := range []string{"{", "{}", `{"cpus":[0]}`, `{"cpus":[-1],"time":1000000}`, `{"cpus":[0],"time":3600000000000}`} {
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), trialVariable+"="+order)
		out, err := c.Output()
		var r trialResult
		if err != nil || json.Unmarshal(out, &r) != nil || r.Error == "" || r.Trials != nil {
			t.Errorf("%s: %s, %v", order, out, err)
		}
	}
}

// TestMeasureBesidePartitions: the CPUs of partitions are left alone, reservations on
// them are no obstacle, and where every CPU is one nothing is tried.
func TestMeasureBesidePartitions(t *testing.T) {
	m, s := onMachine(t)
	s.start("net", "a", "sleep", 1, "vcpu0=1 emulator=0")
	made := []hosts.Object{hosts.Partition{CPU: 1}, reservation("a", "vcpu0", 1, 5*time.Millisecond, 100*time.Millisecond), hosts.Partition{CPU: 0}}
	for _, o := range made[:2] {
		do(t, m, hosts.Change{New: o})
	}
	got, err := m.MeasureGrain(t.Context())
	if err != nil || slices.Contains(got.CPUs, 1) {
		t.Errorf("%+v, %v, want a measurement without cpu 1", got, err)
	}
	if o := observe(t, m); len(o.State.Reservations) != 1 || len(o.State.Partitions) != 1 || o.State.Partitions[0].Joined {
		t.Errorf("afterwards: %+v", o.State)
	}
	do(t, m, hosts.Change{New: made[2]})
	if runtime.NumCPU() == 2 {
		if _, err := m.MeasureGrain(t.Context()); err == nil || !strings.Contains(err.Error(), "every cpu has a root domain for reservations") {
			t.Errorf("every cpu is a partition: %v", err)
		}
	}
	for _, o := range slices.Backward(made) {
		do(t, m, hosts.Change{Old: o})
	}
	noneLeft(t)
}
