package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// name is a VM, link or flow of a network.
type name struct{ network, of string }

func (n name) String() string { return n.network + "/" + n.of }

// model is the answer, indexed, once it is known to be an answer.
type model struct {
	*site
	problem     *placement.Problem
	embedding   *placement.Embedding
	realization *placement.Realization
	parts       []*part          // by their slots, which they keep from one derivation to the next; nil: free
	order       []int32          // the slots of the networks, in the order of the problem
	place       []int32          // of each slot in order
	slots       map[string]int32 // by the name of the network
	at          [][]guest        // VMs on each host of the inventory, in the order of the problem
	sharing     [][]int32        // reservations on each CPU of each host, and at the end those in the root domain
	relaxed     bool             // as if every reservation had its CPU for itself
}

// guest is a VM on a host: the slot of its network, and which of its VMs.
type guest struct{ slot, vm int32 }

func broken(subject, format string, args ...any) error {
	return &Broken{subject, RuleStructure, fmt.Sprintf(format, args...)}
}

// newModel checks that the answer answers the problem, every part of it once.
func newModel(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*model, error) {
	if err := valid(p); err != nil {
		return nil, err
	}
	s, err := newSite(&p.Inventory)
	if err != nil {
		return nil, err
	}
	m := &model{site: s, problem: p, embedding: e, realization: r, slots: make(map[string]int32, len(p.Networks)), parts: make([]*part, len(p.Networks)), order: make([]int32, len(p.Networks))}
	m.place = m.order // as long as every network has its first slot
	for i := range p.Networks {
		m.order[i] = int32(i)
		m.slots[p.Networks[i].Name] = int32(i)
	}
	if err := m.once(); err != nil {
		return nil, err
	}
	answers, err := m.divide(m.slots)
	if err != nil {
		return nil, err
	}
	err = eachOrFail(len(p.Networks), func(i int) error {
		var err error
		m.parts[i], err = m.newPart(&p.Networks[i], answers[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	m.settleIn()
	return m, m.pins()
}

// once wants networks of different names.
func (m *model) once() error {
	if len(m.slots) == len(m.problem.Networks) {
		return nil
	}
	seen := map[string]bool{}
	for i := range m.problem.Networks {
		if n := m.problem.Networks[i].Name; seen[n] {
			return broken("network "+n, "there are two of this name")
		} else {
			seen[n] = true
		}
	}
	return nil
}

// answer is the part of an answer that is about one network, each list in the order in
// which it is given.
type answer struct {
	seats        []placement.Seat
	routes       []placement.Route
	reservations []placement.Reservation
	emulators    []placement.Emulator
	queues       []placement.Queue
	tasks        []placement.TaskSeat
}

// divide gives each network its part of the answer.
func (m *model) divide(at map[string]int32) ([]answer, error) {
	out := make([]answer, len(at))
	e, r := m.embedding, m.realization
	err := eachOfFew(
		func() error {
			return divide(e.Seats, at, func(s *placement.Seat) (string, string) { return s.Network, s.VM }, func(i int32) *[]placement.Seat { return &out[i].seats }, "vm ", "it has a seat and is not in the problem")
		},
		func() error {
			return divide(e.Routes, at, func(s *placement.Route) (string, string) { return s.Network, s.Link }, func(i int32) *[]placement.Route { return &out[i].routes }, "link ", "it has a route and is not in the problem")
		},
		func() error {
			return divide(r.Reservations, at, func(s *placement.Reservation) (string, string) { return s.Network, s.VM }, func(i int32) *[]placement.Reservation { return &out[i].reservations }, "reservation ", "the problem has no such vm")
		},
		func() error {
			return divide(r.Emulators, at, func(s *placement.Emulator) (string, string) { return s.Network, s.VM }, func(i int32) *[]placement.Emulator { return &out[i].emulators }, "emulator of ", "there is no such vm on a host that reserves for emulators")
		},
		func() error {
			return divide(r.Queues, at, func(s *placement.Queue) (string, string) { return s.Network, s.Link }, func(i int32) *[]placement.Queue { return &out[i].queues }, "queue ", "the problem has no such link")
		},
		func() error {
			return divide(r.Tasks, at, func(s *placement.TaskSeat) (string, string) { return s.Network, s.VM }, func(i int32) *[]placement.TaskSeat { return &out[i].tasks }, "task of ", "the problem has no such vm")
		})
	return out, err
}

func divide[T any](given []T, at map[string]int32, of func(*T) (network, what string), list func(int32) *[]T, kind, stray string) error {
	last, index := "", int32(-1)
	for i := range given {
		network, what := of(&given[i])
		if network != last || index < 0 {
			var ok bool
			if index, ok = at[network]; !ok {
				return broken(kind+network+"/"+what, "%s", stray)
			}
			last = network
		}
		l := list(index)
		*l = run(*l, given, i)
	}
	return nil
}

// run is have and all[i]: a part of all itself, where have is what comes right before.
func run[T any](have, all []T, i int) []T {
	n := len(have)
	switch {
	case n == 0:
		return all[i : i+1 : i+1]
	case n <= i && &have[n-1] == &all[i-1] && &have[0] == &all[i-n]:
		return all[i-n : i+1 : i+1]
	}
	return append(have, all[i])
}

// settleIn notes which VMs each host carries, and how many reservations each CPU.
func (m *model) settleIn() {
	all := m.inventory.Hosts
	m.at, m.sharing = make([][]guest, len(all)), make([][]int32, len(all))
	for _, slot := range m.order {
		for j := range m.parts[slot].vms {
			h := m.parts[slot].vms[j].hostAt
			m.at[h] = append(m.at[h], guest{slot, int32(j)})
		}
	}
	for h := range all {
		m.share(h)
	}
}

// share counts the reservations on each CPU of a host.
func (m *model) share(host int) {
	h := &m.inventory.Hosts[host]
	m.sharing[host] = nil
	if len(m.at[host]) == 0 {
		return
	}
	count := make([]int32, len(h.CPUs)+1)
	for _, g := range m.at[host] {
		for _, r := range m.vm(g).granted {
			if r.cpu == hosts.AnyCPU {
				count[len(h.CPUs)]++
			} else {
				count[cpuAt(h, r.cpu)]++
			}
		}
	}
	m.sharing[host] = count
}

// vm is what is known of a VM on a host.
func (m *model) vm(g guest) *seated { return &m.parts[g.slot].vms[g.vm] }

// find is what is known of a VM by its name, or nil.
func (m *model) find(vm name) *seated {
	slot, ok := m.slots[vm.network]
	if !ok {
		return nil
	}
	return m.parts[slot].find(vm.of)
}

// others is how many reservations run beside one on the same CPU.
func (m *model) others(host int, cpu int) int64 {
	if m.relaxed {
		return 0
	}
	h := &m.inventory.Hosts[host]
	at := len(h.CPUs)
	if cpu != hosts.AnyCPU {
		at = cpuAt(h, cpu)
	}
	return int64(m.sharing[host][at]) - 1
}

// networks visits the networks in the order of the problem.
func (m *model) networks(visit func(*part)) {
	for _, slot := range m.order {
		visit(m.parts[slot])
	}
}

func joins(c *hosts.Cable, a, b string) bool {
	return c.Between[0] == a && c.Between[1] == b || c.Between[0] == b && c.Between[1] == a
}

// asAsked reports whether a reservation is what the VM asks for, as far as it says.
func asAsked(asked *vsn.Reservation, r *placement.Reservation) bool {
	switch {
	case asked == nil:
		return true
	case asked.Runtime > 0 && r.RuntimeNs != int64(asked.Runtime):
		return false
	}
	return r.PeriodNs == int64(asked.Period)
}
