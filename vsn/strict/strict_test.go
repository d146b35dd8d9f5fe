package strict_test

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// box is a document with every form that the reader knows.
type box struct {
	Name   string           `json:"name"`
	On     bool             `json:"on,omitempty"`
	Count  int              `json:"count,omitempty"`
	Weight grams            `json:"weight" strict:"optional"`
	Parts  []part           `json:"parts,omitempty"`
	Counts map[string]int64 `json:"counts,omitempty"`
	Words  words            `json:"words,omitempty"`
	Lid    *part            `json:"lid,omitempty"`
	Nested [][]string       `json:"nested,omitempty"`
}

type part struct {
	Name string `json:"name,omitempty"`
	Size int64  `json:"size,omitempty"`
}

// grams have a unit.
type grams int

func (g *grams) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%dg", g)
	return err
}

// words are a list, or one.
type words []string

func (w *words) UnmarshalText(text []byte) error { *w = words{string(text)}; return nil }

// read decodes all boxes of the files.
func read(files ...strict.File) ([]box, strict.Errors) {
	var all []box
	errs := strict.Read(files, "v1", map[string]func(*strict.Document){"Box": func(d *strict.Document) {
		var b box
		d.Decode(&b)
		all = append(all, b)
	}}, func() {})
	return all, errs
}

const head = "apiVersion: v1\nkind: Box\n"

func TestReads(t *testing.T) {
	want := box{Name: "a", On: true, Count: -3, Weight: 5, Parts: []part{{Name: "x"}, {Size: 7}},
		Counts: map[string]int64{"k": 1}, Words: words{"one"}, Lid: &part{}, Nested: [][]string{{"p", "q"}, {"r"}}}
	documents := map[string]string{
		"yaml": head + "name: a\non: true\ncount: -3\nweight: 5g\nparts:\n  - name: x\n  - {size: 7}\ncounts: {k: 1}\nwords: one\nlid: {}\nnested: [[p, q], [r]]\n",
		"json, tabs": "{\n\t\"apiVersion\": \"v1\",\t\"kind\": \"Box\", \"name\": \"a\", \"on\": true, \"count\": -3,\n" +
			"\t\"weight\": \"5g\", \"parts\": [{\"name\": \"x\"}, {\"size\": 7}], \"counts\": {\"k\": 1},\n" +
			"\t\"words\": [\"one\"], \"lid\": {}, \"nested\": [[\"p\", \"q\"], [\"r\"]]\n}\n",
		"flow":           "{apiVersion: v1, kind: Box, name: a, on: true, count: -3, weight: 5g, parts: [{name: x}, {size: 7}], counts: {k: 1}, words: one, lid: {}, nested: [[p, q], [r]]}",
		"mark and CRLF":  "\ufeff---\r\napiVersion: v1\r\nkind: Box\r\nname: a\r\non: true\r\ncount: -3\r\nweight: 5g\r\nparts: [{name: x}, {size: 7}]\r\ncounts: {k: 1}\r\nwords: [one]\r\nlid: {}\r\nnested: [[p, q], [r]]\r\n...\r\n",
		"json after ---": `--- {"apiVersion":"v1","kind":"Box","name":"a","on":true,"count":-3,"weight":"5g","parts":[{"name":"x"},{"size":7}],"counts":{"k":1},"words":["one"],"lid":{},"nested":[["p","q"],["r"]]}`,
	}
	for name, text := range documents {
		got, errs := read(strict.File{Name: name, Data: []byte(text)})
		if errs != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got %+v, %v", name, got, errs)
		}
	}
}

func TestStreams(t *testing.T) {
	json := `{"apiVersion": "v1", "kind": "Box", "name": "%s"}` + "\n"
	for text, want := range map[string]string{
		fmt.Sprintf(json+json, "a", "b"):                           "a b",
		head + "name: a\n---\n" + head + "name: b\n":               "a b",
		"# nothing\n---\n# nothing\n---\n" + head + "name: a\n":    "a",
		head + "name: a\n---\n" + fmt.Sprintf(json+json, "b", "c"): "a b c",
		head + "name: a\n---   # the next\n" + head + "name: b":    "a b",
		head + "name: \"a\n  ---b\"\n":                             "a ---b",
		head + "name: >-\n  ---\n  a\n---\n" + head + "name: b\n":  "--- a b",
	} {
		boxes, errs := read(strict.File{Name: "f", Data: []byte(text)})
		var names []string
		for _, b := range boxes {
			names = append(names, b.Name)
		}
		if got := strings.Join(names, " "); got != want || errs != nil {
			t.Errorf("%q: got %q, %v; want %q", text, got, errs, want)
		}
	}
}

