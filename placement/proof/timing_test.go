package proof

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// diamond sends from a to b and c at once, and d joins; all on one host with ideal
// enforcement, so that sums are short.
func diamond() *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion}
	n := vsn.Network{Name: "n", Flows: []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"a"}, {"b", "c"}, {"d"}}, Message: 1000, Every: 1000 * ms,
		Work: map[string]vsn.Duration{"a": ms, "b": 2 * ms, "c": 5 * ms, "d": ms}, Deadline: 300 * ms}}}
	for _, vm := range []string{"a", "b", "c", "d"} {
		n.VMs = append(n.VMs, vsn.VM{Name: vm, VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: 5 * ms, Period: 20 * ms}})
		p.Embedding.Seats = append(p.Embedding.Seats, placement.Seat{Network: "n", VM: vm, Host: "h"})
		p.Realization.Reservations = append(p.Realization.Reservations, placement.Reservation{Network: "n", VM: vm, Host: "h", CPU: 0, RuntimeNs: 5e6, PeriodNs: 20e6})
	}
	for _, l := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "d"}, {"c", "d"}} {
		link := vsn.Link{Name: l[0] + l[1], Between: l[:], Rate: 8e6, Burst: 4096}
		n.Links = append(n.Links, link)
		p.Embedding.Routes = append(p.Embedding.Routes, placement.Route{Network: "n", Link: link.Name, Path: []string{"h"}})
	}
	classes := map[string]int{}
	for _, l := range n.Links {
		for _, d := range directions(&l) {
			p.Realization.Queues = append(p.Realization.Queues, placement.Queue{Network: "n", Link: l.Name, From: d.from, To: d.to, Host: "h", At: placement.AtPort,
				Class: 0x10 + classes[d.from], RateBit: 8e6, BurstBytes: 4096, LimitBytes: 65536})
			classes[d.from]++
		}
	}
	p.Problem = placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "h", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 1 << 30, Delay: 1000 * us, Partition: true}}}}
	return p
}

// TestForkAndJoin: the bound is that of the longer branch, and the join says so.
func TestForkAndJoin(t *testing.T) {
	p := proved(t, diamond())
	// time(c) = c + 15 ms * (1 + ceil(c/5ms)): a 31 ms, b 32, c 35, d 31; a link 1 ms.
	join := claim(t, p.Proof, "flow n/f at d", RuleJoin)
	if join.Bound.Cmp(placement.Int(68e6)) != 0 || len(join.Terms) != 2 || join.Terms[0].Value.Cmp(placement.Int(65e6)) != 0 {
		t.Errorf("join: %v of %v, by hand 68 ms of 65 ms and 68 ms", join.Bound, join.Terms)
	}
	end := claim(t, p.Proof, "flow n/f", RuleStages)
	if end.Bound.Cmp(placement.Int(99e6)) != 0 {
		t.Errorf("in all %v, by hand 99 ms", end.Bound)
	}
	if err := Check(p); err != nil {
		t.Error(err)
	}
	var text bytes.Buffer
	if err := Explain(&text, p, "n/f"); err != nil || !strings.Contains(text.String(), "by way of c") || !strings.Contains(text.String(), "the slack: the deadline holds") {
		t.Errorf("explained (%v):\n%s", err, text.String())
	}
}

