package construct

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/placement/scale"
	"github.com/vsnctl/vsnctl/vsn"
)

// plan is answers put together.
type plan struct {
	problem     placement.Problem
	embedding   placement.Embedding
	realization placement.Realization
}

func (p *plan) add(n vsn.Network, a *Answer) {
	p.problem.Networks = append(p.problem.Networks, n)
	p.embedding.Seats = append(p.embedding.Seats, a.Embedding.Seats...)
	p.embedding.Routes = append(p.embedding.Routes, a.Embedding.Routes...)
	p.realization.Reservations = append(p.realization.Reservations, a.Reservations...)
	p.realization.Emulators = append(p.realization.Emulators, a.Emulators...)
}

// prove holds all of it against the proof.
func (p *plan) prove(t *testing.T) {
	t.Helper()
	r, err := realize.New(&p.problem, 1).Realize(&p.embedding)
	if err != nil {
		t.Fatal(err)
	}
	p.realization.Queues = r.Queues
	derived, err := proof.Prove(&p.problem, &p.embedding, &p.realization)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range proof.Failing(derived) {
		t.Errorf("%s %s: %v %s, and %v is allowed", c.Subject, c.Rule, c.Bound, c.Unit, c.Limit)
	}
}

func embedded(t *testing.T, inv *hosts.Inventory, networks []vsn.Network, ask Ask) (*Embedder, *plan) {
	t.Helper()
	x, err := NewEmbedder(inv, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{problem: placement.Problem{Inventory: *inv}}
	for _, i := range Largest(networks, ask) {
		a, err := x.Embed(&networks[i], ask)
		if err != nil {
			t.Fatal(err)
		}
		p.add(networks[i], a)
	}
	return x, p
}

// TestEmbedderProved: what is found, with its CPUs, keeps every claim of the proof.
func TestEmbedderProved(t *testing.T) {
	inv := scale.Inventory(60)
	inv.Hosts[3].Emulator = &hosts.Emulator{Runtime: 100_000, Period: 10_000_000, Work: 1000}
	inv.Hosts[4].Partition = false
	networks := scale.Networks(60, 1)
	for i := range networks {
		networks[i].Flows = nil // of which the embedder knows nothing
	}
	_, p := embedded(t, &inv, networks, Ask{})
	p.prove(t)
}

// state is what an embedder has written down of what is free.
func (x *Embedder) account() any {
	return []any{x.state.free, x.state.adjacent, x.state.room, x.state.idle, x.state.spare, x.on, x.index.most, x.filled.most, x.fresh}
}

// TestEmbedderHolds: an embedder that is told of a plan has the same left as the one
// that made it, and all when everything is given back.
func TestEmbedderHolds(t *testing.T) {
	inv := scale.Inventory(40)
	inv.Hosts[0].Emulator = &hosts.Emulator{Runtime: 100_000, Period: 10_000_000, Work: 1000}
	networks := scale.Networks(40, 2)
	x, p := embedded(t, &inv, networks, Ask{})
	y, err := NewEmbedder(&inv, 1)
	if err != nil {
		t.Fatal(err)
	}
	empty := slices.Clone(y.index.most)
	if err := y.Hold(networks, &p.embedding, &p.realization); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(x.account(), y.account()); d != "" {
		t.Error(d)
	}
	for i := range networks {
		if !y.Release(networks[i].Name) {
			t.Errorf("%s held nothing", networks[i].Name)
		}
	}
	if d := cmp.Diff(empty, y.index.most); d != "" || y.fresh != 0 {
		t.Error("not all was given back:", d, y.fresh)
	}
}

// TestEmbedderPins: pins bind, and one that cannot be is no place.
func TestEmbedderPins(t *testing.T) {
	inv := scale.Inventory(60)
	networks := scale.Networks(3, 3)
	pins := []placement.Seat{{Network: "n0", VM: "app1", Host: "h59"}, {Network: "n1", VM: "db0", Host: "h7"}, {Network: "n1", VM: "db1", Host: "h33"}, {Network: "n2", VM: "web2", Host: "h12"}}
	_, p := embedded(t, &inv, networks, Ask{Pins: pins})
	p.problem.Pins = pins
	p.prove(t)
	x, err := NewEmbedder(&inv, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Embed(&networks[1], Ask{Pins: []placement.Seat{{Network: "n1", VM: "db0", Host: "h7"}, {Network: "n1", VM: "db1", Host: "h7"}}})
	if _, ok := err.(*Unplaced); !ok {
		t.Errorf("two that are to be apart on one host: %v", err)
	}
}

// TestEmbedderLostHost: what was on a host that is lost goes elsewhere, and nothing else
// moves.
func TestEmbedderLostHost(t *testing.T) {
	inv := scale.Inventory(60)
	networks := scale.Networks(60, 4)
	x, p := embedded(t, &inv, networks, Ask{})
	before := map[[2]string]string{}
	for _, s := range p.embedding.Seats {
		before[[2]string{s.Network, s.VM}] = s.Host
	}
	touched, err := x.Fail("h0")
	if err != nil || len(touched) == 0 {
		t.Fatal(touched, err)
	}
	after := &plan{problem: placement.Problem{Inventory: inv}}
	for i := range networks {
		n := &networks[i]
		if !slices.Contains(touched, n.Name) {
			after.add(*n, x.answer(x.held[n.Name]))
			continue
		}
		a, err := x.Again(n)
		if err != nil {
			t.Fatal(err)
		}
		after.add(*n, a)
	}
	for _, s := range after.embedding.Seats {
		was := before[[2]string{s.Network, s.VM}]
		if s.Host == "h0" || was != "h0" && was != s.Host {
			t.Errorf("vm %s/%s went from %s to %s", s.Network, s.VM, was, s.Host)
		}
	}
	after.prove(t)
}

// TestEmbedderSame: the same calls give the same answers.
func TestEmbedderSame(t *testing.T) {
	inv := scale.Inventory(100)
	networks := scale.Networks(100, 5)
	_, a := embedded(t, &inv, networks, Ask{})
	_, b := embedded(t, &inv, networks, Ask{})
	if d := cmp.Diff(a.embedding, b.embedding); d != "" {
		t.Error(d)
	}
}

// TestIndex: first finds what going through all of them finds.
func TestIndex(t *testing.T) {
	x := newIndex(13, 2)
	free := [][]int64{}
	for i := range int32(13) {
		free = append(free, []int64{int64(i*7) % 11, int64(i*5) % 13})
		copy(x.leaf(i), free[i])
	}
	x.build()
	for a := range int64(12) {
		for b := range int64(14) {
			for from := range int32(14) {
				want := int32(-1)
				for i := from; i < 13 && want < 0; i++ {
					if free[i][0] >= a && free[i][1] >= b {
						want = i
					}
				}
				if got := x.first(from, []int64{a, b}); got != want {
					t.Fatalf("first from %d with %d and %d: %d, want %d", from, a, b, got, want)
				}
			}
		}
	}
}
