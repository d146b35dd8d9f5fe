package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// rests are the assumptions of the proof, those that deploy makes so and verifies
// (Backed) and those that nobody here can.
func (m *model) rests() []placement.Assumption {
	var out []placement.Assumption
	add := func(backed bool, subject, format string, args ...any) {
		out = append(out, placement.Assumption{Subject: subject, Says: fmt.Sprintf(format, args...), Backed: backed})
	}
	cabled, used := false, map[string]bool{}
	for _, r := range m.routes {
		cabled = cabled || len(r.Cables) > 0
		for _, cable := range r.Cables {
			used[cable] = true
		}
	}
	for i := range m.problem.Inventory.Hosts {
		h := &m.problem.Inventory.Hosts[i]
		if len(m.at[h.Name]) == 0 {
			continue
		}
		m.hostRests(h, add)
	}
	flows := 0
	for i := range m.problem.Networks {
		flows += len(m.problem.Networks[i].Flows)
	}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			if _, shaped := m.rates[name{n.Name, n.Links[j].Name}]; !shaped {
				add(false, "link "+n.Name+"/"+n.Links[j].Name, "it has no rate: its bound counts the way alone, and it shares %d bit/s with all else that has none", int64(placement.RestRate))
			}
		}
	}
	if flows > 0 {
		add(false, "flows", "messages keep to their size, interval and work, and nothing else loads their vms and links")
	}
	if cabled {
		add(false, "cables", "only the links of this plan send over the cables, each through its class, framing counted")
	}
	for i := range m.problem.Inventory.Cables {
		if c := &m.problem.Inventory.Cables[i]; c.Half() && used[c.Name] {
			add(false, "cable "+c.Name, "half duplex: it idles only when neither end has a frame, and of its rate the two directions of a link together take no more than the link's")
		}
	}
	return out
}

func (m *model) hostRests(h *hosts.Host, add func(backed bool, subject, format string, args ...any)) {
	subject := "host " + h.Name
	reserved := false
	for _, vm := range m.at[h.Name] {
		reserved = reserved || len(m.reservations[vm]) > 0
		if len(m.reservations[vm]) == 0 {
			add(false, "vm "+vm.String(), "it is best effort: no promise is made for it")
		}
		if len(m.vms[vm].Tasks) > 0 {
			add(false, "vm "+vm.String(), "its guest runs each task on the vcpu of the plan, by %s, and before any message", m.vms[vm].GuestScheduler)
		}
	}
	if reserved {
		if h.Partition {
			add(h.Local(), subject, "every cpu with a reservation is a root domain of its own, so that the kernel's own admission is exact")
		} else {
			add(false, subject, "all cpus are one root domain with no other deadline tasks")
		}
		if h.Grain > 0 {
			add(false, subject, "the scheduler enforces budgets every %v, and the curve for that, fitted to measurements, holds", h.Grain)
		}
		add(false, subject, "guests work on messages in the order in which they come, each on one vcpu from begin to end")
		add(false, subject, "no outer hypervisor takes cpu time away")
	}
	if h.Emulator != nil {
		add(h.Local(), subject, "the device threads of each vm hold %v every %v", h.Emulator.Runtime, h.Emulator.Period)
		add(false, subject, "one frame costs them at most %v, frames are passed on in order, and no vcpu that waits for its next turn holds qemu's lock", h.Emulator.Work)
	} else {
		add(false, subject, "device threads run best effort: what they take is in no bound")
	}
	add(h.Local(), subject, "every link with a rate has its class at the sender's port")
	add(false, subject, "bridges and interrupts take at most %v a frame", h.Delay)
}
