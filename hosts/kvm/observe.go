package kvm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

// Observe lists our domains as libvirt describes them, the promise kept with each,
// and a Power for each that runs. What is less than a domain is listed as one that
// has its name and little else, so that it differs from every wanted one and can be
// removed: the overlay or the console log of a domain that never came or has ended,
// and a domain that is defined but not running.
func (m *Machine) Observe(ctx context.Context) (hosts.Observation, error) {
	var o hosts.Observation
	err := m.look(ctx, func(conn *libvirt.Connect) error {
		// Files first: one whose domain is made meanwhile is then not taken for a stray.
		strays, err := m.strays()
		if err != nil {
			return err
		}
		all, err := list(conn)
		if err != nil {
			return err
		}
		o.State = stateOf(all, strays)
		return nil
	})
	if err != nil {
		return hosts.Observation{}, err // o may still be written to
	}
	return o, nil
}

// stateOf puts domains and files together. An overlay that a domain does not use
// counts as the domain's, so that the two go together.
func stateOf(all []found, strays map[string]hosts.Domain) hosts.State {
	var s hosts.State
	for _, f := range all {
		d := f.Domain
		if stray, ok := strays[d.Name]; ok && stray.Overlay != "" {
			d.Overlay = stray.Overlay
		}
		delete(strays, d.Name)
		s.Add(d)
		if f.promise != nil {
			s.Add(hosts.Promise{Network: d.Network, VM: d.VM, Wants: *f.promise})
		}
		if f.state == libvirt.DOMAIN_RUNNING || f.state == libvirt.DOMAIN_BLOCKED {
			s.Add(hosts.Power{Network: d.Network, VM: d.VM})
		}
	}
	for _, d := range strays {
		s.Add(d)
	}
	return s
}

// strays are the files in our directories, by domain, as domains of which nothing
// else is known.
func (m *Machine) strays() (map[string]hosts.Domain, error) {
	left := map[string]hosts.Domain{}
	for _, dir := range []string{m.logs, m.overlays} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			d, ok := m.stray(dir, e.Name())
			if ok && (d.Overlay != "" || left[d.Name].Overlay == "") {
				left[d.Name] = d
			}
		}
	}
	return left, nil
}

// stray tells whose file this is: NAME.qcow2, finished or not, or NAME.log, rotated or
// not.
func (m *Machine) stray(dir, file string) (d hosts.Domain, ok bool) {
	if dir == m.overlays {
		d.Name, ok = strings.CutSuffix(strings.TrimSuffix(file, unfinished), overlaySuffix)
		d.Overlay = m.overlayPath(d.Name)
	} else if d.Name, ok = strings.CutSuffix(file, logSuffix); !ok {
		d.Name, _, ok = strings.Cut(file, logSuffix+".")
	}
	if ok {
		d.Network, d.VM, ok = parseDomainName(d.Name)
	}
	return d, ok
}

// found is a domain that libvirt has.
type found struct {
	description
	ours  bool
	state libvirt.DomainState
}

// list finds all domains of ours.
func list(conn *libvirt.Connect) ([]found, error) {
	all, err := conn.ListAllDomains(0)
	if err != nil {
		return nil, said("virConnectListAllDomains", err)
	}
	defer func() {
		for i := range all {
			all[i].Free()
		}
	}()
	var ours []found
	for i := range all {
		f, err := describe(&all[i])
		if err != nil {
			return nil, err
		}
		if f != nil && f.ours {
			ours = append(ours, *f)
		}
	}
	return ours, nil
}

// find is the domain of that name, ours or not; nil when there is none.
func find(conn *libvirt.Connect, name string) (*found, error) {
	dom, err := conn.LookupDomainByName(name)
	if err != nil {
		return nil, unlessGone("virDomainLookupByName", err)
	}
	defer dom.Free()
	return describe(dom)
}

// describe reads one domain; nil when it has just gone.
func describe(dom *libvirt.Domain) (*found, error) {
	text, err := dom.GetXMLDesc(0)
	if err != nil {
		return nil, unlessGone("virDomainGetXMLDesc", err)
	}
	d, err := reading(text)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return &found{}, nil
	}
	state, _, err := dom.GetState()
	if err != nil {
		return nil, unlessGone("virDomainGetState", err)
	}
	if state == libvirt.DOMAIN_SHUTOFF {
		d.Domain = hosts.Domain{Network: d.Network, VM: d.VM, Name: d.Name, Overlay: d.Overlay}
	}
	return &found{description: *d, ours: true, state: state}, nil
}