// Every way in which text is no document, and where the reader says that it is not.
func TestRefuses(t *testing.T) {
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for text, want := range map[string]string{
		"":                                   "f:1: holds no document",
		"# only words\n---\n":                "f:1: holds no document",
		head + "name: a\n\xff":               "f:4: not UTF-8 text",
		head + "name: a\n# \u2028---\n":      "f:4: line break U+2028: lines end with a newline",
		head + "name: a\r---\r":              "f:3: line break U+000D: lines end with a newline",
		head + "name: [a\nparts: 3\n":        "f:3: not YAML: did not find expected ',' or ']'",
		head + "name: 'a\n":                  "f:3: not YAML: found unexpected end of stream",
		head + "lid:\n\tname: a\n":           "f:4: not YAML: found character that cannot start any token (YAML is indented with spaces, not tabs)",
		head + "name: a\n  on: true\n":       "f:4: not YAML: mapping values are not allowed in this context",
		head + "name: a\n...\nname: b\n":     "f:5: not YAML: something follows the end of this document: start another with --- on its own line",
		"{\"apiVersion\": \"v1\",\n\"k\" 1}": "f:2: not JSON: invalid character '1' after object key",
		"{}\n{\"a\": [\n1,\n2}": "f:1: apiVersion is missing: write apiVersion: v1\nf:1: kind is missing: write kind: Box\n" +
			"f:4: not JSON: invalid character '}' after array element",
		"{\"apiVersion\": \"v1\",\n\n":                                             "f:3: not JSON: unexpected EOF",
		"{\"apiVersion\": \"v1\",}\n{x\n":                                          "f:1: not JSON: invalid character '}' looking for beginning of object key string",
		head + "name: a\nnested: " + deep:                                          "f:4: more than 32 maps and lists inside one another\nf:4: nested[0][0]: want text, found a list",
		head + "name: \"\\ud800\"\n":                                               "f:3: not YAML: found invalid Unicode character escape code",
		"{\"apiVersion\":\"v1\",\"kind\":\"Box\",\"name\":\"\\ud800\"}":            "f:1: name: control character U+FFFD is not allowed",
		"{\"apiVersion\":\"v1\",\"kind\":\"Box\",\n\"name\":\"a\",\"name\":\"b\"}": "f:2: duplicate key \"name\", first on line 2",
		"{\"apiVersion\":\"v1\",\"kind\":\"Box\",\n\"name\":null}":                 "f:2: name: has no value: give it one, or leave the key out",
		"{\"apiVersion\":\"v1\",\"kind\":\"Box\",\n\"name\":\"a\",\"count\":1e3}":  "f:2: count: want a whole number, found 1e3",
		head + "name: a\n? [x]\n: 1\n":                                             "f:4: want a key that is text, found a list",
		head + "name: a\nnested: [[], 3]\n":                                        "f:4: nested[1]: want a list, found the number 3",
		head + "name: a\nparts: [{size: x}, {name: [y], size: z}]": "f:4: parts[0].size: want a whole number, found the text \"x\"\n" +
			"f:4: parts[1].name: want text, found a list\nf:4: parts[1].size: want a whole number, found the text \"z\"",
		head + "name: \"a\\u2028\"\nwords: [\"\\u2029\", \"\\x85\", \"\\x7f\"]\n": "f:3: name: control character U+2028 is not allowed\n" +
			"f:4: words[0]: control character U+2029 is not allowed\nf:4: words[1]: control character U+0085 is not allowed\nf:4: words[2]: control character U+007F is not allowed",
		head + "name: a\nnested: " + strings.Repeat("[", 30) + "x" + strings.Repeat("]", 30): "f:4: nested[0][0]: want text, found a list",
		head + "name: a\nnested: " + strings.Repeat("[", 31) + "x" + strings.Repeat("]", 31): "f:4: nested[0][0]: want text, found a list",
		head + "name: a\nnested: " + strings.Repeat("[", 32) + "x" + strings.Repeat("]", 32): "f:4: more than 32 maps and lists inside one another\nf:4: nested[0][0]: want text, found a list",
		head + "name: a\nwords: 5\n":         "f:4: words: want text or a list, found the number 5: write \"5\"",
		head + "name: a\nwords: \"a\\tb\"\n": "f:4: words: control character U+0009 is not allowed",
		"5\n":                                "f:1: want a document with apiVersion, kind and so on, found the number 5",
		"[]\n":                               "f:1: want a document with apiVersion, kind and so on, found a list",
		"{}\n":                               "f:1: apiVersion is missing: write apiVersion: v1\nf:1: kind is missing: write kind: Box",
		"{\n":                                "f:1: not YAML: did not find expected node content",
		"{\"a\": 1}\n{x":                     "f:1: apiVersion is missing: write apiVersion: v1\nf:1: kind is missing: write kind: Box\nf:2: not JSON: invalid character 'x' looking for beginning of object key string",
	} {
		_, errs := read(strict.File{Name: "f", Data: []byte(text)})
		if errs.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, errs, want)
		}
	}
}

