package canonical_test

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/canonical"
	"github.com/vsnctl/vsnctl/vsn"
)

// ringOf is hosts in a row of cables that ends where it begins; every so manyth has more
// memory.
func ringOf(hostCount, larger int) *hosts.Inventory {
	inv := &hosts.Inventory{}
	name := func(i int) string { return fmt.Sprintf("h%d", i%hostCount) }
	for i := range hostCount {
		h := hosts.Host{Name: name(i), CPUs: hosts.CountedCPUs(2), Share: vsn.One, Memory: 1 << 30}
		if i%larger == 0 {
			h.Memory = 2 << 30
		}
		inv.Hosts = append(inv.Hosts, h)
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", i), Between: []string{name(i), name(i + 1)}, Rate: 1e9, Share: vsn.One})
	}
	return inv
}

// anonymous is an inventory in canonical order with places for names.
func anonymous(inv *hosts.Inventory) *hosts.Inventory {
	out := canonical.Inventory(inv)
	names := map[string]string{}
	for i := range out.Hosts {
		names[out.Hosts[i].Name] = fmt.Sprint(i)
		out.Hosts[i].Name = fmt.Sprint(i)
	}
	for i := range out.Cables {
		c := &out.Cables[i]
		c.Name, c.Between = fmt.Sprint(i), []string{names[c.Between[0]], names[c.Between[1]]}
	}
	return out
}

// TestRing: whatever twin comes first, all of a ring follows from it, in any order in
// which it is written.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		larger := rapid.IntRange(1, 5).Draw(t, "larger")
		inv := ringOf(larger*rapid.IntRange(3, 6).Draw(t, "times"), larger)
		want := anonymous(inv)
		inv.Hosts = rapid.Permutation(inv.Hosts).Draw(t, "hosts")
		inv.Cables = rapid.Permutation(inv.Cables).Draw(t, "cables")
		for i := range inv.Cables {
			inv.Cables[i].Between = rapid.Permutation(inv.Cables[i].Between).Draw(t, "ends")
		}
		if got := anonymous(inv); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\n%+v", got, want)
		}
	})
}

// TestTwinsStayInOrder: what nothing tells apart stays in the order in which it was
// given.
func TestTwinsStayInOrder(t *testing.T) {
	n := &vsn.Network{Name: "n"}
	for i := range 9 {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1 + i%2, Memory: 1})
	}
	last := map[int]string{}
	for _, vm := range canonical.Network(n).VMs {
		if vm.Name < last[vm.VCPUs] {
			t.Errorf("%s comes after %s", vm.Name, last[vm.VCPUs])
		}
		last[vm.VCPUs] = vm.Name
	}
	p := &placement.Problem{Networks: []vsn.Network{*n}}
	if canonical.Of(p).Unique() {
		t.Error("twins are told apart")
	}
	for i := range n.VMs {
		n.VMs[i].Memory = vsn.Size(i)
	}
	if !canonical.Of(p).Unique() {
		t.Error("what differs is not told apart")
	}
}

