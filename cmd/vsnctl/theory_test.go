package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/placement/proof"
)

// ruleNames are the values of the constants Rule... of placement/proof.
func ruleNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "placement", "proof", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Rule") || len(spec.Values) != 1 {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, name)
			}
			return true
		})
	}
	return out
}

// TestEveryRuleHasItsHeading: the rules of the proof and the headings of docs/theory.md
// that are names are the same, and every claim of the examples is by one of them.
func TestEveryRuleHasItsHeading(t *testing.T) {
	names := ruleNames(t)
	if len(names) < 20 {
		t.Fatalf("only %d rules found: the test does not see them", len(names))
	}
	for _, name := range names {
		if !slices.Contains(headings(), name) {
			t.Errorf("rule %q has no heading in docs/theory.md", name)
		}
	}
	for _, heading := range headings() {
		if !slices.Contains(names, heading) {
			t.Errorf("docs/theory.md has a heading for %q, which is no rule", heading)
		}
	}
	for example, plan := range examplePlans(t) {
		for _, c := range plan.Proof.Claims {
			if !slices.Contains(names, c.Rule) {
				t.Errorf("%s: %s is by %q, which is no rule", example, c.Subject, c.Rule)
			}
		}
	}
}

// TestEveryClaimIsExplained: what can be named is explained, each rule with its theorem,
// and no claim of the examples but those of cost is left out.
func TestEveryClaimIsExplained(t *testing.T) {
	for example, plan := range examplePlans(t) {
		names := []string{}
		for _, h := range plan.Problem.Inventory.Hosts {
			if carries(plan, h.Name) {
				names = append(names, h.Name)
			}
		}
		for _, n := range plan.Problem.Networks {
			for _, vm := range n.VMs {
				names = append(names, n.Name+"/"+vm.Name)
			}
			for _, l := range n.Links {
				names = append(names, n.Name+"/"+l.Name)
			}
			for _, f := range n.Flows {
				names = append(names, n.Name+"/"+f.Name)
			}
			if len(n.Place) > 0 {
				names = append(names, n.Name)
			}
		}
		explained := map[string]bool{}
		for _, name := range names {
			var text bytes.Buffer
			if err := proof.Explain(&text, plan, name); err != nil {
				t.Errorf("%s: %v", example, err)
			}
			for _, rule := range byRule.FindAllStringSubmatch(text.String(), -1) {
				explained[rule[1]] = true
				if rule[1] == proof.RuleEndToEnd {
					continue // it is the least of those that have one
				}
				if !regexp.MustCompile(`by ` + rule[1] + `:\n    \| `).MatchString(text.String()) {
					t.Errorf("%s: %s has no theorem:\n%s", name, rule[1], text.String())
				}
			}
		}
		for _, c := range plan.Proof.Claims {
			if c.Rule != proof.RuleCost && !explained[c.Rule] {
				t.Errorf("%s: nothing that can be named explains %s by %s", example, c.Subject, c.Rule)
			}
		}
	}
}

var byRule = regexp.MustCompile(`(?m)by ([a-z0-9-]+)(?:, that of [a-z0-9-]+)?:$`)
