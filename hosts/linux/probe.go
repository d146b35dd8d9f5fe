package linux

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Probe adds the name, the CPUs with their NUMA nodes, the memory, the share of a
// CPU that reservations may take and the grain at which the scheduler enforces them.
// What is policy (partition, accel, transit) it leaves alone.
func (m *Machine) Probe(ctx context.Context, h *hosts.Host) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	if h.Name == "" {
		h.Name = name
	}
	if h.CPUs, err = m.cpus(); err != nil {
		return fmt.Errorf("probe cpus: %w", err)
	}
	if h.Memory, err = m.memory(); err != nil {
		return fmt.Errorf("probe memory: %w", err)
	}
	h.Share = m.share()
	h.Grain, _ = m.grain()
	return ctx.Err()
}

// text reads a file of proc, sys or boot; empty when it cannot be read.
func (m *Machine) text(file string) string {
	b, err := os.ReadFile(filepath.Join(m.root, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (m *Machine) number(file string) (int64, bool) {
	n, err := strconv.ParseInt(m.text(file), 10, 64)
	return n, err == nil
}

func (m *Machine) cpus() (hosts.CPUs, error) {
	online, err := parseCPUs(m.text("sys/devices/system/cpu/online"))
	if err != nil || len(online) == 0 {
		return nil, errors.Join(err, errors.New("sys/devices/system/cpu/online lists none"))
	}
	var cpus hosts.CPUs
	for _, id := range online {
		cpus = append(cpus, hosts.CPU{ID: id, Node: m.node(id)})
	}
	return cpus, nil
}

var nodeDir = regexp.MustCompile(`^node(\d+)$`)

// node is the NUMA node of a CPU: the link nodeN in its directory.
func (m *Machine) node(cpu int) int {
	entries, _ := os.ReadDir(filepath.Join(m.root, fmt.Sprintf("sys/devices/system/cpu/cpu%d", cpu)))
	for _, e := range entries {
		if match := nodeDir.FindStringSubmatch(e.Name()); match != nil {
			n, _ := strconv.Atoi(match[1])
			return n
		}
	}
	return 0
}

// memory is what domains may have: all but a sixteenth, which the host keeps for
// itself and for what each qemu needs beside its guest. Whole MiB.
func (m *Machine) memory() (vsn.Size, error) {
	for line := range strings.Lines(m.text("proc/meminfo")) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MemTotal:" {
			continue
		}
		kib, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return 0, err
		}
		return vsn.Size(kib*15/16>>10) << 20, nil
	}
	return 0, errors.New("proc/meminfo has no MemTotal")
}

// share is what reservations may take of each CPU: sched_rt_runtime_us of
// sched_rt_period_us, less what the fair server holds where the kernel has one (it
// is admitted like a reservation; kernel/sched/deadline.c). Where that cannot be
// read, hosts.DefaultShare, or less if the first is.
func (m *Machine) share() vsn.Share {
	whole := vsn.One
	runtime, ok := m.number("proc/sys/kernel/sched_rt_runtime_us")
	period, ok2 := m.number("proc/sys/kernel/sched_rt_period_us")
	if ok && ok2 && runtime >= 0 && period > 0 {
		whole = vsn.Share(runtime * int64(vsn.One) / period)
	}
	server, known := m.fairServer()
	if !known {
		return max(0, min(hosts.DefaultShare, whole-defaultServer))
	}
	return max(0, whole-server)
}

// defaultServer is the fair server's share when nobody changed it: 50 ms of 1 s.
const defaultServer = vsn.One * 5 / 100

// fairServer is the largest share that the fair server holds on a CPU. Debugfs tells,
// where it is mounted and may be read; where it is there and has no such directory,
// the kernel is older than the fair server (Linux 6.12).
func (m *Machine) fairServer() (vsn.Share, bool) {
	const debug = "sys/kernel/debug/sched"
	if _, err := os.ReadDir(filepath.Join(m.root, debug)); err != nil {
		return 0, false
	}
	entries, err := os.ReadDir(filepath.Join(m.root, debug, "fair_server"))
	if err != nil {
		return 0, errors.Is(err, os.ErrNotExist)
	}
	var most vsn.Share
	for _, e := range entries {
		runtime, ok := m.number(filepath.Join(debug, "fair_server", e.Name(), "runtime"))
		period, ok2 := m.number(filepath.Join(debug, "fair_server", e.Name(), "period"))
		if !ok || !ok2 || period <= 0 {
			return 0, false
		}
		most = max(most, vsn.Share((runtime*int64(vsn.One)+period-1)/period))
	}
	return most, true
}

// preciseGrain is how late a budget is enforced by a high-resolution timer: interrupt
// latency, with room to spare.
const preciseGrain vsn.Duration = 100_000

// grain is one tick, unless the scheduler enforces budgets by timer (HRTICK_DL), and
// what says so; from is empty where nothing does.
func (m *Machine) grain() (grain vsn.Duration, from string) {
	if on, known := m.hrtick(); known && on {
		return preciseGrain, "a timer (HRTICK_DL)"
	}
	if hz, ok := m.hz(); ok {
		return vsn.Duration((1_000_000_000 + hz - 1) / hz), fmt.Sprintf("the tick (CONFIG_HZ=%d)", hz)
	}
	return hosts.DefaultGrain, ""
}

// hrtick reports HRTICK_DL, if the scheduler's features can be read.
func (m *Machine) hrtick() (on, known bool) {
	for _, f := range strings.Fields(m.text("sys/kernel/debug/sched/features")) {
		switch f {
		case "HRTICK_DL":
			return true, true
		case "NO_HRTICK_DL":
			return false, true
		}
	}
	return false, false
}

// hz is CONFIG_HZ of the running kernel, if its configuration is at hand.
func (m *Machine) hz() (int64, bool) {
	text := m.config()
	_, rest, ok := strings.Cut(text, "\nCONFIG_HZ=")
	if !ok {
		return 0, false
	}
	line, _, _ := strings.Cut(rest, "\n")
	hz, err := strconv.ParseInt(line, 10, 64)
	return hz, err == nil && hz > 0
}

// config is the configuration of the running kernel, or empty.
func (m *Machine) config() string {
	if f, err := os.Open(filepath.Join(m.root, "proc/config.gz")); err == nil {
		defer f.Close()
		if z, err := gzip.NewReader(f); err == nil {
			b, _ := io.ReadAll(z)
			return string(b)
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return m.text("boot/config-" + unix.ByteSliceToString(u.Release[:]))
}
