package solve

import (
	"context"
	"errors"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// twoRacks has VM a, for which hosts 1 (rack x) and 2 (rack y) have room, and b, for which
// hosts 3 and 4 (rack x) have: only host 2 is right for a, and no budget says so.
func twoRacks() placement.Problem {
	var p placement.Problem
	for i, rack := range []string{"x", "y", "x", "x", ""} {
		h := host(string(rune('1'+i)), 2)
		h.Labels, h.Resources = map[string]string{"rack": rack}, map[string]int64{"low": 1}
		if i > 1 {
			h.Resources = map[string]int64{"high": 1}
		}
		if rack == "" {
			h.Labels = nil
		}
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	a, b := vm("a", 10*ms, 100*ms), vm("b", 10*ms, 100*ms)
	a.Resources, b.Resources = map[string]int64{"low": 1}, map[string]int64{"high": 1}
	p.Networks = []vsn.Network{{Name: "n", VMs: []vsn.VM{a, b}, Place: []vsn.Rule{{Spread: []string{"a", "b"}, Over: "rack"}}}}
	return p
}

func TestSpread(t *testing.T) {
	for seed := range int64(20) { // either rack comes first for some
		p := twoRacks()
		plan, err := Solve(context.Background(), p, Options{Seed: seed})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := proof.Check(plan); err != nil {
			t.Fatal(err)
		}
		if at := plan.Embedding.Seat("n", "a"); at != "2" {
			t.Errorf("a is on host %s", at)
		}
		plan.Embedding.Seats[0].Host = "1"
		claims, err := proof.Prove(&p, &plan.Embedding, &placement.Realization{Reservations: plan.Realization.Reservations})
		if failing := proof.Failing(claims); err == nil && (len(failing) == 0 || failing[0].Rule != proof.RuleSpread) {
			t.Errorf("a on rack x as b: %v", failing)
		}
	}
	p := twoRacks()
	p.Inventory.Hosts[1].Labels["rack"] = "x"
	_, err := Solve(context.Background(), p, Options{Seed: 1})
	var infeasible *placement.Infeasible
	if !errors.As(err, &infeasible) || infeasible.Conflicts[0].Rule != "spread" || trueNumbers(infeasible) != nil {
		t.Errorf("one rack for two: %v", err)
	}
}
