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
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// chunk is the text of one YAML document, or of a run of JSON values.
type chunk struct {
	text   []byte
	offset int // lines before it
}

// chunks cuts at each line that starts with `---`. Nothing inside a document can
// look like that (YAML 1.2, 9.1.4 c-forbidden; JSON strings have no line breaks),
// so that one broken document does not hide the next.
func chunks(data []byte) []chunk {
	var all []chunk
	start, startLine, line := 0, 0, 0
	for pos := 0; pos < len(data); line++ {
		if pos > start && isMarker(data[pos:]) {
			all = append(all, chunk{data[start:pos], startLine})
			start, startLine = pos, line
		}
		next := bytes.IndexByte(data[pos:], '\n')
		if next < 0 {
			break
		}
		pos += next + 1
	}
	return append(all, chunk{data[start:], startLine})
}

func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// parse reads a chunk; no root when it is empty. JSON goes its own way: YAML
// contains it but for tabs, and here it may be a stream.
func parse(c chunk) ([]*yaml.Node, *Error) {
	text := c.text
	if isMarker(text) {
		text = append([]byte("   "), text[3:]...)
	}
	body := bytes.TrimLeft(text, " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return parseYAML(c)
	}
	roots, jsonErr := parseJSON(text, c.offset)
	if jsonErr == nil {
		return roots, nil
	}
	// A flow mapping, {name: x}, is YAML all the same.
	roots, yamlErr := parseYAML(c)
	inside := bytes.TrimLeft(body[1:], " \t\r\n")
	if yamlErr != nil && len(inside) > 0 && (inside[0] == '"' || inside[0] == '}') {
		return nil, jsonErr
	}
	return roots, yamlErr
}

func parseYAML(c chunk) ([]*yaml.Node, *Error) {
	root, err := decodeYAML(c.text)
	switch {
	case err != nil:
		return nil, &Error{Line: c.offset + firstBad(c.text, err), Msg: "not YAML: " + yamlText(err, c.text)}
	case root == nil:
		return nil, nil
	}
	return []*yaml.Node{root}, nil
}

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
// 0 or from 1.
func firstBad(text []byte, err error) int {
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

var yamlPrefix = regexp.MustCompile(`^(yaml: )?(line \d+: )?`)

func yamlText(err error, text []byte) string {
	msg := yamlPrefix.ReplaceAllString(err.Error(), "")
	if strings.Contains(msg, "cannot start any token") && bytes.ContainsRune(text, '\t') {
		msg += " (YAML is indented with spaces, not tabs)"
	}
	return msg
}

// parseJSON reads a run of JSON values into the nodes that YAML would give.
func parseJSON(text []byte, offset int) ([]*yaml.Node, *Error) {
	var roots []*yaml.Node
	values := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		err := values.Decode(&raw) // checks the grammar, which Token alone does not in full
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			at := values.InputOffset()
			var syntax *json.SyntaxError
			switch {
			case errors.As(err, &syntax):
				at = syntax.Offset
			case errors.Is(err, io.ErrUnexpectedEOF):
				at = int64(len(text))
			}
			at = max(0, min(at, int64(len(text))))
			return nil, &Error{Line: offset + 1 + bytes.Count(text[:at], []byte("\n")), Msg: "not JSON: " + err.Error()}
		}
		start := int(values.InputOffset()) - len(raw)
		r := jsonReader{tokens: json.NewDecoder(bytes.NewReader(raw)), text: raw, line: 1 + bytes.Count(text[:start], []byte("\n"))}
		r.tokens.UseNumber()
		roots = append(roots, r.value())
	}
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

// notText finds the first thing that makes data no text of lines, as people and
// editors count them: bytes that are not UTF-8, or line breaks that only YAML knows.
func notText(data []byte) (line int, msg string) {
	line = 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			return line, "not UTF-8 text"
		case r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			return line, fmt.Sprintf("line break %U: lines end with a newline", r)
		}
		i += size
	}
	return 0, ""
}
