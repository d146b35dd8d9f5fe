package kvm

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// interfacePattern is what we allow as the name of an interface: the kernel has 15
// bytes for it (IFNAMSIZ).
var interfacePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`)

// check refuses what could not be made, or could not be read back equal.
func (m *Machine) check(d hosts.Domain) error {
	var wrong []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	for _, name := range []string{d.Network, d.VM} {
		if err := vsn.CheckName(name); err != nil {
			wrong = append(wrong, fmt.Errorf("name %w", err))
		}
	}
	name := domainName(d.Network, d.VM)
	want(d.Name == name, "name %q: must be %q", d.Name, name)
	want(d.Accel == hosts.AccelKVM || d.Accel == hosts.AccelTCG, "accel %q: must be kvm or tcg by now", d.Accel)
	want(d.VCPUs >= 1, "vcpus %d: must be at least 1", d.VCPUs)
	want(d.Memory >= mib, "memory %d bytes: must be at least 1MiB", d.Memory)
	want(d.Kernel != "" || d.Image != "", "neither a kernel nor an image to start from")
	want(d.Kernel != "" || d.Initrd == "" && d.Cmdline == "", "an initrd and a command line need a kernel")
	want((d.Image == "") == (d.Overlay == ""), "image %q and overlay %q: each needs the other", d.Image, d.Overlay)
	if overlay := m.overlayPath(name); d.Overlay != "" {
		want(d.Overlay == overlay, "overlay %q: must be %q, where it can be found again", d.Overlay, overlay)
	}
	for what, path := range map[string]string{"kernel": d.Kernel, "initrd": d.Initrd, "image": d.Image} {
		want(path == "" || filepath.IsAbs(path) && filepath.Clean(path) == path, "%s %q: must be an absolute path without detours", what, path)
		want(isText(path), "%s %q: holds what XML cannot", what, path)
	}
	want(isText(d.Cmdline), "cmdline %q: holds what XML cannot", d.Cmdline)
	wrong = append(wrong, checkInterface(d)...)
	if _, err := parsePins(d.Pins, d.VCPUs); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

func checkInterface(d hosts.Domain) (wrong []error) {
	if !interfacePattern.MatchString(d.Bridge) {
		wrong = append(wrong, fmt.Errorf("bridge %q is no name of an interface", d.Bridge))
	}
	// libvirt takes these two for names that it made itself, and drops them.
	if !interfacePattern.MatchString(d.Tap) || strings.HasPrefix(d.Tap, "vnet") || strings.HasPrefix(d.Tap, "macv") {
		wrong = append(wrong, fmt.Errorf("tap %q is no name that libvirt leaves to an interface", d.Tap))
	}
	if mac, err := net.ParseMAC(d.MAC); err != nil || len(mac) != 6 || mac.String() != d.MAC || mac[0]&1 != 0 {
		wrong = append(wrong, fmt.Errorf("mac %q is not a unicast address such as 02:00:00:00:00:01", d.MAC))
	}
	if d.MTU < 68 || d.MTU > 65521 {
		wrong = append(wrong, fmt.Errorf("mtu %d is not in 68..65521", d.MTU))
	}
	return wrong
}

// isText reports whether XML 1.0 can carry s and libvirt gives it back unchanged: no
// control characters but tab and newline (a carriage return becomes a newline).
func isText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}
