package linux

import (
	"context"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

func factsOf(t *testing.T, m *Machine) hosts.Facts {
	t.Helper()
	var o hosts.Observation
	if err := m.facts(&o); err != nil {
		t.Fatal(err)
	}
	return *o.Facts
}

// TestFactsFromFiles reads machines that are not this one.
func TestFactsFromFiles(t *testing.T) {
	bare := map[string]string{
		"proc/self/mountinfo":                 "",
		"proc/sys/kernel/sched_rt_runtime_us": "950000\n",
		"proc/sys/kernel/sched_rt_period_us":  "1000000\n",
		"proc/config.gz":                      zipped(t, "#\nCONFIG_HZ=250\n"),
		"proc/cpuinfo":                        "processor\t: 0\nflags\t\t: fpu vmx sse2\nvmx flags\t: hypervisor\n",
		"proc/stat":                           "cpu  1 2 3 4 5 6 7 9 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 1 0 0\nctxt 1 2 3 4 5 6 7 8 9\n",
	}
	plain := hosts.Facts{Share: hosts.DefaultShare, Grain: 4_000_000, GrainFrom: "the tick (CONFIG_HZ=250)", StealNs: map[int]int64{0: 80_000_000, 1: 10_000_000}}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  func(*hosts.Facts)
	}{
		{"bare metal", nil, func(*hosts.Facts) {}},
		{"a guest", map[string]string{"proc/cpuinfo": "flags\t: fpu hypervisor sse2\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"}, func(f *hosts.Facts) { f.Hypervisor = "a hypervisor (QEMU)" }},
		{"a guest of nobody known", map[string]string{"proc/cpuinfo": "flags\t: hypervisor\n"}, func(f *hosts.Facts) { f.Hypervisor = "a hypervisor" }},
		{"xen", map[string]string{"sys/hypervisor/type": "xen\n"}, func(f *hosts.Facts) { f.Hypervisor = "xen" }},
		{"a guest on arm", map[string]string{"proc/cpuinfo": "", "proc/device-tree/hypervisor/compatible": "linux,kvm"}, func(f *hosts.Facts) { f.Hypervisor = "a hypervisor" }},
		{"no limit", map[string]string{"proc/sys/kernel/sched_rt_runtime_us": "-1\n"}, func(f *hosts.Facts) { f.Unlimited = true }},
		{"unknown tick", map[string]string{"proc/config.gz": ""}, func(f *hosts.Facts) { f.GrainFrom = "" }},
		{"frequencies", map[string]string{"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n", "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
			"sys/devices/system/cpu/cpu10/cpufreq/scaling_governor": "powersave\n"}, func(f *hosts.Facts) { f.Governors = []string{"powersave", "schedutil"} }},
		{"isolated cpus", map[string]string{"sys/devices/system/cpu/isolated": "2-3\n"}, func(f *hosts.Facts) { f.Split = "cpus 2-3 are isolated (isolcpus)" }},
		{"siblings", map[string]string{"sys/devices/system/cpu/smt/active": "1\n"}, func(f *hosts.Facts) { f.SMT = true }},
		{"no steal to read", map[string]string{"proc/stat": "cpu0 1 2\ncpux 1 2 3 4 5 6 7 8\n\n"}, func(f *hosts.Facts) { f.StealNs = map[int]int64{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := maps.Clone(bare)
			maps.Copy(content, c.files)
			want := plain
			c.want(&want)
			got := factsOf(t, New(Root(files(t, content)), PIDs(t.TempDir())))
			got.ClockNs, got.Foreign = 0, nil // of this machine
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestForeignDeadlineThreads: a reservation that is not ours is seen while it is
// there, with its numbers, and one of ours is not.
func TestForeignDeadlineThreads(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Deadline)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	mine := func() *hosts.DeadlineThread {
		o, err := m.Observe(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(o.Facts.Foreign, func(d hosts.DeadlineThread) bool { return d.PID == os.Getpid() })
		if i < 0 {
			return nil
		}
		return &o.Facts.Foreign[i]
	}
	if d := mine(); d != nil {
		t.Errorf("before: %+v", d)
	}
	onThread(func() error {
		self := thread{os.Getpid(), unix.Gettid()}
		if err := self.setDeadline(100_000, 100_000_000); err != nil {
			t.Error(err)
			return err
		}
		defer self.setOther()
		if d := mine(); d == nil || d.RuntimeNs != 100_000 || d.PeriodNs != 100_000_000 || len(d.CPUs) == 0 || d.Process == "" {
			t.Errorf("meanwhile: %+v", d)
		}
		return nil
	})
	if d := mine(); d != nil {
		t.Errorf("after: %+v", d)
	}
}

// A reservation on a thread of our domain is not foreign.
func TestOwnThreadsAreNotForeign(t *testing.T) {
	m, s := onMachine(t)
	s.start("net", "a", "sleep", 1, "vcpu0=1 emulator=0")
	for _, o := range []hosts.Object{hosts.Partition{CPU: 1}, reservation("a", "vcpu0", 1, 5_000_000, 100_000_000)} {
		do(t, m, hosts.Change{New: o})
	}
	o := observe(t, m)
	if len(o.State.Reservations) != 1 || o.Facts == nil || slices.ContainsFunc(o.Facts.Foreign, func(d hosts.DeadlineThread) bool { return slices.Contains(d.CPUs, 1) }) {
		t.Errorf("%+v, facts %+v", o.State.Reservations, o.Facts)
	}
	for _, o := range slices.Backward(o.State.Objects()) {
		do(t, m, hosts.Change{Old: o})
	}
}

// A partition that is not ours divides the CPUs where one root domain is wanted.
func TestV2PartitionOfOthers(t *testing.T) {
	l := newLabV2(t, 0, 1, 2, 3)
	if text := l.alone(); text != "" {
		t.Errorf("nobody has a partition: %q", text)
	}
	must(t, l.Write("machine.slice/"+v2Cpus, "2-3"), l.Write("machine.slice/"+v2Partition, "root"))
	if text := l.alone(); text != "cgroup machine.slice is a partition (root) and not ours" {
		t.Errorf("got %q", text)
	}
}
