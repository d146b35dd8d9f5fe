// Package realize is phase two of the planner: given where every VM sits and which
// way every link goes, it chooses what is left, so that nothing is to be chosen at
// deploy time: the CPU of every reservation, and the classes of every link. It is
// exact: when it says that some VMs do not fit a host, no packing of them exists,
// and the cut that it returns names VMs of which none can be spared.
//
// It is not the proof, which derives all of it again without this package, and it
// chooses no host and no path. Start at Phase.Realize, then Packing.
package realize

import (
	"fmt"
	"strings"
	"sync"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/utilization"
	"github.com/vsnctl/vsnctl/vsn"
)

// Phase realizes embeddings of one problem. Between calls it keeps
// nothing but how much work they were.
type Phase struct {
	problem *placement.Problem
	seed    int64
	chosen  placement.Chosen
	scale   utilization.Scale
	vms     map[[2]string]*vsn.VM
	network map[string]int // its number
	odds    *odds          // nil: all networks are active always
	hosts   map[string]*hosts.Host
	kept    *keeping // nil: everything is to be chosen
	others  *Classes // of networks that are not in the problem; nil: there are none
	hints   map[threadOn]int
	spent   int // states of probability that were looked at
}

// New prepares phase two for a problem. The seed decides between CPUs that serve as
// well.
func New(p *placement.Problem, seed int64) *Phase { return NewChosen(p, seed, placement.Chosen{}) }

// NewChosen is New where vCPUs of a VM differ, or tasks have their seats.
func NewChosen(p *placement.Problem, seed int64, chosen placement.Chosen) *Phase {
	ph := &Phase{problem: p, seed: seed, chosen: chosen, vms: map[[2]string]*vsn.VM{}, network: map[string]int{}, odds: oddsOf(p.Networks), hosts: map[string]*hosts.Host{}}
	var periods []int64
	for i := range p.Networks {
		n := &p.Networks[i]
		ph.network[n.Name] = i
		for j := range n.VMs {
			ph.vms[[2]string{n.Name, n.VMs[j].Name}] = &n.VMs[j]
			for _, r := range chosen.Reserved.Of(n.Name, &n.VMs[j]) {
				periods = append(periods, int64(r.Period))
			}
		}
	}
	for i := range p.Inventory.Hosts {
		h := &p.Inventory.Hosts[i]
		ph.hosts[h.Name] = h
		if h.Emulator != nil {
			periods = append(periods, int64(h.Emulator.Period))
		}
	}
	ph.scale = utilization.NewScale(periods)
	return ph
}

// Realize realizes an embedding. The error is a *placement.Cut where a host cannot
// carry what sits on it, a *placement.GaveUp where that could not be told.
func (ph *Phase) Realize(e *placement.Embedding) (*placement.Realization, error) {
	on := map[string][]placement.Seat{}
	for _, seat := range e.Seats {
		on[seat.Host] = append(on[seat.Host], seat)
	}
	used, all, err := ph.assignAll(on)
	if err != nil {
		return nil, err
	}
	if err := ph.across(used, all, e.Seats); err != nil {
		return nil, err
	}
	assigned := map[[2]string][]threadAt{}
	for _, t := range all {
		key := [2]string{t.seat.Network, t.seat.VM}
		assigned[key] = append(assigned[key], t)
	}
	out := &placement.Realization{}
	for _, seat := range e.Seats {
		for _, t := range assigned[[2]string{seat.Network, seat.VM}] {
			t.add(out)
		}
	}
	out.Tasks = ph.tasks()
	queues, err := ph.queues(e)
	out.Queues = queues
	return out, err
}

// lanes is how many hosts are packed at the same time. It says nothing about the answer.
const lanes = 4

// assigned is what came of the packing of one host.
type assigned struct {
	threads []thread
	cpus    []int
	err     error
}

// assignAll gives every thread a CPU, host by host.
func (ph *Phase) assignAll(on map[string][]placement.Seat) (used []*hosts.Host, all []threadAt, err error) {
	for i := range ph.problem.Inventory.Hosts {
		if h := &ph.problem.Inventory.Hosts[i]; len(on[h.Name]) > 0 {
			used = append(used, h)
		}
	}
	out := make([]assigned, len(used))
	if ph.odds != nil || len(used) < lanes { // odds share an account of what was spent
		for i, h := range used {
			if out[i] = ph.assignOne(h, on[h.Name]); out[i].err != nil {
				return nil, nil, out[i].err
			}
		}
	} else {
		var wait sync.WaitGroup
		for lane := range lanes {
			wait.Go(func() {
				for i := lane; i < len(used); i += lanes {
					out[i] = ph.assignOne(used[i], on[used[i].Name])
				}
			})
		}
		wait.Wait()
	}
	for i := range out {
		if out[i].err != nil {
			return nil, nil, out[i].err
		}
		for k, t := range out[i].threads {
			all = append(all, threadAt{t, out[i].cpus[k]})
		}
	}
	return used, all, nil
}

