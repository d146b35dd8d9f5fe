package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// patience is a context that ends when it has been asked so often.
type patience struct {
	context.Context
	left int
}

func (p *patience) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

// mesh is eight VMs, of which three fit a host at most, in a ring with chords, on six
// hosts behind two switches.
func mesh() placement.Problem {
	var p placement.Problem
	n := vsn.Network{Name: "mesh"}
	for i := range 8 {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprint("v", i), VCPUs: 1, Memory: 96 << 20})
	}
	for i := range 8 {
		for _, step := range []int{1, 4} {
			if k := (i + step) % 8; step == 1 || i < k {
				n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d-%d", i, k), Between: []string{fmt.Sprint("v", i), fmt.Sprint("v", k)}, Rate: vsn.Rate(1+(i*step)%3) * 10e6, Burst: 4096})
			}
		}
	}
	for i := range 6 {
		h := host(fmt.Sprint("h", i), 2)
		h.Memory = vsn.Size(200+100*(i/4)) << 20
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
		p.Inventory.Cables = append(p.Inventory.Cables, cable(h.Name, fmt.Sprint("s", i/3), 1e9))
	}
	p.Inventory.Switches = []hosts.Switch{{Name: "s0"}, {Name: "s1"}}
	p.Inventory.Cables = append(p.Inventory.Cables, cable("s0", "s1", 1e9))
	p.Networks = []vsn.Network{n}
	return p
}

// TestStoppedAnywhere: whenever the search is ended, what it says is true.
func TestStoppedAnywhere(t *testing.T) {
	p := mesh()
	_, best, err := Exact(context.Background(), p, Options{Seed: 1})
	if err != nil || !best.Proved() {
		t.Fatalf("%v, proved %v", err, best.Proved())
	}
	early, open := 0, 0
	for left := range 60 {
		plan, near, err := Exact(&patience{context.Background(), left}, p, Options{Seed: 1})
		var gaveUp *placement.GaveUp
		if errors.As(err, &gaveUp) {
			early++
			continue
		}
		if err != nil {
			t.Fatalf("%d: %v", left, err)
		}
		if err := proof.Check(plan); err != nil {
			t.Errorf("%d: %v", left, err)
		}
		if slices.Compare(near.Costs, best.Costs) < 0 || slices.Compare(near.Bounds, best.Costs) > 0 {
			t.Errorf("%d: cost %v, bounds %v, and the least is %v", left, near.Costs, near.Bounds, best.Costs)
		}
		if near.Proved() == plan.Interrupted {
			t.Errorf("%d: proved %t, interrupted %t", left, near.Proved(), plan.Interrupted)
		}
		if !near.Proved() {
			open++
			if near.Why == "" {
				t.Errorf("%d: a gap without a reason", left)
			}
		}
	}
	t.Logf("of 60: %d without a plan, %d with a gap", early, open)
	if open == 0 {
		t.Error("no search was ended before it was done: make the problem larger")
	}
}
