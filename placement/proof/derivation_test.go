package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/placementtest"
)

// alike fails where two proofs differ.
func alike(t *testing.T, got, want placement.Proof) {
	t.Helper()
	if err := compareClaims(got.Claims, want.Claims); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Rests, got.Rests); diff != "" {
		t.Fatal(diff)
	}
}

// TestAgainIsProve: one more network, and then one less, as if proved from nothing.
func TestAgainIsProve(t *testing.T) {
	more, less := placementtest.Plan(100, 30), placementtest.Plan(100, 29)
	d, err := Derive(&less.Problem, &less.Embedding, &less.Realization)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []*placement.Plan{more, less} {
		if d, err = d.Again(&next.Problem, &next.Embedding, &next.Realization); err != nil {
			t.Fatal(err)
		}
		want, err := Prove(&next.Problem, &next.Embedding, &next.Realization)
		if err != nil {
			t.Fatal(err)
		}
		alike(t, d.Proof(), want)
		if failing := d.Failing(); len(failing) > 0 {
			t.Fatal(failing[0])
		}
	}
}
