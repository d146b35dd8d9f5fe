package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cpusetV1 makes root domains by sched_load_balance. The kernel takes all cpusets
// that have it set, joins those that overlap, and makes each group a root domain
// (generate_sched_domains, kernel/cgroup/cpuset.c). A CPU has a domain of its own,
// then, when a cpuset of ours names it alone and every cpuset that spans it and
// another has the flag off: the root above all. The CPUs that are in no partition are
// in one more cpuset of ours, so that they are balanced among themselves as before.
//
// The groups that libvirt makes for threads pinned to one CPU (.../vcpu0) lie inside
// a partition and stay as they are; those above them span CPUs and are turned off.
// Threads with more than one CPU, the rest of the machine's, stay in the partition
// where they happen to be: nothing balances them out of it. They run in the time that
// reservations leave.
type cpusetV1 struct {
	tree
	before record
}

const (
	v1Cpus    = "cpuset.cpus"
	v1Mems    = "cpuset.mems"
	v1Balance = "cpuset.sched_load_balance"
	v1Rest    = ourCgroup + "rest"
)

func (c *cpusetV1) cpus() ([]int, error) { return c.list("") }

func (c *cpusetV1) list(dir string) ([]int, error) {
	text, err := c.Read(filepath.Join(dir, v1Cpus))
	if err != nil {
		return nil, err
	}
	return parseCPUs(text)
}

func (c *cpusetV1) partitions() ([]int, error) { return ourCPUs(c.tree) }

// ourCPUs are those of our cgroups at the root of a hierarchy.
func ourCPUs(t tree) ([]int, error) {
	names, err := t.Dirs("")
	if err != nil {
		return nil, err
	}
	var cpus []int
	for _, n := range names {
		if cpu, ok := cgroupCPU(n); ok {
			cpus = append(cpus, cpu)
		}
	}
	slices.Sort(cpus)
	return cpus, nil
}

func (c *cpusetV1) create(cpu int) error {
	all, err := c.cpus()
	if err == nil {
		err = there(cpu, all)
	}
	if err != nil {
		return err
	}
	if err := c.put(cpuCgroup(cpu), []int{cpu}); err != nil {
		return err
	}
	return c.settle()
}

