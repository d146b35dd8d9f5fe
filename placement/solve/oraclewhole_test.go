package solve

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// What the oracle says of a whole embedding: its reservations, without CPUs where these
// are to be chosen, its classes, and what it costs. It is written from docs/theory.md
// and docs/planner.md.

// realization has a reservation for each vCPU that asks for one and for the device
// threads of each VM where the host has them, on no CPU yet; and a class for each
// direction of a link with a rate at the sender's port and at each host's end of a cable,
// with queues that are long enough: what waits is bounded or it is not.
func (o *oracle) realization(e *placement.Embedding) *placement.Realization {
	r := &placement.Realization{}
	for v, vm := range o.vms {
		h := &o.p.Inventory.Hosts[o.seats[v]]
		cpu := hosts.AnyCPU
		if h.Partition {
			cpu = h.CPUs[0].ID
		}
		for k := range vm.VCPUs {
			if vm.Reservation != nil {
				r.Reservations = append(r.Reservations, placement.Reservation{Network: e.Seats[v].Network, VM: vm.Name, VCPU: k, Host: h.Name, CPU: cpu, RuntimeNs: int64(vm.Reservation.Runtime), PeriodNs: int64(vm.Reservation.Period)})
			}
		}
		if h.Emulator != nil {
			r.Emulators = append(r.Emulators, placement.Emulator{Network: e.Seats[v].Network, VM: vm.Name, Host: h.Name, CPU: cpu, RuntimeNs: int64(h.Emulator.Runtime), PeriodNs: int64(h.Emulator.Period)})
		}
	}
	for l, lk := range o.links {
		if lk.Rate == 0 {
			continue
		}
		path, cables := o.paths[l], o.routes[l]
		for _, ends := range [][2]string{{lk.Between[0], lk.Between[1]}, {lk.Between[1], lk.Between[0]}} {
			q := placement.Queue{Network: e.Routes[l].Network, Link: lk.Name, From: ends[0], To: ends[1], RateBit: int64(lk.Rate), BurstBytes: hosts.RoundBurst(int64(lk.Rate), int64(lk.Burst)), LimitBytes: 1 << 40}
			add := func(host, at string) {
				q.Host, q.At, q.Class = host, at, 0x10+len(r.Queues)
				r.Queues = append(r.Queues, q)
			}
			add(path[0], placement.AtPort)
			for i, cable := range cables {
				if o.p.Inventory.Host(path[i]) != nil {
					add(path[i], cable)
				}
			}
			path, cables = slices.Clone(path), slices.Clone(cables)
			slices.Reverse(path)
			slices.Reverse(cables)
		}
	}
	return r
}

// costs are what the seats and routes cost, criterion by criterion.
func (o *oracle) costs(by []hosts.Objective) (out []int64) {
	for _, b := range by {
		out = append(out, map[hosts.Objective]func() int64{hosts.LeastBandwidth: o.bandwidth, hosts.FewestHosts: o.hostsOn, hosts.Balance: o.worstLoad, hosts.LeastMoved: o.moved}[b]())
	}
	return out
}

func (o *oracle) bandwidth() (sum int64) {
	for l, lk := range o.links {
		sum += int64(lk.Rate) * int64(len(o.routes[l]))
	}
	return sum
}

func (o *oracle) hostsOn() (n int64) {
	for h := range o.p.Inventory.Hosts {
		on := slices.Contains(o.seats, h)
		for _, path := range o.paths {
			on = on || slices.Contains(path, o.p.Inventory.Hosts[h].Name)
		}
		if on {
			n++
		}
	}
	return n
}

// worstLoad is in millionths, rounded up.
func (o *oracle) worstLoad() int64 {
	most := new(big.Rat)
	part := func(taken, of *big.Rat) {
		if taken.Sign() > 0 {
			if taken = new(big.Rat).Quo(taken, of); taken.Cmp(most) > 0 {
				most = taken
			}
		}
	}
	for h := range o.p.Inventory.Hosts {
		ho := &o.p.Inventory.Hosts[h]
		memory, counts, cpu := new(big.Rat), map[string]int64{}, new(big.Rat)
		for v, vm := range o.vms {
			if o.seats[v] != h {
				continue
			}
			memory.Add(memory, big.NewRat(int64(vm.Memory), 1))
			for name, count := range vm.Resources {
				counts[name] += count
			}
			if r := vm.Reservation; r != nil {
				cpu.Add(cpu, big.NewRat(int64(vm.VCPUs)*int64(r.Runtime), int64(r.Period)))
			}
			if em := ho.Emulator; em != nil {
				cpu.Add(cpu, big.NewRat(int64(em.Runtime), int64(em.Period)))
			}
		}
		part(memory, big.NewRat(int64(ho.Memory), 1))
		for name, count := range counts {
			part(big.NewRat(count, 1), big.NewRat(ho.Resources[name], 1))
		}
		shares := new(big.Rat)
		for _, c := range ho.CPUs {
			shares.Add(shares, share(ho, c))
		}
		part(cpu, shares)
	}
	most.Mul(most, big.NewRat(1_000_000, 1))
	whole, rest := new(big.Int).QuoRem(most.Num(), most.Denom(), new(big.Int))
	return whole.Int64() + int64(rest.Sign())
}

func (o *oracle) moved() (n int64) {
	for v, vm := range o.vms {
		for _, was := range o.p.Before {
			if was.Network == o.p.Networks[vm.network].Name && was.VM == vm.Name && was.Host != o.p.Inventory.Hosts[o.seats[v]].Name {
				n++
			}
		}
	}
	return n
}
