package linux

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// tree is a cgroup hierarchy: the one thing that root domains need of the machine,
// so that both versions of cgroups can be tested against one that is only kept in
// memory and refuses what the kernel refuses. Paths are relative, "" is the root.
type tree interface {
	Read(file string) (string, error) // without the newline at the end
	Write(file, value string) error
	Mkdir(dir string) error
	Rmdir(dir string) error
	Dirs(dir string) ([]string, error) // names of the children, sorted
	ID(dir string) (uint64, error)     // tells a cgroup from a later one of the same name
}

// mounted is a hierarchy that the kernel has mounted at a path.
type mounted string

func (m mounted) at(p string) string { return filepath.Join(string(m), p) }

func (m mounted) Read(file string) (string, error) {
	b, err := os.ReadFile(m.at(file))
	return strings.TrimRight(string(b), "\n"), err
}

func (m mounted) Write(file, value string) error {
	f, err := os.OpenFile(m.at(file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n") // the kernel does not hear an empty write
	return errors.Join(err, f.Close())
}

func (m mounted) Mkdir(dir string) error { return os.Mkdir(m.at(dir), 0o755) }

func (m mounted) Rmdir(dir string) error {
	if err := unix.Rmdir(m.at(dir)); err != nil {
		return &fs.PathError{Op: "rmdir", Path: m.at(dir), Err: err}
	}
	return nil
}

func (m mounted) Dirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(m.at(dir))
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (m mounted) ID(dir string) (uint64, error) {
	info, err := os.Stat(m.at(dir))
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

// walk lists every cgroup of a tree, parents first. What vanishes meanwhile is left
// out.
func walk(t tree) ([]string, error) {
	all := []string{""}
	for i := 0; i < len(all); i++ {
		names, err := t.Dirs(all[i])
		if err != nil && !vanished(err) {
			return nil, err
		}
		for _, n := range names {
			all = append(all, filepath.Join(all[i], n))
		}
	}
	return all, nil
}

// vanished is what reading or writing a cgroup says that is just being removed.
func vanished(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV)
}
