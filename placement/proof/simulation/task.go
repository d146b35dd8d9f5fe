package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/vsn"
)

// tasks has the tasks of a guest run on the processors that the plan names: by
// deadline, or by fixed priority, the shortest relative deadline first.
func (w *play) tasks(n *vsn.Network, vm *vsn.VM, s *station) {
	of := make([][]vsn.Task, vm.VCPUs)
	for _, seat := range w.real.Tasks {
		if seat.Network != n.Name || seat.VM != vm.Name {
			continue
		}
		for _, t := range vm.Tasks {
			if t.Name == seat.Task {
				if t.Deadline == 0 {
					t.Deadline = t.Period
				}
				of[seat.VCPU] = append(of[seat.VCPU], t)
			}
		}
	}
	for cpu, tasks := range of {
		slices.SortStableFunc(tasks, func(a, b vsn.Task) int { return cmp.Compare(a.Deadline, b.Deadline) })
		subject := fmt.Sprintf("tasks of %s/%s/vcpu%d", n.Name, vm.Name, cpu)
		for i, t := range tasks {
			w.task(name{n.Name, vm.Name}, s, s.processors[cpu], subject, i, t, vm.GuestScheduler == vsn.GuestFixed)
		}
	}
}

func (w *play) task(vm name, s *station, p *processor, subject string, index int, t vsn.Task, fixed bool) {
	src := w.source(int64(t.Period), 0, 1)
	src.release = func() {
		s.came()
		at := w.now
		rank := int64(index)
		if !fixed {
			rank = at + int64(t.Deadline)
		}
		w.inside++
		p.add(&job{left: w.work(int64(t.WCET)), rank: rank, done: func() {
			w.inside--
			see(w.result.Tasks, subject+" "+t.Name, w.now-at)
			see(w.result.Late, subject, w.now-at-int64(t.Deadline))
			s.serve()
		}}, true)
	}
	w.begin(src, vm)
}

// source is one that draws from the play.
func (w *play) source(every, jitter, burst int64) *source {
	return &source{clock: &w.clock, random: w.random, every: every, jitter: jitter, burst: max(burst, 1), until: w.Horizon, full: -1 << 50}
}

// begin starts a source: all at one time where that is wanted, again and again; or
// when something else comes to the VM; or at random.
func (w *play) begin(s *source, vm name) {
	switch kind := w.random.IntN(4); {
	case !w.Aligned && kind < 2:
		w.at(0, func() { s.scatter(w.random.Int64N(s.every)) })
	case kind == 0:
		s.volleys(0)
	case kind == 1:
		s.volleys(w.random.Int64N(2 * s.every))
	default:
		s.waiting = true
		w.comes[vm] = append(w.comes[vm], s)
		// It comes now and then without being called, too.
		var wake func()
		wake = func() {
			if s.join(); w.now <= w.Horizon {
				w.at(w.now+10*s.every+w.random.Int64N(10*s.every), wake)
			}
		}
		w.at(w.random.Int64N(3*s.every), wake)
	}
}

// work is what a job that may take so long does take.
func (w *play) work(most int64) int64 {
	if w.full || most <= 1 || w.random.IntN(3) == 0 {
		return most
	}
	return 1 + w.random.Int64N(most)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