// TestExplainedAsOnPaper: the arithmetic that leads to a bound is written out.
func TestExplainedAsOnPaper(t *testing.T) {
	for _, c := range []struct {
		plan *placement.Plan
		name string
		want []string
	}{
		{diamond(), "n/f", []string{"time(5 ms) = 5 ms + 15 ms (1 + 1) = 35 ms", "the slack: the deadline holds"}},
		{tasks(vsn.GuestFixed, 3500000), "n/v", []string{"tasks of n/v/vcpu0 x, by guest-fixed-priority", "R = 26.5 ms: 1 * 7 ms asked for; time(7 ms) = 7 ms + 6.5 ms (1 + 2) = 26.5 ms", "limit                                    50 ms"}},
		{tasks(vsn.GuestEDF, 3500000), "n/v", []string{"supply up to the deadline of y",
			"y, up to its deadline: 1 * 7 ms + 1 * 9 ms = 16 ms asked for; sbf(75 ms) = 6 * 3.5 ms + min(3.5 ms, 75 ms - 13 ms - 6 * 10 ms) = 23 ms"}},
		{robot(), "robot/moves", []string{"link robot/moves detect>arm, by link-delay", "queue robot/moves detect>arm, by link-load"}},
		{robot(), "a--s", []string{"cable a--s, by cable-rate"}},
	} {
		var text bytes.Buffer
		if err := Explain(&text, proved(t, c.plan), c.name); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, text.String())
			}
		}
	}
	// What is written out adds up to the bound.
	for _, s := range []bounds.Supply{{Runtime: 5e6, Period: 20e6}, {Runtime: 5e6, Period: 20e6, Grain: 4e6, Others: 2}} {
		for _, work := range []int64{1e6, 3e6, 5e6, 7e6} {
			done, _ := s.Time(work)
			got := getting(s, work)
			sum, terms, _ := strings.Cut(strings.TrimSuffix(got, " = "+ns(done)), " = ")
			if added := addUp(t, terms); added != done || sum != "time("+ns(work)+")" {
				t.Errorf("%+v: %s adds up to %s", s, got, ns(added))
			}
		}
	}
	messages := tasks(vsn.GuestEDF, 5e6)
	messages.Problem.Networks[0].Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"v"}}, Message: 100, Every: 200 * ms, Work: map[string]vsn.Duration{"v": 2 * ms}}}
	var text bytes.Buffer
	if err := Explain(&text, proved(t, messages), "n/f"); err != nil || !strings.Contains(text.String(), "time(18 ms) = 18 ms + 5 ms (1 + 4) = 43 ms") {
		t.Errorf("explained (%v):\n%s", err, text.String())
	}
}

// addUp adds what is written as "1 ms + 2 ms (3 + 4) + 5 * 6 ms", in ns.
func addUp(t *testing.T, text string) (sum int64) {
	t.Helper()
	inside := regexp.MustCompile(`\(([^)]*)\)`)
	text = inside.ReplaceAllStringFunc(text, func(in string) string {
		n := 0
		for _, part := range strings.Split(strings.Trim(in, "()"), " + ") {
			v, err := strconv.Atoi(part)
			if err != nil {
				t.Fatal(err)
			}
			n += v
		}
		return fmt.Sprintf("* %d", n)
	})
	for _, part := range strings.Split(text, " + ") {
		product := 1.0
		for _, factor := range strings.Split(strings.ReplaceAll(part, "ms ", "ms*"), "*") {
			factor = strings.TrimSpace(factor)
			if factor == "" {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSuffix(factor, " ms"), 64)
			if err != nil {
				t.Fatal(err)
			}
			product *= v
		}
		sum += int64(math.Round(product * 1e6))
	}
	return sum
}

// TestBurst: messages that come together wait for one another.
func TestBurst(t *testing.T) {
	p := diamond()
	p.Problem.Networks[0].Flows[0].Burst = 3
	proved(t, p)
	// c: 15 ms of work in three budgets: 15 + 15*4 = 75 ms.
	if c := claim(t, p.Proof, "flow n/f stage 7: work at c", RuleRequest); c.Bound.Cmp(placement.Int(75e6)) != 0 {
		t.Errorf("three messages at c: %v, by hand 75 ms", c.Bound)
	}
	stages, tandem := claim(t, p.Proof, "flow n/f", RuleStages).Bound, claim(t, p.Proof, "flow n/f", RuleTandem).Bound
	if whole := claim(t, p.Proof, "flow n/f", RuleEndToEnd).Bound; whole.Cmp(stages) > 0 || whole.Cmp(tandem) > 0 {
		t.Errorf("sum of stages %v, tandem %v, and the whole %v is not the least", stages, tandem, whole)
	}
	if err := Check(p); err != nil {
		t.Error(err)
	}
}

