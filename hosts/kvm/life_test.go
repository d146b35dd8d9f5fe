package kvm

import (
	"context"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
)

func TestLife(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	d.Cmdline = "quiet a=\"b'c\" <x> &amp; ]]> %s $(id)\n\ttwo  lines "
	l.check(hosts.Change{New: d})
	l.same(hosts.State{Domains: []hosts.Domain{d}})
	l.check(hosts.Change{New: d})
	l.same(hosts.State{Domains: []hosts.Domain{d}})

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
	if err := l.Do(context.Background(), hosts.Change{New: p}); err == nil {
		t.Error("a domain that is not there was powered on")
	}
}
