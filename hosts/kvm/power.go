package kvm

import (
	"fmt"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

// resume lets a paused domain run.
func (m *Machine) resume(p hosts.Power) error {
	return m.withOurs(p.Network, p.VM, func(dom *libvirt.Domain, state libvirt.DomainState) error {
		switch state {
		case libvirt.DOMAIN_RUNNING, libvirt.DOMAIN_BLOCKED:
			return nil
		case libvirt.DOMAIN_PAUSED:
			return said("virDomainResume", dom.Resume())
		}
		return fmt.Errorf("domain %q is %s, not paused: destroy network %q and deploy it again", domainName(p.Network, p.VM), stateWord(state), p.Network)
	}, noDomain(p.Network, p.VM))
}

// pause stops a domain where it is. One that is gone does not run either.
func (m *Machine) pause(p hosts.Power) error {
	return m.withOurs(p.Network, p.VM, func(dom *libvirt.Domain, state libvirt.DomainState) error {
		if state != libvirt.DOMAIN_RUNNING && state != libvirt.DOMAIN_BLOCKED {
			return nil
		}
		err := dom.Suspend()
		if is(err, libvirt.ERR_OPERATION_INVALID) {
			return nil // it ended meanwhile
		}
		return unlessGone("virDomainSuspend", err)
	}, nil)
}

func noDomain(network, vm string) error {
	return fmt.Errorf("there is no domain %q", domainName(network, vm))
}

// withOurs runs f on the domain of a VM; missing is the answer when there is none of
// ours.
func (m *Machine) withOurs(network, vm string, f func(*libvirt.Domain, libvirt.DomainState) error, missing error) error {
	name := domainName(network, vm)
	return m.call(func(conn *libvirt.Connect) error {
		have, err := find(conn, name)
		if err != nil {
			return err
		}
		if have == nil || !have.ours {
			return missing
		}
		dom, err := conn.LookupDomainByName(name)
		if is(err, libvirt.ERR_NO_DOMAIN) {
			return missing
		}
		if err != nil {
			return said("virDomainLookupByName", err)
		}
		defer dom.Free()
		return f(dom, have.state)
	})
}

func stateWord(s libvirt.DomainState) string {
	switch s {
	case libvirt.DOMAIN_RUNNING, libvirt.DOMAIN_BLOCKED:
		return "running"
	case libvirt.DOMAIN_PAUSED:
		return "paused"
	case libvirt.DOMAIN_SHUTDOWN:
		return "shutting down"
	case libvirt.DOMAIN_SHUTOFF:
		return "shut off"
	case libvirt.DOMAIN_CRASHED:
		return "crashed"
	case libvirt.DOMAIN_PMSUSPENDED:
		return "suspended by the guest"
	}
	return fmt.Sprintf("in state %d", s)
}