// TestJitter: a late release makes messages come together.
func TestJitter(t *testing.T) {
	p := diamond()
	before := claim(t, proved(t, p).Proof, "flow n/f", RuleEndToEnd).Bound
	p.Problem.Networks[0].Flows[0].Jitter = 1000 * ms
	after := claim(t, proved(t, p).Proof, "flow n/f", RuleEndToEnd).Bound
	if after.Cmp(before) <= 0 {
		t.Errorf("without jitter %v, with a period of it %v", before, after)
	}
}

// tasks is one VM whose guest has the tasks of Shin and Lee's example.
func tasks(by vsn.GuestScheduler, runtime int64) *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion}
	p.Problem = placement.Problem{
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{{Name: "v", VCPUs: 1, Memory: 1 << 20, GuestScheduler: by, Tasks: []vsn.Task{
			{Name: "x", WCET: 7 * ms, Period: 50 * ms}, {Name: "y", WCET: 9 * ms, Period: 75 * ms}}}}}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 1 << 30, Partition: true}}}}
	p.Embedding.Seats = []placement.Seat{{Network: "n", VM: "v", Host: "h"}}
	p.Realization.Reservations = []placement.Reservation{{Network: "n", VM: "v", Host: "h", RuntimeNs: runtime, PeriodNs: 10e6}}
	p.Realization.Tasks = []placement.TaskSeat{{Network: "n", VM: "v", Task: "x"}, {Network: "n", VM: "v", Task: "y"}}
	return p
}

// TestTasks: the least budgets of Shin and Lee (2003), 39/14 and 3.5 of 10, hold, and
// a nanosecond less does not.
func TestTasks(t *testing.T) {
	for by, least := range map[vsn.GuestScheduler]int64{vsn.GuestEDF: 2785715, vsn.GuestFixed: 3500000} {
		if err := Check(proved(t, tasks(by, least))); err != nil {
			t.Errorf("%s: %v", by, err)
		}
		p := tasks(by, least-1)
		proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
		if err != nil || len(Failing(proof)) == 0 {
			t.Errorf("%s: a nanosecond less than least holds (%v)", by, err)
		}
	}
	p := tasks(vsn.GuestEDF, 3e6)
	p.Realization.Tasks = p.Realization.Tasks[:1]
	if _, err := Prove(&p.Problem, &p.Embedding, &p.Realization); err == nil || !strings.Contains(err.Error(), "task n/v/y") {
		t.Errorf("a task without a vcpu: %v", err)
	}
}

// TestMessagesBesideTasks: messages come after the tasks of a guest.
func TestMessagesBesideTasks(t *testing.T) {
	p := tasks(vsn.GuestEDF, 5e6)
	p.Problem.Networks[0].Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"v"}}, Message: 100, Every: 200 * ms, Work: map[string]vsn.Duration{"v": 2 * ms}}}
	proved(t, p)
	// One of each: 18 ms in four budgets of 5 ms every 10: 18 + 5*5 = 43 ms, before any comes again.
	if c := claim(t, p.Proof, "flow n/f stage 1: work at v", RuleBusy); c.Bound.Cmp(placement.Int(43e6)) != 0 {
		t.Errorf("busy period %v, by hand 43 ms", c.Bound)
	}
	if err := Check(p); err != nil {
		t.Error(err)
	}
}

