package kvm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

const (
	kvmDevice = "/dev/kvm"
	cpuInfo   = "/proc/cpuinfo"
)

// obstacle is why a guest should not, or cannot, run under KVM.
type obstacle struct {
	found  string
	advice string
	hard   bool // it cannot; else it may start and hang
}

func (o *obstacle) String() string { return o.found + ": " + o.advice }

// Probe says AccelKVM where guests run under KVM, and a deployment elsewhere is then
// refused. Otherwise, and where only libvirt could tell and does not answer or would
// ask for a password (planning needs no libvirt), it says AccelAuto, which Resolve
// turns into AccelTCG with a warning as long as nothing has changed.
func (m *Machine) Probe(ctx context.Context, h *hosts.Host) error {
	h.Accel = hosts.AccelAuto
	if nativeObstacle() != nil || os.Geteuid() != 0 {
		return ctx.Err()
	}
	var o *obstacle
	err := m.look(ctx, func(conn *libvirt.Connect) (err error) {
		o, err = m.kvmObstacle(conn)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && o == nil:
		h.Accel = hosts.AccelKVM
	}
	return nil
}

// Resolve turns what an inventory asks for into AccelKVM or AccelTCG, with a warning
// where that is less than one might expect. It fails where KVM is asked for and
// cannot be.
func (m *Machine) Resolve(a hosts.Accel) (hosts.Accel, string, error) {
	if a == hosts.AccelTCG {
		return a, "", nil
	}
	var o *obstacle
	err := m.call(func(conn *libvirt.Connect) (err error) {
		o, err = m.kvmObstacle(conn)
		return err
	})
	switch {
	case err != nil:
		return "", "", err
	case o == nil:
		return hosts.AccelKVM, "", nil
	case a != hosts.AccelKVM:
		return hosts.AccelTCG, fmt.Sprintf("guests are emulated (tcg), several times slower than with KVM: %v", o), nil
	case o.hard:
		return "", "", fmt.Errorf("accel kvm: %v, or accel: tcg", o)
	}
	return hosts.AccelKVM, fmt.Sprintf("KVM may not work here: %v", o), nil
}

// kvmObstacle looks for what is in the way of KVM, the surest first; nil when
// nothing is.
func (m *Machine) kvmObstacle(conn *libvirt.Connect) (*obstacle, error) {
	f, err := m.facts(conn)
	if err != nil {
		return nil, err
	}
	native := nativeObstacle()
	switch {
	case native != nil && native.hard:
		return native, nil
	case !slices.Contains(f.emulates, "kvm"):
		return &obstacle{"libvirt has no qemu with KVM for x86_64", "install qemu-system-x86 (Debian) and restart libvirtd", true}, nil
	}
	if o := deviceObstacle(f.user); o != nil {
		return o, nil
	}
	return native, nil
}

// nativeObstacle is what can be seen without libvirt.
//
// A /dev/kvm on a CPU without virtualization is a paravirtual KVM inside a guest: its
// guests must know about it, and a stock kernel hangs.
func nativeObstacle() *obstacle {
	if _, err := os.Stat(kvmDevice); err != nil {
		return &obstacle{fmt.Sprint(err), "enable virtualization in the firmware, or nested virtualization where this is a guest, and modprobe kvm_intel or kvm_amd", true}
	}
	file, err := os.Open(cpuInfo)
	if err != nil {
		return &obstacle{fmt.Sprint(err), "mount /proc", false}
	}
	defer file.Close()
	if !virtualizes(file) {
		return &obstacle{"the CPU shows neither vmx nor svm, so " + kvmDevice + " is paravirtual and stock guests hang", "use a machine with nested virtualization, or bare metal", false}
	}
	return nil
}

// deviceObstacle tells whether qemu could open /dev/kvm.
func deviceObstacle(user account) *obstacle {
	err := user.open(kvmDevice, unix.O_RDWR)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return &obstacle{err.Error(), "chgrp kvm /dev/kvm && chmod 660 /dev/kvm, as udev does (libvirt also looks through qemu anew for every guest while it may not)", true}
	}
	return &obstacle{err.Error(), "modprobe kvm_intel or kvm_amd", true}
}

// virtualizes reads /proc/cpuinfo: Intel's VMX or AMD's SVM.
func virtualizes(cpuinfo io.Reader) bool {
	for lines := bufio.NewScanner(cpuinfo); lines.Scan(); {
		name, flags, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(name) == "flags" {
			list := strings.Fields(flags)
			return slices.Contains(list, "vmx") || slices.Contains(list, "svm")
		}
	}
	return false
}
