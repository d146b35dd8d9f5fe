package dimension

import (
	"fmt"
	"math/rand/v2"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	ms = vsn.Duration(1e6)
	us = vsn.Duration(1e3)
)

func inventory(grain vsn.Duration) hosts.Inventory {
	return hosts.Inventory{Hosts: []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(8), Share: vsn.One * 9 / 10, Grain: grain, Memory: 1 << 40, Delay: 100 * us, Partition: true}}}
}

// chains draws a network of so many VMs in one or more chains that have some VMs in
// common; nothing is given but works and deadlines.
func chains(r *rand.Rand, vms, flows int, grain vsn.Duration) *placement.Problem {
	n := vsn.Network{Name: "n"}
	for i := range vms {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1, Memory: 1 << 20})
		if i > 0 {
			n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d", i), Between: []string{n.VMs[i-1].Name, n.VMs[i].Name}})
		}
	}
	for k := range flows {
		from, to := 0, vms
		if flows > 1 { // each reaches a little into the next
			from, to = max(0, k*vms/flows-1), (k+1)*vms/flows
		}
		f := vsn.Flow{Name: fmt.Sprintf("f%d", k), Message: vsn.Size(200 + r.IntN(12000)), Every: vsn.Duration(20+r.IntN(180)) * ms, Work: map[string]vsn.Duration{}}
		var works vsn.Duration
		for _, vm := range n.VMs[from:to] {
			f.Path = append(f.Path, vsn.Stage{vm.Name})
			w := vsn.Duration(float64(100*us) * (1 + 30*r.Float64()*r.Float64()))
			f.Work[vm.Name] = w
			works += w
		}
		f.Deadline = works*vsn.Duration(3+r.IntN(8)) + vsn.Duration(to-from)*(5*grain+2*ms)
		n.Flows = append(n.Flows, f)
	}
	return &placement.Problem{Networks: []vsn.Network{n}, Inventory: inventory(grain)}
}
