package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

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
