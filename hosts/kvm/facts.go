package kvm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"
)

// facts are what does not change while a libvirt runs.
type facts struct {
	user     account // that qemu runs as
	label    string  // the same as libvirt writes it
	amd      bool
	emulates []string // the types of domain for this machine's CPU: "qemu", "kvm"
}

// facts asks libvirt once for each connection: it may probe qemu anew to answer.
func (m *Machine) facts(conn *libvirt.Connect) (*facts, error) {
	m.factsMu.Lock()
	defer m.factsMu.Unlock()
	if m.known != nil && m.knownOf == conn {
		return m.known, nil
	}
	document, err := conn.GetCapabilities()
	if err != nil {
		return nil, said("virConnectGetCapabilities", err)
	}
	f, err := parseCapabilities(document)
	if err != nil {
		return nil, fmt.Errorf("capabilities of libvirt at %q: %w", m.uri, err)
	}
	m.known, m.knownOf = f, conn
	return f, nil
}

func parseCapabilities(document string) (*facts, error) {
	var caps libvirtxml.Caps
	if err := caps.Unmarshal(document); err != nil {
		return nil, err
	}
	f := &facts{}
	if cpu := caps.Host.CPU; cpu != nil {
		f.amd = cpu.Vendor == "AMD"
	}
	for _, g := range caps.Guests {
		if g.Arch.Name != "x86_64" || g.OSType != "hvm" {
			continue
		}
		for _, d := range g.Arch.Domains {
			if !slices.Contains(f.emulates, d.Type) {
				f.emulates = append(f.emulates, d.Type)
			}
		}
	}
	for _, s := range caps.Host.SecModel {
		if s.Name != "dac" || len(s.Labels) == 0 {
			continue
		}
		uid, gid, err := parseLabel(s.Labels[0].Value)
		if err != nil {
			return nil, err
		}
		f.label, f.user = s.Labels[0].Value, lookUp(uid, gid)
	}
	return f, nil
}

// parseLabel reads a label of libvirt's DAC driver, "+UID:+GID".
func parseLabel(label string) (uid, gid int, err error) {
	u, g, _ := strings.Cut(label, ":")
	uid, err = strconv.Atoi(strings.TrimPrefix(u, "+"))
	if err == nil {
		gid, err = strconv.Atoi(strings.TrimPrefix(g, "+"))
	}
	if err != nil {
		return 0, 0, fmt.Errorf("dac label %q is not of the form +UID:+GID", label)
	}
	return uid, gid, nil
}
