package proof

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestEveryRuleHasItsTheorem: explain has a sentence with a source, or a plain one where
// the rule is a sum, for every rule that a claim may be by.
func TestEveryRuleHasItsTheorem(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\tRule\w+ *= "([a-z0-9-]+)"`).FindAllStringSubmatch(string(source), -1) {
			found++
			// What a plan is, and the least of others that have a theorem, are no claims of one.
			if !slices.Contains([]string{RuleStructure, RuleDigest, RuleRests, RuleEndToEnd}, m[1]) && theorems[m[1]] == "" {
				t.Errorf("rule %q of %s has no theorem", m[1], file)
			}
		}
	}
	if found < 20 {
		t.Fatalf("only %d rules found", found)
	}
}
