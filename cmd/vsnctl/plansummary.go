package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// mostRows is how many VMs a plan may have for its tables to be read by people: those of
// ten thousand networks are a million lines.
const mostRows = 2000

// foremost is how many lines of each kind a summary shows.
const foremost = 5

// tooLong reports whether a plan is one for a summary.
func tooLong(p *placement.Plan) bool { return len(p.Embedding.Seats) > mostRows }

// planSummary prints a large plan for people: how much there is, and what is nearest to
// its limit.
func planSummary(out io.Writer, p *placement.Plan) {
	on, flows, over := map[string]bool{}, 0, 0
	for _, s := range p.Embedding.Seats {
		on[s.Host] = true
	}
	for i := range p.Embedding.Routes {
		if len(p.Embedding.Routes[i].Cables) > 0 {
			over++
		}
	}
	for i := range p.Problem.Networks {
		flows += len(p.Problem.Networks[i].Flows)
	}
	fmt.Fprintf(out, "%d networks: %d VMs on %d of %d hosts, %d links, %d of them over cables, %d flows.\n", len(p.Problem.Networks), len(p.Embedding.Seats), len(on), len(p.Problem.Inventory.Hosts), len(p.Embedding.Routes), over, flows)
	fmt.Fprintf(out, "Every one of %d claims holds. Of each kind those nearest to their limits:\n\n", len(p.Proof.Claims))
	w := newTable("", "what", "bound", "limit", "part", "by")
	for _, kind := range [][]string{{proof.RuleEndToEnd}, {proof.RuleLink}, {proof.RuleEDF, proof.RuleGFB}, {proof.RuleMemory}, {proof.RuleResource}, {proof.RuleCable}} {
		for _, c := range nearest(p, kind) {
			bound, limit := c.Bound.String()+" "+c.Unit, c.Limit.String()+" "+c.Unit
			if c.Unit == "ns" {
				bound, limit = milliseconds(c.Bound), milliseconds(c.Limit)
			}
			w.AppendRow([]any{c.Subject, bound, limit, percent(c.Bound.Float(), c.Limit.Float()), c.Rule})
		}
	}
	render(out, w)
	objectiveLine(out, p)
	if p.Interrupted {
		fmt.Fprintln(out, "Interrupted: every bound holds; with more time the plan might have cost less.")
	}
	fmt.Fprintf(out, "The bounds rest on %d assumptions. All of it is in the plan: write it with -o, or print it with --format json.\n", len(p.Proof.Rests))
}

// nearest are the claims by some rules that take the largest part of their limits, the
// largest first.
func nearest(p *placement.Plan, rules []string) (out []*placement.Claim) {
	part := func(c *placement.Claim) float64 { return c.Bound.Float() / c.Limit.Float() }
	for i := range p.Proof.Claims {
		c := &p.Proof.Claims[i]
		if c.Limit.IsInf() || c.Limit.Float() <= 0 || !slices.Contains(rules, c.Rule) {
			continue
		}
		if len(out) == foremost && part(c) <= part(out[foremost-1]) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, c, func(a, b *placement.Claim) int {
			if part(a) < part(b) {
				return 1
			}
			return -1 // after those that are equal
		})
		out = slices.Insert(out, at, c)[:min(len(out)+1, foremost)]
	}
	return out
}
