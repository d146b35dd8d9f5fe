package solve

import (
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
)

// oddOracle tries every host and CPU for every reservation, and for each of these all
// sets of active networks. It is written from docs/theory.md alone, counts CPUs in
// thirtieths and probabilities in tenths, and leaves off where what is placed so far is
// too much already.
type oddOracle struct {
	p       *placement.Problem
	threads []oddThread
	active  []int64 // tenths, by network
	want    []int64 // thousandths
	seat    [][]int // by network and VM
	cpus    []oddCPU
	first   []int // of each host: its first CPU
	leaves  int
}

type oddThread struct {
	network, vm int
	u           int64 // 0: chooses the seat; -1: of device threads
	cpu         int
}

type oddCPU struct{ limit, extra, emulator int64 }

// parts is v in parts of one, exactly.
func parts(v *big.Rat, of int64) int64 {
	v = new(big.Rat).Mul(v, big.NewRat(of, 1))
	if !v.IsInt() {
		panic("the oracle's unit is too large for " + v.String())
	}
	return v.Num().Int64()
}

func newOddOracle(p *placement.Problem) *oddOracle {
	o := &oddOracle{p: p}
	for i := range p.Inventory.Hosts {
		h := &p.Inventory.Hosts[i]
		o.first = append(o.first, len(o.cpus))
		root, emulator := oddCPU{extra: int64(len(h.CPUs) - 1)}, int64(0)
		if h.Emulator != nil {
			emulator = parts(big.NewRat(int64(h.Emulator.Runtime), int64(h.Emulator.Period)), 30)
		}
		for _, c := range h.CPUs {
			limit := parts(share(h, c), 30)
			root.limit += limit
			if h.Partition {
				o.cpus = append(o.cpus, oddCPU{limit, 0, emulator})
			}
		}
		if root.emulator = emulator; !h.Partition {
			o.cpus = append(o.cpus, root)
		}
	}
	o.first = append(o.first, len(o.cpus))
	for i := range p.Networks {
		n := &p.Networks[i]
		active, want := n.Odds()
		o.active, o.want = append(o.active, parts(active.Rat(), 10)), append(o.want, parts(want.Rat(), 1000))
		o.seat = append(o.seat, make([]int, len(n.VMs)))
		for v, vm := range n.VMs {
			o.threads = append(o.threads, oddThread{network: i, vm: v})
			for range vm.VCPUs {
				o.threads = append(o.threads, oddThread{network: i, vm: v, u: parts(big.NewRat(int64(vm.Reservation.Runtime), int64(vm.Reservation.Period)), 30)})
			}
			o.threads = append(o.threads, oddThread{network: i, vm: v, u: -1})
		}
	}
	return o
}

// feasible places the threads from i on.
func (o *oddOracle) feasible(i int) bool {
	if o.leaves++; i == len(o.threads) {
		return true
	}
	th := &o.threads[i]
	seat := &o.seat[th.network][th.vm]
	if th.u == 0 {
		for *seat = range o.p.Inventory.Hosts {
			if o.memory(i) && o.feasible(i+1) {
				return true
			}
		}
		return false
	}
	for th.cpu = o.first[*seat]; th.cpu < o.first[*seat+1]; th.cpu++ {
		if th.u < 0 && o.cpus[th.cpu].emulator == 0 {
			return o.feasible(i + 1)
		}
		if o.content(i+1) && o.feasible(i+1) {
			return true
		}
	}
	return false
}

// memory adds up the VMs that have a seat, up to thread last.
func (o *oddOracle) memory(last int) bool {
	sum := make([]int64, len(o.p.Inventory.Hosts))
	for _, th := range o.threads[:last+1] {
		if h := o.seat[th.network][th.vm]; th.u == 0 {
			if sum[h] += int64(o.p.Networks[th.network].VMs[th.vm].Memory); sum[h] > int64(o.p.Inventory.Hosts[h].Memory) {
				return false
			}
		}
	}
	return true
}

// content adds up, for every network, the probabilities of all sets of other networks
// with which all its CPUs have enough for the first threads.
func (o *oddOracle) content(first int) bool {
	have, all := make([]int64, len(o.active)), int64(1)
	for range o.active {
		all *= 10
	}
	for mask := range 1 << len(o.active) {
		good := o.good(mask, first)
		for i := range o.active {
			fine := mask>>i&1 == 1
			for _, th := range o.threads[:first] {
				fine = fine && (th.network != i || good>>th.cpu&1 == 1 || !o.reserves(th))
			}
			if fine {
				have[i] += o.chance(mask, i)
			}
		}
	}
	for i, want := range o.want {
		if have[i]*10*1000 < want*all {
			return false
		}
	}
	return true
}

// reserves tells whether a thread stands for a reservation.
func (o *oddOracle) reserves(th oddThread) bool {
	return th.u > 0 || th.u < 0 && o.cpus[th.cpu].emulator > 0
}

// chance is the probability of a set of active networks, given that i is, over the
// tenths of the others.
func (o *oddOracle) chance(mask, i int) int64 {
	p := int64(1)
	for j, active := range o.active {
		switch {
		case j == i:
		case mask>>j&1 == 1:
			p *= active
		default:
			p *= 10 - active
		}
	}
	return p
}

// good is the CPUs that have enough for a set of active networks.
func (o *oddOracle) good(mask, first int) (good int) {
	var sum, most [16]int64
	for _, th := range o.threads[:first] {
		u := th.u
		if u < 0 {
			u = o.cpus[th.cpu].emulator
		}
		if mask>>th.network&1 == 1 {
			sum[th.cpu] += u
			most[th.cpu] = max(most[th.cpu], u)
		}
	}
	for c, cpu := range o.cpus {
		if sum[c]+cpu.extra*most[c] <= cpu.limit {
			good |= 1 << c
		}
	}
	return good
}
