package hosttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
)

func fake() *Fake {
	return NewFake(hosts.Host{Name: "fake", CPUs: hosts.CountedCPUs(2), Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Memory: 8 << 30})
}

func TestFakePassesSuite(t *testing.T) {
	Suite(t, func(t *testing.T) Fixture {
		return Fixture{Machine: fake(), CPUs: []int{0, 1}, Absent: 2, Steps: 200}
	})
}

func someScene(t *rapid.T, name string) scene {
	return rapid.Custom(func(t *rapid.T) scene {
		return scene{vms: [2]int{rapid.IntRange(0, 2).Draw(t, "a"), rapid.IntRange(0, 2).Draw(t, "b")}, partition: rapid.Bool().Draw(t, "partition"),
			queues: rapid.Bool().Draw(t, "queues"), power: rapid.Bool().Draw(t, "power"), grade: rapid.Int64Range(0, 2).Draw(t, "grade")}
	}).Draw(t, name)
}

// Whatever change a deploy is killed at, and whatever it came from, destroy leaves
// nothing.
func TestDestroyAfterCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fake()
		s := &suite{Fixture: Fixture{Machine: f, CPUs: []int{0, 1}}}
		ctx, both := context.Background(), []string{netA, netB}
		if _, err := hosts.Converge(ctx, f, s.scene(someScene(t, "from")), both, nil); err != nil {
			t.Fatal(err)
		}
		at := f.Changes() + rapid.IntRange(1, 60).Draw(t, "at")
		f.Before(func(n int, c hosts.Change) error {
			if n == at {
				return ErrCrash
			}
			return nil
		})
		_, err := hosts.Converge(ctx, f, s.scene(someScene(t, "to")), both, nil)
		if err != nil && !errors.Is(err, ErrCrash) {
			t.Fatal(err)
		}
		f.Restart()
		f.Before(nil)
		if _, err := hosts.Converge(ctx, f, hosts.State{}, both, nil); err != nil {
			t.Fatalf("destroy: %v", err)
		}
		o, err := f.Observe(ctx)
		if err != nil || len(o.State.Objects()) > 0 {
			t.Fatalf("left: %v, %v", o.State.Objects(), err)
		}
	})
}

// A deploy that fails at any change undoes what it did.
func TestFailureIsUndone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fake()
		s := &suite{Fixture: Fixture{Machine: f, CPUs: []int{0, 1}}}
		ctx, both := context.Background(), []string{netA, netB}
		if _, err := hosts.Converge(ctx, f, s.scene(someScene(t, "from")), both, nil); err != nil {
			t.Fatal(err)
		}
		before, err := f.Observe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		to := s.scene(someScene(t, "to"))
		if len(to.Objects()) == 0 {
			t.Skip("a destroy is not undone")
		}
		at, failed := f.Changes()+rapid.IntRange(1, 60).Draw(t, "at"), errors.New("no")
		f.Before(func(n int, c hosts.Change) error {
			if n == at {
				return failed
			}
			return nil
		})
		if _, err := hosts.Converge(ctx, f, to, both, nil); err == nil {
			return
		} else if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		after, err := f.Observe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before.State, after.State); d != "" {
			t.Fatalf("not undone (-before +after):\n%s", d)
		}
	})
}

func TestKilledDomainLeavesItsShaper(t *testing.T) {
	f := fake()
	s := &suite{Fixture: Fixture{Machine: f, CPUs: []int{0, 1}}}
	want := s.scene(scene{vms: [2]int{1, 0}, partition: true, queues: true, power: true})
	if _, err := hosts.Converge(t.Context(), f, want, []string{netA}, nil); err != nil {
		t.Fatal(err)
	}
	f.Advance(time.Second)
	o, err := f.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Meters[hosts.ReservationKey(netA, "vm0", "vcpu0")]; got.CPUNs != 50_000_000 || got.ClockNs != 1_000_000_000 {
		t.Errorf("after a second: %+v, want 50 ms", got)
	}
	f.Kill(netA, "vm0")
	if o, err = f.Observe(t.Context()); err != nil {
		t.Fatal(err)
	}
	orphan := want.Ports[0]
	orphan.Tap = ""
	left := hosts.State{Partitions: want.Partitions, Segments: want.Segments, Ports: []hosts.Port{orphan}, Queues: want.Queues}
	if d := cmp.Diff(left, o.State); d != "" {
		t.Errorf("after the domain died (-want +got):\n%s", d)
	}
	if _, err := hosts.Converge(t.Context(), f, want, []string{netA}, nil); err != nil {
		t.Fatal(err)
	}
}
