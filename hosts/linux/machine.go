// Package linux is a hosts.Machine on a real Linux kernel, for what needs no
// libvirt: root domains (partition), bridges (segment), SCHED_DEADLINE on threads of
// domains (reservation) and traffic shaping of what a guest sends (port, queue). It
// also probes the machine and, in Doctor, tells what it lacks.
//
// It keeps nothing in memory: what it answers is read from the kernel, where
// everything of ours carries a mark (an interface alias, an alternative name, a
// cgroup's name, the name of a domain). One file exists, in /run/vsnctl: the values
// that other people's cpusets had before a partition changed them.
//
// It does not start guests (package kvm does) and does not plan. It works in the
// network namespace of the calling thread.
//
// Start at Machine.Do; then one file per kind: partition.go, reservation.go,
// segment.go, port.go, queue.go.
package linux

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// Machine is this machine. New makes one.
type Machine struct {
	root string // of /proc, /sys and /boot, when probing
	pids string // where libvirt keeps NAME.pid of each domain
	run  string // our own directory: the lock and the record
}

// Option changes where a Machine looks, for tests and unusual hosts.
type Option func(*Machine)

// PIDs is the directory of libvirt's pid files, /run/libvirt/qemu when not given.
func PIDs(dir string) Option { return func(m *Machine) { m.pids = dir } }

// Run is the directory for the lock and the record of changed cpusets, /run/vsnctl
// when not given. It must not outlive a reboot, since cpusets do not.
func Run(dir string) Option { return func(m *Machine) { m.run = dir } }

// Root is the directory under which Probe reads proc, sys and boot.
func Root(dir string) Option { return func(m *Machine) { m.root = dir } }

// New is this machine.
func New(options ...Option) *Machine {
	m := &Machine{root: "/", pids: "/run/libvirt/qemu", run: "/run/vsnctl"}
	for _, o := range options {
		o(m)
	}
	return m
}

// Kinds are those that a Machine of this package does.
func Kinds() []hosts.Kind {
	return []hosts.Kind{hosts.KindPartition, hosts.KindSegment, hosts.KindReservation, hosts.KindPort, hosts.KindQueue}
}

// Observe finds what is ours by its marks. A half-made object is listed with zeros
// for what it lacks, so that it differs from every wanted one and can be removed.
func (m *Machine) Observe(ctx context.Context) (hosts.Observation, error) {
	o := hosts.Observation{Meters: map[hosts.Key]hosts.Meter{}}
	for _, look := range []func(*hosts.Observation) error{m.partitions, m.network, m.reservations, m.facts} {
		if err := ctx.Err(); err != nil {
			return hosts.Observation{}, context.Cause(ctx)
		}
		if err := look(&o); err != nil {
			return hosts.Observation{}, err
		}
	}
	var state hosts.State
	for _, object := range o.State.Objects() { // by key: the kernel's order means nothing
		state.Add(object)
	}
	o.State = state
	return o, nil
}

// Do makes one change. Errors of the kernel are in the chain (errors.Is with a
// unix.Errno); the text adds the numbers and what to do.
func (m *Machine) Do(ctx context.Context, c hosts.Change) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if c.New == nil {
		return m.remove(ctx, c.Old)
	}
	if c.Old != nil && c.Old != c.New && !inPlace(c.Old, c.New) {
		if err := m.remove(ctx, c.Old); err != nil {
			return err
		}
	}
	return m.create(ctx, c.New)
}

// inPlace reports whether create turns old into new by itself.
func inPlace(old, new hosts.Object) bool {
	switch o := old.(type) {
	case hosts.Reservation, hosts.Partition:
		return true
	case hosts.Queue:
		n, ok := new.(hosts.Queue)
		return ok && o.Ifb == n.Ifb && o.Class == n.Class && o.To == n.To
	}
	return false
}

func (m *Machine) create(ctx context.Context, o hosts.Object) error {
	switch o := o.(type) {
	case hosts.Partition:
		return m.createPartition(ctx, o)
	case hosts.Segment:
		return createSegment(o)
	case hosts.Reservation:
		return m.createReservation(ctx, o)
	case hosts.Port:
		// Libvirt has made cpusets for the domain that this port belongs to.
		if err := m.Settle(ctx); err != nil {
			return err
		}
		return createPort(o)
	case hosts.Queue:
		return createQueue(o)
	}
	return fmt.Errorf("this machine makes no %s", o.Key().Kind())
}

func (m *Machine) remove(ctx context.Context, o hosts.Object) error {
	switch o := o.(type) {
	case hosts.Partition:
		return m.removePartition(ctx, o)
	case hosts.Segment:
		return removeSegment(o)
	case hosts.Reservation:
		return m.removeReservation(o)
	case hosts.Port:
		return removePort(o)
	case hosts.Queue:
		return removeQueue(o)
	}
	return fmt.Errorf("this machine makes no %s", o.Key().Kind())
}

// clockNs is CLOCK_MONOTONIC, against which meters are read.
func clockNs() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // clock_gettime(2): only for an unknown clock or a bad address
	}
	return ts.Nano()
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
