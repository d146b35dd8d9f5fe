package construct

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// held is what a network has taken.
type held struct {
	network *vsn.Network
	seats   []int32 // host of each VM; -1: it was lost
	grants  []grant // in the order of VMs, the vCPUs of each first, then its device threads
	paths   [][]int32
	lost    []bool  // of each link: its path was lost
	rates   []int64 // of each link
}

// grant is a reservation on a domain.
type grant struct {
	vm, domain      int32
	vcpu            int32 // -1: device threads
	share           int64 // billionths of a CPU
	runtime, period int64 // ns
}

// Hold takes what networks have by an embedding and its realization. VMs without a seat
// and links without a route are lost: Again places them. It does not ask whether there
// is room; what exceeds a budget leaves less than nothing of it.
func (x *Embedder) Hold(networks []vsn.Network, e *placement.Embedding, r *placement.Realization) error {
	type key = [2]string
	seats, routes, rates := map[key]int32{}, map[key]*placement.Route{}, map[key]int64{}
	for _, s := range e.Seats {
		h, ok := x.sub.index[s.Host]
		if !ok || h >= x.sub.hosts {
			return fmt.Errorf("vm %s/%s: there is no host %q", s.Network, s.VM, s.Host)
		}
		seats[key{s.Network, s.VM}] = h
	}
	for i := range e.Routes {
		routes[key{e.Routes[i].Network, e.Routes[i].Link}] = &e.Routes[i]
	}
	for _, q := range r.Queues {
		if q.At == placement.AtPort {
			rates[key{q.Network, q.Link}] = q.RateBit
		}
	}
	of := map[string]*held{}
	vms := map[key]int32{}
	for i := range networks {
		n := &networks[i]
		if x.held[n.Name] != nil || of[n.Name] != nil {
			return fmt.Errorf("network %q: it has a place already", n.Name)
		}
		t := &held{network: n}
		for k := range n.VMs {
			h, ok := seats[key{n.Name, n.VMs[k].Name}]
			if !ok {
				h = -1
			}
			t.seats = append(t.seats, h)
			vms[key{n.Name, n.VMs[k].Name}] = int32(k)
		}
		for k := range n.Links {
			l := &n.Links[k]
			rate := int64(l.Rate)
			if rate == 0 {
				rate = rates[key{n.Name, l.Name}]
			}
			route := routes[key{n.Name, l.Name}]
			path, err := x.cablesOf(route)
			if err != nil {
				return err
			}
			t.paths, t.rates, t.lost = append(t.paths, path), append(t.rates, rate), append(t.lost, route == nil)
		}
		of[n.Name] = t
	}
	for _, v := range r.Reservations {
		if err := x.granted(of[v.Network], vms, v.Network, v.VM, v.CPU, grant{vcpu: int32(v.VCPU), runtime: v.RuntimeNs, period: v.PeriodNs}); err != nil {
			return err
		}
	}
	for _, v := range r.Emulators {
		if err := x.granted(of[v.Network], vms, v.Network, v.VM, v.CPU, grant{vcpu: -1, runtime: v.RuntimeNs, period: v.PeriodNs}); err != nil {
			return err
		}
	}
	for i := range networks {
		t := of[networks[i].Name]
		slices.SortStableFunc(t.grants, func(a, b grant) int { return int(a.vm - b.vm) })
		x.enter(t)
	}
	return nil
}

// granted notes a reservation of a network that is to be held; those of other networks
// do not matter.
func (x *Embedder) granted(t *held, vms map[[2]string]int32, network, name string, cpu int, g grant) error {
	if t == nil {
		return nil
	}
	vm, ok := vms[[2]string{network, name}]
	if !ok {
		return fmt.Errorf("vm %s/%s has a reservation and is not there", network, name)
	}
	h := t.seats[vm]
	if h < 0 {
		return nil
	}
	d := x.sub.domains[h]
	if host := &x.sub.inventory.Hosts[h]; host.Partition {
		at, ok := slices.BinarySearchFunc(host.CPUs, cpu, func(c hosts.CPU, id int) int { return c.ID - id })
		if !ok {
			return fmt.Errorf("vm %s/%s has a reservation on cpu %d of host %q, which is not there", network, name, cpu, host.Name)
		}
		d += int32(at)
	}
	g.vm, g.domain, g.share = vm, d, billionths(g.runtime, g.period)
	t.grants = append(t.grants, g)
	return nil
}

