package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cpusetV2 makes root domains by cpuset.cpus.partition. There a CPU belongs to one
// cgroup and all below it, so what is a partition is decided by where the threads
// are: libvirt puts each vCPU and the emulator into a cgroup of its own
// (machine.slice/machine-qemu\x2d1\x2dNAME.scope/libvirt/vcpu0), and what becomes a
// partition root is the lowest cgroup that holds every thread pinned to the CPU and
// nothing else: the thread's own, or its domain's when the domain has all its
// threads on that CPU, or a slice of such domains that is named for the CPU
// (machine-vsnctl\x2dcpu1.slice). Threads of two domains side by side, or two of
// three threads of a domain, cannot share a CPU: the kernel knows no partition that
// holds just those. That is refused, with advice.
//
// A partition that is not a child of the root ("remote") needs its CPU in
// cpuset.cpus.exclusive of every cgroup on its path, which Linux has since 6.7; and
// one CPU must stay with the rest of the machine. All this is checked against Linux
// 6.12 in a virtual machine; the tests of this package use a tree in memory that
// refuses what that kernel refused, and the real one where there is one.
//
// Until a thread comes, a partition is only a mark: an empty cgroup of ours, without
// CPUs, since the kernel refuses to make exclusive what another cgroup names.
type cpusetV2 struct {
	tree
	before record
	where  func(thread) (string, error) // the cgroup of a thread; cgroupOf when nil
}

const (
	v2Cpus      = "cpuset.cpus"
	v2Effective = "cpuset.cpus.effective"
	v2Exclusive = "cpuset.cpus.exclusive"
	v2Partition = "cpuset.cpus.partition"
)

func (c *cpusetV2) partitions() ([]int, error) { return ourCPUs(c.tree) }

