package kvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

// create makes d, paused. When it fails, what it made is gone again, as far as
// libvirt can still be asked.
func (m *Machine) create(ctx context.Context, d hosts.Domain) error {
	if err := m.check(d); err != nil {
		return err
	}
	there := false
	var f *facts
	err := m.call(func(conn *libvirt.Connect) (err error) {
		if there, err = asWanted(conn, d); there || err != nil {
			return err
		}
		f, err = m.facts(conn)
		return err
	})
	if there || err != nil {
		return err
	}
	if err := vacant(d); err != nil {
		return err
	}
	if err := m.build(ctx, d, f); err != nil {
		return errors.Join(err, m.clear(d))
	}
	return nil
}

// asWanted tells whether d is there; it is an error when something else is in its
// place.
func asWanted(conn *libvirt.Connect, d hosts.Domain) (bool, error) {
	have, err := find(conn, d.Name)
	switch {
	case err != nil || have == nil:
		return false, err
	case !have.ours:
		return false, fmt.Errorf("libvirt has a domain %q that is not ours: rename one of them", d.Name)
	case have.Domain != d:
		return false, fmt.Errorf("libvirt has it with %s: destroying network %q removes it", differences(have.Domain, d), d.Network)
	}
	return true, nil
}

// vacant refuses to go on where a disk is in the way: it holds what a guest wrote.
func vacant(d hosts.Domain) error {
	if d.Overlay == "" {
		return nil
	}
	if _, err := os.Lstat(d.Overlay); err == nil {
		return fmt.Errorf("overlay %q is there already, from a guest that is gone: destroying network %q removes it", d.Overlay, d.Network)
	}
	return nil
}

// build makes the files of d and then d.
func (m *Machine) build(ctx context.Context, d hosts.Domain, f *facts) error {
	disk, err := m.prepare(ctx, d, f)
	if err != nil {
		return err
	}
	text, err := document(d, setting{label: f.label, amd: f.amd, log: m.logPath(d.Name), directIO: canDirectIO(disk)})
	if err != nil {
		return err
	}
	return m.call(func(conn *libvirt.Connect) error {
		if there, err := asWanted(conn, d); there || err != nil {
			return err // the connection was lost after libvirt had understood
		}
		dom, err := conn.DomainCreateXML(text, libvirt.DOMAIN_START_PAUSED)
		if err != nil {
			return said("virDomainCreateXML", err)
		}
		return dom.Free()
	})
}

// prepare sees to it that qemu can open all that it needs, and makes the overlay. It
// returns the files of the disk.
func (m *Machine) prepare(ctx context.Context, d hosts.Domain, f *facts) (disk []string, err error) {
	if err := makeDirectory(m.logs, 0o755); err != nil {
		return nil, fmt.Errorf("console log: %w", err)
	}
	chain, err := layers(ctx, d.Image)
	if err != nil {
		return nil, err
	}
	for _, l := range chain {
		disk = append(disk, l.Filename)
		if err := f.user.open(l.Filename, unix.O_RDONLY); err != nil {
			return nil, fmt.Errorf("image %w", err)
		}
	}
	for what, path := range map[string]string{"kernel": d.Kernel, "initrd": d.Initrd} {
		if path == "" {
			continue
		}
		if err := f.user.open(path, unix.O_RDONLY); err != nil {
			return nil, fmt.Errorf("%s %w", what, err)
		}
	}
	if d.Overlay == "" {
		return nil, nil
	}
	if err := m.makeOverlay(ctx, d, chain[0], f.user); err != nil {
		return nil, err
	}
	if err := f.user.open(d.Overlay, unix.O_RDWR); err != nil {
		return nil, fmt.Errorf("overlay %w", err)
	}
	return append(disk, d.Overlay), nil
}

// clear removes the files of a domain that did not come to be. Without libvirt's
// word that there is none they stay: Observe finds them.
func (m *Machine) clear(d hosts.Domain) error {
	return m.call(func(conn *libvirt.Connect) error {
		have, err := find(conn, d.Name)
		if err != nil || have != nil {
			return nil
		}
		return m.removeFiles(d.Name)
	})
}

