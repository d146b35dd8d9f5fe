package objective

import (
	"math"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// answer has VMs a and b on h1 and c on h3, which h1 reaches through h2.
func answer() (*placement.Problem, *placement.Embedding, *placement.Realization) {
	host := func(name string) hosts.Host {
		return hosts.Host{Name: name, CPUs: hosts.CountedCPUs(2), Share: vsn.One / 2, Memory: 1000, Resources: map[string]int64{"gpu": 3}, Transit: true}
	}
	vm := func(name string, memory vsn.Size) vsn.VM { return vsn.VM{Name: name, VCPUs: 1, Memory: memory} }
	p := &placement.Problem{
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{vm("a", 100), vm("b", 200), vm("c", 10)},
			Links: []vsn.Link{{Name: "ab", Between: []string{"a", "b"}, Rate: 7}, {Name: "bc", Between: []string{"b", "c"}, Rate: 5}, {Name: "ac", Between: []string{"a", "c"}}}}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{host("h1"), host("h2"), host("h3"), host("h4")}, Objective: hosts.Objectives()},
		Before:    []placement.Seat{{Network: "n", VM: "a", Host: "h1"}, {Network: "n", VM: "b", Host: "h2"}, {Network: "gone", VM: "b", Host: "h2"}},
	}
	e := &placement.Embedding{
		Seats: []placement.Seat{{Network: "n", VM: "a", Host: "h1"}, {Network: "n", VM: "b", Host: "h1"}, {Network: "n", VM: "c", Host: "h3"}},
		Routes: []placement.Route{{Network: "n", Link: "ab", Path: []string{"h1"}}, {Network: "n", Link: "bc", Path: []string{"h1", "h2", "h3"}, Cables: []string{"x", "y"}},
			{Network: "n", Link: "ac", Path: []string{"h1", "h2", "h3"}, Cables: []string{"x", "y"}}},
	}
	return p, e, &placement.Realization{Reservations: []placement.Reservation{{Network: "n", VM: "a", Host: "h1", RuntimeNs: 1, PeriodNs: 3}}}
}

func TestCosts(t *testing.T) {
	p, e, r := answer()
	costs := Costs(p, e, r)
	for i, want := range []int64{10, 3, 333334, 1} { // 5 over 2 hops; h1, h2, h3; (1/3)/1 rounded up; b
		if costs[i].By != hosts.Objectives()[i] || costs[i].Value != want {
			t.Errorf("%s: %d, by hand %d", costs[i].By, costs[i].Value, want)
		}
	}
	if term := costs[2].Terms[0]; term.Name != "host h1 cpu" || term.Value.Cmp(placement.Frac(1, 3)) != 0 {
		t.Errorf("the worst budget is %v", term)
	}
	r.Queues = []placement.Queue{{Network: "n", Link: "ac", At: placement.AtPort, RateBit: 2}, {Network: "n", Link: "ac", At: "x", RateBit: 100}}
	if got := Costs(p, e, r)[0].Value; got != 14 {
		t.Errorf("with a rate of 2 chosen for ac: %d, by hand 14", got)
	}
	p.Networks[0].VMs[2].Resources = map[string]int64{"gpu": 2}
	if got := Costs(p, e, r)[2].Value; got != 666667 {
		t.Errorf("with 2 of 3 gpus: %d, by hand 666667", got)
	}
	p.Networks[0].Links[1].Rate = math.MaxInt64 / 2 * 2
	if got := Costs(p, e, r)[0].Value; got != math.MaxInt64 {
		t.Errorf("a cost that no integer holds: %d", got)
	}
}

func TestDefault(t *testing.T) {
	p, e, r := answer()
	p.Inventory.Objective = nil
	if got := Values(Costs(p, e, r)); len(got) != 2 || got[0] != 10 || got[1] != 3 {
		t.Errorf("%v, by hand 10 and 3", got)
	}
}
