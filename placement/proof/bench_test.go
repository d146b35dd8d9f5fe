package proof

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof/simulation"
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
