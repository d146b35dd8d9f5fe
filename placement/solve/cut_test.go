package solve

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// crossing is four networks of one link each: three over the cable a--b, of which
// one is bursty, and one elsewhere.
func crossing() placement.Problem {
	var p placement.Problem
	for i := range 4 {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i), VMs: []vsn.VM{vm("x", 10*ms, 100*ms), vm("y", 10*ms, 100*ms)},
			Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1e6, Burst: 3000}}}
		sites := [2]string{"a", "b"}
		if i == 3 {
			sites = [2]string{"c", "d"}
		}
		for k, site := range sites {
			n.Place = append(n.Place, vsn.Rule{VMs: []string{n.VMs[k].Name}, On: map[string]string{"site": site}})
		}
		p.Networks = append(p.Networks, n)
	}
	p.Networks[1].Links[0].Burst = 1 << 20 // 84 ms of a 100 Mbit/s cable
	for _, name := range []string{"a", "b", "c", "d"} {
		p.Inventory.Hosts = append(p.Inventory.Hosts, host(name, 2))
	}
	p.Inventory.Cables = []hosts.Cable{cable("a", "b", 100e6), cable("c", "d", 100e6)}
	return p
}

// A link that is late only because of another network's burst: the cut names those
// two and neither of the others.
func TestCutNamesWhatMatters(t *testing.T) {
	p := crossing()
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Networks[0].Links[0].Delay = 50 * ms
	s := newSolver(&p, Options{}, proof.Prove)
	var cut *placement.Cut
	if err := s.accept(&plan.Embedding); !errors.As(err, &cut) {
		t.Fatalf("got %v, want a cut", err)
	}
	if len(cut.Seats) != 4 || len(cut.Routes) != 2 || cut.Routes[0].Network != "n0" || cut.Routes[1].Network != "n1" {
		t.Errorf("the cut is %+v %+v, want n0 and n1", cut.Seats, cut.Routes)
	}
	if cut.Conflict.Need.Cmp(cut.Conflict.Have) <= 0 || cut.Conflict.Have.String() != "50000000" {
		t.Errorf("conflict %v", cut.Conflict)
	}
	// Alone it would be in time, so nothing less is a cut.
	own := s.own("link n0/l x>y")
	if _, fails := s.fails(&plan.Embedding, own); fails {
		t.Error("the link alone is late as well")
	}
	var infeasible *placement.Infeasible
	if _, err := Solve(context.Background(), p, Options{}); !errors.As(err, &infeasible) {
		t.Errorf("with all vms pinned: %v", err)
	}
}

// What a bound can depend on makes another shape; names do not.
func TestShape(t *testing.T) {
	of := func(change func(p *placement.Problem)) string {
		p := crossing()
		plan, err := Solve(context.Background(), p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		change(&p)
		s := newSolver(&p, Options{}, proof.Prove)
		problem, part := s.only(&plan.Embedding, s.own("link n0/l x>y"))
		return shape(problem, part, "link n0/l")
	}
	same := of(func(*placement.Problem) {})
	for name, change := range map[string]func(p *placement.Problem){
		"delay of a host":     func(p *placement.Problem) { p.Inventory.Hosts[1].Delay++ },
		"grain of a host":     func(p *placement.Problem) { p.Inventory.Hosts[1].Grain++ },
		"partition of a host": func(p *placement.Problem) { p.Inventory.Hosts[1].Partition = false },
		"emulator of a host":  func(p *placement.Problem) { p.Inventory.Hosts[1].Emulator = &hosts.Emulator{Runtime: 1, Period: 2} },
		"rate of the cable":   func(p *placement.Problem) { p.Inventory.Cables[0].Rate++ },
		"cpus of a host":      func(p *placement.Problem) { p.Inventory.Hosts[1].CPUs = hosts.CountedCPUs(1) },
		"share of a host":     func(p *placement.Problem) { p.Inventory.Hosts[1].Share++ },
		"delay of the cable":  func(p *placement.Problem) { p.Inventory.Cables[0].Delay++ },
	} {
		if of(change) == same {
			t.Errorf("%s makes no other shape", name)
		}
	}
	for name, change := range map[string]func(p *placement.Problem){
		"another host":  func(p *placement.Problem) { p.Inventory.Hosts[2].Delay++ },
		"another cable": func(p *placement.Problem) { p.Inventory.Cables[1].Rate++ },
	} {
		if of(change) != same {
			t.Errorf("%s makes another shape", name)
		}
	}
}

// A queue is as long as the proof says that it must be.
func TestQueuesAreLongEnough(t *testing.T) {
	p := robot()
	f := &p.Networks[0].Flows[0]
	f.Deadline, f.Message, f.Every = 0, 16<<10, 30*ms // comes together often, and has all the time
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	longer := false
	for _, q := range plan.Realization.Queues {
		longer = longer || q.LimitBytes > 100<<10
	}
	if err := proof.Check(plan); err != nil || !longer {
		t.Errorf("check: %v; longer: %v", err, longer)
	}
}

// Reservations that share a CPU delay one another by a grain each. The first choice
// puts a third VM beside the one that is in a hurry; another choice does not.
func TestAnotherChoiceOfCPUs(t *testing.T) {
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{host("h", 2)}}, Networks: []vsn.Network{{Name: "n"}}}
	n := &p.Networks[0]
	for _, name := range []string{"hurry", "x", "y"} {
		n.VMs = append(n.VMs, vm(name, 30*ms, 100*ms))
	}
	n.Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"hurry"}}, Every: 500 * ms, Work: map[string]vsn.Duration{"hurry": ms}}}
	first, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cpu := func(plan *placement.Plan, i int) int { return plan.Realization.Reservations[i].CPU }
	if cpu(first, 0) != cpu(first, 1) && cpu(first, 0) != cpu(first, 2) {
		t.Fatalf("the first choice leaves it alone: %+v", first.Realization.Reservations)
	}
	// 1 ms of work after the blackout of 2*70 ms and two grains; a third would be too late.
	n.Flows[0].Deadline = 1*ms + 140*ms + 2*4*ms
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cpu(plan, 0) == cpu(plan, 1) || cpu(plan, 1) != cpu(plan, 2) {
		t.Errorf("%+v, want x and y together", plan.Realization.Reservations)
	}
	if err := proof.Check(plan); err != nil {
		t.Error(err)
	}
	p.Inventory.Hosts[0].CPUs = hosts.CountedCPUs(1)
	n.VMs = n.VMs[:2]
	var infeasible *placement.Infeasible
	if _, err := Solve(context.Background(), p, Options{}); !errors.As(err, &infeasible) || infeasible.Conflicts[0].Need.String() != "153000000" {
		t.Errorf("on one cpu: %v", err)
	}
}
