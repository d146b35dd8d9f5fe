package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// family draws small problems with all that a placement has to keep: to what problem
// draws come a second counted resource, cables of half duplex, more networks, VMs that
// are pinned, and of what is timed more VMs that have to be apart.
func (c chance) family(timed bool) placement.Problem {
	most := pick(c, 2, 3, 3, 4)
	if timed {
		most = 3
	}
	p := c.problem(most+c.IntN(2), most, timed)
	if c.in(12) {
		p.Networks = append(p.Networks, c.network("more", 1+c.IntN(most-1), timed))
	}
	if c.in(8) {
		p.Networks = append(p.Networks, c.network("other", 1, timed))
	}
	inv := &p.Inventory
	if c.in(25) { // in a row, so that what is between has to forward
		inv.Cables = nil
		for i := 1; i < len(inv.Hosts); i++ {
			inv.Hosts[i].Transit = c.in(75)
			inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("row%d", i), Between: []string{inv.Hosts[i].Name, inv.Hosts[i-1].Name}, Rate: pick[vsn.Rate](c, 20e6, 100e6, 200e6), Share: vsn.One})
		}
	}
	disk := c.in(40)
	for i := range inv.Hosts {
		if disk {
			inv.Hosts[i].Resources["disk"] = int64(pick(c, 10, 20, 40))
		}
	}
	for i := range inv.Cables {
		if c.in(35) {
			inv.Cables[i].Duplex = hosts.HalfDuplex
		}
	}
	for i := range p.Networks {
		n := &p.Networks[i]
		if timed {
			c.longer(n)
		}
		if c.in(30) && len(n.VMs) > 1 {
			n.Place = append(n.Place, vsn.Rule{Apart: []string{n.VMs[0].Name, n.VMs[1].Name}})
		}
		if c.in(10) && len(n.VMs) > 2 {
			n.Place = append(n.Place, vsn.Rule{Apart: []string{n.VMs[0].Name, n.VMs[1].Name, n.VMs[2].Name}})
		}
		for j := range n.VMs {
			if disk {
				n.VMs[j].Resources["disk"] = int64(pick(c, 0, 5, 10, 20))
			}
			if c.in(5) {
				p.Pins = append(p.Pins, placement.Seat{Network: n.Name, VM: n.VMs[j].Name, Host: pick(c, inv.Hosts...).Name})
			}
		}
	}
	return p
}

// longer gives flows more time, and adds one over two links in a row where there are such.
func (c chance) longer(n *vsn.Network) {
	for i := range n.Flows {
		if f := &n.Flows[i]; c.in(70) {
			f.Deadline *= pick[vsn.Duration](c, 2, 5, 10)
			f.Every = 200 * ms
		}
	}
	for i := range n.Links {
		for j := range i {
			a, b := &n.Links[j], &n.Links[i] // drawn lX0, lX1 ..: the first end is the older VM
			if a.Between[1] != b.Between[0] || a.Rate == 0 || b.Rate == 0 || !c.in(50) {
				continue
			}
			path, given := []vsn.Stage{{a.Between[0]}, {a.Between[1]}, {b.Between[1]}}, true
			for _, stage := range path {
				given = given && n.VM(stage[0]).Reservation != nil
			}
			f := vsn.Flow{Name: fmt.Sprintf("row%d%d", j, i), Path: path, Message: vsn.Size(c.IntN(3000)), Every: 200 * ms, Work: map[string]vsn.Duration{path[1][0]: ms}}
			if given {
				f.Deadline = pick(c, 300*ms, 600*ms, 1200*ms)
			}
			n.Flows = append(n.Flows, f)
		}
	}
}

// tally counts answers, and what the problems had that were answered by yes.
type tally struct {
	yes, no, gaveUp, missed, skipped           int
	joined, transit, half, networks, pins, due int
}

func (t *tally) count(plan *placement.Plan) {
	t.yes++
	p := &plan.Problem
	has := func(n *int, holds bool) {
		if holds {
			*n++
		}
	}
	joined, transit, half, due := false, false, false, false
	for _, r := range plan.Embedding.Routes {
		for i, name := range r.Cables {
			joined, half = true, half || p.Inventory.Cable(name).Half()
			transit = transit || i > 0 && p.Inventory.Host(r.Path[i]) != nil
		}
	}
	for i := range p.Networks {
		for _, f := range p.Networks[i].Flows {
			due = due || f.Deadline > 0
		}
	}
	has(&t.joined, joined)
	has(&t.transit, transit)
	has(&t.half, half)
	has(&t.due, due)
	has(&t.networks, len(p.Networks) > 1)
	has(&t.pins, len(p.Pins) > 0)
}

