package hosts_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
	"github.com/vsnctl/vsnctl/vsn"
)

// grounded is a machine that carries two VMs with everything that a proof can rest
// on: cpu 0, or AnyCPU for one root domain.
func grounded(t *testing.T, cpu int) *hosttest.Fake {
	t.Helper()
	f := hosttest.NewFake(hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(2), Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Memory: 8 << 30})
	if _, err := hosts.Converge(context.Background(), f, carried(t, cpu), []string{"n"}, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func carried(t *testing.T, cpu int) hosts.State {
	t.Helper()
	s := hosts.State{Segments: []hosts.Segment{{Network: "n", Bridge: "vb", MTU: 1500}}}
	domain := hosts.RestRootDomain
	if cpu == hosts.AnyCPU {
		domain = hosts.RestOneDomain
	} else {
		s.Add(hosts.Partition{CPU: cpu})
	}
	pins := map[bool]string{true: "", false: "vcpu0=0 emulator=0"}[cpu == hosts.AnyCPU]
	for i, vm := range []string{"a", "b"} {
		mac := []string{"02:00:00:00:00:0a", "02:00:00:00:00:0b"}
		s.Add(hosts.Domain{Network: "n", VM: vm, Name: "vsn.n." + vm, Accel: hosts.AccelTCG, VCPUs: 1, Memory: 1 << 26, Bridge: "vb", Tap: "vt" + vm, MAC: mac[i], MTU: 1500, Pins: pins})
		s.Add(hosts.Reservation{Network: "n", VM: vm, Thread: "vcpu0", CPU: cpu, RuntimeNs: 10e6, PeriodNs: 50e6})
		s.Add(hosts.Reservation{Network: "n", VM: vm, Thread: "emulator", CPU: cpu, RuntimeNs: 4e6, PeriodNs: 50e6})
		s.Add(hosts.Port{Network: "n", VM: vm, Tap: "vt" + vm, Ifb: "vi" + vm, RateBit: 1e6})
		s.Add(hosts.Queue{Network: "n", Link: "l", VM: vm, To: []string{"b", "a"}[i], Ifb: "vi" + vm, Class: 16, ToMAC: mac[1-i], RateBit: 8e6, BurstBytes: 4096, LimitBytes: 65536})
		s.Add(hosts.Power{Network: "n", VM: vm})
	}
	ground := hosts.Ground{Flows: []hosts.FlowPromise{
		{Flow: "f", BoundNs: 9e6, DeadlineNs: 10e6, On: []string{"host h", "flows"}},
		{Flow: "elsewhere", On: []string{"host other"}}}}
	for _, kind := range []hosts.Rest{domain, hosts.RestAlone, hosts.RestReservation, hosts.RestAdmission, hosts.RestGrain, hosts.RestSpeed, hosts.RestSteal, hosts.RestDevice, hosts.RestClass} {
		value := map[hosts.Rest]int64{hosts.RestAdmission: int64(hosts.DefaultShare), hosts.RestGrain: int64(hosts.DefaultGrain)}[kind]
		ground.Rests = append(ground.Rests, hosts.Assumption{Kind: kind, Subject: "host h", Value: value, Backed: true})
	}
	ground.Rests = append(ground.Rests, hosts.Assumption{Kind: hosts.RestFlows, Subject: "flows"}, hosts.Assumption{Kind: hosts.RestOrder, Subject: "host h"})
	if err := s.Promised("n", ground); err != nil {
		t.Fatal(err)
	}
	return s
}

// verified observes twice, a second apart, and verifies.
func verified(t *testing.T, f *hosttest.Fake) hosts.Verification {
	t.Helper()
	var seen [2]hosts.Observation
	for i := range seen {
		var err error
		if seen[i], err = f.Observe(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.Advance(time.Second)
	}
	v, ok := hosts.Verify("n", seen[0], seen[1])
	if !ok {
		t.Fatal("nothing was kept with the domains")
	}
	return v
}

func TestAllThatIsSoIsBacked(t *testing.T) {
	for _, cpu := range []int{0, hosts.AnyCPU} {
		v := verified(t, grounded(t, cpu))
		for _, r := range v.Rests {
			if want := map[bool]hosts.Standing{true: hosts.Holds, false: hosts.Declared}[r.Backed]; r.Standing != want || r.Found == "" {
				t.Errorf("cpu %d: %s %s: %s, want %s", cpu, r.Kind, r.Standing, r.Found, want)
			}
		}
		if !v.Backed() || len(v.Flows) != 2 {
			t.Errorf("cpu %d: %+v", cpu, v.Flows)
		}
	}
}

// TestEachAssumptionBroken makes the machine lie about one thing at a time: the
// assumption about it fails or is unknown, no other does, and the flow says why.
func TestEachAssumptionBroken(t *testing.T) {
	drop := func(thread string) func(*hosts.Observation) {
		return func(o *hosts.Observation) {
			o.State.Reservations = slices.DeleteFunc(o.State.Reservations, func(r hosts.Reservation) bool { return r.Thread == thread && r.VM == "a" })
		}
	}
	facts := func(change func(*hosts.Facts)) func(*hosts.Observation) {
		return func(o *hosts.Observation) { change(o.Facts) }
	}
	stranger := hosts.Reservation{Network: "other", VM: "x", Thread: "vcpu0", CPU: 0, RuntimeNs: 1e6, PeriodNs: 50e6}
	for _, c := range []struct {
		what     string
		cpu      int
		lie      func(*hosts.Observation)
		kind     hosts.Rest
		standing hosts.Standing
		says     string
	}{
		{"the partition is gone", 0, func(o *hosts.Observation) { o.State.Partitions = nil }, hosts.RestRootDomain, hosts.Fails, "cpu 0 has no root domain of its own"},
		{"the partition is joined", 0, func(o *hosts.Observation) { o.State.Partitions[0].Joined = true }, hosts.RestRootDomain, hosts.Fails, "joined with others"},
		{"a partition where one domain is wanted", -1, func(o *hosts.Observation) { o.State.Add(hosts.Partition{CPU: 1}) }, hosts.RestOneDomain, hosts.Fails, "cpu 1 has a root domain"},
		{"a foreign cpuset", -1, facts(func(f *hosts.Facts) { f.Split = "cpuset x divides them" }), hosts.RestOneDomain, hosts.Fails, "cpuset x"},
		{"a foreign deadline task", 0, facts(func(f *hosts.Facts) {
			f.Foreign = []hosts.DeadlineThread{{Process: "jackd", PID: 7, CPUs: []int{0, 1}}}
		}), hosts.RestAlone, hosts.Fails, "process 7 (jackd)"},
		{"a foreign deadline task anywhere", -1, facts(func(f *hosts.Facts) {
			f.Foreign = []hosts.DeadlineThread{{Process: "jackd", PID: 7, CPUs: []int{1}}}
		}), hosts.RestAlone, hosts.Fails, "process 7 (jackd)"},
		{"another network on the cpu", 0, func(o *hosts.Observation) { o.State.Add(stranger) }, hosts.RestAlone, hosts.Fails, "other/x/vcpu0"},
		{"a vcpu lost its reservation", 0, drop("vcpu0"), hosts.RestReservation, hosts.Fails, "missing: reservation n/a/vcpu0"},
		{"a vcpu holds less", 0, func(o *hosts.Observation) {
			for i := range o.State.Reservations {
				if o.State.Reservations[i].Thread == "vcpu0" {
					o.State.Reservations[i].RuntimeNs = 9e6
				}
			}
		}, hosts.RestReservation, hosts.Fails, "is reservation n/a/vcpu0 (9000us/50000us"},
		{"device threads lost theirs", 0, drop("emulator"), hosts.RestDevice, hosts.Fails, "missing: reservation n/a/emulator"},
		{"less is granted", 0, facts(func(f *hosts.Facts) { f.Share = vsn.One / 2 }), hosts.RestAdmission, hosts.Fails, "0.5 of each cpu"},
		{"anything is granted", 0, facts(func(f *hosts.Facts) { f.Unlimited = true }), hosts.RestAdmission, hosts.Fails, "sched_rt_runtime_us is -1"},
		{"a longer tick", 0, facts(func(f *hosts.Facts) { f.Grain = 10e6 }), hosts.RestGrain, hosts.Fails, "10ms"},
		{"a tick that is not known", 0, facts(func(f *hosts.Facts) { f.GrainFrom = "" }), hosts.RestGrain, hosts.Unknown, "neither CONFIG_HZ"},
		{"a larger grain was measured", 0, facts(func(f *hosts.Facts) { f.Measured = 5e6 }), hosts.RestGrain, hosts.Fails, "5ms was measured"},
		{"a governor", 0, facts(func(f *hosts.Facts) { f.Governors = []string{"powersave"} }), hosts.RestSpeed, hosts.Fails, "powersave"},
		{"siblings", 0, facts(func(f *hosts.Facts) { f.SMT = true }), hosts.RestSpeed, hosts.Unknown, "SMT"},
		{"a hypervisor", 0, facts(func(f *hosts.Facts) { f.Hypervisor = "xen" }), hosts.RestSteal, hosts.Unknown, "runs on xen"},
		{"steal", 0, facts(func(f *hosts.Facts) { f.StealNs[0] = f.ClockNs / 50 }), hosts.RestSteal, hosts.Fails, "20 ms taken in 1.0 s"},
		{"a class is gone", 0, func(o *hosts.Observation) { o.State.Queues = o.State.Queues[1:] }, hosts.RestClass, hosts.Fails, "missing: queue n/l"},
		{"a class sends faster", 0, func(o *hosts.Observation) { o.State.Queues[0].RateBit = 16e6 }, hosts.RestClass, hosts.Fails, "is queue n/l a>b (16000000 bit/s"},
		{"a port is gone", 0, func(o *hosts.Observation) { o.State.Ports = nil }, hosts.RestClass, hosts.Fails, "missing: port n/a"},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := grounded(t, c.cpu)
			f.Seen(c.lie)
			v := verified(t, f)
			for _, r := range v.Rests {
				switch {
				case r.Kind == c.kind && (r.Standing != c.standing || !strings.Contains(r.Found, c.says)):
					t.Errorf("%s: %s: %q, want %s: %q", r.Kind, r.Standing, r.Found, c.standing, c.says)
				case r.Kind != c.kind && r.Standing != hosts.Holds && r.Standing != hosts.Declared:
					t.Errorf("%s: %s: %s", r.Kind, r.Standing, r.Found)
				}
			}
			if flow := v.Flows[0]; flow.Backed || len(flow.Why) != 1 || !strings.Contains(flow.Why[0], c.says) || v.Backed() {
				t.Errorf("flow %+v, want it not backed since %q", flow, c.says)
			}
			if !v.Flows[1].Backed {
				t.Error("a flow that does not pass the host loses its backing, too")
			}
		})
	}
}

