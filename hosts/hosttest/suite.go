package hosttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// Fixture is a machine to be tested, in the state in which the suite must leave it.
type Fixture struct {
	Machine hosts.Machine
	// CPUs that may get partitions, at least one. The suite reserves up to half of
	// each.
	CPUs []int
	// Absent is a CPU that the machine does not have.
	Absent int
	// Adapt fills in what domains of this machine need beside what the suite says.
	Adapt func(*hosts.Domain)
	// Steps is how many states a random walk visits.
	Steps int
}

// Suite is what every hosts.Machine must do. It takes a new fixture for each of its
// tests, on the goroutine of that test.
func Suite(t *testing.T, fixture func(*testing.T) Fixture) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"reads back what it made", (*suite).readsBack},
		{"doing it twice is doing it once", (*suite).idempotent},
		{"changes in place", (*suite).changes},
		{"refuses what cannot be", (*suite).refuses},
		{"refuses to mix root domains", (*suite).refusesMix},
		{"keeps what stands on it", (*suite).keeps},
		{"converges", (*suite).converges},
		{"walks", (*suite).walks},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{T: t, Fixture: fixture(t)}
			first := s.observe()
			if own := first.Of(netA, netB); len(own.Objects())+len(first.Partitions) > 0 {
				t.Fatalf("the machine is not empty: %v", first.Objects())
			}
			t.Cleanup(func() { s.leavesNothing(first) })
			c.test(s)
		})
	}
}

type suite struct {
	*testing.T
	Fixture
}

