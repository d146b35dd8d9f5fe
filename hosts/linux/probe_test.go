package linux

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// files makes a machine of files: what /proc, /sys and /boot would say.
func files(t *testing.T, content map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range content {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
	}
	return root
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	must(t, err, z.Close())
	return b.String()
}

func TestProbe(t *testing.T) {
	machine := map[string]string{
		"sys/devices/system/cpu/online":         "0-1,3\n",
		"sys/devices/system/cpu/cpu0/node0/x":   "",
		"sys/devices/system/cpu/cpu1/node0/x":   "",
		"sys/devices/system/cpu/cpu3/node1/x":   "",
		"proc/meminfo":                          "MemTotal:       16777216 kB\nMemFree: 1 kB\n",
		"proc/sys/kernel/sched_rt_runtime_us":   "950000\n",
		"proc/sys/kernel/sched_rt_period_us":    "1000000\n",
		"proc/config.gz":                        zipped(t, "#\nCONFIG_NO_HZ=y\nCONFIG_HZ=1000\n"),
		"sys/kernel/debug/sched/features":       "GENTLE_FAIR_SLEEPERS NO_HRTICK NO_HRTICK_DL WAKEUP_PREEMPTION\n",
		"sys/kernel/debug/sched/fair_server/x":  "",
		"sys/kernel/debug/sched/verbose":        "N\n",
		"sys/devices/system/node/node0/cpulist": "0-1\n",
	}
	cpus := hosts.CPUs{{ID: 0}, {ID: 1}, {ID: 3, Node: 1}}
	cases := []struct {
		name  string
		alter map[string]string // "-": remove
		share vsn.Share
		grain vsn.Duration
	}{
		{"a tick", nil, hosts.DefaultShare, 1_000_000},
		{"by timer", map[string]string{"sys/kernel/debug/sched/features": "HRTICK HRTICK_DL\n"}, hosts.DefaultShare, preciseGrain},
		{"HZ=300 rounds up", map[string]string{"proc/config.gz": zipped(t, "\nCONFIG_HZ=300\n")}, hosts.DefaultShare, 3_333_334},
		{"unknown HZ", map[string]string{"proc/config.gz": "-"}, hosts.DefaultShare, hosts.DefaultGrain},
		{"no debugfs", map[string]string{"sys/kernel/debug/sched/features": "-", "sys/kernel/debug/sched/fair_server/x": "-", "sys/kernel/debug/sched/verbose": "-"}, hosts.DefaultShare, 1_000_000},
		{"before the fair server", map[string]string{"sys/kernel/debug/sched/fair_server/x": "-"}, vsn.One * 95 / 100, 1_000_000},
		{"a large fair server", map[string]string{"sys/kernel/debug/sched/fair_server/x": "-", "sys/kernel/debug/sched/fair_server/cpu0/runtime": "50000000", "sys/kernel/debug/sched/fair_server/cpu0/period": "1000000000",
			"sys/kernel/debug/sched/fair_server/cpu1/runtime": "200000000", "sys/kernel/debug/sched/fair_server/cpu1/period": "1000000000"}, vsn.One * 75 / 100, 1_000_000},
		{"little RT runtime", map[string]string{"proc/sys/kernel/sched_rt_runtime_us": "300000"}, vsn.One * 25 / 100, 1_000_000},
		{"no limit", map[string]string{"proc/sys/kernel/sched_rt_runtime_us": "-1"}, hosts.DefaultShare, 1_000_000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			content := map[string]string{}
			for k, v := range machine {
				content[k] = v
			}
			for k, v := range c.alter {
				if content[k] = v; v == "-" {
					delete(content, k)
				}
			}
			var h hosts.Host
			if err := New(Root(files(t, content))).Probe(t.Context(), &h); err != nil {
				t.Fatal(err)
			}
			want := hosts.Host{Name: h.Name, CPUs: cpus, Share: c.share, Grain: c.grain, Memory: 15 << 30}
			if d := cmp.Diff(want, h); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if h.Name == "" {
				t.Error("no name")
			}
		})
	}
}

func TestProbeThisMachine(t *testing.T) {
	var h hosts.Host
	if err := New().Probe(t.Context(), &h); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", h)
	if len(h.CPUs) == 0 || h.Memory < 1<<28 || h.Share < vsn.One/10 || h.Share > vsn.One || h.Grain < 1000 || h.Grain > 10_000_000 {
		t.Errorf("%+v is no machine", h)
	}
}

func TestCPULists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfDistinct(rapid.IntRange(0, 200), rapid.ID).Draw(t, "cpus")
		seen := map[int]bool{}
		for _, c := range set {
			seen[c] = true
		}
		var want []int
		for c := range 201 {
			if seen[c] {
				want = append(want, c)
			}
		}
		got, err := parseCPUs(formatCPUs(want) + "\n")
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("%q: %v, %v, want %v", formatCPUs(want), got, err, want)
		}
	})
	for _, bad := range []string{"a", "1-", "-1", "3-1", "1-99999999", "0x1"} {
		if got, err := parseCPUs(bad); err == nil {
			t.Errorf("%q: %v, want an error", bad, got)
		}
	}
}

func TestCgroupMounts(t *testing.T) {
	for _, c := range []struct{ text, v1, v2 string }{
		{"34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n40 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup/unified"},
		{"34 31 0:31 / /c rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuset,memory\n", "/c", ""},
		{"35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", "", "/sys/fs/cgroup"},
		{"35 24 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "", ""},
	} {
		v1, v2, err := cgroupMounts(filepath.Join(files(t, map[string]string{"m": c.text}), "m"))
		if err != nil || v1 != c.v1 || v2 != c.v2 {
			t.Errorf("%q: %q, %q, %v", c.text, v1, v2, err)
		}
	}
}
