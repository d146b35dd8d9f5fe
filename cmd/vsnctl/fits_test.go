package main

import (
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// TestCrowded decides admission beside a network that already runs.
func TestCrowded(t *testing.T) {
	domain := func(network string, mib int64, gpus string) hosts.Domain {
		return hosts.Domain{Network: network, VM: "v", Memory: mib << 20, Resources: gpus}
	}
	reservation := func(network string, cpu int, q, p int64) hosts.Reservation {
		return hosts.Reservation{Network: network, VM: "v", Thread: "vcpu0", CPU: cpu, RuntimeNs: q, PeriodNs: p}
	}
	host := hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Memory: 1 << 30, Resources: map[string]int64{"gpu": 1}}
	state := func(d hosts.Domain, r ...hosts.Reservation) hosts.State {
		return hosts.State{Segments: []hosts.Segment{{Network: d.Network}}, Domains: []hosts.Domain{d}, Reservations: r}
	}
	for _, c := range []struct {
		what           string
		partition      bool
		observed, want hosts.State
		says           string // "": it fits
	}{
		{"alone", true, hosts.State{}, state(domain("new", 2048, "gpu=9"), reservation("new", 0, 1, 1)), ""}, // the proof's to judge
		{"its own earlier self", true, state(domain("new", 900, ""), reservation("new", 0, 8, 10)), state(domain("new", 900, ""), reservation("new", 0, 8, 10)), ""},
		{"fits", true, state(domain("old", 512, ""), reservation("old", 0, 4, 10)), state(domain("new", 512, "gpu=1"), reservation("new", 0, 5, 10)), ""},
		{"memory", true, state(domain("old", 512, "")), state(domain("new", 513, "")), "memory: need 1025MiB together with what runs (old), have 1GiB"},
		{"gpu", true, state(domain("old", 1, "gpu=1")), state(domain("new", 1, "gpu=1")), "resource gpu: need 2 together with what runs (old), have 1"},
		{"cpu", true, state(domain("old", 1, ""), reservation("old", 1, 5, 10)), state(domain("new", 1, ""), reservation("new", 1, 41, 100)), `cpu 1: need 0.910 together with what runs (old), have 0.9`},
		{"not as made", true, state(domain("old", 1, ""), reservation("old", 1, 5, 0)), state(domain("new", 1, ""), reservation("new", 1, 1, 100)), `cpu 1: need 1.010`},
		{"gfb fits", false, state(domain("old", 1, ""), reservation("old", -1, 6, 10)), state(domain("new", 1, ""), reservation("new", -1, 6, 10)), ""},
		{"gfb", false, state(domain("old", 1, ""), reservation("old", -1, 61, 100)), state(domain("new", 1, ""), reservation("new", -1, 6, 10)), "need 1.820 cpus, by the test of global EDF, together with what runs (old), have 1.800"},
		{"kinds of root domains", false, state(domain("old", 1, ""), reservation("old", 0, 1, 10)), state(domain("new", 1, ""), reservation("new", -1, 1, 10)), "network old holds root domains of single cpus"},
		{"kinds of root domains, the other way", true, state(domain("old", 1, ""), reservation("old", -1, 1, 10)), state(domain("new", 1, ""), reservation("new", 0, 1, 10)), "network old holds reservations that may run on every cpu"},
	} {
		h := host
		h.Partition = c.partition
		err := crowded(&h, c.observed, c.want, []string{"new"})
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.says)
		}
	}
}

// TestStale names what changed for the worse since a plan was made.
func TestStale(t *testing.T) {
	planned := hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Memory: 1 << 30, Grain: 4e6}
	if err := stale(&planned, &planned); err != nil {
		t.Error(err)
	}
	now := hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(1), Share: vsn.One / 2, Memory: 1 << 29, Grain: 10e6}
	err := stale(&planned, &now)
	for _, says := range []string{"cpu 1 is gone", "memory is 512MiB, planned with 1GiB", "grain is 10ms", "0.5 of a cpu, planned with 0.9", "plan again"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q in %v", says, err)
		}
	}
}

// TestStopped: what stops a VM or loses its disk asks first.
func TestStopped(t *testing.T) {
	removed := []hosts.Change{
		{Old: hosts.Power{Network: "n", VM: "runs"}}, {Old: hosts.Domain{Network: "n", VM: "runs", Overlay: "x"}},
		{Old: hosts.Domain{Network: "n", VM: "paused-with-disk", Overlay: "x"}}, {Old: hosts.Domain{Network: "n", VM: "paused"}},
		{New: hosts.Power{Network: "n", VM: "new"}}, {Old: hosts.Reservation{Network: "n", VM: "less"}, New: hosts.Reservation{Network: "n", VM: "less"}},
	}
	if got := strings.Join(stopped(removed), " "); got != "n/runs n/paused-with-disk" {
		t.Errorf("stopped: %s", got)
	}
}

// TestOverbooked: what the kernel would refuse is refused before anything is touched,
// by CPU, sum and limit, and what it takes is not.
func TestOverbooked(t *testing.T) {
	plan := func(cpu int, tenths ...int64) *placement.Plan {
		p := &placement.Plan{}
		for _, q := range tenths {
			p.Realization.Reservations = append(p.Realization.Reservations, placement.Reservation{Network: "n", VM: "v", Host: "h", CPU: cpu, RuntimeNs: q * 10, PeriodNs: 100})
		}
		p.Realization.Emulators = []placement.Emulator{{Network: "n", VM: "v", Host: "h", CPU: cpu, RuntimeNs: 10, PeriodNs: 100}, {Network: "n", VM: "v", Host: "far", CPU: cpu, RuntimeNs: 99, PeriodNs: 100}}
		return p
	}
	for _, c := range []struct {
		what   string
		plan   *placement.Plan
		share  vsn.Share // of the plan
		kernel vsn.Share
		says   string
	}{
		{"as planned", plan(1, 4, 4), vsn.One * 9 / 10, vsn.One * 9 / 10, ""},
		{"overbooked", plan(1, 4, 5), vsn.One * 9 / 10, vsn.One * 9 / 10, `host "h" cpu 1: the reservations of the plan sum to 1.000 of a cpu, and the kernel holds 0.900`},
		{"over a share that the kernel does not know", plan(1, 4, 4), vsn.One / 2, vsn.One * 9 / 10, ""},
		{"over both", plan(1, 4, 5), vsn.One / 2, vsn.One * 9 / 10, "cpu 1"},
		{"a hard plan on a machine that grants less is stale's to refuse", plan(1, 4, 4), vsn.One * 9 / 10, vsn.One / 2, ""},
		{"one root domain", plan(hosts.AnyCPU, 9, 8), vsn.One * 9 / 10, vsn.One * 9 / 10, ""},
		{"one root domain, overbooked", plan(hosts.AnyCPU, 9, 9), vsn.One * 9 / 10, vsn.One * 9 / 10, `host "h" cpus: the reservations of the plan sum to 1.900 of a cpu, and the kernel holds 1.800`},
	} {
		h := hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: c.share}
		err := overbooked(c.plan, &h, c.kernel)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.says)
		}
	}
}
