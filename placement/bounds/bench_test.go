package bounds

import (
	"fmt"
	"math/big"
	"testing"
)

func BenchmarkTime(b *testing.B) {
	s := Supply{Runtime: 2e6, Period: 10e6, Grain: 4e6}
	for b.Loop() {
		s.Time(7e6)
	}
}

func BenchmarkRequestDelay(b *testing.B) {
	s := Supply{Runtime: 4e6, Period: 10e6}
	flows := []Arrival{{Period: 20e6, Cost: 2e6, Jitter: 7e6}, {Period: 50e6, Cost: 5e6, Burst: 3}, {Period: 33e6, Cost: 3e6}}
	for b.Loop() {
		RequestDelay(s, flows)
	}
}

func BenchmarkEDF(b *testing.B) {
	tasks := []Task{{2e6, 20e6, 0}, {5e6, 50e6, 30e6}, {3e6, 33e6, 0}}
	s := Supply{Runtime: 5e6, Period: 10e6}
	for b.Loop() {
		EDF(tasks, s)
	}
}

func BenchmarkLeastRuntimeEDF(b *testing.B) {
	tasks := []Task{{2e6, 20e6, 0}, {5e6, 50e6, 30e6}, {3e6, 33e6, 0}}
	for b.Loop() {
		if _, err := LeastRuntimeEDF(tasks, 10e6); err != nil {
			b.Fatal(err)
		}
	}
}

// A line of servers with flows over stretches of three, each crossing the next.
func BenchmarkNet(b *testing.B) {
	var n Net
	for s := range 60 {
		n.Servers = append(n.Servers, Server{fmt.Sprintf("s%d", s), RateLatency{big.NewRat(20, 1), big.NewRat(1, 3)}})
	}
	for f := range 58 {
		n.Flows = append(n.Flows, Flow{fmt.Sprintf("f%d", f), Bucket{big.NewRat(5, 1), big.NewRat(1, 1)}, []string{
			n.Servers[f].Name, n.Servers[f+1].Name, n.Servers[f+2].Name}})
	}
	for b.Loop() {
		if _, err := n.Delays(Best, FIFO); err != nil {
			b.Fatal(err)
		}
	}
}
