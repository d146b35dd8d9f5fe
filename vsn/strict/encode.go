package strict

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"
)

// JSON writes value as a document: keys in the order of the structs, indented, and
// the same bytes for the same value.
func JSON(version, kind string, value any) ([]byte, error) {
	compact, err := compactJSON(version, kind, value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// YAML writes the same document for people. What is short stays on one line.
func YAML(version, kind string, value any) ([]byte, error) {
	compact, err := compactJSON(version, kind, value)
	if err != nil {
		return nil, err
	}
	root := parseJSON(compact)
	restyle(root, 0)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), e.Close()
}

func compactJSON(version, kind string, value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a kernel command line is to be read by people
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("write %s: %w", kind, err)
	}
	body, ok := bytes.CutPrefix(b.Bytes(), []byte("{"))
	if !ok || bytes.HasPrefix(body, []byte("}")) {
		return nil, fmt.Errorf("write %s: %T is not a struct with keys", kind, value)
	}
	head := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,`, version, kind)
	return append([]byte(head), body...), nil
}

// lineWidth is how much of a map or list may stand on one line.
const lineWidth = 100

// restyle makes of JSON nodes what a person would write, and returns how wide n is
// on one line.
func restyle(n *yaml.Node, depth int) int {
	n.Line = 0
	n.Style = 0
	width := len(n.Value) + 2
	for _, child := range n.Content {
		width += restyle(child, depth+1)
	}
	if n.Kind != yaml.ScalarNode && depth > 1 && width <= lineWidth {
		n.Style = yaml.FlowStyle
	}
	return width
}
