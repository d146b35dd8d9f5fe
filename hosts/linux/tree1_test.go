package linux

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// dying is a tree whose process is killed before its n-th change.
type dying struct {
	tree
	left int
}

func (d *dying) change(f func() error) error {
	if d.left--; d.left < 0 {
		return unix.EINTR
	}
	return f()
}

func (d *dying) Write(file, value string) error {
	return d.change(func() error { return d.tree.Write(file, value) })
}
func (d *dying) Mkdir(dir string) error { return d.change(func() error { return d.tree.Mkdir(dir) }) }
func (d *dying) Rmdir(dir string) error { return d.change(func() error { return d.tree.Rmdir(dir) }) }

// kernelV1 is a cpuset hierarchy of version 1 in memory: what its files hold. The
// real one is what the other tests use; this one is for dying in.
type kernelV1 map[string]map[string]string // directory, file

func missing(op, p string) error { return &fs.PathError{Op: op, Path: p, Err: fs.ErrNotExist} }

func (k kernelV1) Read(file string) (string, error) {
	value, ok := k[above(file)][path.Base(file)]
	if !ok {
		return "", missing("open", file)
	}
	return value, nil
}

func (k kernelV1) Write(file, value string) error {
	if _, ok := k[above(file)][path.Base(file)]; !ok {
		return missing("open", file)
	}
	k[above(file)][path.Base(file)] = value
	return nil
}

func (k kernelV1) Mkdir(dir string) error {
	if k[dir] != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrExist}
	}
	k[dir] = map[string]string{v1Cpus: "", v1Mems: "", v1Balance: "1"}
	return nil
}

func (k kernelV1) Rmdir(dir string) error {
	if k[dir] == nil {
		return missing("rmdir", dir)
	}
	delete(k, dir)
	return nil
}

func (k kernelV1) Dirs(dir string) ([]string, error) {
	var names []string
	for d := range k {
		if d != "" && above(d) == dir {
			names = append(names, path.Base(d))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (k kernelV1) ID(dir string) (uint64, error) {
	if k[dir] == nil {
		return 0, missing("stat", dir)
	}
	return 1, nil
}

func (k kernelV1) clone() kernelV1 {
	c := kernelV1{}
	for d, files := range k {
		c[d] = maps.Clone(files)
	}
	return c
}

// Whichever change is the last, what is left is seen as a partition and removing it
// puts everything back; or nothing is left.
func TestV1KilledAtAnyChange(t *testing.T) {
	set := func(cpus, balance string) map[string]string {
		return map[string]string{v1Cpus: cpus, v1Mems: "0", v1Balance: balance}
	}
	first := kernelV1{"": set("0-3", "1"), "machine": set("0-3", "1"), "machine/a": set("1,2", "1"), "machine/a/vcpu0": set("2", "1"), "machine/off": set("0-3", "0"), "other": set("0", "1")}
	for at := 0; ; at++ {
		k := first.clone()
		c := &cpusetV1{tree: &dying{tree: k, left: at}, before: record{filepath.Join(t.TempDir(), "cpusets.json")}}
		err := c.create(2)
		for _, step := range []func() error{func() error { return c.create(1) }, func() error { return c.remove(2) }, func() error { return c.remove(1) }} {
			if err == nil {
				err = step()
			}
		}
		c.tree = k
		parts, _ := c.partitions()
		for _, cpu := range parts {
			must(t, c.remove(cpu))
		}
		if d := cmp.Diff(first, k); d != "" {
			t.Fatalf("killed at change %d, then removed %v (-before +after):\n%s", at, parts, d)
		}
		if list, recErr := c.before.read(); recErr != nil || list != nil {
			t.Fatalf("killed at change %d: the record is left: %v", at, list)
		}
		if err == nil {
			t.Logf("%d changes", at)
			return
		}
		if !strings.Contains(err.Error(), "interrupted") {
			t.Fatal(err)
		}
	}
}
