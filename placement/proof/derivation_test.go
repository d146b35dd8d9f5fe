package proof

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/placementtest"
	"github.com/vsnctl/vsnctl/vsn"
)

// alike fails where two proofs differ.
func alike(t interface {
	Helper()
	Fatal(...any)
}, got, want placement.Proof) {
	t.Helper()
	var a, b bytes.Buffer
	if placement.Write(&a, &placement.Plan{Proof: got}) != nil || placement.Write(&b, &placement.Plan{Proof: want}) != nil {
		t.Fatal("not written")
	}
	if bytes.Equal(a.Bytes(), b.Bytes()) {
		return
	}
	if err := compareClaims(got.Claims, want.Claims); err != nil {
		t.Fatal(err)
	}
	t.Fatal(cmp.Diff(want.Rests, got.Rests))
}

// drawCentre draws the plan of some of the networks of a data centre whose cables are
// slow, so that delays move with whatever else is sent.
func drawCentre(t *rapid.T, inv hosts.Inventory, all []vsn.Network) *placement.Plan {
	p := &placement.Plan{Version: placement.PlanVersion}
	p.Problem.Inventory = inv
	var homes []int
	for i := range all {
		if rapid.IntRange(0, 9).Draw(t, "there") == 0 {
			continue
		}
		n := all[i]
		if rapid.IntRange(0, 9).Draw(t, "changed") == 0 {
			n.Links = slices.Clone(n.Links)
			n.Links[rapid.IntRange(0, 11).Draw(t, "link")].Rate = 80e6
		}
		if rapid.IntRange(0, 30).Draw(t, "confident") == 0 {
			n.Confidence, n.Active = vsn.One/10*9, vsn.One/2
		}
		home := i
		if rapid.IntRange(0, 4).Draw(t, "moved") == 0 {
			home = rapid.IntRange(0, len(inv.Hosts)-1).Draw(t, "home")
		}
		p.Problem.Networks, homes = append(p.Problem.Networks, n), append(homes, home)
	}
	placementtest.Place(p, homes)
	if len(p.Embedding.Seats) > 0 && rapid.IntRange(0, 3).Draw(t, "pinned") == 0 {
		p.Problem.Pins = p.Embedding.Seats[:1]
	}
	if rapid.IntRange(0, 2).Draw(t, "smaller") == 0 {
		smaller(p, rapid.IntRange(0, len(inv.Hosts)-1).Draw(t, "gone"))
	}
	return p
}

// smaller takes a host on which nothing sits, and its cables, out of the inventory.
func smaller(p *placement.Plan, host int) {
	inv := &p.Problem.Inventory
	name := inv.Hosts[host].Name
	if slices.ContainsFunc(p.Embedding.Seats, func(s placement.Seat) bool { return s.Host == name }) {
		return
	}
	inv.Hosts = slices.Delete(slices.Clone(inv.Hosts), host, host+1)
	inv.Cables = slices.DeleteFunc(slices.Clone(inv.Cables), func(c hosts.Cable) bool { return slices.Contains(c.Between, name) })
}

