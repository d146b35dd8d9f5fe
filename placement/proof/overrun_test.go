package proof

import (
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/placement/proof/simulation"
	"github.com/vsnctl/vsnctl/vsn"
)

// beside is two VMs on one CPU of a host that enforces budgets every millisecond; the
// messages of one ask for just its budget.
func beside() *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion}
	n := vsn.Network{Name: "n"}
	for _, r := range []placement.Reservation{{VM: "a", RuntimeNs: 1.89e6, PeriodNs: 9e6}, {VM: "b", RuntimeNs: 4e6, PeriodNs: 8e6}} {
		n.VMs = append(n.VMs, vsn.VM{Name: r.VM, VCPUs: 1, Memory: 1 << 20})
		n.Flows = append(n.Flows, vsn.Flow{Name: r.VM, Path: []vsn.Stage{{r.VM}}, Message: 100, Every: 5 * vsn.Duration(r.PeriodNs), Jitter: vsn.Duration(r.PeriodNs), Work: map[string]vsn.Duration{r.VM: vsn.Duration(r.RuntimeNs)}})
		p.Embedding.Seats = append(p.Embedding.Seats, placement.Seat{Network: "n", VM: r.VM, Host: "h"})
		r.Network, r.Host = "n", "h"
		p.Realization.Reservations = append(p.Realization.Reservations, r)
	}
	p.Problem = placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "h", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 1 << 30, Grain: ms, Partition: true}}}}
	return p
}

// TestOverrunIsMissing: what was overrun before a message comes is missing from a
// budget that comes late. The plays find it, and no more than is claimed.
func TestOverrunIsMissing(t *testing.T) {
	p := beside()
	proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	without, _ := bounds.Supply{Runtime: 1.89e6, Period: 9e6}.Time(1.89e6) // and no grain
	without += 3e6
	worst := int64(0)
	for seed := range uint64(1000) {
		seen := simulation.Play(&p.Problem, &p.Embedding, &p.Realization, simulation.Options{Seed: seed, Horizon: 1e9, Supply: simulation.Scheduled, Aligned: seed%2 == 0})
		if over := claimedBy(proof).over(seen); over != "" {
			t.Fatalf("seed %d: %s", seed, over)
		}
		worst = max(worst, seen.Flows["flow n/a"])
	}
	if worst <= without {
		t.Errorf("the longest of all plays is %d ns, no longer than %d, what three grains of delay without a debt allow", worst, without)
	}
}
