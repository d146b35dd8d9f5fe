package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vsnctl/vsnctl/placement/study"
)

// readEffort is the meaning of --effort.
func readEffort(text string) (study.Effort, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return study.NewBank(n), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf("effort %q: want a time such as 10ms, or a number of nodes above 0", text)
	}
	return &timeBank{mean: d, speed: firstSpeed}, nil
}

// timeBank is an effort in time: nodes by the speed that was seen so far.
type timeBank struct {
	mean, balance time.Duration
	speed         float64 // nodes a nanosecond
	since         time.Time
}

const (
	firstSpeed = 1e-3 // a slow machine's, until it is known
	memory     = 0.05 // of the last decision in the speed
)

func (b *timeBank) Allow() (mean, most int64) {
	b.balance += b.mean
	b.since = time.Now()
	return int64(b.speed * float64(b.mean)), int64(b.speed * float64(b.balance))
}

func (b *timeBank) Spend(nodes int64) {
	took := time.Since(b.since)
	b.balance -= took
	if nodes > 0 && took > 0 {
		// Longer decisions say more.
		weight := memory * min(1, float64(took)/float64(b.mean))
		b.speed = 1 / (1/b.speed*(1-weight) + weight*float64(took)/float64(nodes))
	}
}

// stopwatch is an effort that remembers how long decisions took.
type stopwatch struct {
	study.Effort
	since time.Time
	took  []time.Duration
	nodes int64
}

func (s *stopwatch) Allow() (mean, most int64) {
	mean, most = s.Effort.Allow()
	s.since = time.Now()
	return mean, most
}

func (s *stopwatch) Spend(nodes int64) {
	s.took = append(s.took, time.Since(s.since))
	s.nodes += nodes
	s.Effort.Spend(nodes)
}

// decisionTimes are those of all decisions, in milliseconds.
type decisionTimes struct {
	Mean  float64 `json:"meanMs"`
	Half  float64 `json:"medianMs"`
	P99   float64 `json:"p99Ms"`
	Most  float64 `json:"mostMs"`
	Nodes int64   `json:"nodes"` // explored by the mean decision
}

func (s *stopwatch) summary() decisionTimes {
	if len(s.took) == 0 {
		return decisionTimes{}
	}
	took := slices.Sorted(slices.Values(s.took))
	sum := time.Duration(0)
	for _, d := range took {
		sum += d
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	n := len(took)
	return decisionTimes{ms(sum / time.Duration(n)), ms(took[n/2]), ms(took[n*99/100]), ms(took[n-1]), s.nodes / int64(n)}
}