// cpus are those of the root and those that partitions took out of it.
func (c *cpusetV2) cpus() ([]int, error) {
	dirs, err := walk(c.tree)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, dir := range dirs {
		cpus, err := c.list(dir, v2Effective)
		if err != nil && !vanished(err) {
			return nil, err
		}
		all = append(all, cpus...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (c *cpusetV2) list(dir, file string) ([]int, error) {
	text, err := c.Read(path.Join(dir, file))
	if err != nil {
		return nil, err
	}
	return parseCPUs(text)
}

func (c *cpusetV2) create(cpu int) error {
	parts, err := c.partitions()
	if err != nil {
		return err
	}
	all, err := c.cpus()
	if err == nil {
		err = there(cpu, all)
	}
	if err != nil {
		return err
	}
	if !slices.Contains(parts, cpu) && len(parts)+1 >= len(all) {
		return fmt.Errorf("cpu %d is the last of cpus %s: %w: cgroup version 2 leaves one to the rest of the machine; plan with one cpu less", cpu, formatCPUs(all), unix.EBUSY)
	}
	if err := c.Mkdir(cpuCgroup(cpu)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return c.settle()
}

// settle writes "root" again where something that is gone by now made a partition
// invalid.
func (c *cpusetV2) settle() error {
	list, err := c.before.read()
	if err != nil {
		return err
	}
	for _, b := range list {
		file := path.Join(b.Dir, b.File)
		if id, err := c.ID(b.Dir); err != nil || id != b.ID || b.File != v2Partition {
			continue
		}
		now, err := c.Read(file)
		if err == nil && strings.HasPrefix(now, "root invalid") {
			err = c.Write(file, "root")
		}
		if err != nil && !vanished(err) {
			return err
		}
	}
	return nil
}

func (c *cpusetV2) admit(cpu int, t thread) error {
	if err := c.settle(); err != nil {
		return err
	}
	where := c.where
	if where == nil {
		where = cgroupOf
	}
	own, err := where(t)
	if err != nil {
		return err
	}
	cpus, err := c.list(own, v2Cpus)
	if vanished(err) {
		return fmt.Errorf("cgroup %q of thread %d has no cpuset: %w: libvirt has to pin it (`cgroup_controllers` in qemu.conf)", own, t.tid, unix.EPERM)
	}
	if err != nil {
		return err
	}
	if !slices.Equal(cpus, []int{cpu}) {
		return fmt.Errorf("cgroup %q of thread %d has cpus %q: %w: pin it to cpu %d", own, t.tid, formatCPUs(cpus), unix.EPERM, cpu)
	}
	top, err := c.seat(own, cpu)
	if err != nil {
		return err
	}
	return c.form(top, cpu)
}

// form makes a cgroup a partition root of one CPU: exclusive from the top down, then
// the root itself. What they held is on record first.
func (c *cpusetV2) form(top string, cpu int) error {
	changes, err := c.needed(top, cpu)
	if err != nil {
		return err
	}
	var old []before
	for _, ch := range changes {
		old = append(old, ch.before)
	}
	if err := c.before.add(c.tree, old); err != nil {
		return fmt.Errorf("record what cpusets hold: %w", err)
	}
	for _, ch := range changes {
		if err := c.Write(path.Join(ch.Dir, ch.File), ch.value); err != nil {
			return errors.Join(err, c.release(cpu))
		}
	}
	state, err := c.Read(path.Join(top, v2Partition))
	if err == nil && state != "root" {
		err = fmt.Errorf("cgroup %q as partition of cpu %d: the kernel says %q: %w", top, cpu, state, unix.EBUSY)
	}
	if err != nil {
		return errors.Join(err, c.release(cpu))
	}
	return nil
}

// change is a value to be written, and what was there before.
type change struct {
	before
	value string
}

// needed lists what form writes, in order.
func (c *cpusetV2) needed(top string, cpu int) ([]change, error) {
	var list []change
	add := func(dir, file, value string) error {
		now, err := c.Read(path.Join(dir, file))
		if err != nil {
			return err
		}
		id, err := c.ID(dir)
		list = append(list, change{before{Dir: dir, ID: id, File: file, Value: now, CPU: cpu}, value})
		return err
	}
	local := path.Dir(top) == "."
	for _, dir := range ancestors(top) {
		if local {
			break // a child of the root needs no leave of anybody
		}
		now, err := c.list(dir, v2Exclusive)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no %s: %w: partitions below the root of cgroup version 2 need Linux 6.7; set `partition: false`, or boot with cgroup version 1 (systemd.unified_cgroup_hierarchy=0)", v2Exclusive, unix.EOPNOTSUPP)
		}
		if err != nil {
			return nil, err
		}
		wide := append(slices.Clone(now), cpu)
		slices.Sort(wide)
		if err := add(dir, v2Exclusive, formatCPUs(slices.Compact(wide))); err != nil {
			return nil, err
		}
	}
	if local {
		if err := add(top, v2Cpus, formatCPUs([]int{cpu})); err != nil {
			return nil, err
		}
	}
	return list, add(top, v2Partition, "root")
}

// ancestors are the cgroups from below the root to dir.
func ancestors(dir string) []string {
	var up []string
	for ; dir != "." && dir != ""; dir = path.Dir(dir) {
		up = append(up, dir)
	}
	slices.Reverse(up)
	return up
}

// release undoes what was written for one CPU; what another CPU needs too stays.
// The order is that of writing, backwards.
func (c *cpusetV2) release(cpu int) error {
	list, err := c.before.read()
	if err != nil {
		return err
	}
	var kept []before
	for _, b := range slices.Backward(list) {
		if b.CPU != cpu {
			kept = append(kept, b)
			continue
		}
		if err := c.restore(b, cpu); err != nil {
			return err
		}
	}
	slices.Reverse(kept)
	if len(kept) == 0 {
		return c.before.drop()
	}
	return c.before.write(kept)
}

func (c *cpusetV2) restore(b before, cpu int) error {
	file := path.Join(b.Dir, b.File)
	id, err := c.ID(b.Dir)
	if vanished(err) || err == nil && id != b.ID {
		return nil
	}
	if err != nil {
		return err
	}
	value := b.Value
	if b.File == v2Exclusive { // others may have added theirs since
		now, err := c.list(b.Dir, v2Exclusive)
		if err != nil {
			return err
		}
		if had, err := parseCPUs(b.Value); err == nil && !slices.Contains(had, cpu) {
			now = without(now, []int{cpu})
		}
		value = formatCPUs(now)
	}
	if strings.HasPrefix(value, "root invalid") {
		value = "root"
	}
	if err := c.Write(file, value); err != nil && !vanished(err) {
		return fmt.Errorf("put back %s: %w", file, err)
	}
	return nil
}

func (c *cpusetV2) remove(cpu int) error {
	if err := c.release(cpu); err != nil {
		return err
	}
	if err := c.Rmdir(cpuCgroup(cpu)); err != nil && !vanished(err) {
		return err
	}
	return nil
}

// joined is the CPU alone where a partition holds it, else what it shares.
func (c *cpusetV2) joined(cpu int) ([]int, error) {
	dirs, err := walk(c.tree)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		state, err := c.Read(path.Join(dir, v2Partition))
		if err != nil || state != "root" {
			continue
		}
		if cpus, err := c.list(dir, v2Effective); err == nil && slices.Contains(cpus, cpu) {
			return cpus, nil
		}
	}
	return c.list("", v2Effective)
}

func (c *cpusetV2) alone() string {
	dirs, err := walk(c.tree)
	if err != nil {
		return err.Error()
	}
	for _, dir := range dirs {
		state, err := c.Read(path.Join(dir, v2Partition))
		if err == nil && dir != "" && (state == "root" || state == "isolated") {
			return fmt.Sprintf("cgroup %s is a partition (%s) and not ours", dir, state)
		}
	}
	return ""
}
