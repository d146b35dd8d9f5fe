package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Doctor looks at what a deployment needs of this kernel, and at what makes its
// bounds better or worse. It tries things on a thread of its own and in a network
// namespace that vanishes; the machine stays as it is.
func (m *Machine) Doctor(ctx context.Context) []hosts.Finding {
	var all []hosts.Finding
	for _, look := range []func() []hosts.Finding{
		m.doctorUser, m.doctorDeadline, m.doctorRuntime, m.doctorPeriods, m.doctorGrain, m.doctorTimers,
		m.doctorCgroup, m.doctorPartitions, m.doctorTraffic,
		m.doctorSMT, m.doctorGovernor, m.doctorClock, m.doctorSteal,
	} {
		if ctx.Err() != nil {
			return append(all, fail("doctor", context.Cause(ctx).Error(), "run it again and let it finish"))
		}
		all = append(all, look()...)
	}
	return all
}

func ok(name, found string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelOK, Found: found}
}

func warn(name, found, advice string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelWarn, Found: found, Advice: advice}
}

func fail(name, found, advice string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelFail, Found: found, Advice: advice}
}

func one(f hosts.Finding) []hosts.Finding { return []hosts.Finding{f} }

func (m *Machine) doctorUser() []hosts.Finding {
	if id := os.Geteuid(); id != 0 {
		return one(fail("user", fmt.Sprintf("user id %d", id), "deploy as root; planning needs no rights"))
	}
	return one(ok("user", "root"))
}

// onThread runs f on an OS thread of its own, which f leaves as it was.
func onThread[T any](f func() T) T {
	done := make(chan T, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- f()
	}()
	return <-done
}

// doctorDeadline tries the smallest sensible reservation on a thread of its own.
func (m *Machine) doctorDeadline() []hosts.Finding {
	const name = "SCHED_DEADLINE"
	err := onThread(func() error {
		self := thread{os.Getpid(), unix.Gettid()}
		err := self.setDeadline(100_000, 100_000_000)
		return errors.Join(err, self.setOther())
	})
	switch {
	case err == nil:
		return one(ok(name, "a thread can get it"))
	case errors.Is(err, unix.EBUSY):
		return one(warn(name, "a thread can get it, but nothing is left to reserve", "remove reservations (vsnctl status lists ours), or raise kernel.sched_rt_runtime_us"))
	case errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL):
		return one(fail(name, err.Error(), "use a kernel with SCHED_DEADLINE (Linux 3.14 or later)"))
	}
	return one(fail(name, err.Error(), "run as root (CAP_SYS_NICE); in a container, allow sched_setattr; a thread pinned to some CPUs only is refused too"))
}

func (m *Machine) doctorRuntime() []hosts.Finding {
	const name = "RT runtime"
	runtime, ok1 := m.number("proc/sys/kernel/sched_rt_runtime_us")
	period, ok2 := m.number("proc/sys/kernel/sched_rt_period_us")
	if !ok1 || !ok2 {
		return one(fail(name, "kernel.sched_rt_runtime_us cannot be read", "mount /proc, and use a kernel with real-time scheduling"))
	}
	server, known := m.fairServer()
	text := fmt.Sprintf("%d of %d us", runtime, period)
	if known {
		text += fmt.Sprintf(", the fair server holds %v", server)
	}
	text += fmt.Sprintf(": reservations may take %v of each cpu", m.share())
	switch {
	case runtime < 0:
		return one(warn(name, text, "no limit means no admission test: sysctl kernel.sched_rt_runtime_us=950000"))
	case m.share() < vsn.One/10:
		return one(fail(name, text, "sysctl kernel.sched_rt_runtime_us=950000"))
	case !known:
		return one(ok(name, text+" (the fair server's share is taken as 0.05)"))
	}
	return one(ok(name, text))
}

func (m *Machine) doctorPeriods() []hosts.Finding {
	low, high := m.periodLimits()
	text := fmt.Sprintf("%v..%v", time.Duration(low), time.Duration(high))
	if low > 1_000_000 || high < 1_000_000_000 {
		return one(warn("reservation periods", text, "sysctl kernel.sched_deadline_period_min_us=100 kernel.sched_deadline_period_max_us=4194304"))
	}
	return one(ok("reservation periods", text))
}

func (m *Machine) doctorGrain() []hosts.Finding {
	const name = "HZ and HRTICK"
	hz, knownHZ := m.hz()
	on, known := m.hrtick()
	text := "HZ unknown"
	if knownHZ {
		text = fmt.Sprintf("HZ=%d", hz)
	}
	switch {
	case known && on:
		text += ", HRTICK_DL"
	case known:
		text += ", no HRTICK_DL"
	default:
		text += ", HRTICK_DL unknown"
	}
	grain, _ := m.grain()
	text += fmt.Sprintf(": budgets are enforced within %v", grain)
	switch {
	case known && on:
		return one(ok(name, text))
	case known:
		return one(warn(name, text, "echo HRTICK_DL > /sys/kernel/debug/sched/features makes budgets exact"))
	case !knownHZ:
		return one(warn(name, text, "mount debugfs, or have /boot/config-$(uname -r), so that the tick is known"))
	}
	return one(warn(name, text, "mount -t debugfs none /sys/kernel/debug shows HRTICK_DL; with it on, budgets are exact"))
}

