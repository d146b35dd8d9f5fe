package milp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/milp"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn"
)

const ms = vsn.Duration(1e6)

// draw is a problem of up to so many VMs and hosts: hosts on a few switches that are
// joined in a ring with chords, with budgets so tight that some have no answer.
func draw(r *rand.Rand, maxVMs, maxHosts int) *placement.Problem {
	pick := func(of ...int64) int64 { return of[r.IntN(len(of))] }
	p := &placement.Problem{}
	switches := 1 + r.IntN(4)
	for i := range switches {
		p.Inventory.Switches = append(p.Inventory.Switches, hosts.Switch{Name: fmt.Sprintf("s%d", i)})
		for k := range i {
			if k == i-1 || r.IntN(3) == 0 {
				p.Inventory.Cables = append(p.Inventory.Cables, cable(fmt.Sprintf("s%d", k), fmt.Sprintf("s%d", i), pick(100, 200)))
			}
		}
	}
	for i := range maxHosts/2 + r.IntN(maxHosts/2+1) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(int(pick(1, 2, 2, 3))), Share: vsn.One * 9 / 10, Memory: vsn.Size(pick(2, 4, 8)) << 30, Partition: r.IntN(3) > 0, Transit: r.IntN(8) == 0,
			Labels: map[string]string{"site": []string{"x", "y"}[r.IntN(2)]}, Resources: map[string]int64{"gpu": pick(0, 0, 1)}}
		if r.IntN(4) == 0 {
			h.Emulator = &hosts.Emulator{Runtime: 2 * ms, Period: 20 * ms, Work: ms / 20}
		}
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
		for k := range 1 + r.IntN(2) {
			p.Inventory.Cables = append(p.Inventory.Cables, cable(h.Name, fmt.Sprintf("s%d", (i+k*r.IntN(switches))%switches), pick(50, 100)))
			p.Inventory.Cables[len(p.Inventory.Cables)-1].Name += fmt.Sprint(".", k)
		}
	}
	n := vsn.Network{Name: "n"}
	for i := range max(2, maxVMs/2+r.IntN(maxVMs/2+1)) {
		vm := vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: int(pick(1, 1, 2)), Memory: vsn.Size(pick(1, 1, 2, 3)) << 30}
		if r.IntN(6) > 0 {
			vm.Reservation = &vsn.Reservation{Runtime: vsn.Duration(pick(10, 20, 30, 40, 50)) * ms, Period: 100 * ms}
		}
		if r.IntN(8) == 0 {
			vm.Resources = map[string]int64{"gpu": 1}
		}
		n.VMs = append(n.VMs, vm)
		for k := range i {
			if k == r.IntN(i) || r.IntN(6) == 0 {
				n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d-%d", k, i), Between: []string{fmt.Sprintf("v%d", k), vm.Name}, Rate: vsn.Rate(pick(10, 20, 30, 50)) * 1e6, Burst: 4096})
			}
		}
	}
	name := func() string { return n.VMs[r.IntN(len(n.VMs))].Name }
	if a, b := name(), name(); a != b && r.IntN(2) == 0 {
		n.Place = append(n.Place, vsn.Rule{Apart: []string{a, b}})
	}
	if a, b := name(), name(); a != b && r.IntN(4) == 0 {
		n.Place = append(n.Place, vsn.Rule{Together: []string{a, b}})
	}
	if r.IntN(3) == 0 {
		n.Place = append(n.Place, vsn.Rule{VMs: []string{name()}, On: map[string]string{"site": "x"}})
	}
	if a, b := name(), name(); a != b && r.IntN(6) == 0 {
		n.Place = append(n.Place, vsn.Rule{Spread: []string{a, b}, Over: "site"})
	}
	p.Networks = []vsn.Network{n}
	return p
}

func cable(a, b string, mbit int64) hosts.Cable {
	return hosts.Cable{Name: a + "--" + b, Between: []string{a, b}, Rate: vsn.Rate(mbit) * 1e6, Share: vsn.One * 95 / 100}
}

