// Package kvm is a hosts.Machine for virtual machines: it makes qemu domains through
// libvirt (kinds domain, promise and power), paused first, and finds them again by
// the mark in their metadata.
//
// It keeps nothing in memory but the connection: what it answers is read from
// libvirt and from the directory of the overlays. It gives no processor time and
// shapes no traffic (package linux does), and it neither lists nor touches a domain
// that does not carry the mark.
//
// Start at Machine.Do and Machine.Observe; document.go writes the XML of a domain,
// reading.go reads it back.
//
// Built with the tag libvirt_dlopen, libvirt is loaded when first used: without it
// every call answers with an error that says so.
package kvm

import (
	"context"
	"fmt"
	"sync"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

const (
	// SystemURI is the libvirt that runs as root on this machine.
	SystemURI = "qemu:///system"
	// OverlayDir holds the disks that we make, one qcow2 file for each domain with an
	// image, named after the domain.
	OverlayDir = "/var/lib/vsnctl/overlays"
	// LogDir holds what each guest writes to its first serial port, NAME.log. libvirt's
	// virtlogd writes and rotates it (NAME.log.0 and so on).
	LogDir = "/var/log/vsnctl"
	// pidDir is where libvirt keeps NAME.pid of each qemu.
	pidDir = "/run/libvirt/qemu"
)

// Machine is the libvirt of one machine. New makes one.
type Machine struct {
	uri      string
	overlays string
	logs     string

	mu   sync.Mutex // held while a call uses conn
	conn *libvirt.Connect

	factsMu sync.Mutex
	known   *facts           // nil until asked for
	knownOf *libvirt.Connect // that known came from
}

// Option changes where a Machine keeps its files, for tests.
type Option func(*Machine)

// Overlays is the directory of the overlays, OverlayDir when not given.
func Overlays(dir string) Option { return func(m *Machine) { m.overlays = dir } }

// Logs is the directory of the console logs, LogDir when not given.
func Logs(dir string) Option { return func(m *Machine) { m.logs = dir } }

// New is the libvirt at uri, SystemURI when empty. It connects when first used, and
// again when libvirt has been restarted.
func New(uri string, options ...Option) *Machine {
	if uri == "" {
		uri = SystemURI
	}
	m := &Machine{uri: uri, overlays: OverlayDir, logs: LogDir}
	for _, o := range options {
		o(m)
	}
	return m
}

// Kinds are those that a Machine of this package does.
func Kinds() []hosts.Kind {
	return []hosts.Kind{hosts.KindDomain, hosts.KindPromise, hosts.KindPower}
}

// Do makes one change. Errors of libvirt are in the chain (errors.As with a
// libvirt.Error). A call to libvirt that has begun is waited for even when ctx is
// done: leaving it would let it finish behind the back of whoever cleans up.
func (m *Machine) Do(ctx context.Context, c hosts.Change) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if old, ok := c.Old.(hosts.Domain); ok && c.Old != c.New {
		if err := m.remove(ctx, old); err != nil || c.New == nil {
			return err
		}
	}
	switch o := c.New.(type) {
	case hosts.Domain:
		return m.create(ctx, o)
	case hosts.Promise:
		return m.promise(o)
	case hosts.Power:
		return m.resume(o)
	}
	switch o := c.Old.(type) {
	case hosts.Promise:
		return m.forget(o)
	case hosts.Power:
		return m.pause(o)
	}
	return fmt.Errorf("%s is not a kind that libvirt does", c.Key().Kind())
}