// TestMonotone: more work, a larger message, a tighter interval, more jitter or
// burst never make a bound less, nor does a smaller budget.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := diamond()
		f := &p.Problem.Networks[0].Flows[0]
		f.Deadline = 0
		f.Every = vsn.Duration(rapid.Int64Range(60, 1000).Draw(t, "every ms")) * ms
		f.Jitter = vsn.Duration(rapid.Int64Range(0, 500).Draw(t, "jitter ms")) * ms
		f.Burst = rapid.Int64Range(1, 4).Draw(t, "burst")
		bound := func() placement.Rat {
			proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range proof.Claims {
				if c.Rule == RuleEndToEnd {
					return c.Bound
				}
			}
			t.Fatal("no claim for the flow")
			return placement.Rat{}
		}
		before := bound()
		more := rapid.SampledFrom([]string{"work", "message", "every", "jitter", "burst", "budget"}).Draw(t, "more")
		switch more {
		case "work":
			f.Work["c"] += vsn.Duration(rapid.Int64Range(1, 5e6).Draw(t, "ns"))
		case "message":
			f.Message += vsn.Size(rapid.Int64Range(1, 4000).Draw(t, "bytes"))
		case "every":
			f.Every -= vsn.Duration(rapid.Int64Range(1, 20).Draw(t, "less ms")) * ms
		case "jitter":
			f.Jitter += vsn.Duration(rapid.Int64Range(1, 1e9).Draw(t, "ns"))
		case "burst":
			f.Burst++
		case "budget":
			p.Problem.Networks[0].VMs[2].Reservation.Runtime -= ms
			p.Realization.Reservations[2].RuntimeNs -= 1e6
		}
		if after := bound(); after.Cmp(before) < 0 {
			t.Fatalf("more %s: %v before, %v after", more, before, after)
		}
	})
}

// TestEveryNumberOfTiming is TestEveryNumber for forks, bursts and tasks.
func TestEveryNumberOfTiming(t *testing.T) {
	p := diamond()
	p.Problem.Networks[0].Flows[0].Burst, p.Problem.Networks[0].Flows[0].Jitter = 2, 5*ms
	everyNumber(t, proved(t, p))
	everyNumber(t, proved(t, tasks(vsn.GuestFixed, 3500000)))
}

// TestAskedForAddsUp: what each flow and task asks for is written out, and adds up to
// what the bound counts.
func TestAskedForAddsUp(t *testing.T) {
	last := regexp.MustCompile(`([0-9.]+) (ms|B)$`)
	seen := map[string]int{}
	for seed := range uint64(60) {
		p := drawPlan(drawnFrom(seed))
		proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range proof.Claims {
			lines := asking(c)
			if len(lines) == 0 || c.Bound.IsInf() {
				continue
			}
			if seen[c.Rule]++; c.Rule == RuleGuestEDF {
				for _, line := range lines {
					name, _, _ := strings.Cut(line, ",")
					demand, _ := whole(c, "demand up to the deadline of "+name)
					supply, _ := whole(c, "supply up to the deadline of "+name)
					if !strings.Contains(line, " = "+ns(demand)+" asked for;") || !strings.HasSuffix(line, " = "+ns(supply)) {
						t.Errorf("%s: %s, not %s of %s", c.Subject, line, ns(demand), ns(supply))
					}
				}
				continue
			}
			sum, off := 0.0, 1e-9
			for _, line := range lines {
				v, err := strconv.ParseFloat(last.FindStringSubmatch(line)[1], 64)
				if err != nil {
					t.Fatal(line, err)
				}
				sum += v
			}
			want := c.Bound
			for _, name := range []string{termAsked, termBusy, termBurst} {
				if v, ok := whole(c, name); ok {
					want = placement.Int(v)
				}
			}
			all := want.Float()
			if c.Rule == RuleShaper || c.Rule == RuleBacklog {
				off = 1 // whole bytes, rounded up
			} else {
				all /= 1e6
			}
			if diff := all - sum; diff > off+1e-6 || diff < -off-1e-6 {
				t.Errorf("%s: %s: %v, not %v:\n%s", c.Subject, c.Rule, sum, all, strings.Join(lines, "\n"))
			}
		}
	}
	for _, rule := range []string{RuleGuestEDF, RuleRequest, RuleDevice, RuleBusy, RuleShaper, RuleBacklog} {
		if seen[rule] == 0 {
			t.Errorf("no claim by %s was looked at", rule)
		}
	}
}
