package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var errFollows = errors.New("something follows the end of this document: start another with --- on its own line")

// decodeYAML gives the root of the only document in text, or nil when it is empty.
func decodeYAML(text []byte) (root *yaml.Node, err error) {
	// yaml.v3 is archived, and panics on some broken input that its own recovery
	// does not know: for us, that is a document which cannot be read.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("%v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	// Another way to begin a document, after `...` or an unusual line break, must
	// not make the rest vanish.
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errFollows
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errors.New("not a document")
	}
	root = document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" {
		return nil, nil // a marker and comments
	}
	return root, nil
}

// firstBad is the line, from 1, without which the error would not be: yaml.v3 names
// the line where the construct began that it could not read, and that counted from
// 0 or from 1. In large documents that has to do.
func firstBad(text []byte, err error) int {
	if len(text) > maxSearch {
		m := yamlPrefix.FindStringSubmatch(err.Error())
		line, _ := strconv.Atoi(m[2])
		return max(1, min(line, 1+bytes.Count(text, []byte("\n"))))
	}
	lines := bytes.SplitAfter(bytes.TrimRight(text, " \t\r\n"), []byte("\n"))
	ends := make([]int, len(lines))
	end := 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	return 1 + min(len(ends)-1, sort.Search(len(ends), func(i int) bool {
		_, got := decodeYAML(text[:ends[i]])
		return got != nil && got.Error() == err.Error()
	}))
}

const maxSearch = 128 << 10 // bytes

var yamlPrefix = regexp.MustCompile(`^(yaml: )?(?:line (\d+): )?`)

func yamlText(err error, text []byte) string {
	msg := yamlPrefix.ReplaceAllString(err.Error(), "")
	if strings.Contains(msg, "cannot start any token") && bytes.ContainsRune(text, '\t') {
		msg += " (YAML is indented with spaces, not tabs)"
	}
	return msg
}

// parseJSON turns a valid JSON value into the nodes that YAML would give.
func parseJSON(text []byte) *yaml.Node {
	r := jsonReader{tokens: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	r.tokens.UseNumber()
	return r.value()
}

// jsonReader turns tokens of valid JSON into nodes, counting lines as it goes.
type jsonReader struct {
	tokens *json.Decoder
	text   []byte
	seen   int // bytes up to which lines are counted
	line   int
}

func (r *jsonReader) next() (json.Token, int) {
	token, _ := r.tokens.Token()
	end := int(r.tokens.InputOffset())
	r.line += bytes.Count(r.text[r.seen:end], []byte("\n"))
	r.seen = end
	return token, r.line
}

func (r *jsonReader) value() *yaml.Node {
	token, line := r.next()
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: line}
	switch token := token.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if token == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.tokens.More() {
			n.Content = append(n.Content, r.value()) // keys are values to the tokenizer
		}
		r.next()
	case json.Number:
		n.Value, n.Tag = token.String(), "!!int"
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case string:
		n.Value, n.Tag, n.Style = token, "!!str", yaml.DoubleQuotedStyle
	case bool:
		n.Value, n.Tag = strconv.FormatBool(token), "!!bool"
	default:
		n.Value, n.Tag = "null", "!!null"
	}
	return n
}
