package dimension

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Relaxed is the problem with no more of anything than every choice needs: the least
// processor time for each VM, the load for each link, no flows and no tasks. What has
// no placement then has none with any choice.
func Relaxed(p *placement.Problem) *placement.Problem {
	out := &placement.Problem{Inventory: p.Inventory, Pins: p.Pins, Networks: slices.Clone(p.Networks)}
	for i := range out.Networks {
		n := &p.Networks[i]
		r := newRefuter(p, n)
		walks := r.walks()
		easy := &out.Networks[i]
		easy.Flows, easy.VMs, easy.Links = nil, slices.Clone(n.VMs), nil
		for j := range easy.VMs {
			vm := &easy.VMs[j]
			if vm.Tasks = nil; vm.Reservation != nil && vm.Reservation.Runtime > 0 {
				continue
			}
			vm.Reservation = nil
			each := new(big.Rat).Quo(r.use(&n.VMs[j], walks), ratOf(int64(vm.VCPUs)))
			if len(n.VMs[j].Tasks) > 0 && vm.VCPUs > 1 {
				continue // how much each of its vcpus takes is open
			}
			if q := vsn.Duration(floor(each.Mul(each, ratOf(mostPeriod)))); q >= vsn.MinRuntime {
				vm.Reservation = &vsn.Reservation{Runtime: min(q, vsn.MaxPeriod), Period: vsn.MaxPeriod}
			}
		}
		for j := range n.Links {
			if !openLink(n, &n.Links[j]) {
				easy.Links = append(easy.Links, n.Links[j])
			}
		}
	}
	return out
}
