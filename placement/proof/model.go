package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// name is a VM, link or flow of a network.
type name struct{ network, of string }

func (n name) String() string { return n.network + "/" + n.of }

// model is the answer, indexed, once it is known to be an answer.
type model struct {
	problem      *placement.Problem
	embedding    *placement.Embedding
	realization  *placement.Realization
	hosts        map[string]*hosts.Host
	switches     map[string]*hosts.Switch
	cables       map[string]*hosts.Cable
	vms          map[name]*vsn.VM
	seats        map[name]*hosts.Host
	routes       map[name]*placement.Route
	reservations map[name][]placement.Reservation // by vCPU
	emulators    map[name]placement.Emulator
	queues       map[queueAt]placement.Queue
	rates        map[name]granting        // of links with classes
	between      map[pair]name            // the link from one VM to another
	tasks        map[name][][]bounds.Task // of each vCPU, in the order of their priority
	taskNames    map[name][][]string      // theirs, in the same order
	sharing      map[hostCPU]int          // reservations on each CPU, or in the root domain
	relaxed      bool                     // as if every reservation had its CPU for itself
	at           map[string][]name        // VMs on each host, in the order of the problem
}

// pair is two VMs of a network, in the order from and to.
type pair struct{ network, from, to string }

// queueAt is the place of a queue: one direction of a link at a host's port or cable.
type queueAt struct {
	link     name
	from, to string
	host, at string
}

func broken(subject, format string, args ...any) error {
	return &Broken{subject, RuleStructure, fmt.Sprintf(format, args...)}
}

// newModel checks that the answer answers the problem, every part of it once.
func newModel(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*model, error) {
	m := &model{problem: p, embedding: e, realization: r,
		hosts: map[string]*hosts.Host{}, switches: map[string]*hosts.Switch{}, cables: map[string]*hosts.Cable{},
		vms: map[name]*vsn.VM{}, seats: map[name]*hosts.Host{}, routes: map[name]*placement.Route{},
		reservations: map[name][]placement.Reservation{}, emulators: map[name]placement.Emulator{},
		queues: map[queueAt]placement.Queue{}, rates: map[name]granting{}, between: map[pair]name{}, tasks: map[name][][]bounds.Task{}, taskNames: map[name][][]string{}, at: map[string][]name{}, sharing: map[hostCPU]int{}}
	for _, step := range []func() error{
		func() error { return valid(p) },
		func() error { return m.inventory(&p.Inventory) },
		func() error { return m.seatAll(e.Seats) },
		m.pins,
		func() error { return m.routeAll(e.Routes) },
		func() error { return m.reserveAll(r.Reservations) },
		func() error { return m.emulateAll(r.Emulators) },
		func() error { return m.queueAll(r.Queues) },
		func() error { return m.taskAll(r.Tasks) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *model) inventory(inv *hosts.Inventory) error {
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		if m.hosts[h.Name] != nil {
			return broken("host "+h.Name, "there are two of this name")
		}
		m.hosts[h.Name] = h
	}
	for i := range inv.Switches {
		s := &inv.Switches[i]
		if m.switches[s.Name] != nil || m.hosts[s.Name] != nil {
			return broken("switch "+s.Name, "there are two nodes of this name")
		}
		m.switches[s.Name] = s
	}
	for i := range inv.Cables {
		c := &inv.Cables[i]
		if m.cables[c.Name] != nil {
			return broken("cable "+c.Name, "there are two of this name")
		}
		m.cables[c.Name] = c
	}
	return nil
}

func (m *model) seatAll(seats []placement.Seat) error {
	host := map[name]string{}
	for _, s := range seats {
		key := name{s.Network, s.VM}
		if _, twice := host[key]; twice {
			return broken("vm "+key.String(), "it has two seats")
		}
		host[key] = s.Host
	}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.VMs {
			key := name{n.Name, n.VMs[j].Name}
			h := m.hosts[host[key]]
			if h == nil {
				return broken("vm "+key.String(), "it has no seat on a known host (%q)", host[key])
			}
			if m.vms[key] != nil {
				return broken("vm "+key.String(), "the problem has two of this name")
			}
			m.vms[key], m.seats[key] = &n.VMs[j], h
			m.at[h.Name] = append(m.at[h.Name], key)
			delete(host, key)
		}
	}
	for key := range host {
		return broken("vm "+key.String(), "it has a seat and is not in the problem")
	}
	return nil
}

func (m *model) routeAll(routes []placement.Route) error {
	given := map[name]*placement.Route{}
	for i := range routes {
		key := name{routes[i].Network, routes[i].Link}
		if given[key] != nil {
			return broken("link "+key.String(), "it has two routes")
		}
		given[key] = &routes[i]
	}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			l := &n.Links[j]
			key := name{n.Name, l.Name}
			if given[key] == nil {
				return broken("link "+key.String(), "it has no route, or is in the problem twice")
			}
			if err := m.route(n.Name, l, given[key]); err != nil {
				return err
			}
			m.routes[key] = given[key]
			m.between[pair{n.Name, l.Between[0], l.Between[1]}], m.between[pair{n.Name, l.Between[1], l.Between[0]}] = key, key
			delete(given, key)
		}
	}
	for key := range given {
		return broken("link "+key.String(), "it has a route and is not in the problem")
	}
	return nil
}