// What concerns other CPUs than those with reservations breaks nothing.
func TestElsewhereOnTheMachine(t *testing.T) {
	f := grounded(t, 0)
	f.Seen(func(o *hosts.Observation) {
		o.State.Add(hosts.Reservation{Network: "other", VM: "x", Thread: "vcpu0", CPU: 1, RuntimeNs: 1e6, PeriodNs: 50e6})
		o.State.Add(hosts.Partition{CPU: 1, Joined: true})
		o.Facts.Foreign = []hosts.DeadlineThread{{Process: "jackd", PID: 7, CPUs: []int{1}}}
		o.Facts.StealNs[1] = o.Facts.ClockNs
	})
	if v := verified(t, f); !v.Backed() {
		t.Errorf("%+v", v.Flows)
	}
}

// A kind of a newer program, and a machine that tells no facts, are not taken for
// granted.
func TestWhatCannotBeLookedAtIsUnknown(t *testing.T) {
	f := grounded(t, 0)
	f.Seen(func(o *hosts.Observation) { o.Facts = nil })
	for _, r := range verified(t, f).Rests {
		if r.Kind == hosts.RestSteal && r.Standing != hosts.Unknown {
			t.Errorf("%+v", r)
		}
	}
	f.Seen(func(o *hosts.Observation) {
		for i := range o.State.Promises {
			o.State.Promises[i].Wants = strings.ReplaceAll(o.State.Promises[i].Wants, `"kind":"steal"`, `"kind":"moon"`)
		}
	})
	v := verified(t, f)
	if i := slices.IndexFunc(v.Rests, func(r hosts.Verdict) bool { return r.Kind == "moon" }); i < 0 || v.Rests[i].Standing != hosts.Unknown || v.Backed() {
		t.Errorf("%+v", v)
	}
	if _, ok := hosts.Verify("nobody", hosts.Observation{}, hosts.Observation{}); ok {
		t.Error("a network that is not there was verified")
	}
}
