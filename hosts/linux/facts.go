package linux

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
)

// facts observes what promises rest on and no object of ours shows.
func (m *Machine) facts(o *hosts.Observation) error {
	ours, err := m.ownThreads()
	if err != nil {
		return err
	}
	all, err := deadlineThreads()
	if err != nil {
		return err
	}
	f := &hosts.Facts{ClockNs: clockNs(), Share: m.share(), Hypervisor: m.hypervisor(), StealNs: m.stealNs(), Governors: m.governors(), SMT: m.siblings()}
	for _, t := range all {
		if !ours[t.tid] {
			f.Foreign = append(f.Foreign, hosts.DeadlineThread{Process: t.comm, PID: t.pid, CPUs: t.cpus, RuntimeNs: int64(t.runtime), PeriodNs: int64(t.period)})
		}
	}
	if runtime, known := m.number("proc/sys/kernel/sched_rt_runtime_us"); known && runtime < 0 {
		f.Unlimited = true
	}
	f.Grain, f.GrainFrom = m.grain()
	switch d, err := m.domainsOf(); {
	case errors.Is(err, errNoCpuset):
	case err != nil:
		return err
	case len(o.State.Partitions) == 0:
		f.Split = d.alone()
	}
	if cpus := m.text("sys/devices/system/cpu/isolated"); cpus != "" && f.Split == "" {
		f.Split = "cpus " + cpus + " are isolated (isolcpus)"
	}
	o.Facts = f
	return nil
}

// ownThreads are those that can hold a reservation of ours, by number.
func (m *Machine) ownThreads() (map[int]bool, error) {
	all, err := m.domains()
	if err != nil {
		return nil, err
	}
	ours := map[int]bool{}
	for _, d := range all {
		threads, err := d.threads()
		if err != nil {
			continue // the domain ended meanwhile
		}
		for _, t := range threads {
			ours[t.tid] = true
		}
	}
	return ours, nil
}

// hypervisor names what runs this machine, empty where it runs by itself. The CPU
// says so where it is an x86 (the flag "hypervisor", arch/x86/include/asm/cpufeatures.h);
// other hypervisors show themselves in sysfs or in the device tree.
func (m *Machine) hypervisor() string {
	kind := m.text("sys/hypervisor/type")
	if kind == "" && !m.flagged("hypervisor") {
		if _, err := os.Stat(filepath.Join(m.root, "proc/device-tree/hypervisor")); err != nil {
			return ""
		}
	}
	if kind != "" {
		return kind
	}
	if vendor := m.text("sys/class/dmi/id/sys_vendor"); vendor != "" {
		return "a hypervisor (" + vendor + ")"
	}
	return "a hypervisor"
}

// flagged looks for a flag of the first CPU.
func (m *Machine) flagged(flag string) bool {
	for line := range strings.Lines(m.text("proc/cpuinfo")) {
		if name, flags, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			return slices.Contains(strings.Fields(flags), flag)
		}
	}
	return false
}

// userHz is the unit of proc_stat(5), USER_HZ: 100 on x86 and on ARM.
const userHz = 100

// stealNs is what a hypervisor took from each CPU since boot: field 8 of proc_stat(5).
func (m *Machine) stealNs() map[int]int64 {
	steal := map[int]int64{}
	for line := range strings.Lines(m.text("proc/stat")) {
		f := strings.Fields(line)
		number, ok := strings.CutPrefix(firstOf(f), "cpu")
		cpu, err := strconv.Atoi(number)
		if !ok || err != nil || len(f) < 9 {
			continue
		}
		if ticks, err := strconv.ParseInt(f[8], 10, 64); err == nil {
			steal[cpu] = ticks * (1_000_000_000 / userHz)
		}
	}
	return steal
}

func firstOf(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// governors are the frequency governors other than "performance", sorted.
func (m *Machine) governors() []string {
	files, _ := filepath.Glob(filepath.Join(m.root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	var names []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if name := strings.TrimSpace(string(b)); err == nil && name != "performance" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *Machine) siblings() bool { return m.text("sys/devices/system/cpu/smt/active") == "1" }