func (x *Embedder) cablesOf(r *placement.Route) (path []int32, err error) {
	if r == nil {
		return nil, nil
	}
	for _, name := range r.Cables {
		c, ok := x.cableOf[name]
		if !ok {
			return nil, fmt.Errorf("link %s/%s: there is no cable %q", r.Network, r.Link, name)
		}
		path = append(path, c)
	}
	return path, nil
}

// enter takes all that a network holds.
func (x *Embedder) enter(t *held) {
	x.held[t.network.Name] = t
	for vm := range t.seats {
		x.seat(t, int32(vm), 1)
	}
	for l := range t.paths {
		x.lay(t, l, 1)
	}
	x.settled(t)
}

// settled brings the index up to date about all hosts of a network.
func (x *Embedder) settled(t *held) {
	for vm, h := range t.seats {
		if h >= 0 && !slices.Contains(t.seats[:vm], h) {
			x.changed(h)
		}
	}
	for _, path := range t.paths {
		for _, c := range path {
			for _, n := range x.sub.cables[c].ends {
				if n < x.sub.hosts && !slices.Contains(t.seats, n) {
					x.changed(n) // a path passes
				}
			}
		}
	}
}

// seat takes what a VM needs of its host, or gives it back where sign is -1.
func (x *Embedder) seat(t *held, vm int32, sign int64) {
	h, v := t.seats[vm], &t.network.VMs[vm]
	if h < 0 {
		return
	}
	at := h * x.sub.dims
	x.state.room[at] -= sign * int64(v.Memory)
	for k, kind := range x.sub.kinds {
		x.state.room[at+1+int32(k)] -= sign * v.Resources[kind]
	}
	for _, g := range t.grants {
		if g.vm != vm {
			continue
		}
		if sign > 0 {
			x.state.grant(g.domain, g.share)
		} else {
			x.state.revoke(g.domain, g.share)
		}
	}
	x.on[h] += int32(sign)
}

// lay takes the cables of a link, or gives them back where sign is -1.
func (x *Embedder) lay(t *held, l int, sign int64) {
	for i, c := range t.paths[l] {
		x.state.carry(c, sign*t.rates[l])
		if i == 0 {
			continue
		}
		if n := x.sub.shared(t.paths[l][i-1], c); n < x.sub.hosts {
			x.on[n] += int32(sign)
		}
	}
}

// shared is the node between two cables that follow one another.
func (s *Substrate) shared(a, b int32) int32 {
	for _, n := range s.cables[a].ends {
		if n == s.cables[b].ends[0] || n == s.cables[b].ends[1] {
			return n
		}
	}
	return -1
}

// Release gives back what a network holds, and reports whether it held anything.
func (x *Embedder) Release(network string) bool {
	t := x.held[network]
	if t == nil {
		return false
	}
	for vm := range t.seats {
		x.seat(t, int32(vm), -1)
	}
	for l := range t.paths {
		x.lay(t, l, -1)
	}
	x.settled(t)
	delete(x.held, network)
	return true
}