// put makes a cpuset of ours hold cpus; with none it removes it. The flag is on in a
// new cpuset, and counts once it has CPUs.
func (c *cpusetV1) put(dir string, cpus []int) error {
	if len(cpus) == 0 {
		return c.rmdir(dir)
	}
	if err := c.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	mems, err := c.Read(v1Mems)
	if err != nil {
		return err
	}
	for _, w := range [][2]string{{v1Mems, mems}, {v1Cpus, formatCPUs(cpus)}, {v1Balance, "1"}} {
		file := filepath.Join(dir, w[0])
		if now, err := c.Read(file); err == nil && now == w[1] {
			continue
		}
		if err := c.Write(file, w[1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *cpusetV1) rmdir(dir string) error {
	if err := c.Rmdir(dir); err != nil && !vanished(err) {
		return err
	}
	return nil
}

// settle turns off every cpuset that spans a partition and more, the deepest first
// and the root last: until then, or from then on, nothing changes for anybody.
func (c *cpusetV1) settle() error {
	parts, err := c.partitions()
	if err != nil || len(parts) == 0 {
		return err
	}
	all, err := c.cpus()
	if err != nil {
		return err
	}
	for _, cpu := range parts { // one that a crash left without its CPU
		if err := c.put(cpuCgroup(cpu), []int{cpu}); err != nil {
			return err
		}
	}
	if err := c.put(v1Rest, without(all, parts)); err != nil {
		return err
	}
	spanning, err := c.spanning(parts)
	if err != nil {
		return err
	}
	if err := c.before.add(c.tree, spanning); err != nil {
		return fmt.Errorf("record what cpusets hold: %w", err)
	}
	for _, b := range slices.Backward(spanning) {
		if err := c.Write(filepath.Join(b.Dir, b.File), "0"); err != nil && !vanished(err) {
			return err
		}
	}
	return nil
}

// spanning lists the cpusets whose flag is on and that join a CPU in parts with
// another, parents first.
func (c *cpusetV1) spanning(parts []int) ([]before, error) {
	dirs, err := walk(c.tree)
	if err != nil {
		return nil, err
	}
	var found []before
	for _, dir := range dirs {
		if strings.HasPrefix(dir, ourCgroup) {
			continue
		}
		b, err := c.spans(dir, parts)
		if err != nil && !vanished(err) {
			return nil, err
		}
		if b != nil {
			found = append(found, *b)
		}
	}
	return found, nil
}

func (c *cpusetV1) spans(dir string, parts []int) (*before, error) {
	flag, err := c.Read(filepath.Join(dir, v1Balance))
	if err != nil || flag == "0" {
		return nil, err
	}
	cpus, err := c.list(dir)
	if err != nil || len(cpus) < 2 || len(without(cpus, parts)) == len(cpus) {
		return nil, err
	}
	id, err := c.ID(dir)
	return &before{Dir: dir, ID: id, File: v1Balance, Value: flag}, err
}

// remove takes one partition away. With the last, what others had is put back, the
// root first (which makes one root domain of all at once), and our own cgroup goes
// last, so that a removal that was cut off is seen and done again.
func (c *cpusetV1) remove(cpu int) error {
	parts, err := c.partitions()
	if err != nil {
		return err
	}
	all, err := c.cpus()
	if err != nil {
		return err
	}
	left := without(parts, []int{cpu})
	if len(left) > 0 {
		if err := c.put(v1Rest, without(all, left)); err != nil {
			return err
		}
		return c.rmdir(cpuCgroup(cpu))
	}
	if err := putBack(c.tree, c.before); err != nil {
		return err
	}
	if err := c.rmdir(v1Rest); err != nil {
		return err
	}
	return c.rmdir(cpuCgroup(cpu))
}

// putBack writes what was recorded, where the cgroup is still the one it was, and
// drops the record.
func putBack(t tree, r record) error {
	list, err := r.read()
	if err != nil {
		return err
	}
	for _, b := range list {
		id, err := t.ID(b.Dir)
		if err == nil && id == b.ID {
			err = t.Write(filepath.Join(b.Dir, b.File), b.Value)
		}
		if err != nil && !vanished(err) {
			return fmt.Errorf("put back %s: %w", filepath.Join(b.Dir, b.File), err)
		}
	}
	return r.drop()
}

// admit settles, since libvirt made cpusets when it made the thread's domain, and
// checks that the thread's own lies in the partition.
func (c *cpusetV1) admit(cpu int, t thread) error {
	if err := c.settle(); err != nil {
		return err
	}
	joined, err := c.joined(cpu)
	if err != nil {
		return err
	}
	if len(joined) > 1 {
		return fmt.Errorf("cpu %d shares a root domain with cpus %s: %w: a cpuset that spans them has sched_load_balance=1", cpu, formatCPUs(without(joined, []int{cpu})), unix.EBUSY)
	}
	return nil
}

// joined is the root domain of a CPU, as the kernel makes it of the cpusets.
func (c *cpusetV1) joined(cpu int) ([]int, error) {
	dirs, err := walk(c.tree)
	if err != nil {
		return nil, err
	}
	var sets [][]int
	for _, dir := range dirs {
		flag, err := c.Read(filepath.Join(dir, v1Balance))
		if err != nil || flag == "0" {
			continue
		}
		if cpus, err := c.list(dir); err == nil {
			sets = append(sets, cpus)
		}
	}
	domain := []int{cpu}
	for grew := true; grew; {
		grew = false
		for _, s := range sets {
			if new := without(s, domain); len(new) > 0 && len(new) < len(s) {
				domain, grew = append(domain, new...), true
			}
		}
	}
	slices.Sort(domain)
	return domain, nil
}

func (c *cpusetV1) alone() string {
	if flag, err := c.Read(v1Balance); err == nil && flag == "0" {
		return v1Balance + " of the root is 0 and no partition is ours"
	}
	return ""
}
