package kvm

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// account is who qemu runs as.
type account struct {
	name     string
	uid, gid int
	groups   []uint32 // supplementary
}

func (a account) String() string { return fmt.Sprintf("user %s (%d)", a.name, a.uid) }

// lookUp completes an account with its name and supplementary groups, as libvirt
// does before it starts qemu.
func lookUp(uid, gid int) account {
	a := account{name: strconv.Itoa(uid), uid: uid, gid: gid}
	u, err := user.LookupId(a.name)
	if err != nil {
		return a
	}
	a.name = u.Username
	ids, err := u.GroupIds()
	if err != nil {
		return a
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			a.groups = append(a.groups, uint32(n))
		}
	}
	return a
}

// open tells whether the account could open path with these flags. The kernel is
// asked, by a thread that takes on the account's identity for files (setfsuid(2)
// drops root's power over files too), so that groups and ACLs count.
func (a account) open(path string, flags int) error {
	answer := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with its identity
		answer <- a.tryOpen(path, flags)
	}()
	return <-answer
}

func (a account) tryOpen(path string, flags int) error {
	if a.uid != os.Getuid() {
		if err := a.assume(); err != nil {
			return fmt.Errorf("check %q as %v: %w: run as root", path, a, err)
		}
	}
	if closed, mode := a.closedDirectory(path); closed != "" {
		return fmt.Errorf("%q: qemu runs as %v and may not search %q (%v): chmod o+x %[3]q, or move the file to a directory that is open", path, a, closed, mode)
	}
	fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%q: qemu runs as %v and may not open it%s: %w: chmod o+r it, or give it to that user", path, a, modeOf(path), err)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	return unix.Close(fd)
}

// assume changes this thread only: the raw calls, unlike those of package syscall.
func (a account) assume() error {
	var list unsafe.Pointer
	if len(a.groups) > 0 {
		list = unsafe.Pointer(&a.groups[0])
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(a.groups)), uintptr(list), 0); e != 0 {
		return fmt.Errorf("setgroups: %w", e)
	}
	unix.RawSyscall(unix.SYS_SETFSGID, uintptr(a.gid), 0, 0)
	unix.RawSyscall(unix.SYS_SETFSUID, uintptr(a.uid), 0, 0)
	// setfsuid reports no errors; an impossible id only reads (setfsuid(2)).
	if now, _, _ := unix.RawSyscall(unix.SYS_SETFSUID, ^uintptr(0), 0, 0); int(now) != a.uid {
		return fmt.Errorf("setfsuid: %w", unix.EPERM)
	}
	return nil
}

// closedDirectory is the first directory on the way to path that this thread may not
// search.
func (a account) closedDirectory(path string) (dir string, mode os.FileMode) {
	dir = "/"
	for _, name := range strings.Split(strings.Trim(filepath.Clean(path), "/"), "/") {
		next := filepath.Join(dir, name)
		if _, err := os.Stat(next); errors.Is(err, unix.EACCES) {
			info, err := os.Stat(dir)
			if err != nil {
				return dir, 0
			}
			return dir, info.Mode()
		}
		dir = next
	}
	return "", 0
}

func modeOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", info.Mode())
}