// take takes what was found, beside what the network holds already, and says all of it
// in names.
func (x *Embedder) take(a *asking, f *found) *Answer {
	t := x.held[a.network.Name]
	if t == nil {
		n := a.network
		t = &held{network: n, seats: unknown(len(n.VMs)), paths: make([][]int32, len(n.Links)), lost: make([]bool, len(n.Links))}
		for l := range n.Links {
			t.rates, t.lost[l] = append(t.rates, a.q.links[l].rate), true
		}
		x.held[n.Name] = t
	}
	for v := range a.q.seats {
		x.takeSeat(a, f, t, int32(v))
	}
	slices.SortStableFunc(t.grants, func(a, b grant) int { return int(a.vm - b.vm) })
	for vm, at := range a.q.seatOf {
		if !a.kept[at] {
			t.seats[vm] = f.seats[at]
			x.seat(t, int32(vm), 1)
		}
	}
	for l := range t.paths {
		if t.lost[l] {
			t.paths[l], t.lost[l] = f.paths[l], false
			x.lay(t, l, 1)
		}
	}
	x.settled(t)
	answer := x.answer(t)
	answer.Cost = f.cost
	return answer
}

// takeSeat notes the reservations of a seat.
func (x *Embedder) takeSeat(a *asking, f *found, t *held, v int32) {
	st, h := &a.q.seats[v], f.seats[v]
	next := make([]int32, len(a.q.seatOf))
	for i, d := range f.bins[v] {
		g := grant{domain: d, share: st.thread(x.sub, h, i), vcpu: -1}
		if i < len(st.vcpus) {
			g.vm = st.owner[i]
			g.vcpu = next[g.vm]
			next[g.vm]++
		} else {
			g.vm = st.vms[i-len(st.vcpus)]
		}
		if g.vcpu >= 0 {
			r := a.network.VMs[g.vm].Reservation
			g.runtime, g.period = int64(r.Runtime), int64(r.Period)
		} else {
			e := x.sub.inventory.Hosts[h].Emulator
			g.runtime, g.period = int64(e.Runtime), int64(e.Period)
		}
		t.grants = append(t.grants, g)
	}
}

// answer says what a network holds in names.
func (x *Embedder) answer(t *held) *Answer {
	out, n := &Answer{}, t.network
	for vm, h := range t.seats {
		out.Embedding.Seats = append(out.Embedding.Seats, placement.Seat{Network: n.Name, VM: n.VMs[vm].Name, Host: x.sub.names[h]})
	}
	for l := range n.Links {
		out.Embedding.Routes = append(out.Embedding.Routes, x.route(t, l))
	}
	out.Reservations, out.Emulators = x.cpus(t)
	return out
}

// cpus says the CPUs of a network in names.
func (x *Embedder) cpus(t *held) (reservations []placement.Reservation, emulators []placement.Emulator) {
	n := t.network
	for _, g := range t.grants {
		v, h := &n.VMs[g.vm], t.seats[g.vm]
		host, cpu := &x.sub.inventory.Hosts[h], hosts.AnyCPU
		if host.Partition {
			cpu = host.CPUs[g.domain-x.sub.domains[h]].ID
		}
		if g.vcpu < 0 {
			emulators = append(emulators, placement.Emulator{Network: n.Name, VM: v.Name, Host: host.Name, CPU: cpu, RuntimeNs: g.runtime, PeriodNs: g.period})
		} else {
			reservations = append(reservations, placement.Reservation{Network: n.Name, VM: v.Name, VCPU: int(g.vcpu), Host: host.Name, CPU: cpu, RuntimeNs: g.runtime, PeriodNs: g.period})
		}
	}
	return reservations, emulators
}

// route says the path of a link in names.
func (x *Embedder) route(t *held, l int) placement.Route {
	link := &t.network.Links[l]
	at := int32(0)
	for vm := range t.network.VMs {
		if t.network.VMs[vm].Name == link.Between[0] {
			at = t.seats[vm]
		}
	}
	out := placement.Route{Network: t.network.Name, Link: link.Name, Path: []string{x.sub.names[at]}}
	for _, c := range t.paths[l] {
		ends := x.sub.cables[c].ends
		at = ends[0] + ends[1] - at
		out.Path = append(out.Path, x.sub.names[at])
		out.Cables = append(out.Cables, x.sub.inventory.Cables[c].Name)
	}
	return out
}
