package solve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// racks is a data centre of racks of 20 hosts under one switch each, and a spine.
func racks(n, cpus int) hosts.Inventory {
	inv := hosts.Inventory{Switches: []hosts.Switch{{Name: "spine", Delay: 5 * us}}}
	for i := range n {
		tor := fmt.Sprintf("tor%d", i/20)
		if i%20 == 0 {
			inv.Switches = append(inv.Switches, hosts.Switch{Name: tor, Delay: 5 * us})
			for range 2 {
				c := cable(tor, "spine", 10e9)
				c.Name += fmt.Sprint(len(inv.Cables))
				inv.Cables = append(inv.Cables, c)
			}
		}
		h := host(fmt.Sprintf("h%d", i), cpus)
		h.Labels = map[string]string{"rack": tor}
		inv.Hosts = append(inv.Hosts, h)
		inv.Cables = append(inv.Cables, cable(h.Name, tor, 1e9))
	}
	return inv
}

// services draws networks of up to 8 VMs in a chain with some more links, a flow
// with a deadline along it, and a rule.
func services(c chance, vms int) (out []vsn.Network) {
	for i := 0; vms > 0; i++ {
		n := vsn.Network{Name: fmt.Sprintf("n%d", i)}
		f := vsn.Flow{Name: "f", Message: 1000, Every: 100 * ms, Deadline: 2000 * ms}
		for j := range min(vms, 8) {
			v := vm(fmt.Sprintf("v%d", j), vsn.Duration(1+c.IntN(6))*5*ms, 50*ms)
			v.Memory = vsn.Size(64+c.IntN(256)) << 20
			n.VMs = append(n.VMs, v)
			f.Path = append(f.Path, vsn.Stage{v.Name})
			if j > 0 {
				n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d", j), Between: []string{n.VMs[j-1].Name, v.Name}, Rate: vsn.Rate(1+c.IntN(100)) * 1e6, Burst: 16 << 10})
			}
			if j > 2 && c.in(30) {
				n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("x%d", j), Between: []string{n.VMs[c.IntN(j-1)].Name, v.Name}, Rate: vsn.Rate(1+c.IntN(50)) * 1e6, Burst: 16 << 10})
			}
		}
		if len(n.VMs) > 3 {
			n.Place = append(n.Place, vsn.Rule{Apart: []string{n.VMs[1].Name, n.VMs[2].Name}})
		}
		f.Path = f.Path[:min(4, len(f.Path))]
		n.Flows = append(n.Flows, f)
		vms -= len(n.VMs)
		out = append(out, n)
	}
	return out
}

func planned(t testing.TB, hosts, cpus, vms int, seed uint64) (time.Duration, int64, error) {
	c := chance{rand.New(rand.NewPCG(seed, 1))}
	p := placement.Problem{Networks: services(c, vms), Inventory: racks(hosts, cpus)}
	start := time.Now()
	s := newSolver(&p, Options{Seed: 1, Nodes: DefaultNodes}, proof.Prove)
	s.atOnce = true
	plan, err := s.solve(context.Background())
	took := time.Since(start)
	if err == nil {
		if err := proof.Check(plan); err != nil {
			t.Fatal(err)
		}
	}
	return took, s.tally.Nodes, err
}

// TestSizes plans what has to be planned quickly. The work is counted in nodes, so
// that the test says the same on a loaded machine.
func TestSizes(t *testing.T) {
	for _, size := range []struct {
		hosts, cpus, vms int
		most             int64 // nodes
	}{{20, 2, 8, 100}, {20, 2, 60, 1000}, {20, 2, 90, 5000}, {100, 2, 100, 1500}, {1000, 4, 100, 1500}, {1000, 4, 1000, 15000}} {
		for seed := range uint64(drawn(3)) {
			took, nodes, err := planned(t, size.hosts, size.cpus, size.vms, seed)
			t.Logf("%d hosts, %d vms: %v, %d nodes", size.hosts, size.vms, took.Round(time.Millisecond/10), nodes)
			if err != nil || nodes > size.most {
				t.Errorf("%+v, seed %d: %d nodes, %v", size, seed, nodes, err)
			}
		}
	}
}

func BenchmarkThousandHosts(b *testing.B) {
	for b.Loop() {
		if _, _, err := planned(b, 1000, 4, 100, 1); err != nil {
			b.Fatal(err)
		}
	}
}
