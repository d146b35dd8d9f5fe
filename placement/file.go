package placement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// MaxPlanBytes bounds what Read takes, so that a wrong file is an error and not a
// full memory.
const MaxPlanBytes = 4 << 30

// Digest is the SHA-256 sum, in hex, of v as canonical JSON.
func Digest(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Seal computes the digests of the parts of a plan.
func (p *Plan) Seal() error {
	d, err := p.digests()
	p.Digests = d
	return err
}

type seeded struct {
	Seed    int64   `json:"seed"`
	Problem Problem `json:"problem"`
}

func (p *Plan) digests() (Digests, error) {
	var d Digests
	var err error
	for _, part := range []struct {
		to *string
		of any
	}{{&d.Problem, seeded{p.Seed, p.Problem}}, {&d.Embedding, p.Embedding}, {&d.Realization, p.Realization}} {
		if *part.to, err = Digest(part.of); err != nil {
			return d, err
		}
	}
	return d, nil
}

// Sealed reports, as an error, which part does not match its digest.
func (p *Plan) Sealed() error {
	d, err := p.digests()
	if err != nil {
		return err
	}
	for _, part := range []struct{ name, want, have string }{
		{"problem", p.Digests.Problem, d.Problem},
		{"embedding", p.Digests.Embedding, d.Embedding},
		{"realization", p.Digests.Realization, d.Realization},
	} {
		if part.want != part.have {
			return fmt.Errorf("%s: digest %s in the plan, %s of what it holds: the %s was changed after it was proved", part.name, short(part.want), short(part.have), part.name)
		}
	}
	return nil
}

func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12]
	}
	return fmt.Sprintf("%q", digest)
}

// Write writes the plan as canonical JSON: keys in the order of the types, lists in
// the order of the problem, two spaces of indent, a newline at the end.
func Write(w io.Writer, p *Plan) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}

// Read reads a plan strictly: unknown keys, another version and bytes after the end
// are errors. It does not check the proof; proof.Check does.
func Read(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPlanBytes))
	if err != nil {
		return nil, err
	}
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
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var p Plan
	if err := dec.Decode(&p); err != nil {
		return nil, at(data, err)
	}
	return &p, nil
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
