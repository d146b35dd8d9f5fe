//go:build cgroup2

package linux

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// This is for a machine with cgroup version 2 and Linux 6.7 or later, two CPUs and
// nothing else on it, such as a virtual machine: go test -tags cgroup2 -run OnCgroup2.

// libvirtV2 puts the threads of a stand-in where libvirt puts those of a domain.
func libvirtV2(t *testing.T, m *Machine, pid int, vm string, pins map[string]int) string {
	t.Helper()
	tree := mounted("/sys/fs/cgroup")
	scope := "machine.slice/machine-qemu\\x2d" + strconv.Itoa(pid) + "\\x2d" + vm + ".scope"
	for _, d := range append([]string{""}, ancestors(scope+"/libvirt")...) {
		if err := tree.Mkdir(d); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		if d != scope+"/libvirt" {
			must(t, tree.Write(path.Join(d, "cgroup.subtree_control"), "+cpuset"))
		}
	}
	dir := scope + "/libvirt"
	for name := range pins {
		must(t, tree.Mkdir(path.Join(dir, name)), tree.Write(path.Join(dir, name, "cgroup.type"), "threaded"))
	}
	must(t, tree.Write(path.Join(dir, "cgroup.subtree_control"), "+cpuset"), tree.Write(path.Join(dir, "cgroup.procs"), strconv.Itoa(pid)))
	tids, err := numbers("/proc/" + strconv.Itoa(pid) + "/task")
	must(t, err)
	for _, tid := range tids {
		must(t, tree.Write(path.Join(dir, "emulator", "cgroup.threads"), strconv.Itoa(tid)))
	}
	for name, cpu := range pins {
		th, err := m.thread("net", vm, name)
		must(t, err, tree.Write(path.Join(dir, name, "cgroup.threads"), strconv.Itoa(th.tid)))
		must(t, tree.Write(path.Join(dir, name, v2Cpus), strconv.Itoa(cpu)))
		var set unix.CPUSet
		set.Set(cpu)
		must(t, unix.SchedSetaffinity(th.tid, &set))
	}
	return scope
}

func settings(t *testing.T) map[string]string {
	t.Helper()
	tree := mounted("/sys/fs/cgroup")
	all := map[string]string{}
	dirs, err := walk(tree)
	must(t, err)
	for _, d := range dirs {
		for _, name := range []string{v2Cpus, v2Exclusive, v2Partition, v2Effective} {
			if text, err := tree.Read(path.Join(d, name)); err == nil {
				all[path.Join(d, name)] = text
			}
		}
	}
	return all
}

func TestReservationsOnCgroup2(t *testing.T) {
	for _, c := range []struct {
		name string
		pins map[string]int
	}{
		{"a thread", map[string]int{"vcpu0": 1, "emulator": 0}},
		{"a domain", map[string]int{"vcpu0": 1, "vcpu1": 1, "emulator": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStandins(t, "")
			m := New(PIDs(s.pids))
			cmd := s.start("net", "a", "sleep", len(c.pins)-1, "")
			scope := libvirtV2(t, m, cmd.Process.Pid, "a", c.pins)
			defer func() {
				s.stop("vsn.net.a", cmd)
				dirs, err := walk(below{mounted("/sys/fs/cgroup"), scope})
				must(t, err)
				for _, d := range slices.Backward(dirs) {
					must(t, mounted("/sys/fs/cgroup").Rmdir(path.Join(scope, d)))
				}
			}()
			before := settings(t)
			do(t, m, create(hosts.Partition{CPU: 1})...)
			if err := m.Do(t.Context(), hosts.Change{New: hosts.Partition{CPU: 0}}); !errors.Is(err, unix.EBUSY) {
				t.Errorf("the last cpu: %v, want EBUSY", err)
			}
			var made []hosts.Reservation
			for name, cpu := range c.pins {
				if cpu == 1 {
					r := reservation("a", name, 1, 20*time.Millisecond, 100*time.Millisecond)
					do(t, m, create(r, r)...)
					made = append(made, r)
				}
			}
			o := observe(t, m).State
			if len(o.Reservations) != len(made) || !slices.Equal(o.Partitions, []hosts.Partition{{CPU: 1}}) {
				t.Errorf("observed %v", o.Objects())
			}
			over := made[0]
			over.RuntimeNs = 97_000_000
			if err := m.Do(t.Context(), hosts.Change{New: over}); !errors.Is(err, unix.EBUSY) {
				t.Errorf("over-admission: %v, want EBUSY", err)
			}
			for _, r := range made {
				do(t, m, hosts.Change{Old: r})
			}
			do(t, m, hosts.Change{Old: hosts.Partition{CPU: 1}})
			for k, want := range before {
				if got := settings(t)[k]; got != want {
					t.Errorf("%s is %q, was %q", k, got, want)
				}
			}
			if _, err := os.Stat(filepath.Join(m.run, "cpusets.json")); err == nil {
				t.Error("the record is left")
			}
		})
	}
}
