package dimension

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// roundabout is four flows that go round four VMs, each from another.
func roundabout(work, deadline vsn.Duration) *placement.Problem {
	n := vsn.Network{Name: "n"}
	names := []string{"a", "b", "c", "d"}
	for i, vm := range names {
		n.VMs = append(n.VMs, vsn.VM{Name: vm, VCPUs: 1, Memory: 1 << 20})
		n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d", i), Between: []string{vm, names[(i+1)%4]}, Rate: 100e6})
		f := vsn.Flow{Name: "f" + vm, Message: 1024, Every: 10 * ms, Deadline: deadline, Work: map[string]vsn.Duration{}}
		for k := range names {
			f.Path = append(f.Path, vsn.Stage{names[(i+k)%4]})
			f.Work[names[k]] = work
		}
		n.Flows = append(n.Flows, f)
	}
	return &placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "h", CPUs: hosts.CountedCPUs(4), Share: vsn.One * 9 / 10, Memory: 1 << 30, Partition: true}}}}
}

// TestCycleIsNamed: where they ask for 88 % of each, with no reservation do their delays
// settle, and the answer says on what cycle.
func TestCycleIsNamed(t *testing.T) {
	p := roundabout(22*ms/10, 1000*ms)
	_, err := Choose(p, Options{})
	if err == nil || !strings.Contains(err.Error(), "delays on the cycle ") || !strings.Contains(err.Error(), "vm n/d -> queue n/l3 d>a -> vm n/a") || !strings.Contains(err.Error(), "do not settle") {
		t.Errorf("a cycle that does not settle: %v", err)
	}
}

// TestGrowthEnds: where delays on a cycle grow without end, they are followed until no
// deadline can be met, and not on and on.
func TestGrowthEnds(t *testing.T) {
	const deadline = int64(100 * ms)
	p := roundabout(16*ms/10, vsn.Duration(deadline))
	n := &p.Networks[0]
	m := newModel(p, n, apart(n)[0], &Options{}, &Choice{seats: map[Key]*seating{}})
	late := func() (most int64) {
		for _, s := range m.servers {
			for _, a := range s.arrivals {
				most = max(most, a.Jitter)
			}
		}
		return most
	}
	m.fill()
	if most := late(); most > 2*deadline {
		t.Errorf("with nothing chosen messages are %v late, and %v are allowed", vsn.Duration(most), vsn.Duration(deadline))
	}
	s := &search{model: m}
	if s.holds(s.quickest()) {
		t.Fatal("it holds")
	}
	if most := late(); most > 2*hopeless*deadline {
		t.Errorf("with all chosen messages are %v late, and %v are allowed", vsn.Duration(most), vsn.Duration(deadline))
	}
	for _, f := range m.flows {
		if f.done() == bounds.Inf {
			return
		}
	}
	t.Error("every flow has a bound")
}
