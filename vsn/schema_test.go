package vsn_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
	"github.com/vsnctl/vsnctl/vsn/strict/stricttest"
)

// The schema accepts what is valid, and refuses it with an unknown key or without a
// unit, anywhere; and so does the reader.
func TestSchema(t *testing.T) {
	schema, err := vsn.Schema()
	if err != nil {
		t.Fatal(err)
	}
	check := stricttest.Checker(t, schema)
	rapid.Check(t, func(t *rapid.T) {
		n := drawNetwork(t)
		data, err := n.EncodeJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := check(stricttest.Parse(t, data)); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		bad, what := stricttest.Spoil(t, stricttest.Parse(t, data), "resources", "on", "boot", "disk")
		text, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if check(bad) == nil {
			t.Fatalf("accepted by the schema with %s\n%s", what, text)
		}
		if _, errs := vsn.Load(strict.File{Name: "f", Data: text}); errs == nil {
			t.Fatalf("accepted by the reader with %s\n%s", what, text)
		}
	})
}
