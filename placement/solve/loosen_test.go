package solve

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// runs draws a plan that runs and a change of it; ok is false where nothing runs.
func (c chance) runs(maxHosts, maxVMs int, timed bool, draw func(chance, *placement.Plan) Amendment) (running *placement.Plan, p *placement.Problem, s *Standing, ok bool) {
	drawn := c.problem(maxHosts, maxVMs, timed)
	running, err := bare(drawn, 1)
	if err != nil {
		return nil, nil, nil, false
	}
	p, s, err = Amend(running, draw(c, running))
	return running, p, s, err == nil
}

// TestExactBeside compares the cheapest plan beside what runs with trying everything.
func TestExactBeside(t *testing.T) {
	proved, open := 0, 0
	for seed := range drawn(900) {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 79))}
		draw := another(false)
		if seed%2 == 1 {
			draw = lost
		}
		_, p, standing, ok := c.runs(4, 3, false, draw)
		if !ok {
			continue
		}
		c.objective(p)
		p.Pins = nil
		o := newBesideOracle(p, standing)
		var want []int64
		o.holds = func(*placement.Embedding) bool {
			if costs := o.costs(objective.Of(p)); want == nil || slices.Compare(costs, want) < 0 {
				want = costs
			}
			return false
		}
		o.place(0)
		yes, err := optimalWith(p, want, Options{Seed: 1, Standing: standing})
		if err != nil {
			text, _ := json.Marshal(p)
			t.Fatalf("problem %d: %v\n%s\n%+v", seed, err, text, standing)
		}
		if yes {
			proved++
		} else {
			open++
		}
	}
	t.Logf("%d proved, %d not", proved, open)
	if open > proved/20 || proved < drawn(900)/4 {
		t.Errorf("%d proved, %d not", proved, open)
	}
}

// TestInstead: what a refusal says would do instead does.
func TestInstead(t *testing.T) {
	refusals, moved, dropped := 0, 0, 0
	for seed := range drawn(1500) {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 81))}
		timed := seed%3 == 0
		running, p, standing, ok := c.runs(4, 4, timed, lost)
		if !ok {
			continue
		}
		o := Options{Seed: 1, Nodes: 20_000, Standing: standing}
		_, err := answer(context.Background(), p, o, true)
		if err == nil {
			continue
		}
		refusals++
		plan, near, err := Rearrange(context.Background(), *p, o)
		if err == nil {
			moved++
			if err := errors.Join(proof.Check(plan), audit(plan)); err != nil {
				t.Fatalf("problem %d: %v", seed, err)
			}
			counted := 0
			for _, m := range Moves(running, plan) {
				switch {
				case m.Subject[:3] == "vm ":
					counted++
				case m.Subject[:5] != "link ":
					t.Errorf("problem %d: %v: what does not move keeps its cpus", seed, m)
				}
			}
			if len(near.Costs) > 0 && near.Costs[0] != int64(counted) {
				t.Errorf("problem %d: %d moves are counted, and the plan has %d", seed, near.Costs[0], counted)
			}
		} else if !refused(err) {
			t.Fatalf("problem %d: %v", seed, err)
		}
		drop := Unplaced(context.Background(), *p, o)
		if len(drop) == 0 {
			t.Fatalf("problem %d: refused, and nothing has no place", seed)
		}
		if len(drop) == len(p.Networks) {
			continue
		}
		dropped++
		o.Standing = standing.less(drop)
		if _, err := answer(context.Background(), p.Dropped(drop), o, true); err != nil {
			t.Errorf("problem %d: without %v: %v", seed, drop, err)
		}
	}
	t.Logf("%d refusals, %d with moves, %d with fewer networks", refusals, moved, dropped)
	if moved < refusals/20 || dropped == 0 {
		t.Errorf("%d refusals, %d with moves, %d with fewer networks: the draw has lost its edge", refusals, moved, dropped)
	}
}

// TestOpenBeside: what was chosen for a network that runs stays while more is chosen
// beside it, and after a loss what is lost is chosen anew.
func TestOpenBeside(t *testing.T) {
	yes, no := 0, 0
	for seed := range uint64(drawn(15)) {
		c := chance{rand.New(rand.NewPCG(seed, 83))}
		first := c.forks()
		running, err := answer(context.Background(), &first, Options{Seed: 1, Nodes: 2000}, true)
		if err != nil {
			continue
		}
		a := lost(c, running)
		if seed%3 > 0 {
			more := c.forks().Networks[0]
			more.Name = "more"
			a.Networks, a.Without = append(a.Networks, more), nil
		}
		p, standing, err := Amend(running, a)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := answer(context.Background(), p, Options{Seed: 1, Nodes: 2000, Standing: standing}, true)
		switch {
		case err == nil:
			yes++
			if err := errors.Join(proof.Check(plan), unchanged(standing, running, plan)); err != nil {
				text, _ := json.Marshal(running)
				t.Errorf("problem %d: %v\n%s", seed, err, text)
			}
		case refused(err):
			no++
		default:
			t.Errorf("problem %d: %v", seed, err)
		}
	}
	t.Logf("%d planned, %d not", yes, no)
	if yes < 2 {
		t.Errorf("%d planned, %d not: the draw has lost its edge", yes, no)
	}
}
