package placement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Digest is the SHA-256 sum, in hex, of the canonical JSON of one part of a plan: a
// number that no claim uses cannot be changed unseen either, and the part that it
// belongs to is named.
type Digest struct {
	Of     string `json:"of"` // "network robot", "host pn1", "queues"
	SHA256 string `json:"sha256"`
}

// Changed says which part of a plan does not match its digest.
type Changed struct{ Part, Says string }

func (c *Changed) Error() string { return c.Part + ": " + c.Says }

// Seal computes the digests of the parts of a plan.
func (p *Plan) Seal() error {
	d, err := p.digests()
	p.Digests = d
	return err
}

// Sealed reports, as a *Changed, the first part that does not match its digest.
func (p *Plan) Sealed() error {
	now, err := p.digests()
	if err != nil {
		return err
	}
	for i, d := range now {
		switch {
		case i >= len(p.Digests):
			return &Changed{d.Of, "its digest is missing from the plan"}
		case p.Digests[i].Of != d.Of:
			return &Changed{d.Of, fmt.Sprintf("the plan has a digest of %q in its place", p.Digests[i].Of)}
		case p.Digests[i].SHA256 != d.SHA256:
			return &Changed{d.Of, fmt.Sprintf("digest %s in the plan, %s of what it holds: it was changed after it was proved", short(p.Digests[i].SHA256), short(d.SHA256))}
		}
	}
	if len(p.Digests) > len(now) {
		return &Changed{p.Digests[len(now)].Of, "a digest of what is not in the plan"}
	}
	return nil
}

// digests are those of all parts but the proof, which is derived from them.
func (p *Plan) digests() ([]Digest, error) {
	var out []Digest
	var failed error
	add := func(of string, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			failed = err
		}
		sum := sha256.Sum256(data)
		out = append(out, Digest{of, hex.EncodeToString(sum[:])})
	}
	add("seed", p.Seed)
	if p.Interrupted {
		add("interrupted", true)
	}
	for i := range p.Problem.Networks {
		add("network "+p.Problem.Networks[i].Name, &p.Problem.Networks[i])
	}
	inventory := &p.Problem.Inventory
	for i := range inventory.Hosts {
		add("host "+inventory.Hosts[i].Name, &inventory.Hosts[i])
	}
	for i := range inventory.Switches {
		add("switch "+inventory.Switches[i].Name, &inventory.Switches[i])
	}
	for i := range inventory.Cables {
		add("cable "+inventory.Cables[i].Name, &inventory.Cables[i])
	}
	add("seats", Embedding{Seats: p.Embedding.Seats})
	add("routes", Embedding{Routes: p.Embedding.Routes})
	add("reservations", Realization{Reservations: p.Realization.Reservations})
	add("emulators", Realization{Emulators: p.Realization.Emulators})
	add("queues", Realization{Queues: p.Realization.Queues})
	add("tasks", Realization{Tasks: p.Realization.Tasks})
	return out, failed
}

func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12]
	}
	return fmt.Sprintf("%q", digest)
}