// cbc solves a program: the least cost, or that there is none; sure says whether it
// came to an end.
func cbc(t *testing.T, p *placement.Problem, limit time.Duration) (cost float64, feasible, sure bool) {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	if err := milp.Write(&text, p); err != nil {
		t.Fatal(err)
	}
	model, answer := filepath.Join(dir, "model.lp"), filepath.Join(dir, "answer")
	if err := os.WriteFile(model, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("cbc", model, "sec", fmt.Sprint(limit.Seconds()), "ratioGap", "0", "allowableGap", "0", "solve", "solution", answer).CombinedOutput()
	if err != nil {
		t.Fatalf("cbc: %v\n%s", err, out)
	}
	data, err := os.ReadFile(answer)
	if err != nil {
		t.Fatalf("cbc: %v\n%s", err, out)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	status, value, _ := strings.Cut(first, " - objective value ")
	switch {
	case strings.HasPrefix(status, "Infeasible"), strings.HasPrefix(status, "Integer infeasible"):
		return 0, false, true
	case strings.HasPrefix(status, "Optimal"):
		cost, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			t.Fatalf("cbc: %q: %v", first, err)
		}
		return cost, true, true
	}
	t.Logf("cbc: %s", first)
	return 0, false, false
}

// TestAgreesWithCBC compares the planner with a solver that knows nothing of it, on
// random problems: whether there is a placement, and what the default plan costs more
// than the least that there is.
func TestAgreesWithCBC(t *testing.T) {
	hosttest.Need(t, hosttest.CBC)
	problems, vms, servers, limit := 15, 6, 10, 20*time.Second
	if text := os.Getenv("VSNCTL_CBC_PROBLEMS"); text != "" { // make bench-exact
		problems, vms, servers, limit = 50, 8, 20, 10*time.Minute
		if n, err := strconv.Atoi(text); err == nil {
			problems = n
		}
	}
	compareWithCBC(t, problems, vms, servers, limit)
}

func compareWithCBC(t *testing.T, problems, vms, servers int, limit time.Duration) {
	yes, no, unsure, over, worst, best := 0, 0, 0, 0.0, 0.0, 0
	for seed := range problems {
		p := draw(rand.New(rand.NewPCG(uint64(seed), 2026)), vms, servers)
		p.Inventory.Objective = []hosts.Objective{hosts.LeastBandwidth}
		start := time.Now()
		plan, err := solve.Solve(context.Background(), *p, solve.Options{Seed: 1})
		took := time.Since(start)
		start = time.Now()
		cost, feasible, sure := cbc(t, p, limit)
		tookCBC := time.Since(start)
		if !sure {
			unsure++
			continue
		}
		var infeasible *placement.Infeasible
		switch {
		case errors.As(err, &infeasible):
			if feasible {
				t.Errorf("problem %d: cbc finds a placement at %v, and: %v", seed, cost, err)
			}
			no++
			continue
		case err != nil:
			t.Errorf("problem %d: %v (cbc: %v)", seed, err, feasible)
			continue
		case !feasible:
			t.Errorf("problem %d: planned, and cbc finds no placement", seed)
			continue
		}
		if err := proof.Check(plan); err != nil {
			t.Errorf("problem %d: %v", seed, err)
		}
		yes++
		ours, theirs := float64(objective.Costs(p, &plan.Embedding, &plan.Realization)[0].Value), cost*unitOf(p)
		exact, near, err := solve.Exact(context.Background(), *p, solve.Options{Seed: 1, Nodes: 300_000})
		if err != nil {
			t.Fatal(err)
		}
		if bound := float64(near.Bounds[0]); bound > theirs+0.5 || near.Proved() && math.Abs(float64(near.Costs[0])-theirs) > 0.5 {
			t.Errorf("problem %d: cbc's optimum is %.0f; exact: cost %d, bound %d", seed, theirs, near.Costs[0], near.Bounds[0])
		}
		_ = exact
		if near.Proved() {
			best++
		}
		more := 0.0
		if theirs > 0 {
			more = ours/theirs - 1
		} else if ours > 0 {
			more = 1
		}
		if more < -1e-9 {
			t.Errorf("problem %d: the plan costs %.0f, and cbc says that none costs less than %.0f", seed, ours, theirs)
		}
		over, worst = over+more, max(worst, more)
		t.Logf("problem %2d: %d vms, %2d hosts: plan %4.0f Mbit/s in %v, cbc %4.0f in %v, exact %d decisions (proved %v)", seed, len(p.Networks[0].VMs), len(p.Inventory.Hosts), ours/1e6, took.Round(time.Millisecond), theirs/1e6, tookCBC.Round(time.Millisecond), near.Nodes, near.Proved())
	}
	t.Logf("%d yes, %d no, all the same; %d that cbc did not end; the default plan costs %.3f%% more than the least on average, %.2f%% at most; %d of %d proved by exact", yes, no, unsure, 100*over/float64(max(1, yes)), 100*worst, best, yes)
	if over > 0.01*float64(yes) {
		t.Errorf("the default plan costs %.2f%% over the least on average", 100*over/float64(yes))
	}
	if unsure > problems/10 {
		t.Errorf("cbc did not come to an end on %d of %d", unsure, problems)
	}
}

// TestCriteriaAgreeWithCBC: every criterion by itself, and two of them in order, cost
// what cbc finds.
func TestCriteriaAgreeWithCBC(t *testing.T) {
	hosttest.Need(t, hosttest.CBC)
	for i, by := range [][]hosts.Objective{{hosts.LeastBandwidth}, {hosts.FewestHosts}, {hosts.Balance}, {hosts.LeastMoved}, {hosts.LeastBandwidth, hosts.FewestHosts}, {hosts.LeastMoved, hosts.LeastBandwidth}} {
		for seed := range 4 {
			r := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
			p := draw(r, 5, 6)
			p.Inventory.Objective = by
			for _, vm := range p.Networks[0].VMs {
				p.Before = append(p.Before, placement.Seat{Network: "n", VM: vm.Name, Host: p.Inventory.Hosts[r.IntN(len(p.Inventory.Hosts))].Name})
			}
			cost, feasible, sure := cbc(t, p, 20*time.Second)
			if !sure {
				t.Errorf("%v, problem %d: cbc did not come to an end", by, seed)
				continue
			}
			_, near, err := solve.Exact(context.Background(), *p, solve.Options{Seed: 1})
			if (err == nil) != feasible {
				t.Errorf("%v, problem %d: %v, and cbc: %v", by, seed, err, feasible)
			}
			if err != nil {
				continue
			}
			if ours := weighed(p, near.Costs); !near.Proved() || math.Abs(ours-cost) > 1e-6*max(1, cost) {
				t.Errorf("%v, problem %d: exact has %v (%v by cbc's weights, proved %v), cbc %v", by, seed, near.Costs, ours, near.Proved(), cost)
			}
		}
	}
}

// weighed is costs as the program adds them up.
func weighed(p *placement.Problem, costs []int64) float64 {
	sum := 0.0
	for i, by := range p.Inventory.Objective {
		most := map[hosts.Objective]float64{hosts.FewestHosts: float64(len(p.Inventory.Hosts)), hosts.LeastMoved: float64(len(p.Before)), hosts.Balance: objective.Million}[by]
		if by == hosts.LeastBandwidth {
			for _, l := range p.Networks[0].Links {
				most += float64(l.Rate) / unitOf(p) * float64(len(p.Inventory.Hosts)+len(p.Inventory.Switches))
			}
			costs[i] /= int64(unitOf(p))
		}
		sum = sum*(most+1) + float64(costs[i])
	}
	return sum
}

// unitOf is what one unit of cbc's cost is.
func unitOf(p *placement.Problem) float64 {
	unit := int64(0)
	for _, l := range p.Networks[0].Links {
		for a, b := int64(l.Rate), unit; ; a, b = b, a%b {
			if b == 0 {
				unit = a
				break
			}
		}
	}
	return float64(max(1, unit))
}
