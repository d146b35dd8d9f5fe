package proof

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// part is a network and its part of the answer, indexed, once it is known to be one.
type part struct {
	*vsn.Network
	given answer
	vms   []seated
	byVM  map[string]int
	links []routed
	paths []*path      // two of each link, that of Between[0] first
	from  map[ends]int // places in paths, where there are flows
}

// ends are two VMs of a network, in the order from and to.
type ends struct{ from, to string }

// seated is a VM with what it was given.
type seated struct {
	*vsn.VM
	name         name
	host         *hosts.Host
	hostAt       int
	reservations []placement.Reservation // by vCPU
	emulator     *placement.Emulator
	granted      []granted
	tasks        [][]bounds.Task // of each vCPU, in the order of their priority
	taskNames    [][]string      // theirs, in the same order
}

// granted is one reservation on a host, of a vCPU or of device threads.
type granted struct {
	who     string
	network string
	cpu     int
	u       placement.Rat
}

// routed is a link with its route and, where it is shaped, what its classes grant.
type routed struct {
	*vsn.Link
	name   name
	route  *placement.Route
	shaped bool
	granting
}

// find is what is known of a VM, or nil.
func (p *part) find(vm string) *seated {
	if i, ok := p.byVM[vm]; ok {
		return &p.vms[i]
	}
	return nil
}

// newPart checks that a part of the answer answers its network.
func (m *model) newPart(n *vsn.Network, given answer) (*part, error) {
	p := &part{Network: n, given: given}
	for _, step := range []func(*site) error{p.seatAll, p.routeAll, p.reserveAll, p.emulateAll, p.taskAll, p.queueAll} {
		if err := step(m.site); err != nil {
			return nil, err
		}
	}
	p.grant()
	return p, nil
}

func (p *part) seatAll(s *site) error {
	p.vms, p.byVM = make([]seated, len(p.VMs)), make(map[string]int, len(p.VMs))
	for j := range p.VMs {
		vm := name{p.Name, p.VMs[j].Name}
		if p.find(vm.of) != nil {
			return broken("vm "+vm.String(), "the problem has two of this name")
		}
		p.byVM[vm.of] = j
		p.vms[j].VM, p.vms[j].name = &p.VMs[j], vm
	}
	for _, seat := range p.given.seats {
		vm := p.find(seat.VM)
		if vm == nil {
			return broken("vm "+p.Name+"/"+seat.VM, "it has a seat and is not in the problem")
		}
		if vm.host != nil {
			return broken("vm "+vm.name.String(), "it has two seats")
		}
		if vm.host = s.host(seat.Host); vm.host == nil {
			return broken("vm "+vm.name.String(), "it has no seat on a known host (%q)", seat.Host)
		}
		vm.hostAt = s.hostAt[seat.Host]
	}
	for j := range p.vms {
		if p.vms[j].host == nil {
			return broken("vm "+p.vms[j].name.String(), "it has no seat on a known host (%q)", "")
		}
	}
	return nil
}

func (p *part) routeAll(s *site) error {
	at := make(map[string]int, len(p.Links))
	p.links = make([]routed, len(p.Links))
	for j := range p.Links {
		l := &p.Links[j]
		p.links[j].Link, p.links[j].name = l, name{p.Name, l.Name}
		if _, twice := at[l.Name]; twice {
			return broken("link "+p.Name+"/"+l.Name, "it has no route, or is in the problem twice")
		}
		at[l.Name] = j
	}
	for i := range p.given.routes {
		r := &p.given.routes[i]
		subject := "link " + p.Name + "/" + r.Link
		j, ok := at[r.Link]
		switch {
		case !ok:
			return broken(subject, "it has a route and is not in the problem")
		case p.links[j].route != nil:
			return broken(subject, "it has two routes")
		}
		p.links[j].route = r
	}
	for j := range p.links {
		if p.links[j].route == nil {
			return broken("link "+p.links[j].name.String(), "it has no route, or is in the problem twice")
		}
		if err := p.route(s, &p.links[j]); err != nil {
			return err
		}
	}
	return nil
}

// route checks that a route is a simple path from end to end over cables that join
// its nodes, through nodes that forward.
func (p *part) route(s *site, l *routed) error {
	r := l.route
	no := func(format string, args ...any) error { return broken("link "+l.name.String(), format, args...) }
	if len(l.Between) != 2 || len(r.Path) == 0 || len(r.Cables) != len(r.Path)-1 {
		return no("a path of %d nodes over %d cables between %d ends is no route", len(r.Path), len(r.Cables), len(l.Between))
	}
	first, last := p.find(l.Between[0]), p.find(l.Between[1])
	if first == nil || last == nil || r.Path[0] != first.host.Name || r.Path[len(r.Path)-1] != last.host.Name {
		return no("the path %v does not join the hosts of its ends", r.Path)
	}
	for i, node := range r.Path {
		if slices.Contains(r.Path[:i], node) {
			return no("the path %v passes %q twice", r.Path, node)
		}
		if inner := i > 0 && i < len(r.Path)-1; inner && s.node(node) == nil && (s.host(node) == nil || !s.host(node).Transit) {
			return no("the path %v passes %q, which does not forward", r.Path, node)
		}
		if i == 0 {
			continue
		}
		c := s.cable(r.Cables[i-1])
		if c == nil || !joins(c, r.Path[i-1], node) {
			return no("cable %q does not join %q and %q", r.Cables[i-1], r.Path[i-1], node)
		}
	}
	return nil
}