func TestLimits(t *testing.T) {
	large := head + "name: a\n---\n" + head + "name: \"" + strings.Repeat("x", strict.MaxDocument) + "\"\n---\n" + head + "nam: c\n"
	boxes, errs := read(strict.File{Name: "f", Data: []byte(large)})
	want := fmt.Sprintf("f:4: a document of %d bytes: at most %d are read\n"+
		"f:9: name is missing\nf:11: unknown key \"nam\": did you mean \"name\"?", strict.MaxDocument+len(head)+len("---\nname: \"\"\n"), strict.MaxDocument)
	if len(boxes) != 2 || errs.Error() != want {
		t.Errorf("got %d documents and\n%v\nwant\n%s", len(boxes), errs, want)
	}

	// Of a stream of JSON, each value counts.
	value := "{\"apiVersion\": \"v1\", \"kind\": \"Box\", \"name\": \"" + strings.Repeat("x", strict.MaxDocument/2) + "\"}\n"
	boxes, errs = read(strict.File{Name: "f", Data: []byte(value + value + value)})
	if len(boxes) != 3 || errs != nil {
		t.Errorf("got %d values of a stream, %v", len(boxes), errs)
	}
	huge := strings.Replace(value, "xx", strings.Repeat("x", strict.MaxDocument), 1)
	boxes, errs = read(strict.File{Name: "f", Data: []byte("\n" + huge + value)})
	if want := fmt.Sprintf("f:2: a document of %d bytes: at most %d are read", len(huge)-1, strict.MaxDocument); len(boxes) != 1 || errs.Error() != want {
		t.Errorf("got %d values and %v, want one and %s", len(boxes), errs, want)
	}

	many := head + "name: a\nparts:\n" + strings.Repeat("- {colour: red}\n", 3000)
	_, errs = read(strict.File{Name: "f", Data: []byte(many)})
	if len(errs) != strict.MaxErrors+1 || errs[strict.MaxErrors].Error() != "f:1005: more than 1000 errors: the rest is not shown" {
		t.Errorf("%d errors, the last: %v", len(errs), errs[len(errs)-1])
	}
}

// An alias means nothing here, so that small text cannot mean a large value.
func TestAliasBomb(t *testing.T) {
	text := head + "name: a\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := range 20 {
		text += fmt.Sprintf("x%d: &x%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i), 10), ", "))
	}
	_, errs := read(strict.File{Name: "f", Data: []byte(text)})
	if len(errs) != 20*10+21+21 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
}

func TestErrors(t *testing.T) {
	_, errs := read(strict.File{Name: "b", Data: []byte("{}")}, strict.File{Name: "a", Data: []byte(head + "\nnaem: a\n")})
	want := "a:1: name is missing\na:4: unknown key \"naem\": did you mean \"name\"?\n" +
		"b:1: apiVersion is missing: write apiVersion: v1\nb:1: kind is missing: write kind: Box"
	if errs.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", errs, want)
	}
	var one strict.Error
	if !errors.As(errs.Err(), &one) || one.File != "a" || one.Line != 1 {
		t.Errorf("errors.As finds %+v", one)
	}
	if (strict.Errors{}).Err() != nil {
		t.Error("no errors are an error")
	}
}

