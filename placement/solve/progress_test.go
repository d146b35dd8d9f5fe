package solve

import (
	"context"
	"reflect"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// TestFoundOnTheWay: every plan that is told of on the way holds, the last is the answer,
// and what is told of progress is so.
func TestFoundOnTheWay(t *testing.T) {
	p := mesh()
	var plans []*placement.Plan
	at := map[Doing]int{}
	o := Options{Seed: 1, Found: func(draft Draft) {
		p, err := draft()
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}, Progress: func(p Progress) {
		at[p.Doing]++
		if p.Placed < 0 || p.Placed > p.Networks || p.Networks > 1 {
			t.Errorf("%d of %d networks are placed", p.Placed, p.Networks)
		}
		for i := range p.Costs {
			if p.Bounds[i] > p.Costs[i] {
				t.Errorf("none has less than %d, and one has %d", p.Bounds[i], p.Costs[i])
			}
		}
	}}
	plan, _, err := Exact(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, found := range plans {
		if err := proof.Check(found); err != nil {
			t.Errorf("plan %d of %d: %v", i, len(plans), err)
		}
	}
	if len(plans) < 2 || !reflect.DeepEqual(plan, plans[len(plans)-1]) {
		t.Errorf("%d plans were found, and the last is not the answer", len(plans))
	}
	for _, want := range []Doing{Placing, Proving, Improving, Bounding} {
		if at[want] == 0 {
			t.Errorf("nothing is said of %s: %v", want, at)
		}
	}
	quiet, _, err := Exact(context.Background(), p, Options{Seed: 1})
	if err != nil || !reflect.DeepEqual(plan, quiet) {
		t.Errorf("%v, and the plan is another where nobody looks", err)
	}
}
