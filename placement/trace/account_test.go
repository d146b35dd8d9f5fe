package trace

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
)

func page(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "trace.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestEveryKindIsExplained: docs/trace.md has a row for each kind, in their order, and
// for no other, and explains every field.
func TestEveryKindIsExplained(t *testing.T) {
	var rows []Kind
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| .* \\| .* \\|$").FindAllStringSubmatch(page(t), -1) {
		rows = append(rows, Kind(m[1]))
	}
	if !slices.Equal(rows, Kinds()) {
		t.Errorf("the page explains %v, and there are %v", rows, Kinds())
	}
	event := reflect.TypeFor[Event]()
	for i := range event.NumField() {
		name := regexp.MustCompile(`^[a-z]+`).FindString(event.Field(i).Tag.Get("json"))
		if name == "kind" || name == "what" {
			continue
		}
		if !regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`[^|]* \\| .* \\|$").MatchString(page(t)) {
			t.Errorf("the page does not explain the field %q", name)
		}
	}
}

// TestAccount adds up a small search.
func TestAccount(t *testing.T) {
	why := &placement.Conflict{Rule: "memory", Says: "too much"}
	var a Account
	for _, e := range []Event{
		{Kind: Search, What: "one"},
		{Kind: VM, VMs: []string{"n/a"}, Hosts: []string{"h"}, Refused: []Refused{{Why: "memory", Hosts: []string{"i"}}, {Why: "twin", Hosts: []string{"k"}}}},
		{Kind: Seat, Depth: 1, VMs: []string{"n/a"}, Host: "h"},
		{Kind: Admit, Answer: No, Why: why},
		{Kind: Cut, Cut: 1, Nodes: 7, Why: why},
		{Kind: VM, VMs: []string{"n/a"}, Refused: []Refused{{Why: "memory", Hosts: []string{"j", "i"}}}},
		{Kind: Met, Cut: 1}, {Kind: Met, Cut: 1},
		{Kind: Jump, Depth: 1}, {Kind: Fail}, {Kind: Admit, Answer: Yes}, {Kind: Admit, Answer: Unknown},
		{Kind: Search, What: "two"},
		{Kind: Cut, Cut: 1, Nodes: 9, Why: why}, {Kind: Met, Cut: 1}, {Kind: Route, Depth: 3},
	} {
		a.Add(&e)
	}
	for what, have := range map[string][2]any{
		"counts":   {a.Counts(), []Count{{Search, 2, 0, 0, 0}, {VM, 2, 0, 0, 0}, {Seat, 1, 0, 0, 0}, {Route, 1, 0, 0, 0}, {Admit, 3, 1, 1, 1}, {Cut, 2, 0, 0, 0}, {Met, 3, 0, 0, 0}, {Fail, 1, 0, 0, 0}, {Jump, 1, 0, 0, 0}}},
		"depths":   {a.Depths(), []Depth{{0, 0, 0, 1, 0}, {1, 1, 0, 0, 1}, {3, 0, 1, 0, 0}}},
		"refusals": {a.Refusals(), []Refusal{{[]string{"n/a"}, "memory", 2, []string{"i", "j"}}, {[]string{"n/a"}, "twin", 1, []string{"k"}}}},
		"cuts":     {a.Cuts(), []Learned{{1, 1, 7, 2, nil, why}, {2, 1, 9, 1, nil, why}}},
		"steps":    {len(a.Steps), 2},
	} {
		if !reflect.DeepEqual(have[0], have[1]) {
			got, _ := json.Marshal(have[0])
			want, _ := json.Marshal(have[1])
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	for _, e := range []Event{{Kind: Free, VMs: []string{"n/a"}}, {Kind: Stage}, {Kind: Aim}, {Kind: Bound}, {Kind: End}} {
		if a.Add(&e); len(a.Steps) != 2 {
			t.Errorf("%s of a part of the problem: %d steps", e.Kind, len(a.Steps))
		}
	}
	a.Add(&Event{Kind: Free})
	for range MostSteps {
		a.Add(&Event{Kind: End})
	}
	if len(a.Steps) != MostSteps || a.More != 3 {
		t.Errorf("%d steps and %d more", len(a.Steps), a.More)
	}
}
