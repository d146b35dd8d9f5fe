package solve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// openRobot is the demo with nothing but works and a deadline.
func openRobot() placement.Problem {
	p := robot()
	n := &p.Networks[0]
	for i := range n.VMs {
		n.VMs[i].Reservation = nil
	}
	for i := range n.Links {
		n.Links[i].Rate, n.Links[i].Burst, n.Links[i].Delay = 0, 0, 0
	}
	return p
}

func planFor(t *testing.T, p placement.Problem) *placement.Plan {
	t.Helper()
	plan, err := Solve(context.Background(), p, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func shareOf(plan *placement.Plan) (sum float64) {
	for _, r := range plan.Realization.Reservations {
		sum += float64(r.RuntimeNs) / float64(r.PeriodNs)
	}
	return sum
}

func TestChoosesForDeadlines(t *testing.T) {
	p := openRobot()
	plan := planFor(t, p)
	if len(plan.Realization.Reservations) != 3 {
		t.Fatalf("%d reservations, want one for each of 3 vcpus", len(plan.Realization.Reservations))
	}
	for _, r := range plan.Realization.Reservations {
		t.Logf("%s %v every %v", r.VM, vsn.Duration(r.RuntimeNs), vsn.Duration(r.PeriodNs))
	}
	asked := planFor(t, robot())
	if shareOf(plan) >= shareOf(asked) {
		t.Errorf("chosen %.3f cpus for the deadline that %.3f were asked for", shareOf(plan), shareOf(asked))
	}
	var first, second bytes.Buffer
	if err := errors.Join(placement.Write(&first, plan), placement.Write(&second, planFor(t, p))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same problem and seed gave two plans")
	}
}

func TestChoosesLessForLongerDeadlines(t *testing.T) {
	last := 1e9
	for _, d := range []vsn.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms} {
		p := openRobot()
		p.Networks[0].Flows[0].Deadline = d
		now := shareOf(planFor(t, p))
		t.Logf("%v: %.3f cpus", d, now)
		if now > last*1.001 {
			t.Errorf("deadline %v: %.3f cpus, and a shorter one took %.3f", d, now, last)
		}
		last = now
	}
}

func TestChoosesForTasks(t *testing.T) {
	p := openRobot()
	n := &p.Networks[0]
	n.VMs[1].VCPUs = 2
	n.VMs[1].Tasks = []vsn.Task{{Name: "a", WCET: 4 * ms, Period: 40 * ms}, {Name: "b", WCET: 10 * ms, Period: 100 * ms}, {Name: "c", WCET: 10 * ms, Period: 60 * ms, Deadline: 50 * ms}}
	n.VMs[1].GuestScheduler = vsn.GuestFixed
	n.VMs = append(n.VMs, vsn.VM{Name: "log", VCPUs: 2, Memory: 1 << 20, Tasks: []vsn.Task{{Name: "x", WCET: 40 * ms, Period: 100 * ms}, {Name: "y", WCET: 60 * ms, Period: 100 * ms}}})
	for i := range p.Inventory.Hosts {
		p.Inventory.Hosts[i] = host(p.Inventory.Hosts[i].Name, 4)
	}
	plan := planFor(t, p)
	if len(plan.Realization.Tasks) != 5 || len(plan.Realization.Reservations) != 6 {
		t.Fatalf("%d tasks and %d reservations, want 5 and 6", len(plan.Realization.Tasks), len(plan.Realization.Reservations))
	}
	for _, r := range plan.Realization.Reservations {
		t.Logf("%s/%d %v every %v", r.VM, r.VCPU, vsn.Duration(r.RuntimeNs), vsn.Duration(r.PeriodNs))
	}
}

// One of the hosts enforces budgets finely, and the deadline can be met there alone.
func TestFindsTheHostThatIsFine(t *testing.T) {
	p := openRobot()
	p.Networks[0].Place = nil
	p.Inventory.Hosts[1].Grain = 0
	p.Networks[0].Flows[0].Deadline = 20 * ms
	plan := planFor(t, p)
	for _, seat := range plan.Embedding.Seats {
		if seat.Host != "b" {
			t.Errorf("%s sits on %q, want b", seat.VM, seat.Host)
		}
	}
}

// forks draws a network of stages, of which some fork and join, on a few hosts behind a
// switch, with little given.
func (c chance) forks() placement.Problem {
	var p placement.Problem
	grain := pick(c, 0, ms, 4*ms)
	for i := range 2 + c.IntN(2) {
		h := host(fmt.Sprintf("h%d", i), 2+c.IntN(3))
		h.Grain, h.Partition = grain, c.in(80)
		if c.in(25) {
			h.Emulator = &hosts.Emulator{Runtime: 4 * ms, Period: 20 * ms, Work: 50 * us}
		}
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
		p.Inventory.Cables = append(p.Inventory.Cables, cable(h.Name, "s", pick[vsn.Rate](c, 100e6, 1e9)))
	}
	p.Inventory.Switches = []hosts.Switch{{Name: "s", Delay: 5 * us}}
	n := vsn.Network{Name: "n"}
	f := vsn.Flow{Name: "f", Message: vsn.Size(100 + c.IntN(9000)), Every: vsn.Duration(50+c.IntN(100)) * ms, Work: map[string]vsn.Duration{}, Jitter: pick(c, 0, 5*ms), Burst: pick[int64](c, 1, 1, 2)}
	var before vsn.Stage
	works := vsn.Duration(0)
	for range 2 + c.IntN(3) {
		var stage vsn.Stage
		for range pick(c, 1, 1, 2) {
			v := vsn.VM{Name: fmt.Sprintf("v%d", len(n.VMs)), VCPUs: pick(c, 1, 1, 2), Memory: 1 << 20}
			switch {
			case c.in(15):
				v.Reservation = &vsn.Reservation{Period: 20 * ms}
			case c.in(15):
				v.Reservation = &vsn.Reservation{Runtime: 6 * ms, Period: 30 * ms}
			}
			if c.in(20) {
				v.Tasks = []vsn.Task{{Name: "t", WCET: ms, Period: 50 * ms}, {Name: "u", WCET: 2 * ms, Period: 100 * ms, Deadline: 60 * ms}}
				v.GuestScheduler = pick(c, vsn.GuestEDF, vsn.GuestFixed)
			}
			n.VMs, stage = append(n.VMs, v), append(stage, v.Name)
			f.Work[v.Name] = vsn.Duration(1+c.IntN(30)) * 100 * us
			works += f.Work[v.Name]
		}
		for _, a := range before {
			for _, b := range stage {
				l := vsn.Link{Name: a + b, Between: []string{a, b}}
				if c.in(20) {
					l.Rate, l.Burst = 5_000_000, 8<<10
				}
				n.Links = append(n.Links, l)
			}
		}
		f.Path, before = append(f.Path, stage), stage
	}
	f.Deadline = works*vsn.Duration(2+c.IntN(8)) + vsn.Duration(len(n.VMs))*(20*grain+25*ms)
	n.Flows = []vsn.Flow{f}
	p.Networks = []vsn.Network{n}
	return p
}

// TestChosenPlansHold plans what leaves much open, and checks every plan.
func TestChosenPlansHold(t *testing.T) {
	yes, no, gave := 0, 0, 0
	const problems = 20
	for seed := range uint64(problems) {
		c := chance{rand.New(rand.NewPCG(seed, 11))}
		p := c.forks()
		if i := int(seed); i%2 == 0 { // as little as there can be
			for j := range p.Networks[0].Links {
				p.Networks[0].Links[j].Rate, p.Networks[0].Links[j].Burst = 0, 0
			}
		}
		begin := time.Now()
		before, _ := json.Marshal(p)
		plan, err := answer(context.Background(), &p, Options{Seed: 1, Nodes: 2000}, true)
		after, _ := json.Marshal(p)
		if !bytes.Equal(before, after) {
			t.Fatalf("problem %d was changed", seed)
		}
		var infeasible *placement.Infeasible
		var gaveUp *placement.GaveUp
		switch {
		case err == nil:
			yes++
			if err := proof.Check(plan); err != nil {
				t.Errorf("problem %d: %v\n%s", seed, err, before)
			}
		case errors.As(err, &infeasible):
			no++
			t.Log(seed, time.Since(begin), err)
			if err := trueNumbers(infeasible); err != nil {
				t.Errorf("problem %d: %v", seed, err)
			}
		case errors.As(err, &gaveUp):
			gave++
			t.Logf("problem %d: %v", seed, err)
		default:
			t.Errorf("problem %d: %v\n%s", seed, err, before)
		}
	}
	t.Logf("%d of %d are planned, %d cannot be, %d not known", yes, problems, no, gave)
	if yes < problems/2 {
		t.Errorf("only %d of %d are planned", yes, problems)
	}
}
