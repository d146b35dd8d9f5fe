package embed

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

type chance struct{ *rand.Rand }

func (c chance) in(percent int) bool { return c.IntN(100) < percent }

func pick[T any](c chance, of ...T) T { return of[c.IntN(len(of))] }

// seats draws problems where room and rules decide: sizes that nearly fill the
// hosts, and many rules.
func (c chance) seats() placement.Problem {
	var p placement.Problem
	like, room, wide := c.in(60), vsn.Size(0), c.in(50)
	for i := range 2 + c.IntN(3) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1 + c.IntN(3)), Share: vsn.One * 9 / 10, Memory: vsn.Size(4 + c.IntN(6)), Resources: map[string]int64{"gpu": int64(1 + c.IntN(2))}, Partition: c.in(50)}
		if wide {
			h.CPUs = hosts.CountedCPUs(8)
		}
		if c.in(30) {
			h.Emulator = &hosts.Emulator{Runtime: 1, Period: pick[vsn.Duration](c, 10, 20, 1000003)}
		}
		if like && i > 0 {
			h = p.Inventory.Hosts[0]
			h.Name = fmt.Sprintf("h%d", i)
		}
		h.Labels = map[string]string{"site": pick(c, "x", "y")}
		room += h.Memory
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	n := vsn.Network{Name: "n"}
	var names []string
	for i := 0; room > 0 && i < 8; i++ {
		v := vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1 + c.IntN(4)/3, Memory: min(room, vsn.Size(1+c.IntN(5))), Resources: map[string]int64{"gpu": int64(c.IntN(8) / 7)}}
		room -= v.Memory + vsn.Size(c.IntN(5)/4)
		if c.in(60) {
			v.Reservation = c.reservation()
		}
		names = append(names, v.Name)
		n.VMs = append(n.VMs, v)
	}
	for range c.IntN(6) {
		perm := c.Perm(len(names))
		a, b, last := names[perm[0]], names[perm[1]], names[perm[len(perm)-1]]
		rule := pick(c, vsn.Rule{Apart: []string{a, b}}, vsn.Rule{Apart: []string{a, b}}, vsn.Rule{Together: []string{a, b}}, vsn.Rule{VMs: []string{a}, On: map[string]string{"site": "x"}})
		if len(names) > 2 && c.in(20) {
			rule = vsn.Rule{Apart: []string{a, b, last}}
		}
		n.Place = append(n.Place, rule)
	}
	p.Networks = []vsn.Network{n}
	return p
}

// reservation has sums that meet a share exactly, or miss it by less than any fixed
// denominator shows.
func (c chance) reservation() *vsn.Reservation {
	grid := pick[vsn.Duration](c, 1, 1, 1000003, 7000003, 1e12+39, 1e12+61)
	r := &vsn.Reservation{Runtime: vsn.Duration(1+c.IntN(4)) * grid, Period: 10 * grid}
	if grid > 1e12 && c.in(40) {
		r.Runtime++
	}
	return r
}

// paths draws problems where rates and delays of cables decide.
func (c chance) paths() placement.Problem {
	var p placement.Problem
	inv := &p.Inventory
	var nodes []string
	like := c.in(40)
	transit := c.in(50)
	for i := range 2 + c.IntN(3) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: vsn.Size(1 + c.IntN(2)), Delay: vsn.Duration(c.IntN(2)), Transit: transit}
		if like {
			h.Memory, h.Delay = 1, 1
		} else {
			h.Transit = c.in(50)
		}
		inv.Hosts = append(inv.Hosts, h)
		nodes = append(nodes, h.Name)
	}
	for i := range c.IntN(3) {
		s := hosts.Switch{Name: fmt.Sprintf("s%d", i), Delay: vsn.Duration(c.IntN(3))}
		inv.Switches = append(inv.Switches, s)
		nodes = append(nodes, s.Name)
	}
	c.cables(inv, nodes, like && len(inv.Switches) > 0)
	n := vsn.Network{Name: "n"}
	for i := range min(len(inv.Hosts)+c.IntN(2), 2+c.IntN(3)) {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1, Memory: 1, Reservation: &vsn.Reservation{Runtime: 1, Period: 100}})
		for j := range i {
			if !c.in(65) {
				continue
			}
			l := vsn.Link{Name: fmt.Sprintf("l%d%d", j, i), Between: []string{n.VMs[j].Name, n.VMs[i].Name}, Rate: vsn.Rate(c.IntN(6))}
			if c.in(25) {
				l.Delay = vsn.Duration(1 + c.IntN(9))
			}
			if c.in(40) {
				n.Flows = append(n.Flows, vsn.Flow{Name: "f" + l.Name, Path: singles(l.Between), Every: 1, Work: map[string]vsn.Duration{l.Between[0]: 1}, Deadline: vsn.Duration(2 + c.IntN(9))})
			}
			n.Links = append(n.Links, l)
		}
	}
	if len(n.Links) > 1 && n.Links[0].Between[1] == n.Links[1].Between[0] {
		n.Flows = append(n.Flows, vsn.Flow{Name: "long", Path: singles(append(slices.Clone(n.Links[0].Between), n.Links[1].Between[1])), Every: 1, Deadline: vsn.Duration(4 + c.IntN(14))})
	}
	p.Networks = []vsn.Network{n}
	return p
}

func (c chance) cables(inv *hosts.Inventory, nodes []string, like bool) {
	add := func(a, b string, rate vsn.Rate, delay vsn.Duration) {
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", len(inv.Cables)), Between: []string{a, b}, Rate: rate, Share: vsn.One, Delay: delay})
	}
	if like { // every host on every switch, alike
		for _, s := range inv.Switches {
			rate, delay := vsn.Rate(3+c.IntN(7)), vsn.Duration(c.IntN(3))
			for _, h := range inv.Hosts {
				add(h.Name, s.Name, rate, delay)
			}
		}
		if odd := &inv.Cables[c.IntN(len(inv.Cables))]; c.in(60) { // all but one
			odd.Rate, odd.Delay = odd.Rate+vsn.Rate(c.IntN(3)), odd.Delay+vsn.Duration(c.IntN(2))
		}
		return
	}
	for range len(nodes) + c.IntN(len(nodes)+1) {
		a, b := c.IntN(len(nodes)), c.IntN(len(nodes)-1)
		if b >= a {
			b++
		}
		add(nodes[a], nodes[b], vsn.Rate(2+c.IntN(7)), vsn.Duration(c.IntN(4)))
	}
}
