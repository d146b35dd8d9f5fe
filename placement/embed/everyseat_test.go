package embed

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// everySeat answers by trying all seats and all simple paths: budgets, rules, and
// the least delays that Search prunes by, which without Accept are its constraints.
// It shares nothing with Search.
type everySeat struct {
	p    *placement.Problem
	n    *vsn.Network
	seat map[string]int
	over map[string][]string // cables of a link
	time map[string]int64    // of a link
}

func feasible(p *placement.Problem) bool {
	o := &everySeat{p, &p.Networks[0], map[string]int{}, map[string][]string{}, map[string]int64{}}
	return o.try(0)
}

func (o *everySeat) try(v int) bool {
	if v == len(o.n.VMs) {
		return o.rules(len(o.n.VMs)) && o.walk(0, nil, nil, 0)
	}
	for h := range o.p.Inventory.Hosts {
		o.seat[o.n.VMs[v].Name] = h
		if o.fits(v+1, h) && o.rules(v+1) && o.try(v+1) {
			return true
		}
	}
	delete(o.seat, o.n.VMs[v].Name)
	return false
}

func (o *everySeat) fits(placed, h int) bool {
	ho := &o.p.Inventory.Hosts[h]
	memory, gpus := vsn.Size(0), int64(0)
	sum, largest, share := new(big.Rat), new(big.Rat), new(big.Rat)
	add := func(runtime, period vsn.Duration, times int) {
		u := big.NewRat(int64(runtime), int64(period))
		if u.Cmp(largest) > 0 {
			largest.Set(u)
		}
		sum.Add(sum, u.Mul(u, big.NewRat(int64(times), 1)))
	}
	for _, vm := range o.n.VMs[:placed] {
		if o.seat[vm.Name] != h {
			continue
		}
		memory, gpus = memory+vm.Memory, gpus+vm.Resources["gpu"]
		if vm.Reservation != nil {
			add(vm.Reservation.Runtime, vm.Reservation.Period, vm.VCPUs)
		}
		if ho.Emulator != nil {
			add(ho.Emulator.Runtime, ho.Emulator.Period, 1)
		}
	}
	for range ho.CPUs {
		share.Add(share, ho.Share.Rat())
	}
	if largest.Cmp(ho.Share.Rat()) > 0 {
		return false
	}
	if !ho.Partition {
		sum.Add(sum, largest.Mul(largest, big.NewRat(int64(len(ho.CPUs)-1), 1)))
	}
	return memory <= ho.Memory && gpus <= ho.Resources["gpu"] && sum.Cmp(share) <= 0
}

func (o *everySeat) rules(placed int) bool {
	for _, r := range o.n.Place {
		for i, a := range slices.Concat(r.Apart, r.Together) {
			for _, b := range slices.Concat(r.Apart, r.Together)[:i] {
				ha, okA := o.seat[a]
				hb, okB := o.seat[b]
				if okA && okB && (ha == hb) == (len(r.Apart) > 0) {
					return false
				}
			}
		}
		for _, vm := range r.VMs {
			for label, value := range r.On {
				if h, ok := o.seat[vm]; ok && o.p.Inventory.Hosts[h].Labels[label] != value {
					return false
				}
			}
		}
	}
	return true
}

// walk extends the path of link l, which has come along nodes and cables.
func (o *everySeat) walk(l int, nodes, cables []string, time int64) bool {
	if l == len(o.n.Links) {
		return o.inTime()
	}
	inv, lk := &o.p.Inventory, &o.n.Links[l]
	if nodes == nil {
		h := &inv.Hosts[o.seat[lk.Between[0]]]
		return o.walk(l, []string{h.Name}, []string{}, int64(h.Delay))
	}
	at := nodes[len(nodes)-1]
	if at == inv.Hosts[o.seat[lk.Between[1]]].Name {
		if lk.Delay > 0 && time > int64(lk.Delay) {
			return false
		}
		o.over[lk.Name], o.time[lk.Name] = cables, time
		if o.walk(l+1, nil, nil, 0) {
			return true
		}
		delete(o.over, lk.Name)
		return false
	}
	if h := inv.Host(at); h != nil && !h.Transit && len(nodes) > 1 {
		return false
	}
	for _, c := range inv.Cables {
		k := slices.Index(c.Between, at)
		if k < 0 || slices.Contains(nodes, c.Between[1-k]) || !o.room(&c, lk.Rate) {
			continue
		}
		next := c.Between[1-k]
		delay := int64(c.Delay)
		if h := inv.Host(next); h != nil {
			delay += int64(h.Delay)
		}
		for _, s := range inv.Switches {
			if s.Name == next {
				delay += int64(s.Delay)
			}
		}
		if o.walk(l, append(slices.Clone(nodes), next), append(slices.Clone(cables), c.Name), time+delay) {
			return true
		}
	}
	return false
}

func (o *everySeat) room(c *hosts.Cable, rate vsn.Rate) bool {
	for name, cables := range o.over {
		if slices.Contains(cables, c.Name) {
			rate += o.n.Link(name).Rate
		}
	}
	return int64(rate)*int64(vsn.One) <= int64(c.Rate)*int64(c.Share) // small numbers
}

func (o *everySeat) inTime() bool {
	for _, f := range o.n.Flows {
		sum := int64(0)
		for k, vm := range f.VMs() {
			sum += int64(f.Work[vm])
			for _, l := range o.n.Links {
				if k > 0 && slices.Contains(l.Between, vm) && slices.Contains(l.Between, f.VMs()[k-1]) {
					sum += o.time[l.Name]
				}
			}
		}
		if f.Deadline > 0 && sum > int64(f.Deadline) {
			return false
		}
	}
	return true
}