func TestPositions(t *testing.T) {
	text := "\n# first\n---\n" + head + "name: a\nparts:\n  - name: x\n    size: 1\n  - {}\ncounts: {a b: 1}\nnested:\n- [p,\n   q]\n"
	at := map[string]strict.Position{}
	errs := strict.Read([]strict.File{{Name: "f", Data: []byte(text)}}, "v1", map[string]func(*strict.Document){"Box": func(d *strict.Document) {
		root := d.Root()
		for _, p := range []strict.Position{
			root, root.Key("name"), root.Key("parts").Item(0, "x"), root.Key("parts").Item(0, "x").Key("size"),
			root.Key("parts").Item(1, ""), root.Key("parts").Item(1, "").Key("size"), root.Key("parts").Item(7, "z").Key("size"),
			root.Key("counts").Key("a b"), root.Key("nested").Item(0, "").Item(1, ""), root.Key("lid").Key("name"),
			root.Key("parts").Item(2, ""), root.Key("nested").Item(0, "").Key("p"), root.Key("counts").Item(0, ""), root.Key("counts").Key("a.b"), root.Key("counts").Key("~"),
		} {
			at[p.String()] = p
		}
		root.Key("name").Failf("no %s", "good")
	}}, func() {})
	if errs.Error() != "f:6: name: no good" {
		t.Errorf("got %v", errs)
	}
	for name, want := range map[string]struct {
		line  int
		given bool
	}{
		"": {4, true}, "name": {6, true}, `part "x"`: {8, true}, `part "x": size`: {9, true}, "parts[1]": {10, true}, "parts[1].size": {10, false},
		`part "z": size`: {7, false}, `counts."a b"`: {11, true}, "nested[0][1]": {14, true}, "lid.name": {4, false},
		"parts[2]": {7, false}, "nested[0].p": {13, false}, "counts[0]": {11, false}, `counts."a.b"`: {11, false}, "counts.~": {11, false},
	} {
		p, ok := at[name]
		if !ok || p.Line() != want.line || p.Given() != want.given || p.File() != "f" {
			t.Errorf("%q: line %d, given %v, file %s; want %+v", name, p.Line(), p.Given(), p.File(), want)
		}
	}
}

func TestNowhere(t *testing.T) {
	var errs strict.Errors
	strict.NewPosition(&errs).Key("parts").Item(3, "x").Key("size").Failf("%d is odd", 3)
	if errs.Error() != `part "x": size: 3 is odd` {
		t.Errorf("got %v", errs)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"memory", "name", "vcpus", "reservation"}
	for word, want := range map[string]string{"memroy": "memory", "Name": "name", "nam": "name", "vcpu": "vcpus", "reservatoin": "reservation",
		"resrevatino": "reservation", "color": "", "m": "", strings.Repeat("memory", 50): ""} {
		if got, _ := strict.Nearest(word, known); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

// TestManyDocuments: documents that are parsed ahead come in their order, on one core as
// on several, and so does what is wrong with them.
func TestManyDocuments(t *testing.T) {
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "---\napiVersion: v\nkind: K\nname: n%d\n", i)
		if i%7 == 3 {
			text.WriteString("size: &a 1\n")
		}
		if i%11 == 5 {
			text.WriteString("  : broken\n")
		}
	}
	read := func() (names []string, errs strict.Errors) {
		errs = strict.Read([]strict.File{{Name: "a", Data: []byte(text.String())}, {Name: "b", Data: []byte("---\n#\n")}, {Name: "c", Data: []byte(text.String())}}, "v",
			map[string]func(*strict.Document){"K": func(d *strict.Document) {
				var v struct {
					Name string `json:"name"`
					Size int    `json:"size,omitempty"`
				}
				d.Decode(&v)
				names = append(names, d.File.Name+" "+v.Name)
			}}, func() {})
		return names, errs
	}
	names, errs := read()
	k := 0
	for _, file := range []string{"a", "c"} {
		for i := range 300 {
			if i%11 == 5 {
				continue
			}
			if want := fmt.Sprintf("%s n%d", file, i); k >= len(names) || names[k] != want {
				t.Fatalf("document %d is not %s of %d", k, want, len(names))
			}
			k++
		}
	}
	if len(errs) < 2*27+2*39+1-10 || !slices.IsSortedFunc(errs, func(a, b strict.Error) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) }) {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again, same := read()
	if !slices.Equal(names, again) || !slices.Equal(errs, same) {
		t.Error("one core reads otherwise")
	}
}
