package solve

import (
	"context"
	"errors"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// refusal is what a refusal says; it has a reason.
func refusal(t testing.TB, err error) (set *placement.Set, remedies []placement.Remedy) {
	t.Helper()
	var no *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case errors.As(err, &no):
		if err := trueNumbers(no); err != nil {
			t.Error(err)
		}
		return no.Set, no.Remedies
	case errors.As(err, &gaveUp) && gaveUp.Nearest != nil:
		return nil, gaveUp.Remedies
	}
	t.Fatalf("got %v, want a refusal with its reason", err)
	return nil, nil
}

// holds applies a remedy and plans again.
func holds(t testing.TB, p *placement.Problem, r placement.Remedy) {
	t.Helper()
	q, err := p.Changed(r.Changes...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := answer(context.Background(), q, Options{Seed: 1, Nodes: DefaultNodes}, true)
	if err != nil {
		t.Fatalf("%v: %v", r, err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
}

// less is a remedy with one change less by its step; false where that is not a number
// of one change.
func less(r placement.Remedy) (placement.Remedy, bool) {
	if len(r.Changes) != 1 {
		return r, false
	}
	c := r.Changes[0]
	var to, step vsn.Duration
	var rate, rateStep vsn.Rate
	switch {
	case to.UnmarshalText([]byte(c.To)) == nil && step.UnmarshalText([]byte(r.Step)) == nil:
		c.To = (to - step).String()
	case rate.UnmarshalText([]byte(c.To)) == nil && rateStep.UnmarshalText([]byte(r.Step)) == nil:
		c.To = (rate - rateStep).String()
	default:
		return r, false
	}
	r.Changes = []placement.Change{c}
	return r, true
}

// fails applies what is less than a remedy and wants no plan.
func fails(t testing.TB, p *placement.Problem, r placement.Remedy) {
	t.Helper()
	r, ok := less(r)
	if !ok {
		return
	}
	q, err := p.Changed(r.Changes...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := answer(context.Background(), q, Options{Seed: 1, Nodes: DefaultNodes}, true); err == nil {
		t.Errorf("%v is less than what is said to be the least, and there is a plan", r)
	}
}

// TestRemedies applies the changes that refusals name, and plans again, and wants no
// plan for a step less; for each kind of refusal.
func TestRemedies(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*placement.Problem)
		fields []string // of the first change of each remedy
		proved bool
	}{
		"deadline under the works":                                      {func(p *placement.Problem) { p.Networks[0].Flows[0].Deadline = 7 * ms }, []string{"deadline"}, true},
		"deadline over the works, and under what any reservation takes": {func(p *placement.Problem) { p.Networks[0].Flows[0].Deadline = 20 * ms }, []string{"deadline"}, true},
		"link given and too slow for the deadline": {func(p *placement.Problem) {
			p.Networks[0].Flows[0].Deadline = 90 * ms
			p.Networks[0].Links[0].Rate, p.Networks[0].Links[0].Burst = 1_000_000, vsn.MaxFrame
		}, []string{"deadline", "rate"}, true},
		"flow faster than its link": {func(p *placement.Problem) {
			p.Networks[0].Links[0].Rate, p.Networks[0].Links[0].Burst = 100_000, 64<<10
		}, []string{"rate"}, true},
		"tasks over unity": {func(p *placement.Problem) {
			vm := &p.Networks[0].VMs[1]
			vm.GuestScheduler = vsn.GuestEDF
			vm.Tasks = []vsn.Task{{Name: "a", WCET: 6 * ms, Period: 10 * ms}, {Name: "b", WCET: 12 * ms, Period: 20 * ms}}
		}, []string{"period"}, true},
		"tasks over unity, room for more vcpus": {func(p *placement.Problem) {
			vm := &p.Networks[0].VMs[1]
			p.Inventory.Hosts[0], p.Inventory.Hosts[1] = host("a", 8), host("b", 8)
			vm.GuestScheduler = vsn.GuestEDF
			vm.Tasks = []vsn.Task{{Name: "a", WCET: 40 * ms, Period: 100 * ms}, {Name: "b", WCET: 70 * ms, Period: 200 * ms}, {Name: "c", WCET: 150 * ms, Period: 500 * ms}}
		}, []string{"vcpus", "period"}, true},
		"period given, and too short for the grain": {func(p *placement.Problem) {
			p.Networks[0].VMs[0].Reservation = &vsn.Reservation{Period: 2 * ms}
		}, []string{"period"}, true},
		"period given, and too long for the deadline": {func(p *placement.Problem) {
			p.Networks[0].VMs[0].Reservation = &vsn.Reservation{Period: 4000 * ms}
			p.Networks[0].Flows[0].Deadline = 100 * ms
		}, []string{"deadline"}, true},
		"runtime given, and too little for the deadline": {func(p *placement.Problem) {
			for i := range p.Networks[0].VMs {
				p.Networks[0].VMs[i].Reservation = &vsn.Reservation{Runtime: 20 * ms, Period: 100 * ms}
			}
			p.Networks[0].Flows[0].Deadline = 300 * ms
		}, []string{"deadline"}, true},
		"messages faster than a cpu": {func(p *placement.Problem) {
			f := &p.Networks[0].Flows[0]
			f.Work["detect"], f.Every, f.Deadline = 30*ms, 30*ms, 2000*ms
		}, []string{"every"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := openRobot()
			c.change(&p)
			_, err := Solve(context.Background(), p, Options{Seed: 1})
			t.Log(err)
			var no *placement.Infeasible
			if errors.As(err, &no) != c.proved {
				t.Errorf("want proved %v", c.proved)
			}
			_, found := refusal(t, err)
			var fields []string
			for _, r := range found {
				fields = append(fields, r.Changes[0].Field)
				holds(t, &p, r)
				fails(t, &p, r)
			}
			if len(fields) < len(c.fields) {
				t.Fatalf("remedies %v, want %v", fields, c.fields)
			}
			for i, want := range c.fields {
				if fields[i] != want {
					t.Errorf("remedies %v, want %v", fields, c.fields)
				}
			}
		})
	}
}