func (ph *Phase) assignOne(h *hosts.Host, seats []placement.Seat) (out assigned) {
	if out.threads, out.err = ph.threads(h, seats); out.err == nil {
		out.cpus, out.err = ph.assign(h, seats, out.threads)
	}
	return out
}

// tasks are the seats of all tasks that are in the problem.
func (ph *Phase) tasks() (out []placement.TaskSeat) {
	for _, t := range ph.chosen.Tasks {
		if ph.vms[[2]string{t.Network, t.VM}] != nil {
			out = append(out, t)
		}
	}
	return out
}

// Admit tells whether phase two can realize these seats together on host h: nil, or
// an error as Realize has it.
func (ph *Phase) Admit(h *hosts.Host, seats []placement.Seat) error {
	threads, err := ph.threads(h, seats)
	if err != nil {
		return err
	}
	switch fits, known := ph.fit(threads, h); {
	case !known:
		return unknown(h)
	case !fits:
		return ph.cut(h, seats)
	}
	return nil
}

// thread is one reservation that needs a CPU.
type thread struct {
	seat            placement.Seat
	vm              int // number of the seat among those that are packed
	network         int // its number
	vcpu            int // emulator: -1
	runtime, period int64
	u               utilization.U
	stays           bool // on CPU `on`, which is not to be chosen
	on              int
	hint            int // the CPU that was suggested, if hinted
	hinted          bool
}

type threadAt struct {
	thread
	cpu int
}

func (t threadAt) add(out *placement.Realization) {
	if t.vcpu < 0 {
		out.Emulators = append(out.Emulators, placement.Emulator{Network: t.seat.Network, VM: t.seat.VM, Host: t.seat.Host, CPU: t.cpu, RuntimeNs: t.runtime, PeriodNs: t.period})
		return
	}
	out.Reservations = append(out.Reservations, placement.Reservation{Network: t.seat.Network, VM: t.seat.VM, VCPU: t.vcpu, Host: t.seat.Host, CPU: t.cpu, RuntimeNs: t.runtime, PeriodNs: t.period})
}

// threads lists the reservations of some seats on a host: of each VM its vCPUs,
// unless it is best effort, and its device threads, where the host reserves for them.
func (ph *Phase) threads(h *hosts.Host, seats []placement.Seat) ([]thread, error) {
	var out []thread
	for i, seat := range seats {
		vm := ph.vms[[2]string{seat.Network, seat.VM}]
		if vm == nil {
			return nil, fmt.Errorf("host %q: vm %q of network %q is not in the problem", h.Name, seat.VM, seat.Network)
		}
		add := func(vcpu int, runtime, period vsn.Duration) {
			t := thread{seat: seat, vm: i, network: ph.network[seat.Network], vcpu: vcpu, runtime: int64(runtime), period: int64(period), u: ph.scale.Of(int64(runtime), int64(period))}
			t.on, t.stays = ph.stays(h, seat, vcpu)
			if len(ph.hints) > 0 {
				t.hint, t.hinted = ph.hints[threadOn{seat.Network, seat.VM, vcpu, h.Name}]
			}
			out = append(out, t)
		}
		for k, r := range ph.chosen.Reserved.Of(seat.Network, vm) {
			add(k, r.Runtime, r.Period)
		}
		if e := h.Emulator; e != nil {
			add(-1, e.Runtime, e.Period)
		}
	}
	return out, nil
}

// assign gives every thread a CPU.
func (ph *Phase) assign(h *hosts.Host, seats []placement.Seat, threads []thread) ([]int, error) {
	if !h.Partition {
		if fits, known := ph.fit(threads, h); !known {
			return nil, unknown(h)
		} else if !fits {
			return nil, ph.cut(h, seats)
		}
		cpus := make([]int, len(threads))
		for i := range cpus {
			cpus[i] = hosts.AnyCPU
		}
		return cpus, nil
	}
	p := ph.packing(threads, h)
	bins, known := p.spread()
	switch {
	case !known:
		return nil, unknown(h)
	case bins == nil:
		return nil, ph.cut(h, seats)
	}
	cpus := make([]int, len(threads))
	for i, b := range bins {
		cpus[i] = p.cpus[b].id
	}
	return cpus, nil
}

func unknown(on ...*hosts.Host) error {
	names := make([]string, len(on))
	for i, h := range on {
		names[i] = fmt.Sprintf("%q", h.Name)
	}
	return &placement.GaveUp{Nodes: packNodes, Why: fmt.Sprintf("many ways to pack the cpus of host %s were tried, and there are more", strings.Join(names, ", "))}
}

// fit tells whether the threads fit the CPUs of their hosts.
func (ph *Phase) fit(threads []thread, on ...*hosts.Host) (fits, known bool) {
	if len(on) == 1 && !on[0].Partition && ph.odds == nil {
		return ph.global(on[0], threads), true
	}
	bins, known := ph.packing(threads, on...).pack(false)
	return bins != nil, known
}
