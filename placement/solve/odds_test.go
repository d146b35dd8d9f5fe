package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
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

// overbooked draws small problems in which confidence decides.
func (c chance) overbooked() placement.Problem {
	var p placement.Problem
	for i := range 1 + c.IntN(5)/3 {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1 + c.IntN(5)/2), Share: pick(c, vsn.One*9/10, vsn.One*9/10, vsn.One/2, vsn.One), Memory: vsn.Size(4 + c.IntN(3)), Partition: c.in(75)}
		if c.in(15) {
			h.CPUs[c.IntN(len(h.CPUs))].Share = vsn.One / 2
		}
		if c.in(15) {
			h.Emulator = &hosts.Emulator{Runtime: pick(c, 2*ms, 4*ms), Period: 20 * ms, Work: 50 * us}
		}
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	threads := 0
	for i := 0; i < 2+c.IntN(4) && threads < 6; i++ {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i)}
		if c.in(93) {
			n.Confidence = pick(c, vsn.One*99/100, vsn.One*9/10, vsn.One*91/100, vsn.One*7/10, vsn.One*7/10, vsn.One*49/100, vsn.One*49/100, vsn.One/2, vsn.One*343/1000, vsn.One)
			n.Active = pick(c, vsn.One*3/10, vsn.One*3/10, vsn.One*3/10, vsn.One/10, vsn.One/10, vsn.One/2, vsn.One)
		}
		for v := range 1 + c.IntN(5)/3 {
			vm := vsn.VM{Name: fmt.Sprintf("v%d", v), VCPUs: 1 + c.IntN(6)/5, Memory: vsn.Size(c.IntN(2)), Reservation: c.reservation()}
			threads += vm.VCPUs
			n.VMs = append(n.VMs, vm)
		}
		p.Networks = append(p.Networks, n)
	}
	return p
}

// TestOddsAgreeWithBruteForce: what the planner says about networks with confidence is
// what trying all hosts, all CPUs and all sets of active networks says.
func TestOddsAgreeWithBruteForce(t *testing.T) {
	count := map[string]int{}
	for seed := range 3000 {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 31))}
		p := c.overbooked()
		o := newOddOracle(&p)
		want := o.feasible(0)
		plan, err := Solve(context.Background(), p, Options{Seed: int64(seed)})
		var infeasible *placement.Infeasible
		switch text, _ := json.Marshal(p); {
		case err == nil:
			if !want {
				t.Fatalf("problem %d: planned, and no placement is content\n%s", seed, text)
			}
			if err := auditOdds(plan); err != nil {
				t.Fatalf("problem %d: %v\n%s", seed, err, text)
			}
			count["yes"]++
			if overbooks(plan) {
				count["yes, overbooked"]++
			}
		case !errors.As(err, &infeasible):
			t.Fatalf("problem %d: neither yes nor no (the oracle says %v): %v\n%s", seed, want, err, text)
		case want:
			t.Fatalf("problem %d: refused, and there is a placement: %v\n%s", seed, err, text)
		default:
			if err := trueNumbers(infeasible); err != nil {
				t.Fatalf("problem %d: %v", seed, err)
			}
			count["no"]++
			count["no, by "+infeasible.Conflicts[0].Rule]++
		}
	}
	t.Log(count)
	if count["no"] < 600 || count["yes"] < 600 || count["yes, overbooked"] < 200 || count["no, by probabilistic"] < 50 {
		t.Errorf("the draw has lost its edge: %v", count)
	}
}

// auditOdds holds a plan against the oracle's own arithmetic and the proof.
func auditOdds(plan *placement.Plan) error {
	if err := proof.Check(plan); err != nil {
		return err
	}
	o := newOddOracle(&plan.Problem)
	place := func(th *oddThread, host string, cpu int) {
		h := slices.IndexFunc(plan.Problem.Inventory.Hosts, func(h hosts.Host) bool { return h.Name == host })
		o.seat[th.network][th.vm] = h
		if th.cpu = o.first[h]; cpu >= 0 {
			th.cpu += slices.IndexFunc(plan.Problem.Inventory.Hosts[h].CPUs, func(c hosts.CPU) bool { return c.ID == cpu })
		}
	}
	vcpu := 0
	for k := range o.threads {
		th := &o.threads[k]
		network := &plan.Problem.Networks[th.network]
		vm := network.VMs[th.vm].Name
		switch {
		case th.u == 0:
			place(th, plan.Embedding.Seat(network.Name, vm), -1)
			vcpu = 0
		case th.u > 0:
			for _, r := range plan.Realization.Reservations {
				if r.Network == network.Name && r.VM == vm && r.VCPU == vcpu {
					place(th, r.Host, r.CPU)
				}
			}
			vcpu++
		default:
			th.cpu = o.first[o.seat[th.network][th.vm]]
			for _, e := range plan.Realization.Emulators {
				if e.Network == network.Name && e.VM == vm {
					place(th, e.Host, e.CPU)
				}
			}
		}
	}
	if !o.memory(len(o.threads)-1) || !o.content(len(o.threads)) {
		return errors.New("a network is not content with its plan")
	}
	return nil
}

