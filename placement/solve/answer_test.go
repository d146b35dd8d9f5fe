package solve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/embed"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// packed is three VMs of 0.6 that stay together: on host a, with two CPUs of 0.9,
// they fit as a sum and not as a packing; on host b, with three, they fit. A small
// VM on a draws them there.
func packed() placement.Problem {
	p := placement.Problem{
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{vm("x", 60*ms, 100*ms), vm("y", 60*ms, 100*ms), vm("z", 60*ms, 100*ms), {Name: "near", VCPUs: 1, Memory: 1}},
			Links: []vsn.Link{{Name: "l", Between: []string{"near", "x"}, Rate: 1e6, Burst: 3000}},
			Place: []vsn.Rule{{Together: []string{"x", "y", "z"}}, {VMs: []string{"near"}, On: map[string]string{"site": "a"}}}}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 2), host("b", 3)}, Cables: []hosts.Cable{cable("a", "b", 1e9)}},
	}
	return p
}

// Only phase two's cut finds the answer: without it phase one settles on host a.
func TestOnlyTheCutFindsTheAnswer(t *testing.T) {
	p := packed()
	blind, _, err := embed.Search(context.Background(), &p, embed.Options{Nodes: 1000})
	if err != nil || blind.Seat("n", "x") != "a" {
		t.Fatalf("phase one alone: %+v, %v; want x on a", blind, err)
	}
	var cut *placement.Cut
	if _, err := realize.New(&p, 0).Realize(blind); !errors.As(err, &cut) || len(cut.Seats) != 3 || cut.Conflict.Need.String() != "3" || cut.Conflict.Have.String() != "2" {
		t.Fatalf("phase two says %v, want a cut of three seats: 3 cpus for 2", err)
	}
	s := newSolver(&p, Options{Nodes: 1000}, proof.Prove)
	plan, err := s.solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Embedding.Seat("n", "x"); got != "b" || s.tally.Cuts != 1 {
		t.Errorf("x sits on %q after %d cuts, want b after 1", got, s.tally.Cuts)
	}
	// The same through whole embeddings, as phase two answers without Admit.
	s = newSolver(&p, Options{}, proof.Prove)
	e, tally, err := embed.Search(context.Background(), &p, embed.Options{Nodes: 1000, Accept: s.accept})
	if err != nil || e.Seat("n", "x") != "b" || tally.Cuts != 1 {
		t.Errorf("without Admit: %+v, %+v, %v", e, tally, err)
	}
}

// example is a file of examples/, which holds networks or an inventory.
func example(t *testing.T, name string) strict.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return strict.File{Name: name, Data: data}
}

// nothingLearned takes from the answers of phase two and of the proof what they teach: a
// cut becomes one of all decisions, that this whole embedding is none.
func nothingLearned(o embed.Options) embed.Options {
	accept := o.Accept
	o.Admit, o.Together, o.Judge = nil, nil, nil
	o.Accept = func(e *placement.Embedding) error {
		err := accept(e)
		var cut *placement.Cut
		if errors.As(err, &cut) {
			return &placement.Cut{Seats: e.Seats, Routes: e.Routes, Conflict: cut.Conflict}
		}
		return err
	}
	return o
}

// TestWithoutCutsGivesUp: examples/packing.yaml has an answer that the planner finds in
// a few decisions with phase two's cut, and in none of its searches without.
func TestWithoutCutsGivesUp(t *testing.T) {
	networks, inventory, errs := hosts.ReadDocuments(example(t, "packing.yaml"), example(t, "packing-hosts.yaml"))
	if errs != nil {
		t.Fatal(errs)
	}
	p := placement.Problem{Networks: networks, Inventory: *inventory}
	s := newSolver(&p, Options{Nodes: DefaultNodes}, proof.Prove)
	if _, err := s.solve(context.Background()); err != nil || s.tally.Cuts != 1 || s.tally.Nodes > 100 || s.plan.Embedding.Seat("band", "mix1") != "right" {
		t.Errorf("with cuts: %v, %+v, %+v; want mix1 on right after one cut", err, s.tally, s.plan.Embedding.Seats)
	}
	nodes := int64(DefaultNodes / 10)
	if os.Getenv(long) == "1" {
		nodes = DefaultNodes
	}
	for name, search := range map[string]func(context.Context, *placement.Problem, embed.Options) (*placement.Embedding, embed.Tally, error){"Search": embed.Search, "First": embed.First} {
		s := newSolver(&p, Options{}, proof.Prove)
		_, tally, err := search(context.Background(), &p, nothingLearned(s.embedding(nodes)))
		var gaveUp *placement.GaveUp
		if !errors.As(err, &gaveUp) {
			t.Errorf("%s without cuts: %v after %+v, want that it gives up", name, err, tally)
		}
		// What is cut is cut on both hosts with two CPUs: with Accept alone that teaches the
		// same, later.
		o := s.embedding(nodes)
		o.Admit = nil
		e, tally, err := search(context.Background(), &p, o)
		if err != nil || e.Seat("band", "mix1") != "right" {
			t.Errorf("%s with the cuts of Accept: %v after %+v", name, err, tally)
		}
	}
}

