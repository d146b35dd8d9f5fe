package solve

import (
	"context"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// TestQueuesOnCablesAreLongEnough: a link with a small burst waits in its host behind the
// large one of another, for longer than its port's queue would hold.
func TestQueuesOnCablesAreLongEnough(t *testing.T) {
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 2), host("b", 2)},
		Cables: []hosts.Cable{{Name: "ab", Between: []string{"a", "b"}, Rate: 1e9, Share: vsn.One}}},
		Networks: []vsn.Network{{Name: "n"}}}
	n := &p.Networks[0]
	for _, name := range []string{"x", "y", "u", "v"} {
		n.VMs = append(n.VMs, vm(name, 10*ms, 100*ms))
	}
	n.Links = []vsn.Link{{Name: "small", Between: []string{"x", "y"}, Rate: 400e6, Burst: 4000}, {Name: "large", Between: []string{"u", "v"}, Rate: 500e6, Burst: 4_000_000}}
	for _, on := range []struct{ vm, host string }{{"x", "a"}, {"u", "a"}, {"y", "b"}, {"v", "b"}} {
		n.Place = append(n.Place, vsn.Rule{VMs: []string{on.vm}, On: map[string]string{"name": on.host}})
	}
	for i := range p.Inventory.Hosts {
		p.Inventory.Hosts[i].Labels = map[string]string{"name": p.Inventory.Hosts[i].Name}
	}
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 4 MB of the other at 500 Mbit/s take 64 ms, in which 3.2 MB come.
	found := 0
	for _, q := range plan.Realization.Queues {
		if q.Link == "small" && q.At == "ab" {
			if found++; q.LimitBytes < 3_200_000 {
				t.Errorf("%+v", q)
			}
		}
	}
	if err := proof.Check(plan); err != nil || found != 2 {
		t.Errorf("check: %v; %d queues", err, found)
	}
	plan.Realization.Queues[1].LimitBytes /= 2
	again, err := proof.Prove(&plan.Problem, &plan.Embedding, &plan.Realization)
	if failing := proof.Failing(again); err != nil || len(failing) != 1 || failing[0].Rule != proof.RuleWaiting {
		t.Errorf("half the room: %v, %v", err, failing)
	}
}
