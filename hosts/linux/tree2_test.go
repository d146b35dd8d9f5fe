package linux

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelV2 is a hierarchy of cgroup version 2 with cpusets in memory. What it accepts
// and refuses was observed on Linux 6.12.117 (Debian's cloud kernel) in a virtual
// machine with two CPUs; see also Documentation/admin-guide/cgroup-v2.rst, "Cpuset
// Interface Files".
type kernelV2 struct {
	online []int
	groups map[string]*groupV2
	next   uint64
	old    bool // before Linux 6.7: no cpuset.cpus.exclusive
}

type groupV2 struct {
	id              uint64
	cpus, exclusive []int
	partition       string // "member" or "root"
	tasks           int
}

func newKernelV2(cpus ...int) *kernelV2 {
	return &kernelV2{online: cpus, groups: map[string]*groupV2{"": {id: 1, partition: "root"}}, next: 2}
}

func (k *kernelV2) Mkdir(dir string) error {
	if k.groups[dir] != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrExist}
	}
	if k.groups[above(dir)] == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrNotExist}
	}
	k.groups[dir] = &groupV2{id: k.next, partition: "member"}
	k.next++
	return nil
}

func (k *kernelV2) Rmdir(dir string) error {
	g := k.groups[dir]
	children, _ := k.Dirs(dir)
	switch {
	case g == nil:
		return &fs.PathError{Op: "rmdir", Path: dir, Err: fs.ErrNotExist}
	case g.tasks > 0 || len(children) > 0:
		return &fs.PathError{Op: "rmdir", Path: dir, Err: unix.EBUSY}
	}
	delete(k.groups, dir)
	return nil
}

func (k *kernelV2) Dirs(dir string) ([]string, error) {
	if k.groups[dir] == nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for d := range k.groups {
		if d != "" && above(d) == dir {
			names = append(names, path.Base(d))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (k *kernelV2) ID(dir string) (uint64, error) {
	if g := k.groups[dir]; g != nil {
		return g.id, nil
	}
	return 0, &fs.PathError{Op: "stat", Path: dir, Err: fs.ErrNotExist}
}

func above(dir string) string {
	if d := path.Dir(dir); d != "." {
		return d
	}
	return ""
}

func (k *kernelV2) Read(file string) (string, error) {
	dir, name := above(file), path.Base(file)
	g := k.groups[dir]
	if g == nil || dir == "" && name != v2Effective || k.old && name == v2Exclusive {
		return "", &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	switch name {
	case v2Cpus:
		return formatCPUs(g.cpus), nil
	case "cgroup.events":
		if k.populated(dir) {
			return "populated 1\nfrozen 0", nil
		}
		return "populated 0\nfrozen 0", nil
	case v2Exclusive:
		return formatCPUs(g.exclusive), nil
	case v2Effective:
		return formatCPUs(k.effective(dir)), nil
	case v2Partition:
		if g.partition == "root" && !k.valid(dir) {
			return "root invalid (Invalid cpu list in cpuset.cpus.exclusive)", nil
		}
		return g.partition, nil
	}
	return "", &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
}

// given are the CPUs that a partition root would have of its own.
func (k *kernelV2) given(dir string) []int {
	g := k.groups[dir]
	if above(dir) == "" && len(g.exclusive) == 0 {
		return g.cpus
	}
	have := g.exclusive
	for d := above(dir); d != ""; d = above(d) {
		var both []int
		for _, c := range have {
			if slices.Contains(k.groups[d].exclusive, c) {
				both = append(both, c)
			}
		}
		have = both
	}
	return have
}

// valid: a partition needs CPUs that no cgroup beside it names alone, and leaves the
// root at least one.
func (k *kernelV2) valid(dir string) bool {
	mine := k.given(dir)
	if len(mine) == 0 {
		return false
	}
	siblings, _ := k.Dirs(above(dir))
	for _, s := range siblings {
		if s = path.Join(above(dir), s); s != dir && overlap(k.groups[s].cpus, mine) && subset(k.groups[s].cpus, mine) {
			return false
		}
	}
	taken := slices.Clone(mine)
	for d, g := range k.groups {
		if d != "" && d != dir && g.partition == "root" && g.id < k.groups[dir].id && above(d) == above(dir) {
			taken = append(taken, k.given(d)...)
		}
	}
	return len(without(k.online, taken)) > 0
}

func subset(a, b []int) bool { return len(without(a, b)) == 0 }

func (k *kernelV2) effective(dir string) []int {
	g := k.groups[dir]
	if dir != "" && g.partition == "root" && k.valid(dir) {
		return k.given(dir)
	}
	base := k.online
	if dir != "" {
		base = k.effective(above(dir))
		if len(g.cpus) > 0 {
			if some := without(base, without(base, g.cpus)); len(some) > 0 {
				base = some
			}
		}
		return base
	}
	for d, g := range k.groups {
		if d != "" && g.partition == "root" && k.valid(d) {
			base = without(base, k.given(d))
		}
	}
	return base
}

func (k *kernelV2) Write(file, value string) error {
	dir, name := above(file), path.Base(file)
	g := k.groups[dir]
	if g == nil || dir == "" || k.old && name == v2Exclusive {
		return &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	refuse := func(err error) error { return &fs.PathError{Op: "write", Path: file, Err: err} }
	if name == v2Partition {
		if value != "root" && value != "member" {
			return refuse(unix.EINVAL)
		}
		g.partition = value
		return nil
	}
	cpus, err := parseCPUs(value)
	if err != nil {
		return refuse(unix.EINVAL)
	}
	siblings, _ := k.Dirs(above(dir))
	switch name {
	case v2Cpus:
		if len(cpus) == 0 && len(g.cpus) > 0 && k.populated(dir) {
			return refuse(unix.ENOSPC)
		}
		g.cpus = cpus
	case v2Exclusive:
		for _, s := range siblings {
			o := k.groups[path.Join(above(dir), s)]
			if o != g && (overlap(o.exclusive, cpus) || len(o.cpus) > 0 && subset(o.cpus, cpus)) {
				return refuse(unix.EINVAL)
			}
		}
		g.exclusive = cpus
	default:
		return refuse(unix.EINVAL)
	}
	return nil
}

func (k *kernelV2) populated(dir string) bool {
	for d, g := range k.groups {
		if (d == dir || strings.HasPrefix(d, dir+"/")) && g.tasks > 0 {
			return true
		}
	}
	return false
}
