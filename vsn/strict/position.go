package strict

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Position is a place in a document: it knows its line, and how to name itself to a
// person. Building one costs nothing; the document is searched only when a line is
// asked for. The zero Position of NewPosition belongs to no document.
type Position struct {
	src    *source
	parent *Position
	key    string // of a map, when not an item
	index  int    // of a list
	name   string // of the item, where it has one
	item   bool
}

// NewPosition is the root for a value that came from no document: errors are
// collected in errs with neither file nor line.
func NewPosition(errs *Errors) Position {
	return Position{src: &source{sink: errs}}
}

// Key is the value under a key.
func (p Position) Key(key string) Position {
	return Position{src: p.src, parent: &p, key: key}
}

// Item is the i-th of a list. Its name, if it has one, is what people see in
// place of the index.
func (p Position) Item(i int, name string) Position {
	return Position{src: p.src, parent: &p, item: true, index: i, name: name}
}

// Given reports whether the document says something here. Of a value that came from
// no document nothing is given.
func (p Position) Given() bool {
	return p.find().node != nil
}

// Has reports whether the document has this key here.
func (p Position) Has(key string) bool { return p.Key(key).Given() }

// Line is where the value is, from 1, or where its nearest parent is when the
// document is silent about it; 0 without a document.
func (p Position) Line() int {
	return p.find().line
}

// File is the name of the file, or "".
func (p Position) File() string { return p.src.file }

// Whence says where another place is, as seen from here, for the end of a message:
// " (line 7)", " (b.yaml:7)", or nothing without a document.
func (p Position) Whence(other Position) string {
	switch line := other.Line(); {
	case line == 0:
		return ""
	case p.File() == other.File():
		return fmt.Sprintf(" (line %d)", line)
	default:
		return fmt.Sprintf(" (%s:%d)", other.File(), line)
	}
}

// Failf reports that the value here is wrong. It is silent where Decode has reported
// already that the value is missing or cannot be read: there is one error, not two.
func (p Position) Failf(format string, args ...any) { p.fail(false, format, args...) }

// Unfitf is Failf for what reads well and cannot be (Error.Unfit).
func (p Position) Unfitf(format string, args ...any) { p.fail(true, format, args...) }

func (p Position) fail(unfit bool, format string, args ...any) {
	if p.src.sink.full() {
		return
	}
	if f := p.find(); !f.reported {
		p.src.sink.add(Error{File: p.src.file, Line: f.line, Path: p.String(), Msg: fmt.Sprintf(format, args...), Unfit: unfit})
	}
}

// found is what the document has at a position.
type found struct {
	node     *yaml.Node // nil when it is not there
	line     int        // of the node, or of its nearest parent
	reported bool       // that it, or what it is in, is missing or cannot be read
}

// missing is a required key that is not in a map.
type missing struct {
	in  *yaml.Node
	key string
}

func (p Position) find() found {
	s := p.src
	if p.parent == nil {
		root := s.tree()
		if root == nil {
			return found{}
		}
		return found{root, root.Line + s.offset, s.failed[root]}
	}
	up := p.parent.find()
	f := found{nil, up.line, up.reported}
	switch {
	case up.node == nil:
	case p.item && up.node.Kind == yaml.SequenceNode && p.index < len(up.node.Content):
		f.node = up.node.Content[p.index]
		f.line = f.node.Line + s.offset
	case !p.item && up.node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(up.node.Content) && f.node == nil; i += 2 {
			if key, value := up.node.Content[i], up.node.Content[i+1]; key.Value == p.key && key.Kind == yaml.ScalarNode {
				f.node = value
				f.line = lineOf(key, value) + s.offset
			}
		}
		f.reported = f.reported || s.missing[missing{up.node, p.key}]
	}
	f.reported = f.reported || s.failed[f.node]
	return f
}

// lineOf a value under a key: people look for a map or a list where its key is.
func lineOf(key, value *yaml.Node) int {
	if value.Kind == yaml.ScalarNode {
		return value.Line
	}
	return key.Line
}

// text is the scalar here, or "".
func (p Position) text() string {
	if n := p.find().node; n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// String names the place as in `vm "camera": reservation.runtime`.
func (p Position) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p Position) write(b *strings.Builder) {
	if p.parent == nil {
		return
	}
	if p.item && p.name != "" && !p.parent.item && p.parent.parent != nil {
		p.parent.parent.write(b)
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(singular(p.parent.key) + " " + strconv.Quote(p.name))
		return
	}
	p.parent.write(b)
	if p.item {
		fmt.Fprintf(b, "[%d]", p.index)
		return
	}
	switch text := b.String(); {
	case text == "":
	case strings.HasSuffix(text, `"`):
		b.WriteString(": ")
	default:
		b.WriteByte('.')
	}
	b.WriteString(shownKey(p.key))
}

// shownKey quotes a key that would not be read as one.
func shownKey(key string) string {
	for _, r := range key {
		if r <= ' ' || r > '~' || strings.ContainsRune(`."[]:`, r) {
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// singular of the key of a list: "switches" is a list of what is called a switch.
func singular(list string) string {
	if s, ok := strings.CutSuffix(list, "ches"); ok {
		return s + "ch"
	}
	return strings.TrimSuffix(list, "s")
}