// route checks that a route is a simple path from end to end over cables that join
// its nodes, through nodes that forward.
func (m *model) route(network string, l *vsn.Link, r *placement.Route) error {
	subject := "link " + network + "/" + l.Name
	if len(l.Between) != 2 || len(r.Path) == 0 || len(r.Cables) != len(r.Path)-1 {
		return broken(subject, "a path of %d nodes over %d cables between %d ends is no route", len(r.Path), len(r.Cables), len(l.Between))
	}
	first, last := m.seats[name{network, l.Between[0]}], m.seats[name{network, l.Between[1]}]
	if first == nil || last == nil || r.Path[0] != first.Name || r.Path[len(r.Path)-1] != last.Name {
		return broken(subject, "the path %v does not join the hosts of its ends", r.Path)
	}
	seen := map[string]bool{}
	for i, node := range r.Path {
		if seen[node] {
			return broken(subject, "the path %v passes %q twice", r.Path, node)
		}
		seen[node] = true
		if inner := i > 0 && i < len(r.Path)-1; inner && m.switches[node] == nil && (m.hosts[node] == nil || !m.hosts[node].Transit) {
			return broken(subject, "the path %v passes %q, which does not forward", r.Path, node)
		}
		if i == 0 {
			continue
		}
		c := m.cables[r.Cables[i-1]]
		if c == nil || !joins(c, r.Path[i-1], node) {
			return broken(subject, "cable %q does not join %q and %q", r.Cables[i-1], r.Path[i-1], node)
		}
	}
	return nil
}

func joins(c *hosts.Cable, a, b string) bool {
	return c.Between[0] == a && c.Between[1] == b || c.Between[0] == b && c.Between[1] == a
}

func (m *model) reserveAll(given []placement.Reservation) error {
	for _, r := range given {
		key := name{r.Network, r.VM}
		subject := fmt.Sprintf("reservation %v/vcpu%d", key, r.VCPU)
		vm := m.vms[key]
		switch {
		case vm == nil:
			return broken(subject, "the problem has no such vm")
		case r.VCPU != len(m.reservations[key]) || r.VCPU >= vm.VCPUs:
			return broken(subject, "want the vcpus 0 to %d once each, in order", vm.VCPUs-1)
		case !asAsked(vm.Reservation, r):
			return broken(subject, "%dns/%dns is granted, %v/%v is asked", r.RuntimeNs, r.PeriodNs, vm.Reservation.Runtime, vm.Reservation.Period)
		case int64(vsn.MinRuntime) > r.RuntimeNs || r.RuntimeNs > r.PeriodNs || r.PeriodNs < int64(vsn.MinPeriod) || r.PeriodNs > int64(vsn.MaxPeriod):
			return broken(subject, "%dns/%dns is no reservation of the kernel: runtime %v to the period, period %v to %v", r.RuntimeNs, r.PeriodNs, vsn.MinRuntime, vsn.MinPeriod, vsn.MaxPeriod)
		}
		if err := m.placed(subject, key, r.Host, r.CPU); err != nil {
			return err
		}
		m.reservations[key] = append(m.reservations[key], r)
	}
	for key, vm := range m.vms {
		given := vm.Reservation != nil && vm.Reservation.Runtime > 0
		if have := len(m.reservations[key]); have != vm.VCPUs && (have > 0 || given) {
			return broken("vm "+key.String(), "%d of %d vcpus have a reservation", len(m.reservations[key]), vm.VCPUs)
		}
	}
	return nil
}

// asAsked reports whether a reservation is what the VM asks for, as far as it says.
func asAsked(asked *vsn.Reservation, r placement.Reservation) bool {
	switch {
	case asked == nil:
		return true
	case asked.Runtime > 0 && r.RuntimeNs != int64(asked.Runtime):
		return false
	}
	return r.PeriodNs == int64(asked.Period)
}

// hostCPU is a CPU of a host, or with hosts.AnyCPU the root domain of all.
type hostCPU struct {
	host string
	cpu  int
}

// others is how many reservations run beside one on the same CPU.
func (m *model) others(host string, cpu int) int64 {
	if m.relaxed {
		return 0
	}
	return int64(m.sharing[hostCPU{host, cpu}]) - 1
}

// placed checks that a reservation stands where its VM sits, on a CPU that the
// host's kind of admission knows.
func (m *model) placed(subject string, vm name, host string, cpu int) error {
	h := m.seats[vm]
	switch {
	case h.Name != host:
		return broken(subject, "it is on host %q and its vm sits on %q", host, h.Name)
	case !h.Partition && cpu != hosts.AnyCPU:
		return broken(subject, "cpu %d is named on host %q, which has one root domain (want %d)", cpu, host, hosts.AnyCPU)
	case h.Partition && h.CPU(cpu) == nil:
		return broken(subject, "host %q has no cpu %d", host, cpu)
	}
	m.sharing[hostCPU{host, cpu}]++
	return nil
}

func (m *model) emulateAll(given []placement.Emulator) error {
	for _, e := range given {
		key := name{e.Network, e.VM}
		subject := "emulator of " + key.String()
		if m.vms[key] == nil || m.seats[key].Emulator == nil {
			return broken(subject, "there is no such vm on a host that reserves for emulators")
		}
		if _, twice := m.emulators[key]; twice {
			return broken(subject, "it is there twice")
		}
		want := m.seats[key].Emulator
		if e.RuntimeNs != int64(want.Runtime) || e.PeriodNs != int64(want.Period) {
			return broken(subject, "%dns/%dns is granted, the host's are %v/%v", e.RuntimeNs, e.PeriodNs, want.Runtime, want.Period)
		}
		if err := m.placed(subject, key, e.Host, e.CPU); err != nil {
			return err
		}
		m.emulators[key] = e
	}
	for key := range m.vms {
		if _, has := m.emulators[key]; !has && m.seats[key].Emulator != nil {
			return broken("emulator of "+key.String(), "it has no reservation")
		}
	}
	return nil
}