// TestAgainIsProve: whatever changes from one plan to the next, what is derived again is
// what Prove derives from nothing; and what it was derived from is as it was.
func TestAgainIsProve(t *testing.T) {
	kept, moved, behind := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		base := placementtest.Plan(rapid.SampledFrom([]int{12, 12, 20}).Draw(t, "hosts"), rapid.IntRange(1, 14).Draw(t, "networks"))
		inv, all := base.Problem.Inventory, base.Problem.Networks
		half := rapid.IntRange(0, 7).Draw(t, "half duplex") == 0 // makes cycles, of which all is derived
		for i := range inv.Cables {
			inv.Cables[i].Rate = vsn.Rate(rapid.SampledFrom([]int{4, 6, 8, 10, 100}).Draw(t, "Gbit/s")) * 1e9
			if half && rapid.IntRange(0, 15).Draw(t, "half") == 0 {
				inv.Cables[i].Duplex = hosts.HalfDuplex
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "objective") == 0 {
			inv.Objective = []hosts.Objective{hosts.Balance, hosts.FewestHosts, hosts.LeastBandwidth}
		}
		var before *Derivation
		var was placement.Proof
		for range rapid.IntRange(2, 4).Draw(t, "plans") {
			p := drawCentre(t, inv, all)
			if rapid.IntRange(0, 4).Draw(t, "one change") > 0 && before != nil {
				p = oneMoves(t, before)
			}
			want, failed := Prove(&p.Problem, &p.Embedding, &p.Realization)
			if before == nil {
				d, err := Derive(&p.Problem, &p.Embedding, &p.Realization)
				if err != nil {
					t.Fatal(err)
				}
				before, was = d, want
				continue
			}
			c := before.change(&p.Problem, &p.Embedding, &p.Realization)
			if c != nil {
				kept++
				for slot := range c.moved {
					if !c.fresh[slot] {
						moved++
					}
				}
				for at := range c.settled {
					if !c.lines[at] {
						behind++
					}
				}
			}
			next, err := before.Again(&p.Problem, &p.Embedding, &p.Realization)
			alike(t, before.Proof(), was)
			if failed != nil || err != nil {
				if fmt.Sprint(failed) != fmt.Sprint(err) {
					t.Fatalf("%v, by itself %v", err, failed)
				}
				continue
			}
			alike(t, next.Proof(), want)
			if fmt.Sprint(next.Failing()) != fmt.Sprint(Failing(want)) {
				t.Fatal("others fail")
			}
			before, was = next, want
		}
	})
	t.Logf("%d derived again, %d networks moved by others, %d lines behind those", kept, moved, behind)
	if kept == 0 || moved == 0 || behind == 0 {
		t.Error("nothing was derived again but what was changed")
	}
}

// oneMoves is the plan of a derivation with one VM on another CPU, or one network gone.
func oneMoves(t *rapid.T, d *Derivation) *placement.Plan {
	p := &placement.Plan{Problem: *d.problem, Embedding: *d.embedding, Realization: *d.realization}
	if len(p.Problem.Networks) == 0 {
		return p
	}
	i := rapid.IntRange(0, len(p.Problem.Networks)-1).Draw(t, "which")
	gone := p.Problem.Networks[i].Name
	if rapid.Bool().Draw(t, "cpu") {
		p.Realization.Reservations = slices.Clone(p.Realization.Reservations)
		for k := range p.Realization.Reservations {
			if r := &p.Realization.Reservations[k]; r.Network == gone && r.VM == "web0" {
				r.CPU = rapid.IntRange(0, 35).Draw(t, "on")
				break
			}
		}
		return p
	}
	p.Problem.Pins = nil
	p.Problem.Networks = slices.Delete(slices.Clone(p.Problem.Networks), i, i+1)
	p.Embedding.Seats = slices.DeleteFunc(slices.Clone(p.Embedding.Seats), func(s placement.Seat) bool { return s.Network == gone })
	p.Embedding.Routes = slices.DeleteFunc(slices.Clone(p.Embedding.Routes), func(s placement.Route) bool { return s.Network == gone })
	p.Realization.Reservations = slices.DeleteFunc(slices.Clone(p.Realization.Reservations), func(s placement.Reservation) bool { return s.Network == gone })
	p.Realization.Queues = slices.DeleteFunc(slices.Clone(p.Realization.Queues), func(s placement.Queue) bool { return s.Network == gone })
	return p
}

// TestOneCoreProvesTheSame: the proof of a plan that is large enough for several
// goroutines has the same bytes on one core.
func TestOneCoreProvesTheSame(t *testing.T) {
	p := placementtest.Plan(200, 200)
	many, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	if failing := Failing(many); len(failing) > 0 {
		t.Fatal(failing[0])
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, many, one)
}