// remove destroys d and removes its files. It returns when qemu and its tap are
// gone, so that what stood on them can be removed or made again.
func (m *Machine) remove(ctx context.Context, d hosts.Domain) error {
	if _, _, ok := parseDomainName(d.Name); !ok || d.Name != domainName(d.Network, d.VM) {
		return fmt.Errorf("domain %q is none of ours: they are named %q", d.Name, domainName(d.Network, d.VM))
	}
	err := m.call(func(conn *libvirt.Connect) error {
		have, err := find(conn, d.Name)
		if err != nil || have == nil || !have.ours {
			return err
		}
		return destroy(ctx, conn, have.Domain)
	})
	if err != nil {
		return err
	}
	return m.removeFiles(d.Name)
}

func (m *Machine) removeFiles(domain string) error {
	log := m.logPath(domain)
	rotated, err := filepath.Glob(log + ".[0-9]*")
	err = errors.Join(err, m.removeOverlay(domain), remove(log))
	for _, path := range rotated {
		err = errors.Join(err, remove(path))
	}
	return err
}

// destroy ends a domain of ours. One that is defined besides, which we never do, is
// undefined too.
func destroy(ctx context.Context, conn *libvirt.Connect, d hosts.Domain) error {
	dom, err := conn.LookupDomainByName(d.Name)
	if err != nil {
		return unlessGone("virDomainLookupByName", err)
	}
	defer dom.Free()
	process := openProcess(d.Name)
	defer process.close()
	persistent, err := dom.IsPersistent()
	if err != nil {
		return unlessGone("virDomainIsPersistent", err)
	}
	if persistent {
		if err := undefine(dom); err != nil {
			return err
		}
	}
	// Not running is what was asked for.
	if err := dom.Destroy(); err != nil && !is(err, libvirt.ERR_OPERATION_INVALID) && !is(err, libvirt.ERR_NO_DOMAIN) {
		return said("virDomainDestroy", err)
	}
	if err := process.wait(ctx); err != nil {
		return err
	}
	return waitTap(ctx, d.Tap)
}

func undefine(dom *libvirt.Domain) error {
	err := dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
		libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.DOMAIN_UNDEFINE_NVRAM)
	return unlessGone("virDomainUndefineFlags", err)
}

// unlessGone is said, but "no such domain" is success.
func unlessGone(call string, err error) error {
	if is(err, libvirt.ERR_NO_DOMAIN) {
		return nil
	}
	return said(call, err)
}

// goneTime is how long qemu may take to exit after libvirt has said that it did, and
// how long its tap may outlive it.
const goneTime = 30 * time.Second

// process is a qemu that will be waited for; -1 is none.
type process struct {
	pid int
	fd  int
}

func openProcess(domain string) process {
	none := process{fd: -1}
	text, err := os.ReadFile(filepath.Join(pidDir, domain+".pid"))
	if err != nil {
		return none
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return none
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return none
	}
	return process{pid: pid, fd: fd}
}

func (p process) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
}

// wait returns when the process is gone: a pidfd is then readable (pidfd_open(2)).
func (p process) wait(ctx context.Context) error {
	if p.fd < 0 {
		return nil
	}
	return until(ctx, fmt.Sprintf("qemu (pid %d) does not end", p.pid), func(step time.Duration) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(step.Milliseconds()))
		return n > 0 && err == nil
	})
}

// waitTap returns when the interface is gone: the kernel removes a tap after the last
// file that held it is closed, not at once.
func waitTap(ctx context.Context, tap string) error {
	if tap == "" {
		return nil
	}
	return until(ctx, fmt.Sprintf("tap %q is still there after its qemu has ended", tap), func(step time.Duration) bool {
		_, err := os.Lstat(filepath.Join("/sys/class/net", tap))
		if err == nil {
			time.Sleep(step)
		}
		return os.IsNotExist(err)
	})
}

// until asks gone, which may take step each time, until it says yes.
func until(ctx context.Context, complaint string, gone func(step time.Duration) bool) error {
	ctx, cancel := context.WithTimeout(ctx, goneTime)
	defer cancel()
	for !gone(5 * time.Millisecond) {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", complaint, context.Cause(ctx))
		}
	}
	return nil
}
