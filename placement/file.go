package placement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
)

// MaxPlanBytes bounds what Read takes, so that a wrong file is an error and not a
// full memory.
const MaxPlanBytes = 4 << 30

// Write writes the plan as canonical JSON: keys in the order of the types, lists in the
// order of the problem, each object of a list on a line of its own, a newline at the
// end. It holds little of it in memory at a time.
func Write(w io.Writer, p *Plan) error {
	l := layout{w: w}
	l.object(reflect.ValueOf(p).Elem(), shapeOf(reflect.TypeFor[Plan]()), 0)
	l.write([]byte("\n"))
	return l.err
}

// Read reads a plan strictly: unknown keys, another version and bytes after the end
// are errors. It does not check the proof; proof.Check does.
func Read(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPlanBytes))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse is Read for what is in memory already. Nothing of the plan points into data.
func Parse(data []byte) (*Plan, error) {
	var p Plan
	if readQuickly(data, reflect.ValueOf(&p).Elem()) && p.Version == PlanVersion {
		return &p, nil
	}
	p = Plan{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	failed := dec.Decode(&p)
	ends := len(bytes.TrimSpace(data[dec.InputOffset():])) == 0
	if failed == nil && ends && p.Version == PlanVersion {
		return &p, nil
	}
	// Of what is no plan, or one of another program, that is said first.
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a plan: %w", at(data, err))
	}
	if head.Version == nil {
		return nil, fmt.Errorf("not a plan: it has no version (want %d)", PlanVersion)
	}
	if *head.Version != PlanVersion {
		return nil, fmt.Errorf("plan version %d, and this program reads version %d: plan again", *head.Version, PlanVersion)
	}
	return nil, at(data, failed)
}

// at adds the line to an error of encoding/json that knows its offset.
func at(data []byte, err error) error {
	var offset int64
	switch e := err.(type) {
	case *json.SyntaxError:
		offset = e.Offset
	case *json.UnmarshalTypeError:
		offset = e.Offset
	default:
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n")), err)
}

// Faithful reports, as an error that says where, what a file holds beside what p was
// read as from it: keys twice, spelled otherwise or left out, numbers in another
// notation. Order and white space do not matter.
func Faithful(data []byte, p *Plan) error {
	same := comparison{rest: data}
	if Write(&same, p); same.equal() {
		return nil
	}
	var canonical bytes.Buffer
	if err := Write(&canonical, p); err != nil {
		return err
	}
	said, err := decodeOnce(json.NewDecoder(bytes.NewReader(data)), "plan")
	if err != nil {
		return err
	}
	meant, err := decodeOnce(json.NewDecoder(&canonical), "plan")
	if err != nil {
		return err
	}
	return unlike("plan", said, meant)
}

// comparison is written to what may be the same as rest.
type comparison struct {
	rest    []byte
	differs bool
}

func (c *comparison) Write(b []byte) (int, error) {
	rest, same := bytes.CutPrefix(c.rest, b)
	if c.rest = rest; !same {
		c.differs = true
		return 0, errDiffers
	}
	return len(b), nil
}

func (c *comparison) equal() bool { return !c.differs && len(c.rest) == 0 }

var errDiffers = errors.New("it differs")

// decodeOnce decodes a value in which no key is there twice; numbers stay as written.
func decodeOnce(dec *json.Decoder, at string) (any, error) {
	dec.UseNumber()
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string)
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("%s: key %q is there twice", at, name)
			}
			if object[name], err = decodeOnce(dec, at+"."+name); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			item, err := decodeOnce(dec, fmt.Sprintf("%s[%d]", at, len(list)))
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = dec.Token()
		return list, err
	}
	return token, nil
}

// unlike finds the first difference of two decoded values.
func unlike(at string, said, meant any) error {
	switch m := meant.(type) {
	case map[string]any:
		s, ok := said.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want an object", at)
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if _, there := s[name]; !there {
				return fmt.Errorf("%s: key %q is missing", at, name)
			}
			if err := unlike(at+"."+name, s[name], m[name]); err != nil {
				return err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s)) {
			if _, known := m[name]; !known {
				return fmt.Errorf("%s: key %q says nothing, or is spelled otherwise", at, name)
			}
		}
		return nil
	case []any:
		s, ok := said.([]any)
		if !ok || len(s) != len(m) {
			return fmt.Errorf("%s: want a list of %d", at, len(m))
		}
		for i := range m {
			if err := unlike(fmt.Sprintf("%s[%d]", at, i), s[i], m[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if said != meant {
		return fmt.Errorf("%s: %v is written %v", at, meant, said)
	}
	return nil
}
