package solve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// crowdedProblem is networks of three VMs each, active one time in five, on hosts of eight
// CPUs that all of them at once would overload.
func crowdedProblem(networks, machines int, c chance) placement.Problem {
	var p placement.Problem
	for i := range machines {
		h := host(fmt.Sprintf("h%d", i), 8)
		h.Memory = 1 << 40
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	for i := range networks {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i), Confidence: vsn.One * 95 / 100, Active: vsn.One / 5}
		for j := range 3 {
			period := vsn.Duration(pick(c, 20, 40, 50, 70, 110)) * ms
			n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", j), VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: period * vsn.Duration(10+c.IntN(40)) / 100, Period: period}})
		}
		p.Networks = append(p.Networks, n)
	}
	return p
}

// TestOddsScale: thirty reservations are placed on fewer CPUs than they sum to.
func TestOddsScale(t *testing.T) {
	p := crowdedProblem(10, 1, chance{rand.New(rand.NewPCG(1, 2))})
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatal(err)
	}
	need, have := 0.0, 0.0
	for _, r := range plan.Realization.Reservations {
		need += float64(r.RuntimeNs) / float64(r.PeriodNs)
	}
	used := map[string]bool{}
	for _, s := range plan.Embedding.Seats {
		used[s.Host] = true
	}
	for _, h := range p.Inventory.Hosts {
		if used[h.Name] {
			have += float64(len(h.CPUs)) * float64(h.Share) / 1e9
		}
	}
	t.Logf("%.1f cpus of reservations on %.1f", need, have)
	if need < 1.2*have {
		t.Errorf("%.1f cpus of reservations on %.1f: want more of them", need, have)
	}
}
