package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// rootDomains makes root domains of one CPU, by one of the two versions of cgroups.
// The caller holds the lock.
type rootDomains interface {
	census
	// create refuses a CPU that the machine has not.
	create(cpu int) error
	// remove takes the partition away; after the last everything is as it was.
	remove(cpu int) error
	// settle makes the partitions whole again after others made cpusets.
	settle() error
	// admit makes the cpuset of a thread that is pinned to cpu lie in its partition.
	admit(cpu int, t thread) error
}

// census is what there is of root domains. It needs no lock.
type census interface {
	// partitions are the CPUs that have a partition of ours, sorted.
	partitions() ([]int, error)
	// joined is the root domain of a CPU as it is now, sorted.
	joined(cpu int) ([]int, error)
	// alone tells, when there is no partition, what keeps the machine from having
	// one root domain; empty when nothing does.
	alone() string
}

// ourCgroup begins the names of our cgroups; that is their mark.
const ourCgroup = "vsnctl-"

func cpuCgroup(cpu int) string { return fmt.Sprintf("%scpu%d", ourCgroup, cpu) }

// cgroupCPU is the CPU of a cgroup of ours.
func cgroupCPU(name string) (int, bool) {
	var cpu int
	n, err := fmt.Sscanf(name, ourCgroup+"cpu%d", &cpu)
	return cpu, n == 1 && err == nil && name == cpuCgroup(cpu)
}

// domainsOf finds which version has the cpuset controller here.
func (m *Machine) domainsOf() (rootDomains, error) {
	v1, v2, err := cgroupMounts(filepath.Join(m.root, "proc/self/mountinfo"))
	if err != nil {
		return nil, err
	}
	if v1 != "" {
		return &cpusetV1{tree: mounted(v1), before: record{filepath.Join(m.run, "cpusets.json")}}, nil
	}
	if v2 != "" {
		b, err := os.ReadFile(filepath.Join(v2, "cgroup.controllers"))
		if err == nil && slices.Contains(strings.Fields(string(b)), "cpuset") {
			return &cpusetV2{tree: mounted(v2), before: record{filepath.Join(m.run, "cpusets.json")}}, nil
		}
	}
	return nil, errNoCpuset
}

var errNoCpuset = errors.New("no cpuset controller is mounted: mount cgroups with cpuset, or set `partition: false` for this host")

// cgroupMounts finds where the version 1 hierarchy with cpuset and the version 2
// hierarchy are mounted; see proc_pid_mountinfo(5).
func cgroupMounts(mountinfo string) (v1, v2 string, err error) {
	b, err := os.ReadFile(mountinfo)
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(b)) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			continue
		}
		switch {
		case r[0] == "cgroup" && slices.Contains(strings.Split(r[2], ","), "cpuset"):
			v1 = l[4]
		case r[0] == "cgroup2":
			v2 = l[4]
		}
	}
	return v1, v2, nil
}

// lock keeps two processes from changing cpusets, and their record, at once.
func (m *Machine) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(m.run, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(m.run, "cpusets.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

// createPartition gives one CPU a root domain of its own. Scheduling changes for the
// whole machine: nothing is balanced into or out of that CPU any more.
func (m *Machine) createPartition(ctx context.Context, p hosts.Partition) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	d, err := m.domainsOf()
	if err != nil {
		return err
	}
	parts, err := d.partitions()
	if err != nil {
		return err
	}
	if !slices.Contains(parts, p.CPU) {
		if err := apart(p.CPU); err != nil {
			return err
		}
	}
	return d.create(p.CPU)
}

// there refuses a CPU that is none of all.
func there(cpu int, all []int) error {
	if !slices.Contains(all, cpu) {
		return fmt.Errorf("cpu %d: %w: this machine has cpus %s", cpu, unix.ENODEV, formatCPUs(all))
	}
	return nil
}

// apart refuses to cut a root domain under a SCHED_DEADLINE thread that may run on
// this CPU and others: it would be admitted where it does not run.
func apart(cpu int) error {
	threads, err := deadlineThreads()
	if err != nil {
		return err
	}
	for _, t := range threads {
		if len(t.cpus) > 1 && slices.Contains(t.cpus, cpu) {
			return fmt.Errorf("thread %d of process %d (%s) has SCHED_DEADLINE on cpus %s: %w: end its reservation first, or pin it",
				t.tid, t.pid, t.comm, formatCPUs(t.cpus), unix.EBUSY)
		}
	}
	return nil
}

// removePartition refuses while any SCHED_DEADLINE thread, of ours or not, is pinned
// to the CPU: merging its root domain would leave it with a promise that no admission
// test stands behind.
func (m *Machine) removePartition(ctx context.Context, p hosts.Partition) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	d, err := m.domainsOf()
	if err != nil {
		return err
	}
	parts, err := d.partitions()
	if err != nil || !slices.Contains(parts, p.CPU) {
		return err
	}
	threads, err := deadlineThreads()
	if err != nil {
		return err
	}
	for _, t := range threads {
		if slices.Equal(t.cpus, []int{p.CPU}) {
			return fmt.Errorf("thread %d of process %d (%s) has a reservation on cpu %d: %w: remove it first", t.tid, t.pid, t.comm, p.CPU, unix.EBUSY)
		}
	}
	return d.remove(p.CPU)
}

// Settle makes the partitions of this machine whole again. Whoever makes a cpuset on
// cgroup version 1, libvirt for each domain above all, makes it with
// sched_load_balance=1, and one that spans two partitions joins their root domains.
// Do settles by itself when it makes a partition, a port or a reservation. Without
// partitions Settle does nothing.
func (m *Machine) Settle(ctx context.Context) error {
	d, err := m.domainsOf()
	if errors.Is(err, errNoCpuset) {
		return nil
	}
	if err != nil {
		return err
	}
	if parts, err := d.partitions(); err != nil || len(parts) == 0 {
		return err
	}
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return d.settle()
}

// partitions observes partitions: they are where our cgroup is, and joined where
// another cpuset spans their CPU and more.
func (m *Machine) partitions(o *hosts.Observation) error {
	d, err := m.domainsOf()
	if errors.Is(err, errNoCpuset) {
		return nil
	}
	if err != nil {
		return err
	}
	parts, err := d.partitions()
	if err != nil {
		return err
	}
	for _, cpu := range parts {
		with, err := d.joined(cpu)
		if err != nil {
			return err
		}
		o.State.Add(hosts.Partition{CPU: cpu, Joined: len(with) > 1})
	}
	return nil
}
