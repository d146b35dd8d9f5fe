package placement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
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
	inventory := &p.Problem.Inventory
	n, h, s, c := len(p.Problem.Networks), len(inventory.Hosts), len(inventory.Switches), len(inventory.Cables)
	out := make([]Digest, 1+n+h+s+c+6)
	failed := make([]error, len(out))
	several(len(out), func(i int) {
		sum := sha256.New()
		add := func(of string, v any) {
			data, err := json.Marshal(v)
			sum.Write(data)
			out[i].Of, failed[i] = of, err
		}
		switch k := i - 1; {
		case k < 0:
			add("seed", p.Seed)
		case k < n:
			add("network "+p.Problem.Networks[k].Name, &p.Problem.Networks[k])
		case k < n+h:
			add("host "+inventory.Hosts[k-n].Name, &inventory.Hosts[k-n])
		case k < n+h+s:
			add("switch "+inventory.Switches[k-n-h].Name, &inventory.Switches[k-n-h])
		case k < n+h+s+c:
			add("cable "+inventory.Cables[k-n-h-s].Name, &inventory.Cables[k-n-h-s])
		default:
			list := []string{"seats", "routes", "reservations", "emulators", "queues", "tasks"}[k-n-h-s-c]
			out[i].Of, failed[i] = list, p.digestList(sum, list)
		}
		out[i].SHA256 = hex.EncodeToString(sum.Sum(nil))
	})
	for _, err := range failed {
		if err != nil {
			return out, err
		}
	}
	if p.Interrupted {
		sum := sha256.Sum256([]byte("true"))
		out = append(out, Digest{"interrupted", hex.EncodeToString(sum[:])})
	}
	return out, nil
}

// digestList adds a list of the answer to a digest: what encoding/json writes of an
// Embedding or a Realization that holds nothing else.
func (p *Plan) digestList(sum hash.Hash, list string) error {
	e, r := &p.Embedding, &p.Realization
	switch list {
	case "seats":
		return addList(sum, `{"seats":`, e.Seats, Embedding{Seats: e.Seats})
	case "routes":
		return addList(sum, `{"seats":null,"routes":`, e.Routes, Embedding{Routes: e.Routes})
	case "reservations":
		return addList(sum, `{"reservations":`, r.Reservations, Realization{Reservations: r.Reservations})
	case "emulators":
		return addList(sum, `{"emulators":`, r.Emulators, Realization{Emulators: r.Emulators})
	case "queues":
		return addList(sum, `{"queues":`, r.Queues, Realization{Queues: r.Queues})
	}
	return addList(sum, `{"tasks":`, r.Tasks, Realization{Tasks: r.Tasks})
}

// addList adds a list item by item; short, as a whole.
func addList[T any](sum hash.Hash, head string, list []T, whole any) error {
	if len(list) < linesAtOnce {
		data, err := json.Marshal(whole)
		sum.Write(data)
		return err
	}
	io.WriteString(sum, head)
	between := []byte("[")
	for i := range list {
		data, err := json.Marshal(&list[i])
		if err != nil {
			return err
		}
		sum.Write(between)
		sum.Write(data)
		between = []byte(",")
	}
	io.WriteString(sum, "]}")
	return nil
}

// several calls f for 0 to n-1 from several goroutines, the last first: those are long.
func several(n int, f func(i int)) {
	var left atomic.Int64
	left.Store(int64(n))
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for i := left.Add(-1); i >= 0; i = left.Add(-1) {
				f(int(i))
			}
		})
	}
	wait.Wait()
}

func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12]
	}
	return fmt.Sprintf("%q", digest)
}
