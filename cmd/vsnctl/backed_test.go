package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
	"github.com/vsnctl/vsnctl/vsn"
)

// beside is a network of one VM on CPU 0 that rests on having it for itself.
func beside(t *testing.T, network string) hosts.State {
	t.Helper()
	s := hosts.State{
		Partitions:   []hosts.Partition{{CPU: 0}},
		Segments:     []hosts.Segment{{Network: network, Bridge: "vb" + network, MTU: 1500}},
		Domains:      []hosts.Domain{{Network: network, VM: "v", Name: "vsn." + network + ".v", Accel: hosts.AccelTCG, VCPUs: 1, Memory: 1 << 26, Bridge: "vb" + network, Tap: "vt" + network, MAC: "02:00:00:00:00:0" + network, MTU: 1500, Pins: "vcpu0=0"}},
		Reservations: []hosts.Reservation{{Network: network, VM: "v", Thread: "vcpu0", CPU: 0, RuntimeNs: 10e6, PeriodNs: 50e6}},
	}
	ground := hosts.Ground{
		Rests: []hosts.Assumption{{Kind: hosts.RestAlone, Subject: "host h", Says: "alone", Backed: true}, {Kind: hosts.RestFlows, Subject: "flows", Says: "as declared"}},
		Flows: []hosts.FlowPromise{{Flow: "f", BoundNs: 9_000_001, DeadlineNs: 10e6, On: []string{"host h", "flows"}}},
	}
	if err := s.Promised(network, ground); err != nil {
		t.Fatal(err)
	}
	return s
}

// observed is what the fake shows after a network was deployed there.
func observed(t *testing.T, f *hosttest.Fake, network string) hosts.Observation {
	t.Helper()
	if _, err := hosts.Converge(t.Context(), f, beside(t, network), []string{network}, nil); err != nil {
		t.Fatal(err)
	}
	o, err := f.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOthersLoseTheirBacking: a network that comes to a CPU where another runs takes
// from what that one rests on, and deploy says so of both.
func TestOthersLoseTheirBacking(t *testing.T) {
	f := hosttest.NewFake(hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Grain: 4e6, Memory: 1 << 30})
	first := observed(t, f, "a")
	if d, backed := deploymentOf([]string{"a"}, nil, first, first); !backed || len(d.Networks) != 1 || d.Networks[0].Before {
		t.Errorf("alone: %+v", d)
	}
	second := observed(t, f, "b")
	d, backed := deploymentOf([]string{"b"}, []hosts.Change{{New: hosts.Partition{CPU: 0}}}, first, second)
	if backed || len(d.Networks) != 2 || d.Networks[0].Name != "b" || d.Networks[1].Name != "a" || !d.Networks[1].Before || len(d.Changes) != 1 {
		t.Fatalf("together: %+v", d)
	}
	for i, other := range []string{"a", "b"} {
		if p := d.Networks[i].Promises[0]; p.Backed || len(p.Why) != 1 || !strings.Contains(p.Why[0], other+"/v/vcpu0") {
			t.Errorf("%s: %+v", d.Networks[i].Name, p)
		}
	}
}

// TestBackingInWords is what people read of it.
func TestBackingInWords(t *testing.T) {
	f := hosttest.NewFake(hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Grain: 4e6, Memory: 1 << 30})
	o := observed(t, f, "a")
	lost := o
	lost.State.Promises = nil
	strange := o
	strange.Facts = &hosts.Facts{Foreign: []hosts.DeadlineThread{{Process: "jackd", PID: 7, CPUs: []int{0}}}}
	for _, c := range []struct {
		after hosts.Observation
		want  []string
	}{
		{o, []string{"a: deployed, 2 changes", "+  alone  host h  no other has SCHED_DEADLINE there", "=  flows  flows   as declared", "a: promise f, at most 9.001ms of 10ms: backed\n"}},
		{strange, []string{"-  alone", "a: promise f, at most 9.001ms of 10ms: NOT BACKED: host h: alone: process 7 (jackd) has a SCHED_DEADLINE thread on cpus 0\n"}},
		{lost, []string{"a: promise all: NOT BACKED: no domain says what it rests on: deploy it again\n"}},
	} {
		d, _ := deploymentOf([]string{"a"}, make([]hosts.Change, 0), o, c.after)
		d.Changes = []string{"x", "y"}
		text := printed(t, func(t *terminal) { t.deploymentText([]string{"a"}, d) })
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("want %q in:\n%s", want, text)
			}
		}
	}
	if b := backingOf("b", o, o); len(b.Promises) != 0 {
		t.Errorf("nothing of b is there, and of it is promised %+v", b.Promises)
	}
	if code := exitCode(errors.Join(errNotBacked)); code != 5 {
		t.Errorf("exit code %d, want 5", code)
	}
}

// printed is what a command writes to standard output.
func printed(t *testing.T, write func(*terminal)) string {
	t.Helper()
	name := t.TempDir() + "/out"
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	write(&terminal{out: out, err: os.Stderr})
	out.Close()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