// doctorTimers: without high-resolution timers every timeout waits for a tick.
func (m *Machine) doctorTimers() []hosts.Finding {
	var ts unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return one(fail("timers", err.Error(), ""))
	}
	text := fmt.Sprintf("resolution %v", time.Duration(ts.Nano()))
	if ts.Nano() > 1000 {
		return one(warn("timers", text, "boot without highres=off, with CONFIG_HIGH_RES_TIMERS"))
	}
	return one(ok("timers", text))
}

func (m *Machine) doctorCgroup() []hosts.Finding {
	const name = "cgroup"
	v1, v2, err := cgroupMounts(filepath.Join(m.root, "proc/self/mountinfo"))
	if err != nil {
		return one(fail(name, err.Error(), "mount /proc"))
	}
	b, _ := os.ReadFile(filepath.Join(v2, "cgroup.controllers"))
	controllers := strings.Fields(string(b))
	switch {
	case v1 != "":
		return one(ok(name, "version 1, cpuset at "+v1))
	case v2 == "":
		return one(fail(name, "none mounted", "mount cgroups; libvirt needs them, and so does `partition: true`"))
	case !slices.Contains(controllers, "cpuset"):
		return one(warn(name, fmt.Sprintf("version 2 without cpuset (has %s)", strings.Join(controllers, " ")), "use a kernel with CONFIG_CPUSETS, or plan with `partition: false`"))
	}
	has := func(file string) bool {
		found, _ := filepath.Glob(filepath.Join(v2, "*", file))
		return len(found) > 0
	}
	if has(v2Partition) && !has(v2Exclusive) {
		return one(warn(name, "version 2 without "+v2Exclusive, "`partition: true` needs Linux 6.7 there, or cgroup version 1 (systemd.unified_cgroup_hierarchy=0)"))
	}
	return one(ok(name, "version 2, cpuset at "+v2))
}

// doctorPartitions tells which CPUs are partitioned and whether anything joins them.
func (m *Machine) doctorPartitions() []hosts.Finding {
	const name = "root domains"
	d, err := m.domainsOf()
	if err != nil {
		return one(warn(name, err.Error(), "without, plan with `partition: false`"))
	}
	parts, err := d.partitions()
	if err != nil {
		return one(fail(name, err.Error(), ""))
	}
	if len(parts) == 0 {
		if text := d.alone(); text != "" {
			return one(warn(name, text, "a partition of somebody else's? our own put back what they change"))
		}
		return one(ok(name, "one for the whole machine"))
	}
	var joined []string
	for _, cpu := range parts {
		with, err := d.joined(cpu)
		if err != nil {
			return one(fail(name, err.Error(), ""))
		}
		if len(with) > 1 {
			joined = append(joined, fmt.Sprintf("cpu %d shares one with %s", cpu, formatCPUs(without(with, []int{cpu}))))
		}
	}
	text := fmt.Sprintf("one for each of cpus %s", formatCPUs(parts))
	if len(joined) > 0 {
		return one(warn(name, text+", but "+strings.Join(joined, ", "), "something made a cpuset across partitions: any `vsnctl deploy` mends it"))
	}
	return one(ok(name, text))
}

func (m *Machine) doctorSMT() []hosts.Finding {
	if m.siblings() {
		return one(warn("SMT", "on", "siblings share a core: a reservation gets its time, not its speed; echo off > /sys/devices/system/cpu/smt/control"))
	}
	return one(ok("SMT", "off"))
}

func (m *Machine) doctorGovernor() []hosts.Finding {
	const name = "frequency governor"
	files, _ := filepath.Glob(filepath.Join(m.root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	seen := map[string]bool{}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			seen[strings.TrimSpace(string(b))] = true
		}
	}
	var names []string
	for g := range seen {
		names = append(names, g)
	}
	slices.Sort(names)
	switch text := strings.Join(names, ", "); text {
	case "":
		return one(ok(name, "none: the frequency is not this kernel's to change"))
	case "performance":
		return one(ok(name, text))
	default:
		return one(warn(name, text, "work takes longer at a lower frequency: cpupower frequency-set -g performance"))
	}
}

func (m *Machine) doctorClock() []hosts.Finding {
	const name = "clock source"
	switch text := m.text("sys/devices/system/clocksource/clocksource0/current_clocksource"); text {
	case "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page":
		return one(ok(name, text))
	case "":
		return one(warn(name, "unknown", "mount /sys"))
	default:
		return one(warn(name, text, "reading it is slow: find out why the kernel distrusts tsc (dmesg | grep -i clocksource)"))
	}
}

// doctorSteal: time that a hypervisor takes is missing from every reservation.
func (m *Machine) doctorSteal() []hosts.Finding {
	const name = "steal"
	line, _, _ := strings.Cut(m.text("proc/stat"), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return one(warn(name, "unknown", "mount /proc"))
	}
	var sum, stolen float64
	for i, f := range fields[1:9] { // user nice system idle iowait irq softirq steal, proc_stat(5)
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return one(warn(name, err.Error(), ""))
		}
		sum += v
		if i == 7 {
			stolen = v
		}
	}
	percent := 100 * stolen / max(1, sum)
	text := fmt.Sprintf("%.2f %% of cpu time since boot", percent)
	if percent >= 0.5 {
		return one(warn(name, text, "this machine is a guest whose host takes its time: bounds do not hold; use dedicated CPUs or bare metal"))
	}
	return one(ok(name, text))
}
