package hosts

import (
	"os"
	"testing"
)

// TestReference: the page that is checked in is the one that the types give.
func TestReference(t *testing.T) {
	page, err := os.ReadFile("../docs/schema/reference.md")
	if err != nil || string(page) != Reference() {
		t.Errorf("docs/schema/reference.md is out of date (%v): make schema", err)
	}
}
