package strict

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Number is a quantity that documents write as a plain number rather than as text
// with a unit.
type Number interface {
	encoding.TextUnmarshaler
	json.Unmarshaler
}

// Decode fills in the struct that into points to. What is wrong is reported where
// Read collects it, and leaves the field at zero.
func (d *Document) Decode(into any) {
	v := reflect.ValueOf(into).Elem()
	d.src.structure(d.Root(), d.src.root, v, "apiVersion", "kind")
}

// value decodes n into v, by the type of v. A type with UnmarshalText reads scalars
// that way; where it is also a list or a map, it has both forms. A list of text has
// that of one item without brackets.
func (s *source) value(at Position, n *yaml.Node, v reflect.Value) {
	if s.failed[n] {
		return
	}
	if n.Tag == "!!null" {
		s.failf(at, n, "has no value: give it one, or leave the key out")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		s.value(at, n, v.Elem())
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && (n.Kind == yaml.ScalarNode || isScalar(v.Kind())) {
		s.quantity(at, n, u, v.Type())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		s.structure(at, n, v)
	case reflect.Map:
		s.mapping(at, n, v)
	case reflect.Slice:
		s.list(at, n, v)
	case reflect.String:
		if s.want(at, n, "text", "!!str", "!!timestamp") {
			if err := CheckText(n.Value); err != nil {
				s.failf(at, n, "%v", err)
				return
			}
			v.SetString(n.Value)
		}
	case reflect.Bool:
		if s.want(at, n, "true or false", "!!bool") {
			v.SetBool(n.Value == "true")
		}
	case reflect.Int, reflect.Int64:
		s.integer(at, n, v)
	default:
		panic("strict: documents have no " + v.Type().String())
	}
}

func isScalar(k reflect.Kind) bool {
	return k != reflect.Struct && k != reflect.Map && k != reflect.Slice
}

func (s *source) quantity(at Position, n *yaml.Node, u encoding.TextUnmarshaler, t reflect.Type) {
	if n.Kind != yaml.ScalarNode {
		s.failf(at, n, "want a quantity, found %s", describe(n))
		return
	}
	if what, tags := scalarForm(u, t); tags != nil && !s.want(at, n, what, tags...) {
		return
	}
	err := CheckText(n.Value)
	if err == nil {
		err = u.UnmarshalText([]byte(n.Value))
	}
	if err != nil {
		s.failf(at, n, "%v", err)
	}
}

// scalarForm is what a scalar has to be for u to read it, of type t; no tags: anything.
func scalarForm(u encoding.TextUnmarshaler, t reflect.Type) (what string, tags []string) {
	_, number := u.(Number)
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return "text or a list", []string{"!!str", "!!timestamp"}
	case number && isScalar(t.Kind()):
		return "a plain number", []string{"!!int", "!!float"}
	case number:
		return "a number or a list", []string{"!!int", "!!float"}
	}
	return "", nil
}

func (s *source) structure(at Position, n *yaml.Node, v reflect.Value, also ...string) {
	if n.Kind != yaml.MappingNode {
		s.failf(at, n, "want %s, found %s", keysOf(v.Type()), describe(n))
		return
	}
	all := fieldsOf(v.Type())
	given := map[string]bool{}
	s.pairs(at, n, func(at Position, key, value *yaml.Node) {
		given[key.Value] = true
		if slices.Contains(also, key.Value) {
			return
		}
		f, ok := all.byKey[key.Value]
		if !ok {
			s.report(*at.parent, key, fmt.Sprintf("unknown key %q: %s", key.Value, wantOneOf(key.Value, append(all.keys, also...))))
			return
		}
		s.value(at, value, v.Field(f.index))
	})
	for _, key := range all.keys {
		if all.byKey[key].required && !given[key] {
			at.Failf("%s is missing", key)
			s.missing[missing{n, key}] = true
		}
	}
}

func (s *source) mapping(at Position, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		s.failf(at, n, "want keys and values, found %s", describe(n))
		return
	}
	if len(n.Content) == 0 {
		return // nil and empty mean the same
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	s.pairs(at, n, func(at Position, key, value *yaml.Node) {
		elem := reflect.New(v.Type().Elem()).Elem()
		s.value(at, value, elem)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), elem)
	})
}

// pairs visits the entries whose key is text and the first of its name.
func (s *source) pairs(at Position, n *yaml.Node, visit func(at Position, key, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case s.failed[key]:
			continue
		case key.Kind != yaml.ScalarNode || key.Tag != "!!str":
			s.report(at, key, fmt.Sprintf("want a key that is text, found %s", describe(key)))
			continue
		case CheckText(key.Value) != nil:
			s.report(at, key, fmt.Sprintf("key %q: %v", key.Value, CheckText(key.Value)))
			continue
		case first[key.Value] != 0:
			s.report(at, key, fmt.Sprintf("duplicate key %q, first on line %d", key.Value, first[key.Value]))
			continue
		}
		first[key.Value] = key.Line + s.offset
		visit(at.Key(key.Value), key, value)
	}
}

