package kvm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"libvirt.org/go/libvirt"
)

// call runs f with a live connection. libvirt tells that the other end has gone only
// when it is used; then f runs once more on a new connection. What is done here is
// idempotent, so that a call which had got through does no harm twice.
//
// One call at a time: the client library of libvirt 9.0 was seen to crash when a
// connection broke under two threads.
func (m *Machine) call(f func(*libvirt.Connect) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for first := true; ; first = false {
		if err := m.open(); err != nil {
			return err
		}
		err := f(m.conn)
		if err == nil || alive(m.conn) {
			return err
		}
		m.conn.Close()
		m.conn = nil
		if !first {
			return err
		}
	}
}

// look is call for what changes nothing: it gives up when ctx does, and leaves a
// libvirt that does not answer to itself.
func (m *Machine) look(ctx context.Context, f func(*libvirt.Connect) error) error {
	done := make(chan error, 1)
	go func() { done <- m.call(f) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("libvirt at %q does not answer: %w", m.uri, context.Cause(ctx))
	}
}

// open connects where there is no connection; m.mu is held.
func (m *Machine) open() error {
	if m.conn != nil {
		return nil
	}
	conn, err := libvirt.NewConnect(m.uri)
	if err != nil {
		return &unreachable{uri: m.uri, err: said("virConnectOpen", err)}
	}
	m.conn = conn
	return nil
}

// Close ends the connection. One that is in use is left to the end of the process:
// waiting for a libvirt that hangs would hang us.
func (m *Machine) Close() error {
	if !m.mu.TryLock() {
		return nil
	}
	defer m.mu.Unlock()
	if m.conn == nil {
		return nil
	}
	_, err := m.conn.Close()
	m.conn = nil
	return said("virConnectClose", err)
}

func alive(conn *libvirt.Connect) bool {
	ok, err := conn.IsAlive()
	return ok && err == nil
}

// Fault is an error of libvirt: the call and libvirt's own words.
type Fault struct {
	Call string // as in the C API, "virDomainCreateXML"
	Err  libvirt.Error
}

func (f Fault) Error() string { return f.Call + ": " + strings.TrimSpace(f.Err.Message) }
func (f Fault) Unwrap() error { return f.Err }

// said names the call that an error of libvirt comes from.
func said(call string, err error) error {
	var e libvirt.Error
	if errors.As(err, &e) {
		return Fault{Call: call, Err: e}
	}
	return err
}

// is reports whether err is libvirt's error with this number.
func is(err error, number libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == number
}

// unreachable is a libvirt that cannot be connected to.
type unreachable struct {
	uri string
	err error
}

func (u *unreachable) Error() string { return u.found() + ": " + u.advice() }
func (u *unreachable) Unwrap() error { return u.err }
func (u *unreachable) found() string {
	return fmt.Sprintf("connect to libvirt at %q: %v", u.uri, u.err)
}

func (u *unreachable) advice() string {
	switch words := u.err.Error(); {
	case strings.Contains(words, "libvirt.so"):
		return "install libvirt (Debian: apt-get install libvirt-daemon-system)"
	case strings.Contains(words, "uthenticat"), strings.Contains(words, "ermission denied"):
		return "run as root"
	}
	return "start it: systemctl start libvirtd, or without systemd: mkdir -p /run/libvirt && virtlogd -d && libvirtd -d"
}
