package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Schema is a JSON Schema, draft 2020-12, of what Decode reads and validation
// accepts of each value by itself. What values are to one another it cannot say.
type Schema struct {
	Dialect     string     `json:"$schema,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Ref         string     `json:"$ref,omitempty"`
	Type        string     `json:"type,omitempty"`
	Const       string     `json:"const,omitempty"`
	Enum        []string   `json:"enum,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	MinLength   int        `json:"minLength,omitempty"`
	MaxLength   int        `json:"maxLength,omitempty"`
	Minimum     any        `json:"minimum,omitempty"`
	Over        any        `json:"exclusiveMinimum,omitempty"`
	Maximum     any        `json:"maximum,omitempty"`
	Items       *Schema    `json:"items,omitempty"`
	MinItems    int        `json:"minItems,omitempty"`
	MaxItems    int        `json:"maxItems,omitempty"`
	Unique      bool       `json:"uniqueItems,omitempty"`
	Names       *Schema    `json:"propertyNames,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Required    []string   `json:"required,omitempty"`
	Additional  any        `json:"additionalProperties,omitempty"` // false, or a *Schema
	MinEntries  int        `json:"minProperties,omitempty"`
	OneOf       []*Schema  `json:"oneOf,omitempty"`
	Default     any        `json:"default,omitempty"`
	Examples    []any      `json:"examples,omitempty"`
	Defs        properties `json:"$defs,omitempty"`
}

// property is a key of an object, in the order of the struct.
type property struct {
	key    string
	schema *Schema
}

type properties []property

// MarshalJSON keeps the order, which editors show.
func (p properties) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	for i, entry := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(entry.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b, "%q:%s", entry.key, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Note is what the type of a field does not say: a text for people, and what its
// value may be. It is merged into the schema that the type gives.
type Note struct {
	Text     string
	Value    Schema // of the value, or of the list or map as a whole
	Each     Schema // of the items of a list, or the values of a map
	EachName Schema // of the keys of a map
}

// Vocabulary is what the schemas of a program's kinds are made of.
type Vocabulary struct {
	Version string
	Kinds   []Kind
	Types   map[reflect.Type]Schema // of types that are no plain struct, map, list or scalar
	Notes   map[string]Note         // by Type or Type.key
}

// Kind is a kind of document and a value of its type.
type Kind struct {
	Name  string
	Value any
}

// Merge makes one vocabulary of two.
func (v Vocabulary) Merge(w Vocabulary) Vocabulary {
	m := Vocabulary{Version: v.Version, Kinds: slices.Concat(v.Kinds, w.Kinds),
		Types: map[reflect.Type]Schema{}, Notes: map[string]Note{}}
	for _, part := range []Vocabulary{v, w} {
		for t, s := range part.Types {
			m.Types[t] = s
		}
		for k, n := range part.Notes {
			m.Notes[k] = n
		}
	}
	return m
}

// JSONSchema is the schema of one kind, or of whichever kind a document says when
// kind is "".
func (v Vocabulary) JSONSchema(kind string) ([]byte, error) {
	g := generator{Vocabulary: v, seen: map[string]bool{}}
	var roots []*Schema
	for _, k := range v.Kinds {
		if kind == "" || k.Name == kind {
			t := reflect.TypeOf(k.Value)
			g.root(k.Name, t)
			roots = append(roots, &Schema{Ref: "#/$defs/" + t.Name()})
		}
	}
	var root *Schema
	switch {
	case len(roots) == 0:
		return nil, fmt.Errorf("unknown kind %q: %s", kind, wantOneOf(kind, v.names()))
	case kind == "":
		root = &Schema{Title: "vsnctl document", OneOf: roots}
	default:
		root = roots[0]
		root.Title = "vsnctl " + kind
	}
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Defs = g.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(root)
	return b.Bytes(), err
}

func (v Vocabulary) names() []string {
	var names []string
	for _, k := range v.Kinds {
		names = append(names, k.Name)
	}
	return names
}

// Unknown lists notes about fields that there are not, and fields without a note.
func (v Vocabulary) Unknown() []string {
	g := generator{Vocabulary: v, seen: map[string]bool{}}
	for _, k := range v.Kinds {
		g.root(k.Name, reflect.TypeOf(k.Value))
	}
	var wrong []string
	for name := range g.seen {
		if v.Notes[name].Text == "" {
			wrong = append(wrong, "no text: "+name)
		}
	}
	for name := range v.Notes {
		if !g.seen[name] {
			wrong = append(wrong, "no such field: "+name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

type generator struct {
	Vocabulary
	defs properties
	seen map[string]bool // notes that were asked for
}

func (g *generator) note(name string) Note {
	g.seen[name] = true
	return g.Notes[name]
}

// root is a kind of document: a struct under its header.
func (g *generator) root(kind string, t reflect.Type) {
	s := g.object(t)
	header := properties{
		{"apiVersion", &Schema{Const: g.Version, Description: "The version of this format."}},
		{"kind", &Schema{Const: kind, Description: "What this document is."}},
	}
	s.Properties = append(header, s.Properties...)
	s.Required = append([]string{"apiVersion", "kind"}, s.Required...)
}

// object defines a struct once, under its name.
func (g *generator) object(t reflect.Type) *Schema {
	for _, d := range g.defs {
		if d.key == t.Name() {
			return d.schema
		}
	}
	note := g.note(t.Name())
	s := &Schema{Type: "object", Description: note.Text, Additional: false}
	g.defs = append(g.defs, property{t.Name(), s})
	all := fieldsOf(t)
	for _, key := range all.keys {
		f := all.byKey[key]
		s.Properties = append(s.Properties, property{key, g.field(t.Name()+"."+key, t.Field(f.index).Type)})
		if f.required {
			s.Required = append(s.Required, key)
		}
	}
	merge(s, note.Value)
	return s
}

func (g *generator) field(name string, t reflect.Type) *Schema {
	note := g.note(name)
	s := g.schema(t)
	if s.Items != nil {
		merge(s.Items, note.Each)
	}
	if values, ok := s.Additional.(*Schema); ok {
		merge(values, note.Each)
		names := note.EachName
		s.Names = &names
	}
	merge(s, note.Value)
	s.Description = note.Text
	return s
}

// schema of a type, as strict's decoder reads it.
func (g *generator) schema(t reflect.Type) *Schema {
	if t.Kind() == reflect.Pointer {
		return g.schema(t.Elem())
	}
	if s, ok := g.Types[t]; ok {
		s.OneOf = slices.Clone(s.OneOf)
		for i, form := range s.OneOf {
			if form.Type == "array" && form.Items == nil { // of what the type is a slice of
				list := form.Refine(Schema{Items: g.schema(t.Elem())})
				s.OneOf[i] = &list
			}
		}
		return &s
	}
	switch t.Kind() {
	case reflect.Struct:
		g.object(t)
		return &Schema{Ref: "#/$defs/" + t.Name()}
	case reflect.Slice:
		return &Schema{Type: "array", Items: g.schema(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", Additional: g.schema(t.Elem())}
	case reflect.String:
		return &Schema{Type: "string", Pattern: TextPattern}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &Schema{Type: "integer"}
	}
	panic("strict: documents have no " + t.String())
}

// TextPattern is what CheckText accepts, but for the replacement character.
const TextPattern = "^[^\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]*$"

// merge sets in s what is set in more.
func merge(s *Schema, more Schema) {
	to, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(more)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// Refine is a schema with more said.
func (s Schema) Refine(more Schema) Schema {
	merge(&s, more)
	return s
}

// RequireOneOf is for objects that have exactly one of several sets of keys.
func RequireOneOf(sets ...string) []*Schema {
	var all []*Schema
	for _, set := range sets {
		all = append(all, &Schema{Required: strings.Split(set, " ")})
	}
	return all
}
