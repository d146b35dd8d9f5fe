package dimension

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

func vsnDuration(i int) vsn.Duration { return vsn.Duration(i) }

func TestSameChoiceAgain(t *testing.T) {
	p := chains(rand.New(rand.NewPCG(5, 1)), 8, 2, 4*ms)
	first, err := Choose(p, Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again, err := Choose(p, Options{Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first, again) {
			t.Fatalf("the same problem and seed: %+v and %+v", first, again)
		}
	}
}

// TestLowerBoundIsOne: no choice that holds costs less than what is said to be the
// least.
func TestLowerBoundIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := chains(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2)), rapid.IntRange(1, 4).Draw(t, "vms"), 1, ms*vsn.Duration(rapid.IntRange(0, 4).Draw(t, "grain")))
		c, err := Choose(p, Options{Seed: 1})
		if err != nil {
			t.Skip("too tight")
		}
		m := modelOf(p, Options{})
		x := make(pick, len(m.variables))
		for range 60 {
			for i := range x {
				v := &m.variables[i]
				if v.vm == nil {
					x[i] = &v.options[0]
					continue
				}
				row := v.rows[rapid.IntRange(0, len(v.rows)-1).Draw(t, "period")]
				least, most := row[0].runtimes[0], row[len(row)-1].runtimes[0]
				q := rapid.Int64Range(least/grid, most/grid).Draw(t, "runtime") * grid
				made := m.processorOption(v, m.servers[v.servers[0]], []int64{q}, row[0].period)
				x[i] = &made
			}
			if m.holds(x) && m.cost(x) < c.Least-1e-9 {
				t.Fatalf("a choice costs %.6f, and the least is said to be %.6f", m.cost(x), c.Least)
			}
		}
	})
}

// TestBoundIsNear: where messages are rare, so that they do not meet, and there are many
// VMs, the bound is near what is found, and below it.
func TestBoundIsNear(t *testing.T) {
	for seed := range uint64(5) {
		p := chains(rand.New(rand.NewPCG(seed, 4)), 10, 1, 4*ms)
		p.Networks[0].Flows[0].Every = 10_000 * ms
		c, err := Choose(p, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if c.Least > c.Cost+1e-9 || c.Cost > 1.02*c.Least {
			t.Errorf("problem %d: cost %.5f, the least is said to be %.5f", seed, c.Cost, c.Least)
		}
	}
}

// drawTasks draws tasks that use about half of a CPU each two.
func drawTasks(t *rapid.T) []vsn.Task {
	var out []vsn.Task
	for i := range rapid.IntRange(1, 7).Draw(t, "tasks") {
		period := ms * vsn.Duration(rapid.IntRange(20, 200).Draw(t, "period"))
		task := vsn.Task{Name: string(rune('a' + i)), Period: period, WCET: period * vsn.Duration(rapid.IntRange(2, 25).Draw(t, "percent")) / 100}
		if rapid.Bool().Draw(t, "constrained") {
			task.Deadline = max(task.WCET, period*vsn.Duration(rapid.IntRange(60, 100).Draw(t, "deadline"))/100)
		}
		out = append(out, task)
	}
	return out
}

// TestLeastBudgetIsLeast: tasks meet their deadlines in what is chosen, and not in a
// microsecond less.
func TestLeastBudgetIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grain := rapid.SampledFrom([]int64{0, 1_000_000, 4_000_000}).Draw(t, "grain")
		by := rapid.SampledFrom([]vsn.GuestScheduler{vsn.GuestEDF, vsn.GuestFixed}).Draw(t, "scheduler")
		vm := &vsn.VM{Name: "v", VCPUs: rapid.IntRange(1, 3).Draw(t, "vcpus"), Tasks: drawTasks(t), GuestScheduler: by}
		seat, list := guest(vm, place{grain: grain, share: vsn.One * 9 / 10}, &Options{Switch: DefaultSwitch})
		if seat == nil {
			t.Skip("too much for its vcpus")
		}
		for k, tasks := range seat.byVCPU() {
			s := bounds.Supply{Runtime: int64(list[k].Runtime), Period: int64(list[k].Period), Grain: grain}
			if len(tasks) == 0 {
				continue
			}
			if !schedulable(by, tasks, s) {
				t.Fatalf("vcpu %d: %v do not meet their deadlines in %v", k, tasks, s)
			}
			if s.Runtime -= grid; s.Runtime >= max(grain, int64(vsn.MinRuntime)) && schedulable(by, tasks, s) {
				t.Fatalf("vcpu %d: %v meet their deadlines in %v, too", k, tasks, s)
			}
		}
	})
}

