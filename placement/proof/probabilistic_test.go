package proof

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// benches is three networks of two VMs, each of which takes 2/5 of one of two CPUs of
// 9/10 (or of both together, if partition is not set).
func benches(partition bool) *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion, Seed: 1}
	p.Problem.Inventory.Hosts = []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Memory: 1 << 30, Partition: partition}}
	for i := range 3 {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i), Confidence: vsn.One * 9 / 10, Active: vsn.One * 3 / 10}
		for v := range 2 {
			name := fmt.Sprintf("v%d", v)
			n.VMs = append(n.VMs, vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: 20 * ms, Period: 50 * ms}})
			p.Embedding.Seats = append(p.Embedding.Seats, placement.Seat{Network: n.Name, VM: name, Host: "h"})
			cpu := hosts.AnyCPU
			if partition {
				cpu = v
			}
			p.Realization.Reservations = append(p.Realization.Reservations, placement.Reservation{Network: n.Name, VM: name, Host: "h", CPU: cpu, RuntimeNs: 20e6, PeriodNs: 50e6})
		}
		n.Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"v0"}}, Message: 1, Every: 100 * ms, Work: map[string]vsn.Duration{"v0": ms}, Deadline: 100 * ms}}
		p.Problem.Networks = append(p.Problem.Networks, n)
	}
	return p
}

// TestProbabilisticByHand compares with sums made on paper.
func TestProbabilisticByHand(t *testing.T) {
	for _, c := range []struct {
		what      string
		partition bool
		change    func(p *placement.Plan)
		risk      placement.Rat
		holds     bool
	}{
		{"both others active, on both cpus at once", true, func(*placement.Plan) {}, placement.Frac(9, 100), true},
		{"as sure as that", true, func(p *placement.Plan) { p.Problem.Networks[0].Confidence = vsn.One * 91 / 100 }, placement.Frac(9, 100), true},
		{"surer than that", true, func(p *placement.Plan) { p.Problem.Networks[0].Confidence = vsn.One*91/100 + 1 }, placement.Frac(9, 100), false},
		{"one of them always", true, func(p *placement.Plan) { p.Problem.Networks[2].Active = vsn.One }, placement.Frac(3, 10), false},
		// n0 and n1 alone on cpu 0, n2 with all of n1 on cpu 1: 1 - (1 - 3/10) on each, not together.
		{"one vm elsewhere", true, func(p *placement.Plan) {
			for i := range p.Problem.Networks {
				p.Problem.Networks[i].Confidence = vsn.One / 2
				p.Problem.Networks[i].VMs[0].Reservation.Runtime, p.Realization.Reservations[2*i].RuntimeNs = 30*ms, 30e6
			}
			p.Realization.Reservations[4].CPU = 1 // n2: 3/5 + 2/5 = 1 > 9/10, never
		}, placement.Frac(51, 100), false},
		// 2/5 + 2/5 each, and (2-1) 2/5: two are 2 > 9/5.
		{"one root domain", false, func(p *placement.Plan) {}, placement.Frac(51, 100), false},
		{"one root domain, half as sure", false, func(p *placement.Plan) {
			for i := range p.Problem.Networks {
				p.Problem.Networks[i].Confidence = vsn.One * 49 / 100
			}
		}, placement.Frac(51, 100), true},
	} {
		p := benches(c.partition)
		c.change(p)
		proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
		if err != nil {
			t.Fatal(err)
		}
		got := claim(t, proof, "network n0", RuleOdds)
		if holds := len(Failing(proof)) == 0; got.Bound.Cmp(c.risk) != 0 || holds != c.holds {
			t.Errorf("%s: risk %v, holds %v; by hand %v, %v", c.what, got.Bound, holds, c.risk, c.holds)
		}
	}
}

// Nobody's confidence makes room on the CPU of a network that has none.
func TestHardBesideProbabilistic(t *testing.T) {
	p := benches(true)
	p.Problem.Networks[0].Confidence, p.Problem.Networks[0].Active = 0, 0
	proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	if c := claim(t, proof, "host h cpu 0", RuleEDF); c.Holds() || c.Bound.Cmp(placement.Frac(6, 5)) != 0 {
		t.Errorf("cpu 0: %v of %v", c.Bound, c.Limit)
	}
}

func TestEveryNumberOfProbabilities(t *testing.T) {
	p := benches(true)
	p.Problem.Networks[1].Flows, p.Problem.Networks[2].Flows = nil, nil
	if numbers := everyNumber(t, proved(t, p)); numbers < 150 {
		t.Fatalf("only %d numbers found", numbers)
	}
}

func TestExplainSaysHowSure(t *testing.T) {
	var out bytes.Buffer
	if err := Explain(&out, proved(t, benches(true)), "n1/f"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"n0 active                                3/10", "9/100", "at least 0.91 while the network is active (as asked)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}

// A CPU that is overbooked is no network, and what it is asked for is no probability.
func TestExplainOverbooked(t *testing.T) {
	for _, name := range []string{"h", "n1/v0", "n1"} {
		var out bytes.Buffer
		if err := Explain(&out, proved(t, benches(true)), name); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if !strings.Contains(text, "host h cpu 0, by probabilistic:\n") || !strings.Contains(text, "6/5 cpu  in all") || strings.Contains(text, "network h has") || strings.Contains(text, "at least -") {
			t.Errorf("%s is explained as\n%s", name, text)
		}
		if sure := strings.Contains(text, "at least 0.91 while the network is active"); sure != (name != "h") {
			t.Errorf("%s: says how sure: %v", name, sure)
		}
	}
}

// A risk of many digits is rounded up, so that the plan can be written and read again.
func TestLongRisksAreRounded(t *testing.T) {
	p := placement.FromBig(risk(placement.Frac(1, 3).Big()).Big())
	if p.Cmp(placement.Frac(2, 3)) != 0 {
		t.Errorf("a short one is %v", p)
	}
	long := placement.Frac(1, 3).Big()
	for range 20 {
		long.Mul(long, placement.Frac(123456789, 1000000007).Big())
	}
	got := risk(long)
	if got.Cmp(placement.FromBig(long.Sub(placement.Int(1).Big(), long))) < 0 || len(got.String()) > longest {
		t.Errorf("%v is less than the truth, or longer than %d", got, longest)
	}
}
