package bounds

import (
	"fmt"
	"math/big"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// BenchmarkTightness reports the bound of each analysis over the longest delay that
// plays find, of the flows of 200 drawn nets: median and most. Each net is played 40
// times for each order; where the order is any, another flow is served last each time.
func BenchmarkTightness(b *testing.B) {
	for b.Loop() {
		ratios := map[string][]float64{}
		for seed := range 200 {
			n := rapid.Custom(func(t *rapid.T) Net { return drawNet(t, 5, 5) }).Example(seed)
			for _, m := range []Mux{FIFO, Any} {
				worst := longest(n, m, 40, rand.New(rand.NewSource(int64(seed))))
				for _, a := range []Analysis{TFA, SFA, PMOO, Best, Proven} {
					results, err := n.Delays(a, m)
					if err != nil {
						b.Fatal(err)
					}
					for f, r := range results {
						if r.Delay == nil || worst[f] == 0 {
							continue
						}
						ratio, _ := new(big.Rat).Quo(r.Delay, ratInt(worst[f])).Float64()
						key := fmt.Sprintf("%s-%s", a, m)
						ratios[key] = append(ratios[key], ratio)
					}
				}
			}
		}
		for key, list := range ratios {
			slices.Sort(list)
			b.ReportMetric(float64(len(list)), key+"-flows")
			b.ReportMetric(list[len(list)/2], key+"-median")
			b.ReportMetric(list[len(list)*9/10], key+"-9of10")
			b.ReportMetric(list[len(list)-1], key+"-most")
		}
	}
}

// longest is the longest delay seen of each flow.
func longest(n Net, m Mux, plays int, random *rand.Rand) []int64 {
	worst := make([]int64, len(n.Flows))
	for k := range plays {
		w := newNetwork(n, m)
		w.victim = k % len(n.Flows)
		w.play(160, random)
		for f := range worst {
			worst[f] = max(worst[f], w.worst[f])
		}
	}
	return worst
}
