package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/placementtest"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// TestSummary: a plan of thousands of VMs is summed up, with what is nearest to its limit
// first.
func TestSummary(t *testing.T) {
	p := placementtest.Plan(300, 300)
	var err error
	if p.Proof, err = proof.Prove(&p.Problem, &p.Embedding, &p.Realization); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	planTables(&out, p)
	if lines := strings.Count(out.String(), "\n"); lines > 50 || !strings.Contains(out.String(), "300 networks: 3000 VMs on 300 of 300 hosts") {
		t.Errorf("%d lines:\n%.1000s", lines, out.String())
	}
	worst := 0.0
	for i := range p.Proof.Claims {
		if c := &p.Proof.Claims[i]; c.Rule == proof.RuleEndToEnd {
			worst = max(worst, c.Bound.Float()/c.Limit.Float())
		}
	}
	near := nearest(p, []string{proof.RuleEndToEnd})
	if len(near) != foremost || near[0].Bound.Float()/near[0].Limit.Float() != worst {
		t.Errorf("nearest to their limits: %v", near)
	}
	for i := 1; i < len(near); i++ {
		if near[i].Bound.Float()/near[i].Limit.Float() > near[i-1].Bound.Float()/near[i-1].Limit.Float() {
			t.Errorf("%v comes after %v", near[i], near[i-1])
		}
	}
	if got := nearest(&placement.Plan{}, []string{proof.RuleEDF}); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
