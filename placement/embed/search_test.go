package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

func TestSearchAgreesWithTryingEverything(t *testing.T) {
	for _, kind := range []struct {
		name     string
		problems int
		draw     func(chance) placement.Problem
	}{{"seats", 2500, chance.seats}, {"paths", 1500, chance.paths}} {
		t.Run(kind.name, func(t *testing.T) {
			yes, searched, problems := 0, 0, kind.problems
			for seed := range uint64(problems) {
				p := kind.draw(chance{rand.New(rand.NewPCG(seed, 11))})
				want := feasible(&p)
				_, tally, err := Search(context.Background(), &p, Options{Seed: int64(seed), Nodes: 1_000_000})
				var infeasible *placement.Infeasible
				if err != nil && !errors.As(err, &infeasible) || want != (err == nil) {
					text, _ := json.Marshal(p)
					t.Fatalf("problem %d: %v, and trying everything says %v\n%s", seed, err, want, text)
				}
				if err == nil {
					yes++
				} else if c := infeasible.Conflicts[0]; c.Need.Cmp(c.Have) <= 0 || c.Says == "" {
					t.Fatalf("problem %d: %v is no conflict", seed, c)
				} else if tally.Nodes > 0 {
					searched++
				}
			}
			t.Logf("of %d problems %d are feasible, %d were refuted by search", problems, yes, searched)
			if yes < problems/5 || searched < problems/50 {
				t.Error("the draw has lost its edge")
			}
		})
	}
}

// A link whose first paths all lead nowhere: six cables, and only the narrow one
// leaves room for the other links. The passes that try few paths must not take
// their failure for a no.
func TestAllPathsAreTriedInTheEnd(t *testing.T) {
	vm := func(name string) vsn.VM { return vsn.VM{Name: name, VCPUs: 1, Memory: 1} }
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "a", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Labels: map[string]string{"is": "a"}},
		{Name: "b", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Labels: map[string]string{"is": "b"}}}}}
	n := vsn.Network{Name: "n"}
	link := func(a, b string, rate vsn.Rate) {
		n.Links = append(n.Links, vsn.Link{Name: a + b, Between: []string{a, b}, Rate: rate})
	}
	cable := func(rate vsn.Rate) {
		p.Inventory.Cables = append(p.Inventory.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", len(p.Inventory.Cables)), Between: []string{"a", "b"}, Rate: rate, Share: vsn.One})
	}
	for i := range fewPaths + 1 {
		x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
		n.VMs = append(n.VMs, vm(x), vm(y))
		n.Place = append(n.Place, vsn.Rule{VMs: []string{x}, On: map[string]string{"is": "a"}}, vsn.Rule{VMs: []string{y}, On: map[string]string{"is": "b"}})
		link(x, y, 20)
		cable(20)
	}
	n.VMs = append(n.VMs, vm("p"), vm("q"), vm("r"))
	n.Place = append(n.Place, vsn.Rule{VMs: []string{"p", "r"}, On: map[string]string{"is": "a"}}, vsn.Rule{VMs: []string{"q"}, On: map[string]string{"is": "b"}})
	link("p", "r", 1000) // weight, so that p and q come first
	link("p", "q", 10)
	cable(10)
	for i := range p.Inventory.Hosts {
		p.Inventory.Hosts[i].Memory = 100
	}
	p.Networks = []vsn.Network{n}
	e, tally, err := Search(context.Background(), &p, Options{Nodes: 100_000})
	if err != nil {
		t.Fatalf("after %d nodes: %v", tally.Nodes, err)
	}
	for _, r := range e.Routes {
		if r.Link == "pq" && r.Cables[0] != "c5" {
			t.Errorf("p-q goes over %v", r.Cables)
		}
	}
}

// Twins are alike only while nothing sits on them or passes through them.
func TestTwinsAreUntouched(t *testing.T) {
	var p placement.Problem
	p.Inventory.Switches = []hosts.Switch{{Name: "s"}, {Name: "t"}}
	for _, name := range []string{"a", "b", "c", "d"} {
		p.Inventory.Hosts = append(p.Inventory.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Transit: true})
		for _, s := range []string{"s", "t"} {
			p.Inventory.Cables = append(p.Inventory.Cables, hosts.Cable{Name: name + s, Between: []string{name, s}, Rate: 100, Share: vsn.One})
		}
	}
	p.Networks = []vsn.Network{{Name: "n", VMs: []vsn.VM{{Name: "x", VCPUs: 1}, {Name: "y", VCPUs: 1}}, Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1}}}}
	m, err := newModel(&p, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSearch(context.Background(), m, Options{})
	list := func() (out []int32) {
		f := s.frame(0)
		s.candidatesFor(1, f)
		for _, c := range f.candidates {
			out = append(out, c.host)
		}
		slices.Sort(out)
		return out
	}
	if got := list(); !slices.Equal(got, []int32{0}) {
		t.Errorf("untouched: %v, want one of four", got)
	}
	s.take(0, 0)
	if got := list(); !slices.Equal(got, []int32{0, 1}) {
		t.Errorf("with x on a: %v, want a and one other", got)
	}
	s.carry(0, &route{nodes: []int32{0, 4, 2, 5}})
	if got := list(); !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("with a route through c: %v, want a, c and one other", got)
	}
}

func TestBudgetRoundsDown(t *testing.T) {
	for _, c := range []struct {
		rate  vsn.Rate
		share vsn.Share
		want  int64
	}{{1e9, vsn.One * 95 / 100, 950e6}, {7, vsn.One / 2, 3}, {1, vsn.One - 1, 0}, {1 << 61, vsn.One, 1 << 61}, {1 << 61, 999_999_999, 2305843006907850942}, {0, vsn.One, 0}} {
		if got := Budget(&hosts.Cable{Rate: c.rate, Share: c.share}); got != c.want {
			t.Errorf("%v of %v: %d, want %d", c.share, c.rate, got, c.want)
		}
	}
}

// singles is a path without forks.
func singles(vms []string) []vsn.Stage {
	var path []vsn.Stage
	for _, vm := range vms {
		path = append(path, vsn.Stage{vm})
	}
	return path
}
