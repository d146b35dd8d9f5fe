package stricttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// Fataler is a test, a fuzz target or a property.
type Fataler interface{ Fatal(...any) }

// Checker says what a JSON Schema says of a document, as Parse gives it.
func Checker(t Fataler, schema []byte) func(document any) error {
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", Parse(t, schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate
}

// Parse reads JSON as the schema's checker wants it.
func Parse(t Fataler, data []byte) any {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// quantity is text that has a unit, as documents are written.
var quantity = regexp.MustCompile(`^([0-9]+)(ns|us|ms|s|[kMGT]?bit|([KMGT]i)?B)$`)

// Spoil puts a key that is not known, or a quantity that is none, somewhere into a
// document, and says what and where. The keys named are free: what is under them is
// left alone.
func Spoil(t *rapid.T, document any, free ...string) (spoilt any, what string) {
	type place struct {
		in  map[string]any
		key string
	}
	var objects []map[string]any
	var quantities []place
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			objects = append(objects, v)
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if slices.Contains(free, key) {
					continue
				}
				if text, ok := v[key].(string); ok && key != "name" && quantity.MatchString(text) {
					quantities = append(quantities, place{v, key})
				}
				walk(v[key])
			}
		}
	}
	walk(document)
	if rapid.Bool().Draw(t, "unknown key") || len(quantities) == 0 {
		key := rapid.StringMatching(`x[a-z]{0,10}`).Draw(t, "key")
		rapid.SampledFrom(objects).Draw(t, "object")[key] = "1"
		return document, "the key " + key
	}
	q := rapid.SampledFrom(quantities).Draw(t, "quantity")
	text := q.in[q.key].(string)
	number := quantity.FindStringSubmatch(text)[1]
	q.in[q.key] = rapid.SampledFrom([]any{number, json.Number(number), text + "x", "-" + text,
		number + " furlongs", "", nil, true, []any{text}}).Draw(t, "bad")
	return document, fmt.Sprintf("%s: %v", q.key, q.in[q.key])
}
