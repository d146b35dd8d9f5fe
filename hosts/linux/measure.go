package linux

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Measurement is what a run of MeasureGrain saw.
type Measurement struct {
	hosts.Showing
	Attempts int   // until one showed no more than the configuration, or all that were made
	CPUs     []int // where the thread might run
}

// trials are the reservations that are tried, ns: one below the ticks that kernels
// have and one above, both with so much to wait between budgets that even a tick of
// 10 ms ends well before the next, and periods that are no multiple of a tick, so that
// budgets end anywhere in one.
var trials = []reserved{{3_100_000, 16_300_000}, {12_100_000, 40_700_000}}

type reserved struct{ runtime, period int64 }

const (
	// trialTime is how long each is watched.
	trialTime = 400 * time.Millisecond
	// attempts is how often all are tried while more is seen than the configuration
	// says. A hypervisor's theft looks like a late enforcement; what is the kernel's own
	// is there each time. The least counts.
	attempts = 3
)

// MeasureGrain lets a thread with SCHED_DEADLINE run against hogs for one or two
// seconds, and tells what it saw of how late budgets are enforced. It does so
// on CPUs where nobody has a reservation, in a process of its own that dies with this
// one. The error says why nothing could be measured.
func (m *Machine) MeasureGrain(ctx context.Context) (Measurement, error) {
	cpus, err := m.unreserved()
	if err != nil {
		return Measurement{}, err
	}
	configured, _ := m.grain()
	var best Measurement
	for n := 1; n <= attempts; n++ {
		seen, err := try(ctx, cpus)
		if err != nil {
			return Measurement{}, err
		}
		if n == 1 || seen.Grain() < best.Grain() {
			best.Showing = seen
		}
		best.Attempts, best.CPUs = n, cpus
		if best.Grain() <= configured {
			break
		}
	}
	return best, nil
}

// TrustedGrain is the grain to plan with: what the configuration says, or more where
// more was measured. A measurement of 0 is none.
func (m *Machine) TrustedGrain(measured vsn.Duration) vsn.Duration {
	grain, from := m.grain()
	return hosts.TrustedGrain(grain, from != "", measured)
}

// GrainFrom says what the configured grain comes from, empty where that is only the
// usual value.
func (m *Machine) GrainFrom() string {
	_, from := m.grain()
	return from
}

// unreserved are the CPUs of one root domain in which no thread has SCHED_DEADLINE:
// those without a partition. A thread beside reservations would delay them.
func (m *Machine) unreserved() ([]int, error) {
	cpus, err := thread{os.Getpid(), os.Getpid()}.affinity()
	if err != nil {
		return nil, err
	}
	switch d, err := m.domainsOf(); {
	case errors.Is(err, errNoCpuset):
	case err != nil:
		return nil, err
	default:
		parts, err := d.partitions()
		if err != nil {
			return nil, err
		}
		if cpus = without(cpus, parts); len(cpus) == 0 {
			return nil, errors.New("every cpu has a root domain for reservations")
		}
	}
	threads, err := deadlineThreads()
	if err != nil {
		return nil, err
	}
	for _, t := range threads {
		if overlap(t.cpus, cpus) {
			return nil, fmt.Errorf("process %d (%s) has a reservation on cpus %s, which a measurement would delay", t.pid, t.comm, formatCPUs(t.cpus))
		}
	}
	return cpus, nil
}

// trialVariable carries the order to the process that does the trials.
const trialVariable = "VSNCTL_GRAIN_TRIAL"

// trialOrder is what to try, trialResult what came of it.
type trialOrder struct {
	CPUs []int         `json:"cpus"`
	Time time.Duration `json:"time"`
}

type trialResult struct {
	Trials []hosts.Trial `json:"trials"`
	Error  string        `json:"error,omitempty"`
}