func (s *source) list(at Position, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		s.failf(at, n, "want a list, found %s", describe(n))
		return
	}
	if len(n.Content) == 0 {
		return // nil and empty mean the same
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		s.value(at.Item(i, nameOf(item)), item, v.Index(i))
	}
}

// nameOf an item is its `name`, where it has one.
func nameOf(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// Integers are written as in JSON: YAML's 010, 0x10 and 1_000 are traps.
var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (s *source) integer(at Position, n *yaml.Node, v reflect.Value) {
	if !s.want(at, n, "a whole number", "!!int", "!!float") {
		return
	}
	if !integer.MatchString(n.Value) {
		s.failf(at, n, "want a whole number, found %s", n.Value)
		return
	}
	i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
	if err != nil {
		s.failf(at, n, "%s is out of range", n.Value)
		return
	}
	v.SetInt(i)
}

// want fails unless n is a scalar with one of the tags.
func (s *source) want(at Position, n *yaml.Node, what string, tags ...string) bool {
	if n.Kind == yaml.ScalarNode && slices.Contains(tags, n.Tag) {
		return true
	}
	hint := ""
	if tags[0] == "!!str" && n.Kind == yaml.ScalarNode {
		hint = fmt.Sprintf(": write %q", n.Value)
	}
	s.failf(at, n, "want %s, found %s%s", what, describe(n), hint)
	return false
}

// failf reports n and remembers that it could not be read.
func (s *source) failf(at Position, n *yaml.Node, format string, args ...any) {
	at.Failf(format, args...)
	s.failed[n] = true
}

// report is for what has no position of its own, such as a key: n gives the line.
func (s *source) report(at Position, n *yaml.Node, msg string) {
	s.failed[n] = true
	s.sink.add(Error{File: s.file, Line: n.Line + s.offset, Path: at.String(), Msg: msg})
}

// vet refuses what would make a document more than plain data: anchors and aliases
// (small text that means a large value, and what JSON does not have), merge keys,
// tags, and depth.
func (s *source) vet(n *yaml.Node, depth int) {
	at := Position{src: s}
	switch {
	case depth > MaxDepth && n.Kind != yaml.ScalarNode:
		s.report(at, n, fmt.Sprintf("more than %d maps and lists inside one another", MaxDepth))
		n.Content = nil
		return
	case n.Kind == yaml.AliasNode:
		s.report(at, n, fmt.Sprintf("alias *%s: aliases are not read; write the value out", n.Value))
		return
	case n.Anchor != "":
		s.report(at, n, fmt.Sprintf("anchor &%s: anchors and aliases are not read; write values out", n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		s.report(at, n, fmt.Sprintf("tag %s: tags are not read; leave it out", n.Tag))
	case n.Tag == "!!merge":
		s.report(at, n, "merge key <<: merge keys are not read; write the keys out")
	}
	for _, child := range n.Content {
		s.vet(child, depth+1)
	}
}

// describe a node as found, for a person who expected something else.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	value := n.Value
	if len(value) > 60 {
		value = value[:60] + "..."
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + value
	case "!!bool":
		return value
	}
	return "the text " + strconv.Quote(value)
}

// CheckText refuses text with control characters: no name, path or command line
// needs one, and none is safe in a shell, a log or XML.
func CheckText(text string) error {
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return fmt.Errorf("control character %U is not allowed", r)
		}
	}
	return nil
}

type field struct {
	index    int
	required bool
}

type fields struct {
	keys  []string // in the order of the struct
	byKey map[string]field
}

var known sync.Map // reflect.Type to fields

// fieldsOf reads the json tags of a struct.
func fieldsOf(t reflect.Type) fields {
	if f, ok := known.Load(t); ok {
		return f.(fields)
	}
	f := fields{byKey: map[string]field{}}
	for i := range t.NumField() {
		sf := t.Field(i)
		key, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if key == "" || key == "-" || !sf.IsExported() {
			continue
		}
		optional := strings.Contains(options, "omitempty") || sf.Tag.Get("strict") == "optional"
		f.keys = append(f.keys, key)
		f.byKey[key] = field{index: i, required: !optional}
	}
	f.keys = slices.Clip(f.keys)
	known.Store(t, f)
	return f
}

func keysOf(t reflect.Type) string {
	return "keys and values (" + strings.Join(fieldsOf(t).keys, ", ") + ")"
}
