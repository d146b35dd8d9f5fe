package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof/simulation"
)

// claimed are the bounds of a proof by the subjects that a play uses.
type claimed struct {
	stages, ends, sums, tandems, links, ports, waits, tasks map[string]placement.Rat
	inTime                                                  map[string]bool
}

func claimedBy(p placement.Proof) claimed {
	c := claimed{map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]placement.Rat{}, map[string]bool{}}
	for _, claim := range p.Claims {
		into := map[string]map[string]placement.Rat{RuleEndToEnd: c.ends, RuleStages: c.sums, RuleTandem: c.tandems, RuleLink: c.links, RuleBacklog: c.ports, RuleWaiting: c.waits, RuleGuestFixed: c.tasks,
			RuleRequest: c.stages, RuleBusy: c.stages, RuleDevice: c.stages, RuleShaper: c.stages}[claim.Rule]
		subject := claim.Subject
		if flow, stage, ok := strings.Cut(subject, " stage "); ok {
			_, stage, _ = strings.Cut(stage, ": ")
			subject = flow + ": " + stage
		}
		if into != nil {
			into[subject] = claim.Bound
		}
		if claim.Rule == RuleGuestEDF {
			c.inTime[subject] = claim.Holds()
		}
	}
	return c
}

// over names what a play saw beyond a bound; "" for nothing.
func (c claimed) over(seen simulation.Result) string {
	for what, list := range map[string]struct {
		seen   map[string]int64
		claims map[string]placement.Rat
	}{"stage": {seen.Stages, c.stages}, "end to end": {seen.Flows, c.ends}, "sum of stages": {seen.Flows, c.sums}, "tandem": {seen.Flows, c.tandems},
		"link": {seen.Links, c.links}, "backlog": {seen.Ports, c.ports}, "waiting": {seen.Waits, c.waits}, "fixed priority": {seen.Tasks, c.tasks}} {
		for subject, value := range list.seen {
			bound, is := list.claims[subject]
			if !is && (what == "stage" || what == "end to end" || what == "link" || what == "waiting") {
				return fmt.Sprintf("%s of %s: seen, and nothing is claimed", what, subject)
			}
			if is && placement.Int(value).Cmp(bound) > 0 {
				return fmt.Sprintf("%s of %s: seen %d, bound %v", what, subject, value, bound)
			}
		}
	}
	for subject := range seen.Tasks {
		vcpu := subject[:strings.LastIndex(subject, " ")]
		if _, is := c.tasks[subject]; !is && !slices.Contains(slices.Collect(maps.Keys(c.inTime)), vcpu) {
			return subject + ": seen, and nothing is claimed"
		}
	}
	for subject, late := range seen.Late {
		if late > 0 && c.inTime[subject] {
			return fmt.Sprintf("%s: %d ns late", subject, late)
		}
	}
	return ""
}

// TestNeverExceeded plays drawn plans, with supplies, sources and orders as bad as
// the models allow, and finds no message, frame or task beyond what is claimed.
func TestNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(func(what string, n int64) int64 { return rapid.Int64Range(0, n-1).Draw(t, what) })
		proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
		if err != nil {
			t.Fatal(err)
		}
		c := claimedBy(proof)
		seed := rapid.Uint64().Draw(t, "seed")
		for k := range uint64(6) {
			o := simulation.Options{Seed: seed + k, Horizon: 1e9, Supply: simulation.Supply(k % 3), Aligned: k != 1}
			seen := simulation.Play(&p.Problem, &p.Embedding, &p.Realization, o)
			if over := c.over(seen); over != "" {
				t.Fatalf("play %+v: %s", o, over)
			}
		}
	})
}