func (s *suite) observe() hosts.State {
	s.Helper()
	o, err := s.Machine.Observe(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	return o.State
}

func (s *suite) do(changes ...hosts.Change) {
	s.Helper()
	for _, c := range changes {
		if err := s.Machine.Do(context.Background(), c); err != nil {
			s.Fatalf("%v: %v", c, err)
		}
	}
}

// leavesNothing destroys what is left and compares with what was there at first.
func (s *suite) leavesNothing(first hosts.State) {
	if _, err := hosts.Converge(context.Background(), s.Machine, hosts.State{}, []string{netA, netB}, nil); err != nil {
		s.Errorf("destroy: %v", err)
	}
	s.same("after destroy", first, s.observe())
}

// same compares by key: the order of a list means nothing.
func (s *suite) same(when string, want, got hosts.State) {
	s.Helper()
	if d := cmp.Diff(want.Objects(), got.Objects()); d != "" {
		s.Fatalf("%s (-want +got):\n%s", when, d)
	}
}

func creations(state hosts.State) (changes []hosts.Change) {
	for _, o := range state.Objects() {
		changes = append(changes, hosts.Change{New: o})
	}
	return changes
}

func removals(state hosts.State) (changes []hosts.Change) {
	for _, o := range slices.Backward(state.Objects()) {
		changes = append(changes, hosts.Change{Old: o})
	}
	return changes
}

func (s *suite) readsBack() {
	want := s.scene(scene{vms: [2]int{2, 1}, partition: true, queues: true, power: true})
	s.do(creations(want)...)
	s.same("read back", want, s.observe())
	s.do(removals(want)...)
	s.same("after removal", hosts.State{}, s.observe())
}

func (s *suite) idempotent() {
	want := s.scene(scene{vms: [2]int{2, 0}, partition: true, queues: true})
	for _, c := range creations(want) {
		s.do(c, c)
	}
	s.same("made twice", want, s.observe())
	for _, c := range removals(want) {
		s.do(c, c)
	}
	s.same("removed twice", hosts.State{}, s.observe())
}

func (s *suite) changes() {
	want := s.scene(scene{vms: [2]int{2, 0}, partition: true, queues: true})
	s.do(creations(want)...)
	other := want
	other.Reservations = slices.Clone(want.Reservations)
	for i := range other.Reservations {
		other.Reservations[i].RuntimeNs += 1234567
		other.Reservations[i].PeriodNs += 7654321
	}
	other.Queues = slices.Clone(want.Queues)
	for i := range other.Queues {
		q := &other.Queues[i]
		q.RateBit, q.LimitBytes, q.ToMAC = 2*q.RateBit, 2*q.LimitBytes, "02:00:00:ff:ff:0"+fmt.Sprint(i)
		q.BurstBytes = hosts.RoundBurst(q.RateBit, 3*q.BurstBytes)
	}
	for _, step := range []hosts.State{other, want} {
		changes := hosts.Diff(step, s.observe())
		for _, c := range changes {
			if c.Old == nil || c.New == nil {
				s.Fatalf("%v: want it to change in place", c)
			}
		}
		s.do(changes...)
		s.same("changed", step, s.observe())
	}
}

// refusal is a change that must fail with one of these errors and change nothing.
type refusal struct {
	name   string
	change hosts.Change
	want   []error
}

func (s *suite) refuse(list []refusal) {
	s.Helper()
	before := s.observe()
	for _, r := range list {
		err := s.Machine.Do(context.Background(), r.change)
		if !slices.ContainsFunc(r.want, func(w error) bool { return errors.Is(err, w) }) {
			s.Errorf("%s: %v: got %v, want %v", r.name, r.change, err, r.want)
		}
		s.same(r.name+": refused, yet something changed", before, s.observe())
	}
}

// make1 is a refusal of making an object.
func make1(name string, o hosts.Object, want ...error) refusal {
	return refusal{name, hosts.Change{New: o}, want}
}

func (s *suite) refuses() {
	scene := s.scene(scene{vms: [2]int{2, 0}, partition: true, queues: true})
	s.refuse([]refusal{make1("a domain's thread that is not there", scene.Reservations[0], unix.ESRCH),
		make1("a port without its domain", scene.Ports[0], unix.ENODEV)})
	missing := scene
	missing.Partitions, missing.Reservations, missing.Queues, missing.Ports = nil, nil, nil, nil
	s.do(creations(missing)...)
	r, p, q := scene.Reservations[0], scene.Ports[0], scene.Queues[0]
	s.refuse([]refusal{make1("a pinned thread without its partition", r, unix.EPERM),
		make1("a queue without its port", q, unix.ENODEV)})

	rest := hosts.State{Partitions: scene.Partitions, Ports: scene.Ports, Queues: scene.Queues}
	s.do(creations(rest)...)
	alter := func(f func(*hosts.Reservation)) hosts.Reservation { r := r; f(&r); return r }
	queue := func(f func(*hosts.Queue)) hosts.Queue { q := q; f(&q); return q }
	s.refuse([]refusal{
		make1("period too short", alter(func(r *hosts.Reservation) { r.RuntimeNs, r.PeriodNs = 50_000, 99_000 }), unix.EINVAL),
		make1("period too long", alter(func(r *hosts.Reservation) { r.PeriodNs = 4_200_000_000 }), unix.EINVAL),
		make1("more runtime than period", alter(func(r *hosts.Reservation) { r.RuntimeNs = r.PeriodNs + 1 }), unix.EINVAL),
		make1("hardly any runtime", alter(func(r *hosts.Reservation) { r.RuntimeNs = 1000 }), unix.EINVAL),
		make1("more than the cpu has", alter(func(r *hosts.Reservation) { r.RuntimeNs = r.PeriodNs * 97 / 100 }), unix.EBUSY),
		make1("a thread that it has not", alter(func(r *hosts.Reservation) { r.Thread = "vcpu7" }), unix.ESRCH),
		make1("a partition of a cpu that it has not", hosts.Partition{CPU: s.Absent}, unix.ENODEV),
		make1("class 0", queue(func(q *hosts.Queue) { q.Class, q.Link = 0, "other" }), unix.EINVAL),
		make1("a rate of no whole byte", queue(func(q *hosts.Queue) { q.Link, q.RateBit = "other", q.RateBit+1 }), unix.EINVAL),
		make1("a link without a name", queue(func(q *hosts.Queue) { q.Link = "" }), unix.EINVAL),
		make1("a class that is taken", queue(func(q *hosts.Queue) { q.Link, q.ToMAC = "other", "02:00:00:00:ff:01" }), unix.EEXIST),
		make1("an address that is taken", queue(func(q *hosts.Queue) { q.Link, q.Class = "other", 77 }), unix.EEXIST),
		make1("an address of nothing", queue(func(q *hosts.Queue) { q.Link, q.Class, q.ToMAC = "other", 77, "02:00" }), unix.EINVAL),
		make1("a bridge under a taken name", hosts.Segment{Network: netB, Bridge: p.Ifb, MTU: 1500}, unix.EEXIST),
		make1("a bridge with a long name", hosts.Segment{Network: netB, Bridge: "sixteen-letters-", MTU: 1500}, unix.EINVAL),
		make1("a bridge with no room for a packet", hosts.Segment{Network: netB, Bridge: "brief", MTU: 60}, unix.EINVAL),
		make1("a name with a dot", hosts.Segment{Network: "a.b", Bridge: "dotted", MTU: 1500}, unix.EINVAL),
	})
}

// A reservation on any CPU needs all CPUs in one root domain, and the other way
// round.
func (s *suite) refusesMix() {
	scene := s.scene(scene{vms: [2]int{1, 0}})
	cut := hosts.Partition{CPU: s.CPUs[0]}
	s.do(creations(scene)...)
	s.refuse([]refusal{make1("a partition under a reservation on any cpu", cut, unix.EBUSY)})
	s.do(hosts.Change{Old: scene.Reservations[0]}, hosts.Change{Old: scene.Reservations[1]}, hosts.Change{New: cut})
	s.refuse([]refusal{make1("a reservation on any cpu beside a partition", scene.Reservations[0], unix.EPERM)})
	s.do(hosts.Change{Old: cut})
}

func (s *suite) keeps() {
	scene := s.scene(scene{vms: [2]int{1, 1}, partition: true, queues: true})
	s.do(creations(scene)...)
	s.refuse([]refusal{
		{"a partition under a reservation", hosts.Change{Old: scene.Partitions[0]}, []error{unix.EBUSY}},
		{"a port under a queue", hosts.Change{Old: scene.Ports[0]}, []error{unix.EBUSY}},
		{"a segment under a domain", hosts.Change{Old: scene.Segments[0]}, []error{unix.EBUSY}},
	})
}

func (s *suite) converges() {
	ctx, both := context.Background(), []string{netA, netB}
	for _, want := range []hosts.State{
		s.scene(scene{vms: [2]int{2, 2}, partition: true, queues: true, power: true}),
		s.scene(scene{vms: [2]int{1, 2}, partition: true, power: true}),
		s.scene(scene{vms: [2]int{1, 1}, queues: true}),
	} {
		made, err := hosts.Converge(ctx, s.Machine, want, both, nil)
		if err != nil || len(made) == 0 {
			s.Fatalf("converge: %d changes, %v", len(made), err)
		}
		s.same("converged", want, s.observe())
		if made, err := hosts.Converge(ctx, s.Machine, want, both, nil); err != nil || len(made) > 0 {
			s.Fatalf("converge again: %v, %v", made, err)
		}
	}
	// One network goes, the other keeps what they shared.
	want := s.scene(scene{vms: [2]int{1, 1}, partition: true})
	if _, err := hosts.Converge(ctx, s.Machine, want, both, nil); err != nil {
		s.Fatal(err)
	}
	if _, err := hosts.Converge(ctx, s.Machine, hosts.State{}, []string{netA}, nil); err != nil {
		s.Fatal(err)
	}
	s.same("without one", s.scene(scene{vms: [2]int{0, 1}, partition: true}), s.observe())
}
