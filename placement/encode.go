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
func (l *layout) object(v reflect.Value, depth int) {
	l.write([]byte("{"))
	first := true
	for _, f := range keysOf(v.Type()) {
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
		case value.Kind() == reflect.Struct && !written(value.Type()):
			l.object(value, depth+1)
		case isLines(value.Type()) && value.Len() > 0:
			l.lines(value, depth+1)
		default:
			l.write(appendValue(nil, value, depth+1))
		}
	}
	l.write(append(appendLine(nil, depth), '}'))
}

// lines writes a list of objects outside of lists.
func (l *layout) lines(v reflect.Value, depth int) {
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
					chunks[k] = appendValue(appendLine(chunks[k], depth+1), v.Index(i), depth+1)
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
func appendValue(b []byte, v reflect.Value, depth int) []byte {
	if written(v.Type()) {
		return appendWritten(b, v)
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
		return appendValue(b, v.Elem(), depth)
	case reflect.Slice:
		return appendList(b, v, depth)
	case reflect.Struct:
		b = append(b, '{')
		start := len(b)
		for _, f := range keysOf(v.Type()) {
			value := v.Field(f.index)
			if f.omitEmpty && empty(value) {
				continue
			}
			if len(b) > start {
				b = append(b, ", "...)
			}
			b = appendValue(append(append(b, f.quoted...), ": "...), value, depth)
		}
		return append(b, '}')
	}
	return appendJSON(b, v.Interface()) // maps, with their keys in order
}

func appendList(b []byte, v reflect.Value, depth int) []byte {
	if v.IsNil() {
		return append(b, "null"...)
	}
	lines := isLines(v.Type()) && v.Len() > 0
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
		b = appendValue(b, v.Index(i), depth+1)
	}
	if lines {
		b = appendLine(b, depth)
	}
	return append(b, ']')
}

// isLines reports whether a type is a list of objects.
func isLines(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !written(t) && t.Elem() != ratType
}

var (
	ratType   = reflect.TypeFor[Rat]()
	jsonType  = reflect.TypeFor[json.Marshaler]()
	textType  = reflect.TypeFor[encoding.TextMarshaler]()
	byTheirs  sync.Map // reflect.Type to bool
	keysOfAll sync.Map // reflect.Type to []key
)

// written reports whether a type says itself how it is written.
func written(t reflect.Type) bool {
	if known, ok := byTheirs.Load(t); ok {
		return known.(bool)
	}
	is := t.Kind() != reflect.Pointer && (t.Implements(jsonType) || t.Implements(textType))
	byTheirs.Store(t, is)
	return is
}

func appendWritten(b []byte, v reflect.Value) []byte {
	if v.Type() == ratType {
		return v.Addr().Interface().(*Rat).appendJSON(b)
	}
	return appendJSON(b, v.Interface())
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

// key is a field of a struct, as encoding/json has it.
type key struct {
	index     int
	name      string
	quoted    string // with its quotes
	omitEmpty bool
}

func keysOf(t reflect.Type) []key {
	if known, ok := keysOfAll.Load(t); ok {
		return known.([]key)
	}
	var out []key
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" || !t.Field(i).IsExported() {
			continue
		}
		if name == "" || options != "" && options != "omitempty" || t.Field(i).Anonymous {
			panic("placement: a plan has no field like " + t.String() + "." + t.Field(i).Name)
		}
		out = append(out, key{i, name, strconv.Quote(name), options == "omitempty"})
	}
	keysOfAll.Store(t, out)
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
