package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// TestFitIsOfTheCurve: the grain that a pause shows is the least whose curve, as the
// proof reckons with it, has so long a blackout.
func TestFitIsOfTheCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.Int64Range(1, 1000).Draw(t, "q")
		p := rapid.Int64Range(q+1, 4000).Draw(t, "p")
		gap := rapid.Int64Range((p-q)/4+1, 20*p).Draw(t, "gap")
		s := trialOf(t, q, p, gap)
		blackout := func(grain int64) int64 { return bounds.Supply{Runtime: q, Period: p, Grain: grain}.Blackout() }
		if blackout(s.FitNs) < gap || s.FitNs > 0 && blackout(s.FitNs-1) >= gap {
			t.Fatalf("%d/%d, pause %d: grain %d has a blackout of %d, one less %d", q, p, gap, s.FitNs, blackout(s.FitNs), blackout(s.FitNs-1))
		}
	})
}

// trialOf runs by its budget, but for one pause.
func trialOf(t *rapid.T, q, p, gap int64) hosts.Showing {
	trial := hosts.Trial{RuntimeNs: q, PeriodNs: p}
	at := int64(0)
	for i := range int64(100) {
		trial.Runs = append(trial.Runs, hosts.Run{FromNs: at, ToNs: at + q})
		at += p
		if i == 50 {
			at += gap - (p - q)
		}
	}
	s, err := trial.Show()
	if err != nil {
		t.Fatal(err)
	}
	if want := max(gap, p-q); s.GapNs != want {
		t.Fatalf("the longest pause is %d, %d was given", s.GapNs, want)
	}
	return s
}
