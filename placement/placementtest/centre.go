// Package placementtest makes up data centres, and plans on them that nobody searched:
// every network sits where a rule of thumb puts it. It is for tests and benchmarks of
// what reads, proves, writes and prints plans of any size. Start at Centre, then
// Networks and Answer.
package placementtest

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	us = 1_000
	ms = 1_000_000
)

// Sizes of a fat-tree, per plane: hosts below a leaf, leaves and aggregating switches
// of a pod, and the switches of the core that each aggregating one has cables to.
const (
	perLeaf = 40
	leaves  = 10
	spines  = 8
	uplinks = 2
)

// Planes are networks of cables side by side; every host has a cable to each.
const Planes = 2

// Centre is a fat-tree of that many hosts of 48 CPUs, in two planes: 10,000 hosts have
// 1,000 switches and some 25,000 cables.
func Centre(n int) hosts.Inventory {
	var inv hosts.Inventory
	for i := range n {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: host(i), Labels: map[string]string{"rack": fmt.Sprintf("r%d", i/perLeaf)}, CPUs: hosts.CountedCPUs(48),
			Share: hosts.DefaultShare, Memory: 256 << 30, Delay: 20 * us, Partition: true, Accel: hosts.AccelAuto,
			Emulator: &hosts.Emulator{Runtime: 500 * us, Period: 5 * ms, Work: 5 * us}})
	}
	for plane := range Planes {
		for i := range n {
			if i%perLeaf == 0 {
				inv.Switches = append(inv.Switches, hosts.Switch{Name: leaf(plane, i/perLeaf), Delay: 2 * us})
			}
			inv.Cables = append(inv.Cables, cable(host(i), leaf(plane, i/perLeaf), 25e9))
		}
		all := (n + perLeaf - 1) / perLeaf
		cores := max(1, (all+leaves-1)/leaves*2)
		for l := range all {
			for s := range spines {
				if l%leaves == 0 {
					inv.Switches = append(inv.Switches, hosts.Switch{Name: spine(plane, l/leaves, s), Delay: 2 * us})
					for u := range uplinks {
						inv.Cables = append(inv.Cables, cable(spine(plane, l/leaves, s), core(plane, (s*uplinks+u)%cores), 100e9))
					}
				}
				inv.Cables = append(inv.Cables, cable(leaf(plane, l), spine(plane, l/leaves, s), 100e9))
			}
		}
		for c := range cores {
			inv.Switches = append(inv.Switches, hosts.Switch{Name: core(plane, c), Delay: 2 * us})
		}
	}
	return inv
}

func host(i int) string              { return fmt.Sprintf("h%d", i) }
func leaf(plane, i int) string       { return fmt.Sprintf("p%d-leaf%d", plane, i) }
func spine(plane, pod, i int) string { return fmt.Sprintf("p%d-pod%d-s%d", plane, pod, i) }
func core(plane, i int) string       { return fmt.Sprintf("p%d-core%d", plane, i) }

func cable(a, b string, rate vsn.Rate) hosts.Cable {
	return hosts.Cable{Name: a + "--" + b, Between: []string{a, b}, Rate: rate, Share: hosts.DefaultCableShare, Delay: us}
}

// Networks are that many networks of 10 VMs, 12 links and a flow along four VMs.
func Networks(n int) []vsn.Network {
	out := make([]vsn.Network, n)
	for i := range out {
		out[i] = network(i)
	}
	return out
}

func network(i int) vsn.Network {
	n := vsn.Network{Name: fmt.Sprintf("n%d", i)}
	for j := range 10 {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", j), VCPUs: 2, Memory: vsn.Size(1+(i+j)%4) << 30,
			Boot: &vsn.Boot{Kernel: "/boot/vmlinuz"}, Reservation: &vsn.Reservation{Runtime: vsn.Duration(2+(i+j)%5) * ms, Period: vsn.Duration(10+10*(j%2)) * ms}})
	}
	link := func(a, b int) {
		k := len(n.Links)
		n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d", k), Between: []string{n.VMs[a].Name, n.VMs[b].Name}, Rate: vsn.Rate(5+(i+k)%20) * 1e6, Burst: 16 << 10})
	}
	for j := range 9 {
		link(j, j+1)
	}
	link(0, 5)
	link(2, 7)
	link(4, 9)
	n.Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"v1"}, {"v2"}, {"v3"}, {"v4"}}, Message: 1000, Every: 50 * ms, Deadline: 1000 * ms,
		Work: map[string]vsn.Duration{"v1": 100 * us, "v3": 200 * us}}}
	return n
}
