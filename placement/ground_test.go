package placement

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// TestGround: each flow rests on what it passes, and on nothing else.
func TestGround(t *testing.T) {
	p := twoVMs()
	n := &p.Problem.Networks[0]
	n.VMs = append(n.VMs, vsn.VM{Name: "c", VCPUs: 1, Memory: 96 << 20, Boot: n.VMs[0].Boot})
	n.Links = append(n.Links, vsn.Link{Name: "m", Between: []string{"b", "c"}})
	p.Embedding.Seats = append(p.Embedding.Seats, Seat{"n", "c", "k"})
	p.Embedding.Routes = []Route{{"n", "l", []string{"h"}, nil}, {"n", "m", []string{"h", "s", "k"}, []string{"h--s", "s--k"}}}
	p.Problem.Inventory.Hosts = append(p.Problem.Inventory.Hosts, hosts.Host{Name: "k"})
	n.Flows = []vsn.Flow{
		{Name: "near", Path: []vsn.Stage{{"a"}, {"b"}}, Deadline: 10e6},
		{Name: "far", Path: []vsn.Stage{{"b"}, {"c"}}}}
	p.Proof.Claims = []Claim{
		{Subject: "flow n/near", Rule: "end-to-end", Bound: Frac(7, 2)},
		{Subject: "flow n/far", Rule: "end-to-end", Bound: Inf()},
		{Subject: "flow n/near stage 1: a", Rule: "end-to-end", Bound: Int(99)}}
	for _, subject := range []string{"host h", "host k", "host elsewhere", "vm n/c", "vm other/x", "link n/m", "link other/x", "flows", "cables", "cable h--s", "cable other"} {
		p.Proof.Rests = append(p.Proof.Rests, Assumption{Kind: "x", Subject: subject})
	}
	together := hosts.State{Reservations: []hosts.Reservation{{Network: "n", VM: "a"}, {Network: "other", VM: "x", CPU: 1}}}
	want := hosts.Ground{
		Flows: []hosts.FlowPromise{
			{Flow: "near", BoundNs: 4, DeadlineNs: 10e6, On: []string{"flows", "vm n/a", "host h", "vm n/b", "link n/l"}},
			{Flow: "far", On: []string{"flows", "vm n/b", "host h", "vm n/c", "host k", "link n/m", "cables", "cable h--s", "cable s--k"}}},
		Beside: together.Reservations[1:],
	}
	for _, subject := range []string{"host h", "host k", "vm n/c", "link n/m", "flows", "cables", "cable h--s"} {
		want.Rests = append(want.Rests, Assumption{Kind: "x", Subject: subject})
	}
	if d := cmp.Diff(want, p.ground(n, together)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	n.Flows = nil
	got := p.ground(n, together)
	if len(got.Flows) != 1 || got.Flows[0].Flow != "reservations and rates" || !slices.Contains(got.Flows[0].On, "vm n/a") || slices.Contains(got.Flows[0].On, "flows") {
		t.Errorf("without flows: %+v", got.Flows)
	}
}