// A deadline that only one of two paths keeps: the proof's cut sends phase one to
// the longer path, which is quicker.
func TestProofsCutFindsThePath(t *testing.T) {
	p := placement.Problem{
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{vm("x", 50*ms, 100*ms), vm("y", 50*ms, 100*ms)},
			Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1e6, Burst: 3000, Delay: 10 * ms}},
			Place: []vsn.Rule{{Apart: []string{"x", "y"}}}}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 1), host("b", 1)}, Switches: []hosts.Switch{{Name: "s"}},
			Cables: []hosts.Cable{cable("a", "b", 3e6), cable("a", "s", 1e9), cable("s", "b", 1e9)}},
	}
	plan, err := Solve(context.Background(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan.Embedding.Routes[0].Path, " "); got != "a s b" && got != "b s a" {
		t.Errorf("the path is %s, want it through s", got)
	}
}

func TestInfeasible(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(p *placement.Problem)
		rule       string
		need, have string
		says       string
	}{
		{"memory of one vm", func(p *placement.Problem) { p.Networks[0].VMs[1].Memory = 2 << 30 }, "memory", fmt.Sprint(2<<30 + 96<<20), fmt.Sprint(1 << 30), "the nearest, a, has 1073741824 B of memory left"},
		{"resource", func(p *placement.Problem) {
			p.Networks[0].VMs[0].Resources = map[string]int64{"gpu": 2}
			p.Inventory.Hosts[1].Resources = map[string]int64{"gpu": 1}
		}, "resource", "2", "1", "the nearest, b, has 1 1 of gpu left and 2 are needed"},
		{"one vcpu", func(p *placement.Problem) { p.Networks[0].VMs[0].Reservation.Runtime = 95 * ms }, "partitioned-edf", "19/20", "9/10", "the nearest, b,"},
		{"labels", func(p *placement.Problem) { p.Networks[0].Place[2].On["site"] = "nowhere" }, "labels", "1", "0", "no host carries the labels"},
		{"torn", func(p *placement.Problem) { p.Networks[0].Place[1].Together = []string{"detect", "camera"} }, "apart", "2", "1", "stay together by one rule"},
		{"pigeons", func(p *placement.Problem) {
			p.Networks[0].Place = []vsn.Rule{{Apart: []string{"camera", "detect", "arm"}}}
		}, "apart", "3", "2", "3 vms of network \"robot\" have to be on different hosts"},
		{"cable", func(p *placement.Problem) { p.Inventory.Cables[1].Rate = 10e6 }, "cable-rate", "20000000", "9500000", "take 20000000 bit/s"},
		{"no path", func(p *placement.Problem) { p.Inventory.Cables = p.Inventory.Cables[:1] }, "cable-rate", "20000000", "0", "take 20000000 bit/s"},
		{"narrow in the middle", func(p *placement.Problem) {
			p.Inventory.Switches = append(p.Inventory.Switches, hosts.Switch{Name: "s2"})
			p.Inventory.Cables[1] = cable("s2", "b", 1e9)
			p.Inventory.Cables = append(p.Inventory.Cables, cable("s", "s2", 10e6))
		}, "cable-rate", "20000000", "9500000", "the widest path from b to a has 9500000 bit/s left"},
		{"link delay", func(p *placement.Problem) { p.Networks[0].Links[0].Delay = 100 * us }, "link-delay", "209000", "100000", "the quickest path from b to a alone take 209000ns"},
		{"work", func(p *placement.Problem) { p.Networks[0].Flows[0].Work["arm"] = 600 * ms }, "end-to-end", "606000000", "500000000", "the work at its vms alone"},
		{"deadline", func(p *placement.Problem) { p.Networks[0].Flows[0].Deadline = 300 * ms }, "end-to-end", "", "300000000", "on one idle host as quick as any"},
		{"deadline of a vm with a resource", func(p *placement.Problem) {
			p.Networks[0].Flows[0].Deadline = 300 * ms
			p.Networks[0].VMs[0].Resources, p.Inventory.Hosts[1].Resources = map[string]int64{"gpu": 1}, map[string]int64{"gpu": 1}
		}, "end-to-end", "", "300000000", "on one idle host as quick as any"},
		{"load", func(p *placement.Problem) { p.Networks[0].Flows[0].Message = 1 << 20 }, "link-load", "", "20000000", "on one idle host as quick as any"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := robot()
			c.change(&p)
			_, err := Solve(context.Background(), p, Options{})
			var infeasible *placement.Infeasible
			if !errors.As(err, &infeasible) {
				t.Fatalf("got %v", err)
			}
			got := infeasible.Conflicts[0]
			if got.Rule != c.rule || got.Have.String() != c.have || c.need != "" && got.Need.String() != c.need || !strings.Contains(got.Says, c.says) {
				t.Errorf("got %s need %v have %v: %s\nwant %s need %v have %v: %s", got.Rule, got.Need, got.Have, got.Says, c.rule, c.need, c.have, c.says)
			}
			if err := trueNumbers(infeasible); err != nil {
				t.Error(err)
			}
		})
	}
}

