package linux

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroupOf is the version 2 cgroup of a thread, cgroups(7).
func cgroupOf(t thread) (string, error) {
	b, err := os.ReadFile(t.proc("cgroup"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/"); ok {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s names no cgroup of version 2", t.proc("cgroup"))
}

// seat is the cgroup to make a partition for a thread in own. A slice that was made
// for the CPU is one by its name, since more domains will come into it. Otherwise it
// is the lowest without a rival outside: another that runs on just this CPU, which a
// partition would drive off it, or would be refused for. It never is one that other
// domains may be in.
func (c *cpusetV2) seat(own string, cpu int) (string, error) {
	for _, dir := range ancestors(own) {
		if strings.Contains(path.Base(dir), "vsnctl") && strings.Contains(path.Base(dir), fmt.Sprintf("cpu%d.", cpu)) {
			return dir, nil
		}
	}
	for dir := own; ; dir = path.Dir(dir) {
		rival, err := c.find("", func(d string, cpus []int) bool {
			return d != dir && !strings.HasPrefix(d, dir+"/") && slices.Equal(cpus, []int{cpu}) && c.populated(d)
		})
		if err != nil || rival == "" {
			return dir, err
		}
		parent := path.Dir(dir)
		if !strings.Contains(parent, "qemu") {
			return "", apartAdvice(cpu, dir, rival)
		}
		if other, err := c.stranger(parent, cpu); err != nil || other != "" {
			return "", errors.Join(err, apartAdvice(cpu, dir, rival))
		}
	}
}

func apartAdvice(cpu int, dir, rival string) error {
	return fmt.Errorf("%q and %q both want cpu %d and have no cgroup to themselves: %w: on cgroup version 2 a cpu is for one thread, or for domains with all their threads on it; plan so, or set `partition: false`, or boot with cgroup version 1",
		dir, rival, cpu, unix.EBUSY)
}

// populated reports whether anything runs in a cgroup or below.
func (c *cpusetV2) populated(dir string) bool {
	text, err := c.Read(path.Join(dir, "cgroup.events"))
	return err == nil && strings.Contains(text, "populated 1")
}

// stranger is a cgroup without children below dir that does not name just this CPU.
func (c *cpusetV2) stranger(dir string, cpu int) (string, error) {
	return c.find(dir, func(d string, cpus []int) bool {
		children, err := c.Dirs(d)
		return err == nil && len(children) == 0 && !slices.Equal(cpus, []int{cpu})
	})
}

// find is the first cgroup below dir that fits, by name and cpuset.cpus.
func (c *cpusetV2) find(dir string, fits func(dir string, cpus []int) bool) (string, error) {
	all, err := walk(below{c.tree, dir})
	if err != nil {
		return "", err
	}
	for _, d := range all[1:] {
		d = path.Join(dir, d)
		cpus, err := c.list(d, v2Cpus)
		if err != nil {
			continue // vanished, or without cpuset
		}
		if fits(d, cpus) {
			return d, nil
		}
	}
	return "", nil
}

// below is the part of a tree under a cgroup.
type below struct {
	tree
	dir string
}

func (b below) Dirs(dir string) ([]string, error) { return b.tree.Dirs(path.Join(b.dir, dir)) }
