package scale

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// What every host and cable of the tree is like.
const (
	CPUs    = 48
	Planes  = 2
	memory  = vsn.Size(256) << 30
	line    = vsn.Rate(25e9)
	transit = vsn.Duration(2_000) // ns in a switch
	wire    = vsn.Duration(500)   // ns on a cable
)

// Inventory is n hosts at the leaves of a fat tree of switches with the least even
// number k of ports that is enough: racks of k/2 hosts, pods of k/2 racks, and above
// them (k/2)^2 core switches; all of it once for each plane, and one cable from each
// host into each plane. Pods without hosts are left out. Hosts have the labels rack and
// pod.
func Inventory(n int) hosts.Inventory {
	half := 1
	for 2*half*half*half < n {
		half++
	}
	t := tree{half: half}
	for i := range n {
		rack := i / half
		if i%half == 0 {
			t.addRack(rack)
		}
		t.addHost(i, rack)
	}
	return t.inv
}

type tree struct {
	half int // of the ports of a switch
	inv  hosts.Inventory
}

var plane = [Planes]string{"a", "b"}

func (t *tree) addHost(i, rack int) {
	name := fmt.Sprintf("h%d", i)
	t.inv.Hosts = append(t.inv.Hosts, hosts.Host{Name: name, Address: fmt.Sprintf("ssh://root@10.%d.%d.%d", i>>14, i>>7&127, 1+i&127),
		Labels: map[string]string{"rack": fmt.Sprintf("r%d", rack), "pod": fmt.Sprintf("p%d", rack/t.half)},
		CPUs:   hosts.CountedCPUs(CPUs), Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Memory: memory, Delay: 20_000, Accel: hosts.AccelKVM, Partition: true})
	for p := range Planes {
		t.addCable(name, fmt.Sprintf("edge%d%s", rack, plane[p]))
	}
}

func (t *tree) addSwitch(name string) {
	t.inv.Switches = append(t.inv.Switches, hosts.Switch{Name: name, Delay: transit})
}

func (t *tree) addCable(a, b string) {
	t.inv.Cables = append(t.inv.Cables, hosts.Cable{Name: a + "--" + b, Between: []string{a, b}, Rate: line, Share: hosts.DefaultCableShare, Delay: wire})
}

// addRack adds the edge switches of a rack and, with the first rack of a pod, what is
// above them.
func (t *tree) addRack(rack int) {
	pod := rack / t.half
	for p := range Planes {
		if rack == 0 {
			for c := range t.half * t.half {
				t.addSwitch(fmt.Sprintf("core%d%s", c, plane[p]))
			}
		}
		if rack%t.half == 0 {
			for a := range t.half {
				aggregation := fmt.Sprintf("agg%d%s", pod*t.half+a, plane[p])
				t.addSwitch(aggregation)
				for c := range t.half {
					t.addCable(aggregation, fmt.Sprintf("core%d%s", a*t.half+c, plane[p]))
				}
			}
		}
		edge := fmt.Sprintf("edge%d%s", rack, plane[p])
		t.addSwitch(edge)
		for a := range t.half {
			t.addCable(edge, fmt.Sprintf("agg%d%s", pod*t.half+a, plane[p]))
		}
	}
}
