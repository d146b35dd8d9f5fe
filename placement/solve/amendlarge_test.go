package solve

import (
	"context"
	"errors"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/scale"
	"github.com/vsnctl/vsnctl/vsn"
)

// centre is a plan of so many networks in a data centre of as many hosts, and a network
// more.
func centre(t testing.TB, size int) (running *placement.Plan, more vsn.Network) {
	t.Helper()
	networks := scale.Networks(size+1, 7)
	running, err := Solve(context.Background(), placement.Problem{Networks: networks[:size], Inventory: scale.Inventory(size)}, Options{Seed: 1, Nodes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	return running, networks[size]
}

// busiest is the host with most VMs.
func busiest(p *placement.Plan) (host string) {
	count := map[string]int{}
	for _, s := range p.Embedding.Seats {
		if count[s.Host]++; count[s.Host] > count[host] {
			host = s.Host
		}
	}
	return host
}

// TestCentreBeside: in a data centre what runs stays while a network comes, one goes, and
// a host is lost, and a cable.
func TestCentreBeside(t *testing.T) {
	running, more := centre(t, 16)
	cable := ""
	for _, r := range running.Embedding.Routes {
		if len(r.Cables) > 2 {
			cable = r.Cables[1]
		}
	}
	for _, c := range []struct {
		name string
		Amendment
	}{
		{"one more", Amendment{Networks: []vsn.Network{more}}},
		{"one less", Amendment{Drop: []string{running.Problem.Networks[5].Name}}},
		{"a host lost", Amendment{Without: []string{busiest(running)}}},
		{"a cable lost", Amendment{Without: []string{cable}}},
		{"all of it", Amendment{Networks: []vsn.Network{more}, Drop: []string{running.Problem.Networks[5].Name}, Without: []string{busiest(running), cable}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, standing, err := Amend(running, c.Amendment)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := Solve(context.Background(), *p, Options{Seed: 1, Nodes: 2000, Standing: standing})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(proof.Check(plan), unchanged(standing, running, plan)); err != nil {
				t.Fatal(err)
			}
			for _, m := range Moves(running, plan) {
				if !gone(m, c.Without, &running.Problem.Inventory) {
					t.Errorf("%v, although nothing on its way is lost", m)
				}
			}
		})
	}
}

// gone reports whether a move is away from something lost, or to the end of one that is.
func gone(m Move, lost []string, inv *hosts.Inventory) bool {
	for _, name := range lost {
		for _, at := range m.From {
			if at == name {
				return true
			}
		}
		if inv.Cable(name) != nil {
			return true
		}
	}
	return false
}
