package hosttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
)

// The networks of the suite.
const netA, netB = "suite-a", "suite-b"

// scene says what a state of the suite holds.
type scene struct {
	vms       [2]int // of each network; none: no such network
	partition bool   // else reservations are on any CPU
	queues    bool
	power     bool
	grade     int64 // makes numbers differ between scenes
}

// scene builds the state. Each VM has one vCPU and an emulator with reservations of
// 5 % and 2 %, both on one CPU.
func (s *suite) scene(c scene) hosts.State {
	var state hosts.State
	for i, network := range []string{netA, netB} {
		if c.vms[i] > 0 {
			state.Add(hosts.Segment{Network: network, Bridge: fmt.Sprintf("tb%d", i), MTU: 1400 + int(c.grade)})
		}
		for j := range c.vms[i] {
			s.vm(&state, c, network, i, j)
		}
	}
	return ordered(state)
}

func (s *suite) vm(state *hosts.State, c scene, network string, i, j int) {
	vm := fmt.Sprintf("vm%d", j)
	cpu := hosts.AnyCPU
	d := hosts.Domain{Network: network, VM: vm, Name: "vsn." + network + "." + vm, Accel: hosts.AccelTCG, VCPUs: 1, Memory: 96 << 20,
		Bridge: fmt.Sprintf("tb%d", i), Tap: fmt.Sprintf("tt%d-%d", i, j), MAC: mac(i, j), MTU: 1400 + int(c.grade)}
	if c.partition {
		cpu = s.CPUs[(i+j)%len(s.CPUs)]
		d.Pins = fmt.Sprintf("vcpu0=%d emulator=%d", cpu, cpu)
		if p := (hosts.Partition{CPU: cpu}); !slices.Contains(state.Partitions, p) {
			state.Add(p)
		}
	}
	if s.Adapt != nil {
		s.Adapt(&d)
	}
	state.Add(d)
	for thread, runtime := range map[string]int64{"vcpu0": 5_000_000, "emulator": 2_000_000} {
		state.Add(hosts.Reservation{Network: network, VM: vm, Thread: thread, CPU: cpu, RuntimeNs: runtime + c.grade, PeriodNs: 100_000_000})
	}
	p := hosts.Port{Network: network, VM: vm, Tap: d.Tap, Ifb: fmt.Sprintf("ti%d-%d", i, j), RateBit: 1_000_000}
	state.Add(p)
	if c.queues {
		for k, rate := range []int64{20_000_000 + 8*c.grade, 1_000_000_000} {
			state.Add(hosts.Queue{Network: network, Link: fmt.Sprintf("link%d", k), VM: vm, To: "vm7", Ifb: p.Ifb, Class: uint16(k + 1), ToMAC: mac(i, 100+k),
				RateBit: rate, BurstBytes: hosts.RoundBurst(rate, 32<<10), LimitBytes: 200_000})
		}
	}
	if c.power {
		state.Add(hosts.Power{Network: network, VM: vm})
	}
	state.Add(hosts.Promise{Network: network, VM: vm, Wants: fmt.Sprintf("{%q: %d}", "grade", c.grade)})
}

func mac(i, j int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x", i, j) }

func ordered(s hosts.State) hosts.State {
	var out hosts.State
	for _, o := range s.Objects() {
		out.Add(o)
	}
	return out
}

// walks goes from random state to random state, each reached from whatever was
// before. The seed is fixed: a walk that fails fails again.
func (s *suite) walks() {
	random := rand.New(rand.NewPCG(1, 2))
	for step := range s.Steps {
		c := scene{vms: [2]int{random.IntN(3), random.IntN(3)}, partition: random.IntN(3) > 0, queues: random.IntN(2) == 0,
			power: random.IntN(2) == 0, grade: random.Int64N(3)}
		want := s.scene(c)
		if _, err := hosts.Converge(context.Background(), s.Machine, want, []string{netA, netB}, nil); err != nil {
			s.Fatalf("step %d: converge to %+v: %v", step, c, err)
		}
		s.same(fmt.Sprintf("step %d: %+v", step, c), want, s.observe())
	}
}
