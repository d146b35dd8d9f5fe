package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
)

// pinClaims count, for every VM that has its host by hand, whether it is elsewhere.
func (m *model) pinClaims() []placement.Claim {
	var out []placement.Claim
	for _, pin := range m.problem.Pins {
		elsewhere := int64(0)
		if m.find(name{pin.Network, pin.VM}).host.Name != pin.Host {
			elsewhere = 1
		}
		out = append(out, placement.Claim{Subject: fmt.Sprintf("vm %s/%s on %s", pin.Network, pin.VM, pin.Host), Rule: RulePinned, Unit: "violations",
			Bound: placement.Int(elsewhere), Limit: placement.Int(0)})
	}
	return out
}

// pins wants VMs and hosts that are there, each VM once.
func (m *model) pins() error {
	pinned := map[name]bool{}
	for _, pin := range m.problem.Pins {
		vm := name{pin.Network, pin.VM}
		if m.find(vm) == nil || m.host(pin.Host) == nil || pinned[vm] {
			return broken("vm "+vm.String(), "it is pinned to host %q, and one of the two is not in the problem, or it is pinned twice", pin.Host)
		}
		pinned[vm] = true
	}
	return nil
}

// objectiveClaims count what the placement costs, where the inventory names an objective.
// Nothing is asked of a cost, so that any holds.
func (m *model) objectiveClaims() []placement.Claim {
	if len(m.problem.Inventory.Objective) == 0 {
		return nil
	}
	var out []placement.Claim
	for _, c := range objective.Costs(m.problem, m.embedding, m.realization) {
		out = append(out, placement.Claim{Subject: "plan " + string(c.By), Rule: RuleObjective, Unit: objective.Unit(c.By), Terms: c.Terms, Bound: placement.Int(c.Value), Limit: placement.Inf()})
	}
	return out
}