// try runs all trials once in a process of its own: its loops must not be stopped by
// a garbage collector, and end when this process does, however.
func try(ctx context.Context, cpus []int) (hosts.Showing, error) {
	order, err := json.Marshal(trialOrder{cpus, trialTime})
	if err != nil {
		return hosts.Showing{}, err
	}
	// A parent-death signal comes when the thread ends that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = os.Args[:1]
	cmd.Env = append(os.Environ(), trialVariable+"="+string(order), "GODEBUG=asyncpreemptoff=1", "GOGC=off", fmt.Sprintf("GOMAXPROCS=%d", len(cpus)+4))
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Run(); err != nil {
		return hosts.Showing{}, fmt.Errorf("the process that measures: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	var result trialResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		return hosts.Showing{}, fmt.Errorf("the process that measures: %w", err)
	}
	if result.Error != "" {
		return hosts.Showing{}, errors.New(result.Error)
	}
	return hosts.Show(result.Trials)
}

// Measuring does what MeasureGrain asks of a process of its own, and ends it; in any
// other process it does nothing. Every program that calls MeasureGrain calls this
// first.
func Measuring() {
	text := os.Getenv(trialVariable)
	if text == "" {
		return
	}
	var order trialOrder
	var result trialResult
	err := json.Unmarshal([]byte(text), &order)
	if err == nil {
		result.Trials, err = order.run()
	}
	if err != nil {
		result.Error = err.Error()
	}
	if json.NewEncoder(os.Stdout).Encode(result) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// mostCPUs bounds the hogs.
const mostCPUs = 1024

func (o trialOrder) run() ([]hosts.Trial, error) {
	if len(o.CPUs) == 0 || len(o.CPUs) > mostCPUs || slices.Min(o.CPUs) < 0 || o.Time <= 0 || o.Time > 10*time.Second {
		return nil, errors.New("no order to measure by")
	}
	until := clockNs() + int64(len(trials))*o.Time.Nanoseconds()
	for _, cpu := range o.CPUs {
		go hog(cpu, until)
	}
	type answer struct {
		trials []hosts.Trial
		err    error
	}
	done := make(chan answer)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the process
		all, err := o.watch()
		done <- answer{all, err}
	}()
	a := <-done
	return a.trials, a.err
}

// hogNice is how far hogs give way to everything else: as nice as can be while a loaded
// machine still lets them run, now and then, and end. In the idle class a thread that
// was killed there lingers for seconds.
const hogNice = 10

// hog keeps a CPU busy.
func hog(cpu int, until int64) {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if unix.SchedSetaffinity(0, &set) != nil || unix.SchedSetAttr(0, &unix.SchedAttr{Nice: hogNice}, 0) != nil {
		return // the CPU stays idle, as far as this process goes
	}
	for now() < until {
	}
}

// watch does the trials on this thread, one after the other.
func (o trialOrder) watch() ([]hosts.Trial, error) {
	var set unix.CPUSet
	for _, cpu := range o.CPUs {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_setaffinity: %w", err)
	}
	self := thread{os.Getpid(), unix.Gettid()}
	var all []hosts.Trial
	for _, r := range trials {
		if err := self.setDeadline(r.runtime, r.period); err != nil {
			return nil, fmt.Errorf("sched_setattr: %w%s", err, trialAdvice(err))
		}
		runs := runsUntil(make([]hosts.Run, 0, mostRuns), now()+o.Time.Nanoseconds())
		if err := self.setOther(); err != nil {
			return nil, fmt.Errorf("sched_setattr: %w", err)
		}
		all = append(all, hosts.Trial{RuntimeNs: r.runtime, PeriodNs: r.period, Runs: runs})
	}
	return all, nil
}

func trialAdvice(err error) string {
	switch {
	case errors.Is(err, unix.EPERM):
		return ": it takes root, and all cpus of the root domain"
	case errors.Is(err, unix.EBUSY):
		return ": nothing is left to reserve"
	}
	return ""
}

const (
	// mostRuns is more than there are pauses in a trial on a machine of which anything
	// could be said.
	mostRuns = 1 << 16
	// pauseNs is what counts as a pause: more than an interrupt, less than any throttling.
	pauseNs = 200_000
)

// runsUntil watches the clock until the time given and notes when it stood still for
// this thread. It allocates nothing and calls nothing that could stop it.
func runsUntil(runs []hosts.Run, until int64) []hosts.Run {
	from := now()
	last := from
	for last < until && len(runs) < cap(runs) {
		t := now()
		if t-last > pauseNs {
			runs = runs[:len(runs)+1]
			runs[len(runs)-1] = hosts.Run{FromNs: from, ToNs: last}
			from = t
		}
		last = t
	}
	return runs
}
