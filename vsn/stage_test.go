package vsn_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vsnctl/vsnctl/vsn"
)

func TestStages(t *testing.T) {
	f := vsn.Flow{Path: []vsn.Stage{{"a"}, {"b", "c"}, {"d", "e"}, {"f"}},
		Work: map[string]vsn.Duration{"a": 1, "b": 2, "c": 3, "d": 5, "e": 4}}
	want := []vsn.Step{{"a", "b"}, {"a", "c"}, {"b", "d"}, {"b", "e"}, {"c", "d"}, {"c", "e"}, {"d", "f"}, {"e", "f"}}
	if diff := cmp.Diff(want, f.Steps()); diff != "" {
		t.Error(diff)
	}
	if got := f.VMs(); !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f"}) {
		t.Errorf("VMs: %v", got)
	}
	if !f.Passes("c") || f.Passes("g") {
		t.Error("the path passes c, and not g")
	}
	if way, sum := f.LeastTime(); sum != 9 || !slices.Equal(way, []string{"a", "c", "d", "f"}) {
		t.Errorf("the longest way is %v, %v", way, sum)
	}
	if f.Messages() != 1 {
		t.Errorf("%d messages at once, want 1", f.Messages())
	}
}

// Sums of work do not wrap, however much of it a document asks for.
func TestLeastTimeStops(t *testing.T) {
	f := vsn.Flow{Path: []vsn.Stage{{"a"}, {}, {"b"}, {"c"}}, Work: map[string]vsn.Duration{"a": 1<<61 - 1, "b": 1<<61 - 1, "c": -1}}
	if _, sum := f.LeastTime(); sum != 1<<61 {
		t.Errorf("the sum is %d, want 2^61", int64(sum))
	}
}

// A plan carries paths as plain JSON.
func TestPathJSON(t *testing.T) {
	path := []vsn.Stage{{"a"}, {"b", "c"}, {"1"}}
	data, err := json.Marshal(path)
	if err != nil || string(data) != `["a",["b","c"],"1"]` {
		t.Errorf("%s, %v", data, err)
	}
	var got []vsn.Stage
	if err := json.Unmarshal(data, &got); err != nil || !cmp.Equal(path, got) {
		t.Errorf("%v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`["a",["b"],5]`), &got); err == nil {
		t.Errorf("a number is read as the stage %v", got[2])
	}
}
