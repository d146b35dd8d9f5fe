package kvm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
)

func TestLife(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	d.Cmdline = "quiet a=\"b'c\" <x> &amp; ]]> %s $(id)\n\ttwo  lines "
	files := owners(t, d.Image, d.Kernel, d.Initrd)
	l.check(hosts.Change{New: d})
	l.same(hosts.State{Domains: []hosts.Domain{d}})
	if now := owners(t, d.Image, d.Kernel, d.Initrd); now != files {
		t.Errorf("libvirt took the user's files: %s, was %s", now, files)
	}
	if info, err := os.Stat(d.Overlay); err != nil || info.Mode() != 0o600 {
		t.Errorf("overlay: %v, %v", info, err)
	}
	l.check(hosts.Change{New: d})
	l.same(hosts.State{Domains: []hosts.Domain{d}})

	promise := hosts.Promise{Network: d.Network, VM: d.VM}
	for _, promise.Wants = range []string{`{"a":"<b>\u0026 ]]> é"}`, " ", "", "{}"} {
		for range 2 {
			l.check(hosts.Change{New: promise})
			l.same(hosts.State{Domains: []hosts.Domain{d}, Promises: []hosts.Promise{promise}})
		}
	}
	for range 2 {
		l.check(hosts.Change{Old: promise})
		l.same(hosts.State{Domains: []hosts.Domain{d}})
	}

	p := hosts.Power{Network: d.Network, VM: d.VM}
	for range 2 {
		l.check(hosts.Change{New: p})
		l.same(hosts.State{Domains: []hosts.Domain{d}, Powers: []hosts.Power{p}})
	}
	l.check(hosts.Change{New: d}) // must not pause it
	l.same(hosts.State{Domains: []hosts.Domain{d}, Powers: []hosts.Power{p}})
	for range 2 {
		l.check(hosts.Change{Old: p})
		l.same(hosts.State{Domains: []hosts.Domain{d}})
	}
	l.check(hosts.Change{New: p})
	for range 2 {
		l.check(hosts.Change{Old: d})
		l.nothing(d)
	}
	l.check(hosts.Change{Old: p})
	l.check(hosts.Change{Old: promise})
	for _, o := range []hosts.Object{p, promise} {
		if err := l.Do(context.Background(), hosts.Change{New: o}); err == nil || !strings.Contains(err.Error(), "there is no domain") {
			t.Errorf("%v of a domain that is not there: got %v", o, err)
		}
	}
}

func owners(t *testing.T, paths ...string) string {
	t.Helper()
	return run(t, "stat", append([]string{"-c", "%u:%g %a"}, paths...)...)
}

// Images may be raw, and may rest on others; a guest may start from its disk alone.
func TestImages(t *testing.T) {
	l := newLab(t)
	raw, chained := l.file("disk.raw", make([]byte, 4*mib)), filepath.Join(l.dir, "chained.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, chained)
	for vm, image := range map[string]string{"a1": raw, "a2": chained} {
		d := l.domain(vm, true)
		d.Image, d.Kernel, d.Initrd, d.Cmdline = image, "", "", ""
		before := run(t, "sha256sum", raw, chained)
		l.check(hosts.Change{New: d})
		l.check(hosts.Change{New: hosts.Power{Network: d.Network, VM: d.VM}})
		l.same(hosts.State{Domains: []hosts.Domain{d}, Powers: []hosts.Power{{Network: d.Network, VM: d.VM}}})
		l.check(hosts.Change{Old: d})
		l.nothing(d)
		if after := run(t, "sha256sum", raw, chained); after != before {
			t.Errorf("an image was written:\n%s%s", before, after)
		}
	}
}