// hard is a packing without an answer that no budget gives away: seven VMs that
// each fill more than a third of a host, for three hosts.
func hard() placement.Problem {
	p := placement.Problem{Networks: []vsn.Network{{Name: "n"}}}
	for i := range 7 {
		v := vm(fmt.Sprintf("v%d", i), vsn.MinRuntime, 100*ms)
		v.Memory = vsn.Size(370 + i)
		p.Networks[0].VMs = append(p.Networks[0].VMs, v)
	}
	for i := range 3 {
		h := host(fmt.Sprintf("h%d", i), 1)
		h.Memory = 1000 + vsn.Size(i)
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	return p
}

func TestGaveUpAndThenNot(t *testing.T) {
	_, err := Solve(context.Background(), hard(), Options{Nodes: 60})
	var gaveUp *placement.GaveUp
	if !errors.As(err, &gaveUp) || gaveUp.Nearest == nil || gaveUp.Nodes > 80 {
		t.Fatalf("with 60 nodes: %v", err)
	}
	_, err = Solve(context.Background(), hard(), Options{})
	var infeasible *placement.Infeasible
	if !errors.As(err, &infeasible) {
		t.Fatalf("with the nodes that are allowed by default: %v", err)
	}
	if c := infeasible.Conflicts[0]; c.Rule != "memory" || trueNumbers(infeasible) != nil {
		t.Errorf("conflict %v", c)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := hard()
	for i := range 30 {
		v := vm(fmt.Sprintf("w%d", i), vsn.MinRuntime, 100*ms)
		v.Memory = 1
		p.Networks[0].VMs = append(p.Networks[0].VMs, v)
	}
	_, err := Solve(ctx, p, Options{Nodes: 1 << 40})
	var gaveUp *placement.GaveUp
	if !errors.As(err, &gaveUp) || !strings.Contains(gaveUp.Why, "interrupted") {
		t.Errorf("got %v", err)
	}
}

// One network without an answer among others makes all of them infeasible, even
// where the others use up the nodes.
func TestOneNetworkOfMany(t *testing.T) {
	p := hard()
	p.Inventory.Hosts = append(p.Inventory.Hosts, robot().Inventory.Hosts...)
	p.Inventory.Switches, p.Inventory.Cables = robot().Inventory.Switches, robot().Inventory.Cables
	bad := robot().Networks[0]
	bad.Name, bad.Flows = "bad", nil
	bad.Links[0].Delay = 500 * us // all paths fail in the proof alone
	p.Networks = append(p.Networks, bad)
	_, err := Solve(context.Background(), p, Options{Nodes: 4000})
	var infeasible *placement.Infeasible
	if !errors.As(err, &infeasible) {
		t.Fatalf("got %v", err)
	}
}

// More hosts never make a feasible problem infeasible.
func TestMoreHostsNeverHurt(t *testing.T) {
	tried := 0
	for seed := range uint64(900) {
		c := chance{rand.New(rand.NewPCG(seed, 99))}
		p := c.problem(4, 4, seed%3 == 0)
		if _, err := bare(p, 0); err != nil {
			continue
		}
		tried++
		more := c.host("more")
		p.Inventory.Hosts = append([]hosts.Host{more}, p.Inventory.Hosts...)
		p.Inventory.Cables = append(p.Inventory.Cables, cable("more", p.Inventory.Hosts[1].Name, 20e6))
		if _, err := Solve(context.Background(), p, Options{}); err != nil {
			t.Fatalf("problem %d with one more host: %v", seed, err)
		}
	}
	if tried < 200 {
		t.Errorf("only %d problems were feasible", tried)
	}
}

// The seed changes plans only where choices are as good, and never the answer.
func TestSeeds(t *testing.T) {
	for seed := range uint64(300) {
		c := chance{rand.New(rand.NewPCG(seed, 7))}
		p := c.problem(4, 4, false)
		_, first := bare(p, 1)
		for s := int64(2); s < 5; s++ {
			plan, err := bare(p, s)
			if (err == nil) != (first == nil) {
				t.Fatalf("problem %d: seed 1 says %v, seed %d says %v", seed, first, s, err)
			}
			if err == nil {
				if err := audit(plan); err != nil {
					t.Fatalf("problem %d, seed %d: %v", seed, s, err)
				}
			}
		}
	}
}

// What is malformed is an error of its own kind, not an answer.
func TestMalformed(t *testing.T) {
	for name, change := range map[string]func(p *placement.Problem){
		"unknown vm of a link": func(p *placement.Problem) { p.Networks[0].Links[0].Between[0] = "nobody" },
		"unknown vm of a flow": func(p *placement.Problem) { p.Networks[0].Flows[0].Path[0] = vsn.Stage{"nobody"} },
		"unknown vm of a rule": func(p *placement.Problem) { p.Networks[0].Place[0].Apart[0] = "nobody" },
		"unknown node":         func(p *placement.Problem) { p.Inventory.Cables[0].Between[0] = "nowhere" },
		"two hosts":            func(p *placement.Problem) { p.Inventory.Hosts[0].Name = "b" },
		"two vms":              func(p *placement.Problem) { p.Networks[0].VMs[0].Name = "arm" },
		"two networks":         func(p *placement.Problem) { p.Networks = append(p.Networks, p.Networks[0]) },
		"runtime over period":  func(p *placement.Problem) { p.Networks[0].VMs[0].Reservation.Runtime = 1 << 40 },
		"no vcpus":             func(p *placement.Problem) { p.Networks[0].VMs[0].VCPUs = 0 },
	} {
		p := robot()
		change(&p)
		_, err := Solve(context.Background(), p, Options{})
		var infeasible *placement.Infeasible
		var gaveUp *placement.GaveUp
		if err == nil || errors.As(err, &infeasible) || errors.As(err, &gaveUp) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A planner that disagrees with the proof on what it keeps itself says so, and does
// not search on.
func TestDisagreementIsAFault(t *testing.T) {
	p := robot()
	s := newSolver(&p, Options{Nodes: 1000}, func(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (placement.Proof, error) {
		out, err := proof.Prove(p, e, r)
		out.Claims = append(out.Claims, placement.Claim{Subject: "host a memory", Rule: proof.RuleMemory, Unit: "B", Bound: placement.Int(2), Limit: placement.Int(1)})
		return out, err
	})
	if _, err := s.solve(context.Background()); err == nil || !strings.Contains(err.Error(), "fault of this program") {
		t.Errorf("got %v", err)
	}
}
