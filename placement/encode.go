package placement

import (
	"bytes"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// The layout of a plan file. An object outside of lists has a line for each key, a list
// of objects a line for each of them; all else stands on one line. A plan of a hundred
// thousand VMs has millions of such lines: they are written as they come, by several
// goroutines, and never stand in memory together.

// linesAtOnce is how many objects of a list a goroutine writes before they go out, and
// writers how many do so at once; the bytes do not depend on either.
const (
	linesAtOnce = 1024
	writers     = 4
)

// layout writes JSON with line breaks. The first error of the writer is kept.
type layout struct {
	w   io.Writer
	err error
}

func (l *layout) write(b []byte) {
	if l.err == nil {
		_, l.err = l.w.Write(b)
	}
}

// object writes a struct outside of lists.
func (l *layout) object(v reflect.Value, s *shape, depth int) {
	l.write([]byte("{"))
	first := true
	for i := range s.keys {
		f := &s.keys[i]
		value := v.Field(f.index)
		if f.omitEmpty && empty(value) {
			continue
		}
		var b []byte
		if !first {
			b = append(b, ',')
		}
		first = false
		l.write(append(append(appendLine(b, depth+1), f.quoted...), ": "...))
		switch {
		case value.Kind() == reflect.Struct && !f.shape.written:
			l.object(value, f.shape, depth+1)
		case f.shape.lines && value.Len() > 0:
			l.lines(value, f.shape, depth+1)
		default:
			l.write(appendValue(nil, value, f.shape, depth+1))
		}
	}
	l.write(append(appendLine(nil, depth), '}'))
}

// lines writes a list of objects outside of lists.
func (l *layout) lines(v reflect.Value, s *shape, depth int) {
	l.write([]byte("["))
	var chunks [writers][]byte
	for from := 0; from < v.Len(); from += writers * linesAtOnce {
		var wait sync.WaitGroup
		for k := range chunks {
			start := min(from+k*linesAtOnce, v.Len())
			chunks[k] = chunks[k][:0]
			wait.Go(func() {
				for i := start; i < min(start+linesAtOnce, v.Len()); i++ {
					if i > 0 {
						chunks[k] = append(chunks[k], ',')
					}
					chunks[k] = appendValue(appendLine(chunks[k], depth+1), v.Index(i), s.elem, depth+1)
				}
			})
		}
		wait.Wait()
		for _, chunk := range chunks {
			l.write(chunk)
		}
	}
	l.write(append(appendLine(nil, depth), ']'))
}

func appendLine(b []byte, depth int) []byte {
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

// appendValue writes what stands inside a list, or on one line.
func appendValue(b []byte, v reflect.Value, s *shape, depth int) []byte {
	switch {
	case s.rat:
		return v.Addr().Interface().(*Rat).appendJSON(b)
	case s.written:
		return appendJSON(b, v.Interface())
	}
	switch v.Kind() {
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendValue(b, v.Elem(), s.elem, depth)
	case reflect.Slice:
		return appendList(b, v, s, depth)
	case reflect.Struct:
		b = append(b, '{')
		start := len(b)
		for i := range s.keys {
			f := &s.keys[i]
			value := v.Field(f.index)
			if f.omitEmpty && empty(value) {
				continue
			}
			if len(b) > start {
				b = append(b, ", "...)
			}
			b = appendValue(append(append(b, f.quoted...), ": "...), value, f.shape, depth)
		}
		return append(b, '}')
	}
	return appendJSON(b, v.Interface()) // maps, with their keys in order
}

func appendList(b []byte, v reflect.Value, s *shape, depth int) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	lines := s.lines && v.Len() > 0
	b = append(b, '[')
	for i := range v.Len() {
		switch {
		case lines && i > 0:
			b = appendLine(append(b, ','), depth+1)
		case lines:
			b = appendLine(b, depth+1)
		case i > 0:
			b = append(b, ", "...)
		}
		b = appendValue(b, v.Index(i), s.elem, depth+1)
	}
	if lines {
		b = appendLine(b, depth)
	}
	return append(b, ']')
}

func appendJSON(b []byte, v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // "camera>detect" is for people to read
	if err := enc.Encode(v); err != nil {
		panic("placement: no value of a plan fails to be JSON: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendJSON(b, text)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// shape is what is to be known of a type to write and to read it.
type shape struct {
	rat     bool // it is a Rat
	written bool // it says itself how it is written
	read    int  // how it is read
	lines   bool // it is a list of objects
	keys    []key
	elem    *shape // of a list or a pointer
}

// key is a field of a struct, as encoding/json has it.
type key struct {
	index     int
	name      string
	quoted    string // with its quotes
	omitEmpty bool
	shape     *shape
}

// How a type is read.
const (
	byKind = iota
	byJSON
	byText
)

var shapes sync.Map // reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{rat: t == reflect.TypeFor[Rat]()}
	pointer := reflect.PointerTo(t)
	switch {
	case t.Kind() == reflect.Pointer: // what it points to does
	case pointer.Implements(reflect.TypeFor[json.Unmarshaler]()):
		s.read = byJSON
	case pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		s.read = byText
	}
	s.written = t.Kind() != reflect.Pointer && (t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()))
	switch t.Kind() {
	case reflect.Struct:
		if !s.written {
			s.keys = keysOf(t)
		}
	case reflect.Slice, reflect.Pointer:
		s.elem = shapeOf(t.Elem())
		s.lines = t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !s.written && !s.elem.written
	}
	shapes.Store(t, s)
	return s
}

func keysOf(t reflect.Type) []key {
	var out []key
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" || !t.Field(i).IsExported() {
			continue
		}
		if name == "" || options != "" && options != "omitempty" || t.Field(i).Anonymous {
			panic("placement: a plan has no field like " + t.String() + "." + t.Field(i).Name)
		}
		out = append(out, key{i, name, strconv.Quote(name), options == "omitempty", shapeOf(t.Field(i).Type)})
	}
	return out
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