// TestTasks: the order of tasks says nothing but of fixed priorities with equal deadlines.
func TestTasks(t *testing.T) {
	a, b, c := vsn.Task{Name: "a", WCET: 1, Period: 9}, vsn.Task{Name: "b", WCET: 2, Period: 9, Deadline: 5}, vsn.Task{Name: "c", WCET: 2, Period: 9}
	order := func(s vsn.GuestScheduler, tasks ...vsn.Task) (out string) {
		for _, task := range canonical.Network(&vsn.Network{VMs: []vsn.VM{{Name: "v", GuestScheduler: s, Tasks: tasks}}}).VMs[0].Tasks {
			out += task.Name
		}
		return out
	}
	for want, got := range map[string]string{"bac": order(vsn.GuestEDF, c, b, a), "bac ": order(vsn.GuestEDF, a, c, b) + " ", "bca": order(vsn.GuestFixed, c, b, a), "bac  ": order(vsn.GuestFixed, a, b, c) + "  "} {
		if want != got {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestRestore: an answer comes back in the order of the problem, its routes from the
// first ends of the links.
func TestRestore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &placement.Problem{Inventory: *ringOf(3, 3), Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{{Name: "a", VCPUs: 2, Memory: 1}, {Name: "b", VCPUs: 1, Memory: 2}, {Name: "c", VCPUs: 1, Memory: 3}}}}}
		n := &p.Networks[0]
		n.VMs = rapid.Permutation(n.VMs).Draw(t, "vms")
		for i, ends := range [][]string{{"a", "b"}, {"b", "c"}, {"a", "c"}} {
			n.Links = append(n.Links, vsn.Link{Name: fmt.Sprint("l", i), Between: rapid.Permutation(ends).Draw(t, "ends"), Rate: vsn.Rate(i+1) * 1e6})
		}
		n.Links = rapid.Permutation(n.Links).Draw(t, "links")
		at := map[string]string{"a": "h0", "b": "h1", "c": "h2"}
		want := answer(p, at)
		order := canonical.Of(p)
		given := answer(order.Problem(), at)
		gotE, gotR := order.Restore(&given.Embedding, &given.Realization)
		if !reflect.DeepEqual(gotE, want.Embedding) || !reflect.DeepEqual(gotR.Reservations, want.Realization.Reservations) {
			t.Fatalf("got %+v\nwant %+v", gotE, want.Embedding)
		}
	})
}

// answer seats VMs where they are said to be, in the order of the problem, with the
// cable between two hosts as the way.
func answer(p *placement.Problem, at map[string]string) (out placement.Plan) {
	n := &p.Networks[0]
	for _, vm := range n.VMs {
		out.Embedding.Seats = append(out.Embedding.Seats, placement.Seat{Network: "n", VM: vm.Name, Host: at[vm.Name]})
		for k := range vm.VCPUs {
			out.Realization.Reservations = append(out.Realization.Reservations, placement.Reservation{Network: "n", VM: vm.Name, VCPU: k})
		}
	}
	for _, l := range n.Links {
		a, b := at[l.Between[0]], at[l.Between[1]]
		cable := map[string]string{"h0h1": "c0", "h1h0": "c0", "h1h2": "c1", "h2h1": "c1", "h0h2": "c2", "h2h0": "c2"}[a+b]
		out.Embedding.Routes = append(out.Embedding.Routes, placement.Route{Network: "n", Link: l.Name, Path: []string{a, b}, Cables: []string{cable}})
	}
	return out
}

// BenchmarkTwins is a rack after the other of hosts that are all alike.
func BenchmarkTwins(b *testing.B) {
	for _, racks := range []int{25, 250} {
		inv := hosts.Inventory{Switches: []hosts.Switch{{Name: "core"}}}
		for r := range racks {
			inv.Switches = append(inv.Switches, hosts.Switch{Name: fmt.Sprint("r", r)})
			inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprint("up", r), Between: []string{fmt.Sprint("r", r), "core"}, Rate: 1e9})
			for h := range 40 {
				name := fmt.Sprintf("r%dh%d", r, h)
				inv.Hosts = append(inv.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(48), Memory: 1 << 30})
				inv.Cables = append(inv.Cables, hosts.Cable{Name: "c" + name, Between: []string{fmt.Sprint("r", r), name}, Rate: 1e9})
			}
		}
		p := &placement.Problem{Inventory: inv}
		b.Run(fmt.Sprintf("hosts%d", len(inv.Hosts)), func(b *testing.B) {
			for b.Loop() {
				canonical.Of(p)
			}
		})
		for i := range racks * 40 {
			n := vsn.Network{Name: fmt.Sprint("n", i)}
			for k := range 10 {
				n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprint("v", k), VCPUs: 1 + k%2, Memory: 1})
				n.Links = append(n.Links, vsn.Link{Name: fmt.Sprint("l", k), Between: []string{fmt.Sprint("v", k), fmt.Sprint("v", (k+1)%10)}, Rate: 1e6})
			}
			p.Networks = append(p.Networks, n)
		}
		b.Run(fmt.Sprintf("hosts%d/networks%d", len(inv.Hosts), len(p.Networks)), func(b *testing.B) {
			for b.Loop() {
				canonical.Of(p)
			}
		})
	}
}
