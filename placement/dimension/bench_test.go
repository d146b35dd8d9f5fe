package dimension

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkSplit dimensions networks of 10, 30 and 100 VMs with 5 VMs to a flow, each
// flow sharing a VM with the next; grain 0 and that of a tick. Metrics: cost in
// processors, distance from the lower bound in percent.
func BenchmarkSplit(b *testing.B) {
	for _, grain := range []int{0, 4} {
		for _, vms := range []int{10, 30, 100} {
			b.Run(fmt.Sprintf("grain=%dms/vms=%d", grain, vms), func(b *testing.B) {
				var cost, least float64
				n := 0
				for b.Loop() {
					p := chains(rand.New(rand.NewPCG(uint64(n), 7)), vms, vms/5, ms*vsnDuration(grain))
					c, err := Choose(p, Options{Seed: 1})
					if err != nil {
						b.Fatal(err)
					}
					n++
					cost, least = cost+c.Cost, least+c.Least
				}
				b.ReportMetric(cost/float64(n), "cpus/op")
				b.ReportMetric(100*(cost/least-1), "%over-bound")
			})
		}
	}
}

// BenchmarkNaive compares with the equal and the proportional split of the deadline.
func BenchmarkNaive(b *testing.B) {
	for _, vms := range []int{3, 10} {
		b.Run(fmt.Sprintf("vms<=%d", vms), func(b *testing.B) {
			for b.Loop() {
				f := naive(b, 60, vms)
				b.ReportMetric(f["equal split"].mean(), "x-equal")
				b.ReportMetric(f["equal split"].most(), "x-equal-most")
				b.ReportMetric(f["proportional split"].mean(), "x-proportional")
				b.ReportMetric(f["proportional split"].most(), "x-proportional-most")
				b.ReportMetric(float64(f["proportional split"].never), "proportional-failed")
			}
		})
	}
}

// BenchmarkBruteForce compares with the best of all choices on a coarse grid.
func BenchmarkBruteForce(b *testing.B) {
	for b.Loop() {
		f := brute(b, 60)
		b.ReportMetric(f.mean(), "x-optimum")
		b.ReportMetric(f.most(), "x-optimum-most")
		b.ReportMetric(float64(len(f.all)), "problems")
	}
}
