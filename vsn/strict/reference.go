package strict

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Reference is all kinds and keys as a page of Markdown, out of the same types and
// notes as the schema.
func (v Vocabulary) Reference() string {
	g := generator{Vocabulary: v, seen: map[string]bool{}}
	var b strings.Builder
	for _, k := range v.Kinds {
		before := len(g.defs)
		g.root(k.Name, reflect.TypeOf(k.Value))
		for _, d := range g.defs[before:] {
			heading := "## " + d.key
			if d.key == k.Name {
				heading = "# kind: " + k.Name
			}
			fmt.Fprintf(&b, "%s\n\n%s\n\n| key | value | |\n|---|---|---|\n", heading, d.schema.Description)
			for _, p := range d.schema.Properties {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.key, p.schema.words(slices.Contains(d.schema.Required, p.key)), p.schema.Description)
			}
			b.WriteByte('\n')
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// words say in a table cell what a value may be.
func (s *Schema) words(required bool) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case s.Const != "":
		add("`%s`", s.Const)
	case len(s.Enum) > 0:
		add("`%s`", strings.Join(s.Enum, "`, `"))
	default:
		add("%s", s.kind())
	}
	if s.Minimum != nil && s.Maximum != nil {
		add("%v to %v", s.Minimum, s.Maximum)
	}
	if s.Over != nil && s.Maximum != nil {
		add("over %v, at most %v", s.Over, s.Maximum)
	}
	if s.Default != nil {
		add("default %v", s.Default)
	}
	if len(s.Examples) > 0 {
		if example, err := json.Marshal(s.Examples[0]); err == nil {
			add("as in `%s`", example)
		}
	}
	if required {
		add("**required**")
	}
	return strings.Join(parts, "; ")
}

func (s *Schema) kind() string {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, "#/$defs/")
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case s.Items != nil && len(s.Items.OneOf) > 0:
		return "list of (" + s.Items.kind() + ")"
	case s.Items != nil:
		return "list of " + s.Items.kind()
	case len(s.OneOf) > 0:
		var forms []string
		for _, f := range s.OneOf {
			forms = append(forms, f.kind())
		}
		return strings.Join(forms, " or ")
	case s.Type == "object":
		if values, ok := s.Additional.(*Schema); ok {
			return "map of name to " + values.kind()
		}
		return "map"
	case s.Type == "string":
		return "text"
	}
	return s.Type
}
