package hosts

import (
	"testing"

	"pgregory.net/rapid"
)

// someState draws a state in which everything stands on something.
func someState(t *rapid.T, label string) State {
	var s State
	for _, n := range []string{"a", "b"} {
		if !rapid.Bool().Draw(t, label+" network "+n) {
			continue
		}
		s.Add(Segment{Network: n, Bridge: "vb" + n, MTU: rapid.SampledFrom([]int{1450, 1500}).Draw(t, label+" mtu")})
		for _, vm := range []string{"x", "y"} {
			if !rapid.Bool().Draw(t, label+" vm "+n+vm) {
				continue
			}
			s.Add(Domain{Network: n, VM: vm, Name: n + "." + vm, Memory: rapid.Int64Range(1, 2).Draw(t, label+" memory")})
			if rapid.Bool().Draw(t, label+" reserved") {
				cpu := rapid.IntRange(AnyCPU, 1).Draw(t, label+" cpu")
				s.Add(Reservation{Network: n, VM: vm, Thread: "vcpu0", CPU: cpu, RuntimeNs: rapid.Int64Range(1, 3).Draw(t, label+" runtime"), PeriodNs: 10})
				if cpu != AnyCPU && !has(s, PartitionKey(cpu)) {
					s.Add(Partition{CPU: cpu})
				}
			}
			s.Add(Port{Network: n, VM: vm, Ifb: "vi" + n + vm})
			if rapid.Bool().Draw(t, label+" queue") {
				s.Add(Queue{Network: n, Link: "l", VM: vm, RateBit: rapid.Int64Range(1, 2).Draw(t, label+" rate")})
			}
			if rapid.Bool().Draw(t, label+" on") {
				s.Add(Power{Network: n, VM: vm})
			}
		}
	}
	return s
}

func has(s State, k Key) bool {
	_, ok := byKey(s)[k]
	return ok
}

// apply makes the changes on a plain map, and fails where one comes before what it
// stands on or takes away what something stands on.
func apply(t *rapid.T, s State, changes []Change) map[Key]Object {
	there := byKey(s)
	for _, c := range changes {
		if c.Old != nil && there[c.Old.Key()] != c.Old {
			t.Fatalf("%v: what is there is %v", c, there[c.Old.Key()])
		}
		if c.New == nil {
			for _, o := range there {
				for _, on := range o.On() {
					if on == c.Old.Key() {
						t.Fatalf("%v: %v still stands on it", c, o)
					}
				}
			}
			delete(there, c.Old.Key())
			continue
		}
		if c.Old == nil && there[c.New.Key()] != nil {
			t.Fatalf("%v: it is there", c)
		}
		for _, on := range c.New.On() {
			if there[on] == nil {
				t.Fatalf("%v: %s is not there", c, on)
			}
		}
		there[c.New.Key()] = c.New
	}
	return there
}

// TestDiff: the changes lead from any state to any other, in an order in which each
// can be done, and none are left.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := someState(t, "have"), someState(t, "want")
		got := apply(t, have, Diff(want, have))
		wanted := byKey(want)
		if len(got) != len(wanted) {
			t.Fatalf("%d objects, want %d", len(got), len(wanted))
		}
		for k, o := range wanted {
			if got[k] != o {
				t.Fatalf("%s is %v, want %v", k, got[k], o)
			}
		}
		if again := Diff(want, want); len(again) != 0 {
			t.Fatalf("no difference makes changes: %v", again)
		}
	})
}

// TestReplace: replacing one network changes nothing of the other, and what is
// shared goes exactly when nobody stands on it.
func TestReplace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := someState(t, "have"), someState(t, "want").Of("a")
		for _, r := range want.Reservations {
			if r.CPU != AnyCPU && !has(want, PartitionKey(r.CPU)) {
				want.Add(Partition{CPU: r.CPU})
			}
		}
		whole := Replace(have, want, "a")
		if left := Diff(whole.Of("b"), have.Of("b")); len(left) != 0 {
			t.Fatalf("network b changes: %v", left)
		}
		if left := Diff(whole.Of("a"), want.Of("a")); len(left) != 0 {
			t.Fatalf("network a is not as wanted: %v", left)
		}
		needed := map[Key]bool{}
		for _, o := range whole.Objects() {
			for _, on := range o.On() {
				needed[on] = true
			}
		}
		for _, p := range whole.Partitions {
			if !needed[p.Key()] {
				t.Fatalf("%v has no use and stays", p)
			}
		}
		for on := range needed {
			if !has(whole, on) {
				t.Fatalf("%s is needed and goes", on)
			}
		}
		apply(t, have, Diff(whole, have))
	})
}

// TestReplaceKeepsDomainOfInPlaceChange: a new budget or rate restarts nothing.
func TestReplaceKeepsDomainOfInPlaceChange(t *testing.T) {
	have := State{Segments: []Segment{{Network: "a"}}, Domains: []Domain{{Network: "a", VM: "x"}}, Powers: []Power{{"a", "x"}},
		Reservations: []Reservation{{"a", "x", "vcpu0", AnyCPU, 1, 10}}}
	want := have
	want.Reservations = []Reservation{{"a", "x", "vcpu0", AnyCPU, 2, 10}}
	changes := Diff(Replace(have, want, "a"), have)
	if len(changes) != 1 || changes[0].Verb() != "change" {
		t.Fatalf("%v", changes)
	}
}
