package placement

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"sync/atomic"
)

// quick reads JSON into a plan, as encoding/json would and in a fraction of the time
// and memory: long lists by several goroutines, texts that come again and again kept
// once. It takes what Write writes, in any order and with any white space, and gives up
// at anything else, which encoding/json then may make of it what it will.
type quick struct {
	data   []byte
	pos    int
	failed bool
	known  *[1 << 12]string // texts read before, by their hash
}

// readQuickly reports whether data is a whole value of the type of v, and fills it in.
func readQuickly(data []byte, v reflect.Value) bool {
	q := quick{data: data, known: new([1 << 12]string)}
	q.value(v, shapeOf(v.Type()), true)
	q.space()
	return !q.failed && q.pos == len(data)
}

func (q *quick) space() {
	for q.pos < len(q.data) {
		switch q.data[q.pos] {
		case ' ', '\n', '\t', '\r':
			q.pos++
		default:
			return
		}
	}
}

// next takes a byte that is to come, after white space.
func (q *quick) next(c byte) bool {
	q.space()
	if q.pos < len(q.data) && q.data[q.pos] == c {
		q.pos++
		return true
	}
	return false
}

func (q *quick) want(c byte) {
	if !q.next(c) {
		q.failed = true
	}
}

// value reads into v; top is true outside of lists.
func (q *quick) value(v reflect.Value, s *shape, top bool) {
	if q.failed {
		return
	}
	if s.rat {
		q.failed = v.Addr().Interface().(*Rat).UnmarshalJSON(q.raw()) != nil || q.failed
		return
	}
	switch s.read {
	case byJSON:
		q.unmarshal(v)
		return
	case byText:
		q.failed = v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(q.text())) != nil || q.failed
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(q.text())
	case reflect.Int, reflect.Int64:
		i, ok := exactInt(string(q.raw()))
		q.failed = q.failed || !ok || v.OverflowInt(i)
		v.SetInt(i)
	case reflect.Struct:
		q.object(v, s, top)
	case reflect.Slice:
		q.list(v, s, top)
	case reflect.Pointer:
		if q.null() {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		q.value(v.Elem(), s.elem, false)
	default:
		q.unmarshal(v)
	}
}

// unmarshal leaves a value to encoding/json.
func (q *quick) unmarshal(v reflect.Value) {
	d := json.NewDecoder(bytes.NewReader(q.raw()))
	d.DisallowUnknownFields()
	q.failed = d.Decode(v.Addr().Interface()) != nil || q.failed
}

func (q *quick) null() bool {
	q.space()
	if bytes.HasPrefix(q.data[q.pos:], []byte("null")) {
		q.pos += 4
		return true
	}
	return false
}

func (q *quick) object(v reflect.Value, s *shape, top bool) {
	q.want('{')
	if q.next('}') {
		return
	}
	keys := s.keys
	seen, at := uint64(0), 0
	for !q.failed {
		name := q.text()
		q.want(':')
		k := 0
		for k < len(keys) && keys[(at+k)%len(keys)].name != name {
			k++
		}
		at = (at + k) % len(keys)
		if k == len(keys) || seen&(1<<at) != 0 {
			q.failed = true // unknown, spelled otherwise, or twice
			return
		}
		seen |= 1 << at
		q.value(v.Field(keys[at].index), keys[at].shape, top)
		at = (at + 1) % len(keys)
		if !q.next(',') {
			q.want('}')
			return
		}
	}
}

// list counts before it reads: what is kept is as large as it has to be.
func (q *quick) list(v reflect.Value, s *shape, top bool) {
	if q.null() {
		return
	}
	q.want('[')
	start := q.pos
	var starts []int // of every linesAtOnce-th
	n := 0
	if !q.next(']') {
		for ; !q.failed; n++ {
			if n%linesAtOnce == 0 {
				starts = append(starts, q.pos)
			}
			q.raw()
			if !q.next(',') {
				q.want(']')
				n++
				break
			}
		}
	}
	if q.failed {
		return
	}
	end := q.pos
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	if top && len(starts) > 1 {
		q.apart(v, s, starts)
	} else {
		q.pos = start
		q.items(v, s, 0, n)
	}
	q.pos = end
}

func (q *quick) items(v reflect.Value, s *shape, from, to int) {
	for i := from; i < to && !q.failed; i++ {
		if i > from {
			q.want(',')
		}
		q.value(v.Index(i), s.elem, false)
	}
}

// apart reads the parts of a list by several goroutines.
func (q *quick) apart(v reflect.Value, s *shape, starts []int) {
	var wait sync.WaitGroup
	var turn atomic.Int64
	var failed atomic.Bool
	for range writers {
		wait.Go(func() {
			part := quick{data: q.data, known: new([1 << 12]string)}
			for k := int(turn.Add(1)) - 1; k < len(starts); k = int(turn.Add(1)) - 1 {
				part.pos = starts[k]
				part.items(v, s, k*linesAtOnce, min((k+1)*linesAtOnce, v.Len()))
			}
			if part.failed {
				failed.Store(true)
			}
		})
	}
	wait.Wait()
	q.failed = q.failed || failed.Load()
}

// raw is the text of the next value, taken for one by its brackets and quotes.
func (q *quick) raw() []byte {
	q.space()
	start, depth := q.pos, 0
	for q.pos < len(q.data) {
		switch c := q.data[q.pos]; c {
		case '"':
			q.quoted()
			if q.failed {
				return nil
			}
		case '{', '[':
			depth++
			q.pos++
		case '}', ']', ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return q.ends(start)
			}
			if c == '}' || c == ']' {
				depth--
			}
			q.pos++
		default:
			q.pos++
			continue
		}
		if depth == 0 {
			return q.ends(start)
		}
	}
	return q.ends(start)
}

func (q *quick) ends(start int) []byte {
	q.failed = q.failed || q.pos == start
	return q.data[start:q.pos]
}

// quoted passes a text, quotes and all.
func (q *quick) quoted() {
	for q.pos++; ; {
		i := bytes.IndexByte(q.data[q.pos:], '"')
		if i < 0 {
			q.failed = true
			return
		}
		q.pos += i + 1
		slashes := 0
		for q.data[q.pos-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return
		}
	}
}

// text reads a text.
func (q *quick) text() string {
	q.space()
	if q.pos >= len(q.data) || q.data[q.pos] != '"' {
		q.failed = true
		return ""
	}
	start := q.pos
	q.quoted()
	if q.failed {
		return ""
	}
	inside := q.data[start+1 : q.pos-1]
	hash := uint32(2166136261) // FNV-1a
	for _, c := range inside {
		if c < ' ' || c > '~' || c == '\\' {
			var text string
			q.failed = json.Unmarshal(q.data[start:q.pos], &text) != nil
			return text
		}
		hash = (hash ^ uint32(c)) * 16777619
	}
	known := &q.known[hash%uint32(len(q.known))]
	if *known != string(inside) {
		*known = string(inside)
	}
	return *known
}
