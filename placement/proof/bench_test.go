package proof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/placementtest"
	"github.com/vsnctl/vsnctl/placement/proof/simulation"
	"github.com/vsnctl/vsnctl/vsn"
)

// drawnFrom is chance by a seed. Budgets are enforced exactly: what a grain adds is
// fitted to measurements, and how near it is says nothing.
func drawnFrom(seed uint64) chance {
	r := rand.New(rand.NewPCG(seed, 11))
	return func(what string, n int64) int64 {
		if what == "grain" {
			return 0
		}
		return r.Int64N(n)
	}
}

// nearness is bound over worst seen for each flow of drawn plans, by rule: both
// Tindell and Clark's sum and the tandem, only where both are finite, and the lesser.
func nearness(t testing.TB, plans, plays uint64) map[string][]float64 {
	out := map[string][]float64{}
	for seed := range plans {
		p := drawPlan(drawnFrom(seed))
		proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
		if err != nil {
			t.Fatal(err)
		}
		c := claimedBy(proof)
		worst := map[string]int64{}
		for k := range plays {
			seen := simulation.Play(&p.Problem, &p.Embedding, &p.Realization, simulation.Options{Seed: seed<<20 + k, Horizon: 1e9, Supply: []simulation.Supply{simulation.Spiteful, simulation.Spiteful, simulation.Anywhere, simulation.Scheduled}[k%4], Aligned: k%5 > 0})
			for subject, value := range seen.Flows {
				worst[subject] = max(worst[subject], value)
			}
		}
		for subject, value := range worst {
			add := func(analysis string, bound placement.Rat) {
				ratio, _ := bound.Big().Float64()
				out[analysis] = append(out[analysis], ratio/float64(value))
			}
			if c.ends[subject].IsInf() {
				continue
			}
			add("end-to-end", c.ends[subject])
			if tandem, is := c.tandems[subject]; is && !c.sums[subject].IsInf() {
				add("sum", c.sums[subject])
				add("tandem", tandem)
				add("lesser", c.ends[subject])
			}
		}
	}
	return out
}

// TestPlaysComeNear: what never comes near a bound could not find it wrong.
func TestPlaysComeNear(t *testing.T) {
	all := nearness(t, 30, 12)
	for _, analysis := range []string{"sum", "tandem", "end-to-end"} {
		list := all[analysis]
		slices.Sort(list)
		if len(list) < 10 || list[0] > 1.05 || list[len(list)/2] > 2 {
			t.Errorf("%s: bound over worst seen %.2f", analysis, list)
		}
	}
}

// BenchmarkTightness reports the bound of each analysis over the worst that plays find,
// of the flows of 200 drawn plans: median and most.
func BenchmarkTightness(b *testing.B) {
	for b.Loop() {
		all := nearness(b, 200, 60)
		for analysis, list := range all {
			slices.Sort(list)
			b.ReportMetric(float64(len(list)), analysis+"-flows")
			b.ReportMetric(list[len(list)/2], analysis+"-median")
			b.ReportMetric(list[len(list)*9/10], analysis+"-9of10")
			b.ReportMetric(list[len(list)-1], analysis+"-most")
		}
	}
}

// sizes are hosts, and as many networks, of benchmarks of large plans.
var sizes = []int{100, 1000, 10_000}

func prefix(p *placement.Plan, networks int) *placement.Plan {
	out := &placement.Plan{Version: p.Version, Problem: p.Problem}
	out.Problem.Networks = p.Problem.Networks[:networks]
	next := p.Problem.Networks[networks].Name
	out.Embedding.Seats = p.Embedding.Seats[:slices.IndexFunc(p.Embedding.Seats, func(s placement.Seat) bool { return s.Network == next })]
	out.Embedding.Routes = p.Embedding.Routes[:slices.IndexFunc(p.Embedding.Routes, func(s placement.Route) bool { return s.Network == next })]
	out.Realization.Reservations = p.Realization.Reservations[:slices.IndexFunc(p.Realization.Reservations, func(s placement.Reservation) bool { return s.Network == next })]
	out.Realization.Queues = p.Realization.Queues[:slices.IndexFunc(p.Realization.Queues, func(s placement.Queue) bool { return s.Network == next })]
	return out
}

// BenchmarkProve proves made-up plans of so many hosts and networks.
func BenchmarkProve(b *testing.B) {
	for _, n := range sizes {
		p := placementtest.Plan(n, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Prove(&p.Problem, &p.Embedding, &p.Realization); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCheck checks such plans.
func BenchmarkCheck(b *testing.B) {
	for _, n := range sizes {
		p := placementtest.Plan(n, n)
		var err error
		if p.Proof, err = Prove(&p.Problem, &p.Embedding, &p.Realization); err != nil || p.Seal() != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := Check(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOneMore derives the proof again with one network more.
func BenchmarkOneMore(b *testing.B) {
	for _, n := range sizes {
		more := placementtest.Plan(n, n+1)
		less := prefix(more, n)
		d, err := Derive(&less.Problem, &less.Embedding, &less.Realization)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				next, err := d.Again(&more.Problem, &more.Embedding, &more.Realization)
				if err != nil || len(next.Failing()) > 0 {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHostLost derives the proof again with the networks of one host elsewhere, and
// the host gone.
func BenchmarkHostLost(b *testing.B) {
	for _, n := range sizes {
		before := placementtest.Plan(n, n)
		name := before.Problem.Inventory.Hosts[n/4].Name
		on := map[string]bool{}
		for _, s := range before.Embedding.Seats {
			if s.Host == name {
				on[s.Network] = true
			}
		}
		var stay, leave []vsn.Network
		var homes, away []int
		for i, network := range before.Problem.Networks {
			if on[network.Name] {
				leave, away = append(leave, network), append(away, i)
			} else {
				stay, homes = append(stay, network), append(homes, i)
			}
		}
		before.Problem.Networks = append(stay, leave...)
		after := &placement.Plan{Problem: before.Problem}
		placementtest.Place(before, append(homes[:len(homes):len(homes)], away...))
		for i := range away {
			away[i] += n/8 + 1 + i
		}
		placementtest.Place(after, append(homes[:len(homes):len(homes)], away...))
		smaller(after, n/4)
		d, err := Derive(&before.Problem, &before.Embedding, &before.Realization)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				next, err := d.Again(&after.Problem, &after.Embedding, &after.Realization)
				if err != nil || len(next.Failing()) > 0 || len(next.problem.Inventory.Hosts) == n {
					b.Fatal(err)
				}
			}
		})
	}
}
