package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// chunk is the text from one `---` to the next: a YAML document, or a run of JSON
// values.
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

// piece is the text of one document.
type piece struct {
	text   []byte
	offset int    // lines before it
	json   bool   // known to be valid JSON
	broken *Error // what is wrong with it as JSON, when it looks like JSON
}

// cut finds the documents of a file. What is no document is reported; the others
// are read nevertheless.
func cut(f File, errs *Errors) []piece {
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if line, msg := notText(data); msg != "" {
		errs.add(Error{File: f.Name, Line: line, Msg: msg})
		return nil
	}
	var all []piece
	for _, c := range chunks(data) {
		pieces, err := c.cut()
		if err != nil {
			err.File = f.Name
			errs.add(*err)
		}
		for _, p := range pieces {
			if len(p.text) > MaxDocument {
				errs.add(Error{File: f.Name, Line: p.offset + 1,
					Msg: fmt.Sprintf("a document of %d bytes: at most %d are read", len(p.text), MaxDocument)})
				continue
			}
			all = append(all, p)
		}
	}
	return all
}

// cut finds out whether the chunk is JSON. That goes its own way: YAML contains it
// but for tabs, and here it may be a stream.
func (c chunk) cut() ([]piece, *Error) {
	text := c.text
	if isMarker(text) {
		text = append([]byte("   "), text[3:]...)
	}
	body := bytes.TrimLeft(text, " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return []piece{{text: c.text, offset: c.offset}}, nil
	}
	values, err := cutJSON(text, c.offset)
	if err == nil || len(values) > 0 {
		return values, err
	}
	// A flow mapping, {name: x}, is YAML all the same.
	p := piece{text: c.text, offset: c.offset}
	if inside := bytes.TrimLeft(body[1:], " \t\r\n"); len(inside) > 0 && (inside[0] == '"' || inside[0] == '}') {
		p.broken = err
	}
	return []piece{p}, nil
}

// cutJSON cuts a run of JSON values. Those before an error are good.
func cutJSON(text []byte, offset int) ([]piece, *Error) {
	var all []piece
	counted := 0 // bytes before which offset has all lines
	values := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		err := values.Decode(&raw) // checks the grammar, which Token alone does not in full
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		end := int(values.InputOffset())
		if err != nil {
			var syntax *json.SyntaxError
			switch {
			case errors.As(err, &syntax):
				end = int(syntax.Offset)
			case errors.Is(err, io.ErrUnexpectedEOF):
				end = len(text)
			}
			end = max(counted, min(end, len(text)))
			return all, &Error{Line: offset + 1 + bytes.Count(text[counted:end], []byte("\n")), Msg: "not JSON: " + err.Error()}
		}
		start := end - len(raw)
		offset += bytes.Count(text[counted:start], []byte("\n"))
		counted = start
		all = append(all, piece{text: text[start:end], offset: offset, json: true})
	}
}

// source is where positions of a document lead to. A zero piece belongs to values
// that came from no document.
type source struct {
	file string
	piece
	root *yaml.Node // nil: not parsed, or forgotten
	sink *Errors

	failed  map[*yaml.Node]bool // values that could not be read, and said so
	missing map[missing]bool    // keys that are not there, and said so
}

// open parses the document and refuses what is no plain data. It reports whether
// there is a document.
func (s *source) open() bool {
	root, err := s.parse()
	if err != nil {
		err.File = s.file
		s.sink.add(*err)
	}
	if root == nil {
		return false
	}
	s.root = root
	s.vet(root, 1)
	return true
}

// tree is the root of the document, nil when there is none.
func (s *source) tree() *yaml.Node {
	if s.root == nil && len(s.text) > 0 {
		s.root, _ = s.parse() // as it was the first time
	}
	return s.root
}

func (p piece) parse() (*yaml.Node, *Error) {
	if p.json {
		return parseJSON(p.text), nil
	}
	root, err := decodeYAML(p.text)
	switch {
	case err == nil:
		return root, nil
	case p.broken != nil:
		return nil, p.broken
	}
	return nil, &Error{Line: p.offset + firstBad(p.text, err), Msg: "not YAML: " + yamlText(err, p.text)}
}

// notText finds the first thing that makes data no text of lines, as people and
// editors count them: bytes that are not UTF-8, or line breaks that only YAML knows.
func notText(data []byte) (line int, msg string) {
	line = 1
	for i := 0; i < len(data); {
		if c := data[i]; c < utf8.RuneSelf && c != '\r' { // nearly all
			if c == '\n' {
				line++
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return line, "not UTF-8 text"
		case r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			return line, fmt.Sprintf("line break %U: lines end with a newline", r)
		}
		i += size
	}
	return 0, ""
}