func overbooks(plan *placement.Plan) bool {
	return slices.ContainsFunc(plan.Proof.Claims, func(c placement.Claim) bool { return c.Rule == proof.RuleOdds && c.Unit == "cpu" })
}

// With confidence 1, or active always, the answer is that of hard reservations.
func TestOddsOfOneAreHard(t *testing.T) {
	for seed := range 600 {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 32))}
		p := c.overbooked()
		hard := placement.Problem{Networks: slices.Clone(p.Networks), Inventory: p.Inventory}
		for i := range p.Networks {
			hard.Networks[i].Confidence, hard.Networks[i].Active = 0, 0
			if seed%2 == 0 {
				p.Networks[i].Confidence = vsn.One
				p.Networks[i].Active = max(p.Networks[i].Active, 1)
			} else {
				p.Networks[i].Confidence = max(p.Networks[i].Confidence, 1)
				p.Networks[i].Active = vsn.One
			}
		}
		one, errOne := Solve(context.Background(), p, Options{})
		plain, errPlain := Solve(context.Background(), hard, Options{})
		if (errOne == nil) != (errPlain == nil) {
			t.Fatalf("problem %d: %v with odds of one, %v hard", seed, errOne, errPlain)
		}
		if errOne == nil {
			a, _ := json.Marshal([]any{one.Embedding, one.Realization})
			b, _ := json.Marshal([]any{plain.Embedding, plain.Realization})
			if string(a) != string(b) {
				t.Fatalf("problem %d: %s with odds of one, %s hard", seed, a, b)
			}
		}
	}
}

// Less activity, and less confidence asked for, never make a feasible problem
// infeasible.
func TestOddsAreMonotone(t *testing.T) {
	tried := 0
	for seed := range 1500 {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 33))}
		p := c.overbooked()
		if _, err := Solve(context.Background(), p, Options{}); err != nil {
			continue
		}
		tried++
		for i := range p.Networks {
			n := &p.Networks[i]
			if n.Confidence == 0 && c.in(50) {
				n.Confidence, n.Active = vsn.One, vsn.One
			}
			if n.Confidence > 0 && c.in(50) {
				n.Active = max(1, n.Active*vsn.Share(c.IntN(10))/10)
			}
			if n.Confidence > 0 && c.in(50) {
				n.Confidence = max(1, n.Confidence*vsn.Share(c.IntN(10))/10)
			}
		}
		if _, err := Solve(context.Background(), p, Options{}); err != nil {
			t.Fatalf("problem %d, less active and less sure: %v", seed, err)
		}
	}
	if tried < 500 {
		t.Errorf("only %d problems were feasible", tried)
	}
}

// A network on two hosts of one CPU each meets another network on each: it is sure
// enough of either CPU (7/10) and not of both (49/100). Nothing but a look across hosts
// says no.
func TestOddsAcrossHosts(t *testing.T) {
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 1), host("b", 1)}}}
	for i, vms := range []int{2, 1, 1} {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i), Confidence: vsn.One * 7 / 10, Active: vsn.One * 3 / 10}
		for v := range vms {
			n.VMs = append(n.VMs, vm(fmt.Sprintf("v%d", v), 50*ms, 100*ms))
			n.VMs[v].Memory = 1
		}
		p.Networks = append(p.Networks, n)
	}
	p.Networks[0].Place = []vsn.Rule{{Apart: []string{"v0", "v1"}}}
	plan, err := Solve(context.Background(), p, Options{})
	if err == nil {
		// n1 and n2 may share a host: then n0 meets them there alone.
		if plan.Embedding.Seat("n1", "v0") == plan.Embedding.Seat("n2", "v0") {
			t.Error("n0, n1 and n2 on one cpu: 1 - 0.51 is less than 0.7")
		}
		t.Fatalf("planned: %+v", plan.Embedding.Seats)
	}
	var infeasible *placement.Infeasible
	if !errors.As(err, &infeasible) {
		t.Fatalf("got %v", err)
	}
	if c := infeasible.Conflicts[0]; c.Rule != proof.RuleOdds || trueNumbers(infeasible) != nil {
		t.Errorf("conflict %v", c)
	}
	p.Networks[0].Confidence = vsn.One * 49 / 100
	if plan, err = Solve(context.Background(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := auditOdds(plan); err != nil {
		t.Error(err)
	}
}
