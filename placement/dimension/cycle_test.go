package dimension

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// TestCycleIsNamed: four flows go round four VMs, each from another, and ask for 88 % of
// each: with no reservation do their delays settle, and the answer says on what cycle.
func TestCycleIsNamed(t *testing.T) {
	const ms = vsn.Duration(1e6)
	n := vsn.Network{Name: "n"}
	names := []string{"a", "b", "c", "d"}
	for i, vm := range names {
		n.VMs = append(n.VMs, vsn.VM{Name: vm, VCPUs: 1, Memory: 1 << 20})
		n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d", i), Between: []string{vm, names[(i+1)%4]}, Rate: 100e6})
		f := vsn.Flow{Name: "f" + vm, Message: 1024, Every: 10 * ms, Deadline: 1000 * ms, Work: map[string]vsn.Duration{}}
		for k := range names {
			f.Path = append(f.Path, vsn.Stage{names[(i+k)%4]})
			f.Work[names[k]] = 22 * ms / 10
		}
		n.Flows = append(n.Flows, f)
	}
	p := &placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "h", CPUs: hosts.CountedCPUs(4), Share: vsn.One * 9 / 10, Memory: 1 << 30, Partition: true}}}}
	_, err := Choose(p, Options{})
	if err == nil || !strings.Contains(err.Error(), "delays on the cycle ") || !strings.Contains(err.Error(), "vm n/d -> queue n/l3 d>a -> vm n/a") || !strings.Contains(err.Error(), "do not settle") {
		t.Errorf("a cycle that does not settle: %v", err)
	}
}