func (p *part) reserveAll(*site) error {
	all := p.given.reservations
	for i := range all {
		r := &all[i]
		vm := p.find(r.VM)
		no := func(format string, args ...any) error {
			return broken(fmt.Sprintf("reservation %s/%s/vcpu%d", p.Name, r.VM, r.VCPU), format, args...)
		}
		switch {
		case vm == nil:
			return no("the problem has no such vm")
		case r.VCPU != len(vm.reservations) || r.VCPU >= vm.VCPUs:
			return no("want the vcpus 0 to %d once each, in order", vm.VCPUs-1)
		case !asAsked(vm.Reservation, r):
			return no("%dns/%dns is granted, %v/%v is asked", r.RuntimeNs, r.PeriodNs, vm.Reservation.Runtime, vm.Reservation.Period)
		case int64(vsn.MinRuntime) > r.RuntimeNs || r.RuntimeNs > r.PeriodNs || r.PeriodNs < int64(vsn.MinPeriod) || r.PeriodNs > int64(vsn.MaxPeriod):
			return no("%dns/%dns is no reservation of the kernel: runtime %v to the period, period %v to %v", r.RuntimeNs, r.PeriodNs, vsn.MinRuntime, vsn.MinPeriod, vsn.MaxPeriod)
		}
		if err := vm.placed(r.Host, r.CPU, no); err != nil {
			return err
		}
		vm.reservations = run(vm.reservations, all, i)
	}
	for j := range p.vms {
		vm := &p.vms[j]
		given := vm.Reservation != nil && vm.Reservation.Runtime > 0
		if have := len(vm.reservations); have != vm.VCPUs && (have > 0 || given) {
			return broken("vm "+vm.name.String(), "%d of %d vcpus have a reservation", have, vm.VCPUs)
		}
	}
	return nil
}

// placed checks that a reservation stands where its VM sits, on a CPU that the
// host's kind of admission knows.
func (vm *seated) placed(host string, cpu int, no func(string, ...any) error) error {
	h := vm.host
	switch {
	case h.Name != host:
		return no("it is on host %q and its vm sits on %q", host, h.Name)
	case !h.Partition && cpu != hosts.AnyCPU:
		return no("cpu %d is named on host %q, which has one root domain (want %d)", cpu, host, hosts.AnyCPU)
	case h.Partition && cpuAt(h, cpu) < 0:
		return no("host %q has no cpu %d", host, cpu)
	}
	return nil
}

func (p *part) emulateAll(*site) error {
	for i := range p.given.emulators {
		e := &p.given.emulators[i]
		no := func(format string, args ...any) error {
			return broken("emulator of "+p.Name+"/"+e.VM, format, args...)
		}
		vm := p.find(e.VM)
		if vm == nil || vm.host.Emulator == nil {
			return no("there is no such vm on a host that reserves for emulators")
		}
		if vm.emulator != nil {
			return no("it is there twice")
		}
		want := vm.host.Emulator
		if e.RuntimeNs != int64(want.Runtime) || e.PeriodNs != int64(want.Period) {
			return no("%dns/%dns is granted, the host's are %v/%v", e.RuntimeNs, e.PeriodNs, want.Runtime, want.Period)
		}
		if err := vm.placed(e.Host, e.CPU, no); err != nil {
			return err
		}
		vm.emulator = e
	}
	for j := range p.vms {
		if vm := &p.vms[j]; vm.emulator == nil && vm.host.Emulator != nil {
			return broken("emulator of "+vm.name.String(), "it has no reservation")
		}
	}
	return nil
}

// grant lists the reservations of each VM, of its vCPUs and its device threads.
func (p *part) grant() {
	for j := range p.vms {
		vm := &p.vms[j]
		who := vm.name.String()
		for _, r := range vm.reservations {
			vm.granted = append(vm.granted, granted{fmt.Sprintf("%s/vcpu%d", who, r.VCPU), p.Name, r.CPU, placement.Frac(r.RuntimeNs, r.PeriodNs)})
		}
		if e := vm.emulator; e != nil {
			vm.granted = append(vm.granted, granted{who + "/emulator", p.Name, e.CPU, placement.Frac(e.RuntimeNs, e.PeriodNs)})
		}
	}
}
