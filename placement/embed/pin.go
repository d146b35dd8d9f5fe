package embed

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
)

// pin leaves groups with a VM that has its host by hand no other.
func (m *model) pin() error {
	for _, pin := range m.problem.Pins {
		v, err := m.vmOf(pin.Network, pin.VM, "a pin")
		if err != nil {
			return err
		}
		at, ok := m.nodeIndex[pin.Host]
		if !ok || int(at) >= len(m.hosts) {
			return fmt.Errorf("vm %q of network %q is pinned to %q, and there is no such host", pin.VM, pin.Network, pin.Host)
		}
		g := &m.groups[m.vms[v].group]
		if g.pinned == nil {
			g.pinned = newBitset(len(m.hosts))
			copy(g.pinned, g.domain)
		}
		for h := range m.hosts {
			if int32(h) != at {
				g.domain.unset(int32(h))
			}
		}
	}
	return nil
}

// hostsNamed are those that VMs are pinned to, or were on before where that counts: no
// other can stand for them.
func (m *model) hostsNamed() map[string]bool {
	out := map[string]bool{}
	for _, pin := range m.problem.Pins {
		out[pin.Host] = true
	}
	for _, seat := range m.problem.Before {
		out[seat.Host] = true
	}
	return out
}

// pinConflict says that the pins of a group are against the rules, or one another.
func (m *model) pinConflict(g int32) placement.Conflict {
	return placement.Conflict{Rule: RulePinned, Subjects: []string{m.groupName(g)}, Need: placement.Int(1), Have: placement.Int(0), Unit: "hosts",
		Says: fmt.Sprintf("the hosts that %s may have by the rules are not where its pin puts it, or two pins differ", m.groupName(g))}
}