// answer compares the planner with trying everything. A yes has to pass check and an
// audit of its own, a no has to be one; that the planner gave up is no wrong answer, and
// is counted.
func (t *tally) answer(p *placement.Problem, timed bool) error {
	o := newOracle(p)
	if timed {
		o.holds = o.onAnyCPUs
	}
	want, sure := o.feasible()
	if !sure {
		t.skipped++
		return nil
	}
	plan, err := bare(*p, 1)
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case err == nil && !want:
		return errors.New("planned, and no placement is found by trying all")
	case err == nil:
		t.count(plan)
		if err := proof.Check(plan); err != nil {
			return fmt.Errorf("check: %w", err)
		}
		return audit(plan)
	case errors.As(err, &gaveUp):
		if t.gaveUp++; want {
			t.missed++
		}
		return nil
	case !errors.As(err, &infeasible):
		return err
	case want:
		return fmt.Errorf("trying all finds %+v, the planner: %w", *o.embedding(), err)
	}
	t.no++
	return trueNumbers(infeasible)
}

// TestTenThousand: 10,000 problems, a third of them with times, and what the planner
// says of each. Short of VSNCTL_TEST_LONG a share of them.
func TestTenThousand(t *testing.T) {
	for _, kind := range []struct {
		name     string
		timed    bool
		problems int
	}{{"budgets", false, 6600}, {"times", true, 3600}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			var all tally
			for seed := range share10(kind.problems) {
				c := chance{rand.New(rand.NewPCG(uint64(seed), 10_000))}
				p := c.family(kind.timed)
				if err := all.answer(&p, kind.timed); err != nil {
					text, _ := json.Marshal(p)
					t.Fatalf("problem %d: %v\n%s", seed, err, text)
				}
			}
			n := share10(kind.problems)
			t.Logf("%d problems: %d yes, %d no, %d gave up (%d of them have a placement), %d too many to try; of the yes %d with cables, %d through hosts, %d over half duplex, %d of several networks, %d with pins, %d with deadlines",
				n, all.yes, all.no, all.gaveUp, all.missed, all.skipped, all.joined, all.transit, all.half, all.networks, all.pins, all.due)
			if all.gaveUp > n/200 || all.skipped > n/10 {
				t.Errorf("%d of %d are given up, and %d are left out", all.gaveUp, n, all.skipped)
			}
			for what, count := range map[string]int{"yes": all.yes, "no": all.no} {
				if count < n/5 {
					t.Errorf("only %d of %d are %s", count, n, what)
				}
			}
			for what, count := range map[string]int{"cables": all.joined, "hosts that forward": all.transit, "half duplex": all.half, "several networks": all.networks, "pins": all.pins, "deadlines": all.due} {
				least := n / 200
				if kind.timed && what == "hosts that forward" || !kind.timed && what == "deadlines" {
					least = 0
				}
				if count < least {
					t.Errorf("only %d of %d plans have %s", count, n, what)
				}
			}
		})
	}
}

// share10 is how many of so many problems are tried: a tenth, or all.
func share10(all int) int {
	if os.Getenv(long) == "1" {
		return all
	}
	return all / 10
}

// goals are each criterion alone, and each pair, the more important one first.
func goals() (out [][]hosts.Objective) {
	for _, a := range hosts.Objectives() {
		out = append(out, []hosts.Objective{a})
		for _, b := range hosts.Objectives() {
			if a != b {
				out = append(out, []hosts.Objective{a, b})
			}
		}
	}
	return out
}

// TestExactOfEachGoal: what --exact proves to be least is what trying all finds, for
// every criterion and every pair of them.
func TestExactOfEachGoal(t *testing.T) {
	proved, none, open := 0, 0, 0
	for seed := range share10(2000) {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 10_001))}
		timed := seed%5 == 0
		p := c.family(timed)
		c.objective(&p)
		p.Inventory.Objective = goals()[seed%len(goals())]
		want, sure := least(&p, timed)
		if !sure {
			continue
		}
		yes, err := optimal(&p, want, 0)
		if err != nil {
			text, _ := json.Marshal(p)
			t.Fatalf("problem %d: %v\n%s", seed, err, text)
		}
		switch {
		case !yes:
			open++
		case want == nil:
			none++
		default:
			proved++
		}
	}
	t.Logf("%d are proved to be least, %d to be infeasible, %d open", proved, none, open)
	if n := share10(2000); open > n/200 || proved < n/5 || none < n/10 {
		t.Errorf("of %d: %d proved, %d infeasible, %d open", n, proved, none, open)
	}
}

// written is the bytes of an answer: the plan file, or what the refusal says.
func written(plan *placement.Plan, err error) string {
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	if err := placement.Write(&out, plan); err != nil {
		return err.Error()
	}
	return out.String()
}

// TestSameBytes: the same problem and seed give the same bytes, planned or exact, on one
// processor as on two.
func TestSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for seed := range share10(2000) {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 10_002))}
		p := c.family(seed%2 == 0)
		c.objective(&p)
		for what, plan := range map[string]func() (*placement.Plan, error){
			"plan": func() (*placement.Plan, error) { return bare(p, int64(seed)) },
			"exact": func() (*placement.Plan, error) {
				plan, _, err := exactly(context.Background(), &p, Options{Seed: int64(seed), Nodes: 2000})
				return plan, err
			},
		} {
			runtime.GOMAXPROCS(1)
			one := written(plan())
			runtime.GOMAXPROCS(2)
			if two := written(plan()); one != two {
				t.Fatalf("problem %d, %s:\n%s\n%s", seed, what, one, two)
			}
		}
	}
}
