package solve

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/scale"
)

// TestConstructedAgainstSearch: what is constructed network by network passes the check,
// and never is there an answer where the complete search has refuted all.
func TestConstructedAgainstSearch(t *testing.T) {
	yes, both := 0, 0
	for seed := range uint64(drawn(1500)) {
		c := chance{rand.New(rand.NewPCG(seed, 77))}
		p := c.family(c.in(40))
		c.objective(&p)
		if dimension.Open(&p) || proof.Valid(&p) != nil {
			continue
		}
		s := settled(&p, Options{Seed: 1, Nodes: DefaultNodes})
		if !s.constructs() {
			continue
		}
		e, err := s.construct(context.Background())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if e != nil {
			plan, err := s.planned(e)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := proof.Check(plan); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		complete := settled(&p, Options{Seed: 1, Nodes: DefaultNodes})
		complete.coarse = true
		_, err = complete.solve(context.Background())
		var infeasible *placement.Infeasible
		if e != nil && errors.As(err, &infeasible) {
			t.Fatalf("seed %d: constructed, and refuted: %v", seed, err)
		}
		if err == nil {
			yes++
			if e != nil {
				both++
			}
		}
	}
	t.Logf("of %d problems with a plan, %d are constructed", yes, both)
	if yes < 100 || both*10 < yes*8 {
		t.Errorf("of %d problems with a plan only %d are constructed", yes, both)
	}
}

// TestLarge plans three hundred networks on three hundred hosts, with one processor and
// with two.
func TestLarge(t *testing.T) {
	p := placement.Problem{Networks: scale.Networks(300, 1), Inventory: scale.Inventory(300)}
	var files [2]bytes.Buffer
	for i := range files {
		before := runtime.GOMAXPROCS(1 + i)
		s := settled(&p, Options{Seed: 1, Nodes: DefaultNodes})
		e, err := s.construct(context.Background())
		runtime.GOMAXPROCS(before)
		if e == nil || err != nil {
			t.Fatal(e, err)
		}
		plan, err := s.planned(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := placement.Write(&files[i], plan); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			t.Log(objective.Values(objective.Costs(&p, &plan.Embedding, &plan.Realization)))
			if err := proof.Check(plan); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("one processor gives another plan than two")
	}
}

// TestLargeRepairs: a deadline that a host cannot keep, which the construction does not
// know, sends the network elsewhere.
func TestLargeRepairs(t *testing.T) {
	p := placement.Problem{Networks: scale.Networks(6, 1), Inventory: scale.Inventory(14)}
	for i := range 4 {
		p.Inventory.Hosts[i].Delay = 200 * ms // three links within the host take longer than the deadline
	}
	s := settled(&p, Options{Seed: 1, Nodes: DefaultNodes})
	c := &constructing{solver: s, number: map[string]int{}}
	for i := range p.Networks {
		c.number[p.Networks[i].Name] = i
	}
	if !c.placeAll(context.Background()) {
		t.Fatal("not all is placed")
	}
	if accepted, failing, err := c.work(c.embedding()); accepted || err != nil || len(failing) == 0 {
		t.Fatalf("the first placement is to fail: %v, %d claims, %v", accepted, len(failing), err)
	}
	e, err := settled(&p, Options{Seed: 1, Nodes: DefaultNodes}).construct(context.Background())
	if e == nil || err != nil {
		t.Fatalf("no other placement was found: %v", err)
	}
}

// TestLargeBeside: what runs stays where it is, what is lost and what is new is placed.
func TestLargeBeside(t *testing.T) {
	networks := scale.Networks(20, 1)
	running := constructed(t, placement.Problem{Networks: networks[:19], Inventory: scale.Inventory(30)}, nil)
	p, standing, err := Amend(running, Amendment{Networks: networks[19:], Without: []string{running.Embedding.Seats[0].Host}})
	if err != nil {
		t.Fatal(err)
	}
	after := constructed(t, *p, standing)
	for _, m := range Moves(running, after) {
		if m.From[0] == running.Embedding.Seats[0].Host {
			continue
		}
		for _, node := range m.From {
			if node == running.Embedding.Seats[0].Host {
				m.From = nil
			}
		}
		if m.From != nil {
			t.Errorf("%s went from %v to %v", m.Subject, m.From, m.To)
		}
	}
	cpus := map[[2]string][]int{}
	for _, r := range after.Realization.Reservations {
		key := [2]string{r.Network, r.VM}
		cpus[key] = append(cpus[key], r.CPU)
	}
	for _, r := range running.Realization.Reservations {
		if r.Host != running.Embedding.Seats[0].Host && cpus[[2]string{r.Network, r.VM}][r.VCPU] != r.CPU {
			t.Errorf("vcpu %d of %s/%s went from cpu %d to another", r.VCPU, r.Network, r.VM, r.CPU)
		}
	}
}

func constructed(t *testing.T, p placement.Problem, standing *Standing) *placement.Plan {
	t.Helper()
	s := settled(&p, Options{Seed: 1, Nodes: DefaultNodes, Standing: standing})
	e, err := s.construct(context.Background())
	if e == nil || err != nil {
		t.Fatal(e, err)
	}
	plan, err := s.planned(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestLargeObjectives: few hosts and balance, when they come first, are no worse than when
// another does, and bandwidth is no worse than when few hosts do. Where all hosts are
// opened for balance there may be less of it: networks are placed one after the other.
func TestLargeObjectives(t *testing.T) {
	p := placement.Problem{Networks: scale.Networks(40, 1), Inventory: scale.Inventory(60)}
	all := []hosts.Objective{hosts.LeastBandwidth, hosts.FewestHosts, hosts.Balance}
	costs := map[hosts.Objective]map[hosts.Objective]int64{}
	for i, first := range all {
		q := p
		q.Inventory.Objective = append([]hosts.Objective{first}, append(append([]hosts.Objective{}, all[:i]...), all[i+1:]...)...)
		plan := constructed(t, q, nil)
		costs[first] = map[hosts.Objective]int64{}
		for _, c := range objective.Costs(&q, &plan.Embedding, &plan.Realization) {
			costs[first][c.By] = c.Value
		}
		t.Log(first, costs[first])
	}
	for _, by := range all {
		for _, other := range all {
			if by == hosts.LeastBandwidth && other == hosts.Balance {
				continue
			}
			if costs[by][by] > costs[other][by] {
				t.Errorf("%s first: %d; %s first: %d", by, costs[by][by], other, costs[other][by])
			}
		}
	}
}
