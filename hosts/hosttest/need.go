// Package hosttest is for tests of what works on a machine: Need skips a test where
// the machine cannot run it, Fake is a hosts.Machine in memory that refuses what the
// kernel refuses, and Suite is what every hosts.Machine must pass, the Fake and the
// real ones alike, which keeps the Fake honest.
//
// Nothing here is for production. Start at Suite.
package hosttest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Capability is what a machine must have for a test to make sense.
type Capability string

const (
	Root     Capability = "root"     // user id 0
	NetAdmin Capability = "netadmin" // network namespaces can be made
	Deadline Capability = "deadline" // a thread can get SCHED_DEADLINE
	Cpuset   Capability = "cpuset"   // the cpuset controller is mounted and may be changed
	Libvirt  Capability = "libvirt"  // libvirtd answers on its socket
	KVM      Capability = "kvm"      // /dev/kvm opens
	Guest    Capability = "guest"    // qemu, and the demo guest in GuestDir
	CBC      Capability = "cbc"      // a solver of integer programs, of COIN-OR
)

var checks = map[Capability]func() error{
	Root: checkRoot, NetAdmin: checkNetAdmin, Deadline: checkDeadline, Cpuset: checkCpuset,
	Libvirt: checkLibvirt, KVM: checkKVM, Guest: checkGuest, CBC: checkCBC,
}

// All is the environment variable that turns a skip into a failure when it is "1",
// for machines that are meant to have everything.
const All = "VSNCTL_TEST_ALL"

// Need skips the test, naming the capability and why it is missing, unless the
// machine has all that are named.
func Need(t testing.TB, capabilities ...Capability) {
	t.Helper()
	for _, c := range capabilities {
		check, ok := checks[c]
		if !ok {
			t.Fatalf("hosttest.Need: unknown capability %q", c)
		}
		err := check()
		switch {
		case err == nil:
		case os.Getenv(All) == "1":
			t.Fatalf("needs %s: %v (%s=1 forbids skipping)", c, err, All)
		default:
			t.Skipf("needs %s: %v", c, err)
		}
	}
}

func checkRoot() error {
	if id := os.Geteuid(); id != 0 {
		return fmt.Errorf("user id is %d", id)
	}
	return nil
}

// onThread runs f on an OS thread of its own. What f does to the thread it undoes:
// the first thread of a process does not end with its goroutine.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- f()
	}()
	return <-done
}

func checkNetAdmin() error {
	return onThread(func() error {
		old, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		defer old.Close()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare(CLONE_NEWNET): %w", err)
		}
		return unix.Setns(int(old.Fd()), unix.CLONE_NEWNET)
	})
}

// checkDeadline asks for so little that admission is not what refuses.
func checkDeadline() error {
	return onThread(func() error {
		err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_DEADLINE, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
			Runtime: 100_000, Deadline: 100_000_000, Period: 100_000_000}, 0)
		if err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("sched_setattr(SCHED_DEADLINE): %w", err)
		}
		return unix.SchedSetAttr(0, &unix.SchedAttr{}, 0)
	})
}

func checkCpuset() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		left, right, _ := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if len(l) > 4 && len(r) > 2 && r[0] == "cgroup" && slices.Contains(strings.Split(r[2], ","), "cpuset") {
			return unix.Access(filepath.Join(l[4], "cpuset.sched_load_balance"), unix.W_OK)
		}
	}
	b, err = os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control")
	if err != nil {
		return fmt.Errorf("no cpuset controller: %w", err)
	}
	if !slices.Contains(strings.Fields(string(b)), "cpuset") {
		return errors.New("cgroup version 2 has no cpuset controller enabled at its root")
	}
	return unix.Access("/sys/fs/cgroup/cgroup.subtree_control", unix.W_OK)
}

// LibvirtSocket is where the system's libvirtd (or virtqemud) listens.
const LibvirtSocket = "/run/libvirt/libvirt-sock"

func checkLibvirt() error {
	var failed []error
	for _, socket := range []string{LibvirtSocket, "/run/libvirt/virtqemud-sock"} {
		c, err := net.DialTimeout("unix", socket, time.Second)
		if err == nil {
			return c.Close()
		}
		failed = append(failed, err)
	}
	return fmt.Errorf("no libvirtd: %w", errors.Join(failed...))
}

func checkKVM() error {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// GuestDir is where the demo guest is built: examples/guest of this module.
func GuestDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "examples", "guest")
}

func checkCBC() error {
	_, err := exec.LookPath("cbc")
	return err
}

func checkGuest() error {
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		return err
	}
	for _, name := range []string{"vmlinuz", "initrd.gz"} {
		if _, err := os.Stat(filepath.Join(GuestDir(), name)); err != nil {
			return fmt.Errorf("%w: `make guest` builds it", err)
		}
	}
	return nil
}
