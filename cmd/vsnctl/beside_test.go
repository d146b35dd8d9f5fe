package main

import (
	"context"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn"
)

// startable is a network of two VMs and a flow between them, on different hosts if apart.
func startable(name string, apart bool) vsn.Network {
	n := vsn.Network{Name: name, Links: []vsn.Link{{Name: "l", Between: []string{"a", "b"}, Rate: 10e6, Burst: 16 << 10}},
		Flows: []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"a"}, {"b"}}, Message: 1000, Every: 200e6, Work: map[string]vsn.Duration{"a": 1e6, "b": 1e6}, Deadline: 900e6}}}
	for _, vm := range []string{"a", "b"} {
		n.VMs = append(n.VMs, vsn.VM{Name: vm, VCPUs: 1, Memory: 64 << 20, Boot: &vsn.Boot{Kernel: "/k"}, Reservation: &vsn.Reservation{Runtime: 10e6, Period: 50e6}})
	}
	if apart {
		n.Place = []vsn.Rule{{Apart: []string{"a", "b"}}}
	}
	return n
}

// machines is hosts that are alike, joined in a ring.
func machines(names ...string) hosts.Inventory {
	var inv hosts.Inventory
	for i, name := range names {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(4), Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Memory: 1 << 30, Delay: hosts.DefaultHostDelay, Partition: true})
		if next := names[(i+1)%len(names)]; next != name {
			inv.Cables = append(inv.Cables, hosts.Cable{Name: name + "--" + next, Between: []string{name, next}, Rate: 1e9, Share: hosts.DefaultCableShare})
		}
	}
	return inv
}

// amendedPlan is the plan of a running one with changes.
func amendedPlan(t *testing.T, running *placement.Plan, a solve.Amendment) *placement.Plan {
	t.Helper()
	p, standing, err := solve.Amend(running, a)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := solve.Solve(context.Background(), *p, solve.Options{Seed: 1, Standing: standing})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// deployed makes a fake machine carry what a plan says of a host.
func deployedOn(t *testing.T, f *hosttest.Fake, plan *placement.Plan, host string, before ...string) []hosts.Change {
	t.Helper()
	want, err := placement.Compile(plan, host, hosts.AccelTCG)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := hosts.Converge(context.Background(), f, want, append(networkNames(plan), before...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// untouched wants no change to a network but to what is promised of it.
func untouched(t *testing.T, changes []hosts.Change, networks ...string) {
	t.Helper()
	if stops := stopped(changes); len(stops) > 0 {
		t.Errorf("%v would be stopped", stops)
	}
	for _, c := range changes {
		o := c.Old
		if o == nil {
			o = c.New
		}
		_, promise := o.(hosts.Promise)
		for _, n := range networks {
			if o.Owner() == n && (!promise || c.Old == nil || c.New == nil) {
				t.Errorf("%v: %s was to stay as it is", c, n)
			}
		}
	}
}

// TestBesideDeploys: a network more, and one less, change nothing of what runs but what
// is promised of it, which counts its neighbours.
func TestBesideDeploys(t *testing.T) {
	inv := machines("h1")
	first, err := solve.Solve(context.Background(), placement.Problem{Networks: []vsn.Network{startable("old", false), startable("also", false)}, Inventory: inv}, solve.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := hosttest.NewFake(inv.Hosts[0])
	deployedOn(t, f, first, "h1")
	both := amendedPlan(t, first, solve.Amendment{Networks: []vsn.Network{startable("new", false)}})
	changes := deployedOn(t, f, both, "h1")
	untouched(t, changes, "old", "also")
	if len(changes) == 0 {
		t.Error("nothing was made of the new network")
	}
	if again := deployedOn(t, f, both, "h1"); len(again) > 0 {
		t.Errorf("a second deploy finds %v", again)
	}
	// The network that goes must be named to deploy: its plan does not know it.
	less := amendedPlan(t, both, solve.Amendment{Drop: []string{"also"}})
	var rest []hosts.Change
	for _, c := range deployedOn(t, f, less, "h1", "also") {
		if c.Old == nil || c.Old.Owner() != "also" {
			rest = append(rest, c)
		}
	}
	untouched(t, rest, "old", "new")
	observed, err := f.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if left := observed.State.Of("also").Objects(); len(left) > 0 {
		t.Errorf("left of what was dropped: %v", left)
	}
}

// TestLossDeploys: what was on a lost host is made on another, and what is there stays.
func TestLossDeploys(t *testing.T) {
	inv := machines("h1", "h2", "h3")
	first, err := solve.Solve(context.Background(), placement.Problem{Networks: []vsn.Network{startable("old", true), startable("also", true)}, Inventory: inv}, solve.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	fakes := map[string]*hosttest.Fake{}
	for i := range inv.Hosts {
		fakes[inv.Hosts[i].Name] = hosttest.NewFake(inv.Hosts[i])
		deployedOn(t, fakes[inv.Hosts[i].Name], first, inv.Hosts[i].Name)
	}
	lost := first.Embedding.Seats[0].Host
	healed := amendedPlan(t, first, solve.Amendment{Without: []string{lost}})
	moves := solve.Moves(first, healed)
	moved := map[string]string{}
	for _, m := range moves {
		if len(m.From) == 1 && m.From[0] == lost {
			moved[m.Subject] = m.To[0]
		}
	}
	if len(moved) == 0 {
		t.Fatalf("nothing moved from %s: %v", lost, moves)
	}
	for name, f := range fakes {
		if name == lost {
			continue
		}
		for _, c := range deployedOn(t, f, healed, name) {
			var network, vm string
			switch o := pick(c).(type) {
			case hosts.Promise, hosts.Segment, hosts.Partition:
				continue
			case hosts.Domain:
				network, vm = o.Network, o.VM
			case hosts.Port:
				network, vm = o.Network, o.VM
			case hosts.Power:
				network, vm = o.Network, o.VM
			case hosts.Reservation:
				network, vm = o.Network, o.VM
			case hosts.Queue:
				network, vm = o.Network, o.VM
			default:
				t.Fatalf("%s: %v", name, c)
			}
			if moved["vm "+network+"/"+vm] != name {
				t.Errorf("%s: %v: it was to stay as it is", name, c)
			}
		}
	}
}

func pick(c hosts.Change) hosts.Object {
	if c.Old != nil {
		return c.Old
	}
	return c.New
}