// TestPartitionIsCheapest: no other division of few tasks costs less.
func TestPartitionIsCheapest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 10 {
		vm := &vsn.VM{Name: "v", VCPUs: 2}
		for i := range 4 {
			period := ms * vsn.Duration(20+r.IntN(100))
			vm.Tasks = append(vm.Tasks, vsn.Task{Name: string(rune('a' + i)), Period: period, WCET: period * vsn.Duration(3+r.IntN(30)) / 100})
		}
		o, where := &Options{Switch: DefaultSwitch}, place{grain: 1_000_000, share: vsn.One * 9 / 10}
		seat, list := guest(vm, where, o)
		if seat == nil {
			t.Fatal("nothing holds")
		}
		ours := 0.0
		for _, r := range list {
			ours += cpuCost(int64(r.Runtime), int64(r.Period), o)
		}
		p := &packer{where: where, o: o, tasks: seat.tasks, periods: periods(vm, where, int64(20*ms), o), known: map[string]reserve{}}
		for mask := range 16 {
			vcpu := make([]int, 4)
			for i := range vcpu {
				vcpu[i] = mask >> i & 1
			}
			if cost := p.of(vcpu, 0).cost + p.of(vcpu, 1).cost; cost < ours-1e-3 {
				t.Errorf("division %04b costs %.4f, ours %.4f", mask, cost, ours)
			}
		}
	}
}

func TestSaysWhatCannotBe(t *testing.T) {
	base := func() *placement.Problem { return chains(rand.New(rand.NewPCG(1, 1)), 2, 1, 4*ms) }
	tests := map[string]struct {
		change func(*placement.Problem)
		rule   string
	}{
		"deadline": {func(p *placement.Problem) { p.Networks[0].Flows[0].Deadline = 5 * ms }, ruleEndToEnd},
		"load":     {func(p *placement.Problem) { p.Networks[0].Flows[0].Work["v0"] = p.Networks[0].Flows[0].Every }, ruleRequest},
		"over": {func(p *placement.Problem) {
			p.Networks[0].VMs[0].Tasks = []vsn.Task{{Name: "a", WCET: 60 * ms, Period: 100 * ms}, {Name: "b", WCET: 60 * ms, Period: 100 * ms}}
		}, ruleEDF},
		"unbounded": {func(p *placement.Problem) { addStray(&p.Networks[0]) }, ruleEndToEnd},
		"period": {func(p *placement.Problem) {
			p.Networks[0].VMs[0].Reservation = &vsn.Reservation{Period: 2 * ms}
		}, ruleRequest},
	}
	for name, test := range tests {
		p := base()
		test.change(p)
		no := Refute(p)
		if len(no) == 0 {
			t.Errorf("%s: not refuted", name)
			continue
		}
		c := no[0]
		var missed *Missed
		if _, err := Choose(p, Options{}); !errors.As(err, &missed) {
			t.Errorf("%s: chosen, %v", name, err)
		}
		if c.Rule != test.rule || c.Need.Cmp(c.Have) <= 0 || c.Says == "" {
			t.Errorf("%s: %v, want need over have by rule %s", name, c, test.rule)
		}
		t.Logf("%s: %v", name, c)
	}
}

// addStray adds a flow without a deadline that comes from a VM without a reservation,
// and so without a bound.
func addStray(n *vsn.Network) {
	n.VMs = append(n.VMs, vsn.VM{Name: "stray", VCPUs: 1})
	n.Links = append(n.Links, vsn.Link{Name: "astray", Between: []string{"stray", "v0"}})
	n.Flows = append(n.Flows, vsn.Flow{Name: "stray", Path: []vsn.Stage{{"stray"}, {"v0"}}, Message: 100, Every: 100 * ms})
}
