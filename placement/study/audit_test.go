package study_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/study"
	"github.com/vsnctl/vsnctl/vsn"
)

// TestAuditSees: of an answer that is changed the auditor says what is wrong.
func TestAuditSees(t *testing.T) {
	inv := &hosts.Inventory{}
	for _, name := range []string{"a", "b", "c"} {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 1 << 20, Transit: name == "b"})
	}
	inv.Cables = []hosts.Cable{{Name: "ab", Between: []string{"a", "b"}, Rate: 1e9, Share: vsn.One}, {Name: "bc", Between: []string{"b", "c"}, Rate: 1e9, Share: vsn.One, Delay: 1000}}
	vm := func(name string) vsn.VM {
		return vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: 6e6, Period: 10e6}}
	}
	requests := []study.Request{{ID: json.RawMessage("1"), For: 1, Network: &vsn.Network{Name: "n", VMs: []vsn.VM{vm("x"), vm("y")},
		Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1e9, Delay: 2000}}, Place: []vsn.Rule{{Apart: []string{"x", "y"}}}}}}
	good := func() []study.Decision {
		return []study.Decision{{ID: json.RawMessage("1"), Accepted: true, Seats: map[string]string{"x": "a", "y": "c"}, Routes: map[string][]string{"l": {"a", "b", "c"}}}}
	}
	if err := study.Audit(inv, requests, good()); err != nil {
		t.Fatalf("a good answer: %v", err)
	}
	for want, change := range map[string]func(d *study.Decision){
		"are to be apart":    func(d *study.Decision) { d.Seats["y"] = "a"; d.Routes["l"] = []string{"a"} },
		"no cable is known":  func(d *study.Decision) { d.Routes["l"] = []string{"a", "c"} },
		"does not join":      func(d *study.Decision) { d.Routes["l"] = []string{"b", "c"} },
		"which is no host":   func(d *study.Decision) { d.Seats["y"] = "d" },
		"routes of 1 links":  func(d *study.Decision) { delete(d.Routes, "l") },
		"passes \"a\" twice": func(d *study.Decision) { d.Routes["l"] = []string{"a", "b", "a", "b", "c"} },
	} {
		d := good()
		change(&d[0])
		if err := study.Audit(inv, requests, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	order := []struct {
		want   string
		change func()
	}{
		{"does not forward", func() { inv.Hosts[1].Transit = false }},
		{"of 500Mbit is taken", func() { inv.Hosts[1].Transit = true; inv.Cables[1].Share = vsn.One / 2 }},
		{"the way and what", func() { inv.Cables[1].Share = vsn.One; inv.Hosts[1].Delay = 1 }},
		{"global EDF", func() { inv.Hosts[1].Delay = 0; inv.Hosts[2].Share = vsn.One / 2 }},
		{"B is taken", func() { inv.Hosts[2].Share = vsn.One; inv.Hosts[0].Memory-- }},
		{"have 0 CPUs", func() { inv.Hosts[0].Memory++; inv.Hosts[0].Partition = true }},
	}
	for _, c := range order {
		c.change()
		if err := study.Audit(inv, requests, good()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// packedTrace is three requests on two hosts with domains, one after the other but for
// the last, and decisions that are right.
func packedTrace() (*hosts.Inventory, []study.Request, []study.Decision) {
	inv := &hosts.Inventory{Switches: []hosts.Switch{{Name: "s"}}}
	for _, name := range []string{"a", "b"} {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Memory: 4 << 20, Partition: true, Labels: map[string]string{"rack": name}, Resources: map[string]int64{"gpu": 1},
			Emulator: &hosts.Emulator{Runtime: 1e6, Period: 10e6, Work: 1000}})
	}
	for i, ends := range [][]string{{"a", "s"}, {"s", "b"}, {"a", "b"}, {"a", "b"}} {
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprint("c", i), Between: ends, Rate: 1e9, Share: vsn.One})
	}
	inv.Cables[3].Duplex = hosts.HalfDuplex
	vm := func(name string, gpus int64) vsn.VM {
		return vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: 5e6, Period: 10e6}, Resources: map[string]int64{"gpu": gpus}}
	}
	var requests []study.Request
	for i, at := range []float64{0, 5, 12} {
		requests = append(requests, study.Request{ID: json.RawMessage(fmt.Sprint(i)), At: at, For: 10, Network: &vsn.Network{Name: fmt.Sprint("n", i), VMs: []vsn.VM{vm("x", 0), vm("y", 0)},
			Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 6e8}}}})
	}
	requests[0].Network.VMs[1].Resources["gpu"], requests[1].Network.VMs[0].Resources["gpu"], requests[2].Network.VMs[1].Resources["gpu"] = 1, 0, 1
	requests[0].Network.Place = []vsn.Rule{{Apart: []string{"x", "y"}}, {Spread: []string{"x", "y"}, Over: "rack"}, {VMs: []string{"y"}, On: map[string]string{"rack": "b"}}}
	requests[1].Network.Place = []vsn.Rule{{Together: []string{"x", "y"}}}
	requests[1].Network.VMs[1].Reservation.Runtime = 1e6
	return inv, requests, []study.Decision{
		{ID: requests[0].ID, Accepted: true, Seats: map[string]string{"x": "a", "y": "b"}, Routes: map[string][]string{"l": {"a", "b"}}, Cables: map[string][]string{"l": {"c2"}}, CPUs: map[string][]int{"x": {0, 0}, "y": {0, 0}}},
		{ID: requests[1].ID, Accepted: true, Seats: map[string]string{"x": "a", "y": "a"}, Routes: map[string][]string{"l": {"a"}}, CPUs: map[string][]int{"x": {1, 1}, "y": {1, 0}}},
		{ID: requests[2].ID, Accepted: true, Seats: map[string]string{"x": "b", "y": "b"}, Routes: map[string][]string{"l": {"b"}}, CPUs: map[string][]int{"x": {0, 0}, "y": {1, 1}}},
	}
}

// TestAuditSeesEachKind: one change of a right answer for each kind of thing that can be
// wrong, those first that depend on who is there at the same time.
func TestAuditSeesEachKind(t *testing.T) {
	for want, change := range map[string]func(inv *hosts.Inventory, q []study.Request, d []study.Decision){
		"":                               func(*hosts.Inventory, []study.Request, []study.Decision) {},
		"cpu 0: 6/5 of 9/10 is reserved": func(_ *hosts.Inventory, _ []study.Request, d []study.Decision) { d[1].CPUs["x"][0] = 0 },
		"request 2 at 9 s: host \"b\" cpu 0: 6/5": func(_ *hosts.Inventory, q []study.Request, _ []study.Decision) {
			q[2].At = 9
			q[2].Network.VMs[1].Resources = nil
		},
		"memory 5242880 of 4194304 B":     func(_ *hosts.Inventory, q []study.Request, _ []study.Decision) { q[0].Network.VMs[0].Memory = 3 << 20 },
		"2 of resource \"gpu\" are taken": func(_ *hosts.Inventory, q []study.Request, _ []study.Decision) { q[2].At = 9 },
		"\"c2\": 1200Mbit of 1Gbit is taken": func(_ *hosts.Inventory, q []study.Request, d []study.Decision) {
			q[1].Network.Place = nil
			d[1].Seats["y"], d[1].Routes["l"], d[1].CPUs["y"] = "b", []string{"a", "b"}, []int{1, 1}
			d[1].Cables = map[string][]string{"l": {"c2"}}
		},
		"\"c3\": 1200Mbit of 1Gbit is taken": func(_ *hosts.Inventory, q []study.Request, d []study.Decision) {
			q[1].Network.Place = nil
			q[1].Network.Links[0].Between = []string{"y", "x"}
			d[1].Seats["y"], d[1].Routes["l"], d[1].CPUs["y"] = "b", []string{"b", "a"}, []int{1, 1}
			d[0].Cables["l"], d[1].Cables = []string{"c3"}, map[string][]string{"l": {"c3"}}
		},
		"\"x\" and \"y\" are to be apart": func(_ *hosts.Inventory, q []study.Request, d []study.Decision) {
			q[1].Network.Place[0] = vsn.Rule{Apart: []string{"x", "y"}}
		},
		"\"x\" and \"y\" are to be together": func(_ *hosts.Inventory, q []study.Request, d []study.Decision) {
			q[0].Network.Place[0] = vsn.Rule{Together: []string{"x", "y"}}
		},
		"on different values of rack": func(inv *hosts.Inventory, q []study.Request, _ []study.Decision) { inv.Hosts[0].Labels["rack"] = "b" },
		"\"y\" is on \"b\" with":      func(inv *hosts.Inventory, q []study.Request, _ []study.Decision) { delete(inv.Hosts[1].Labels, "rack") },
		"is to be where rack is \"a\"": func(_ *hosts.Inventory, q []study.Request, _ []study.Decision) {
			q[0].Network.Place[2].On["rack"] = "a"
		},
		"host \"a\" has no cpu 2": func(_ *hosts.Inventory, _ []study.Request, d []study.Decision) { d[1].CPUs["x"][0] = 2 },
		"have 1 CPUs":             func(_ *hosts.Inventory, _ []study.Request, d []study.Decision) { d[1].CPUs["x"] = []int{1} },
		"2 seats of 1 vms": func(_ *hosts.Inventory, q []study.Request, _ []study.Decision) {
			q[0].Network.VMs = q[0].Network.VMs[:1]
		},
		"test of global EDF has":     func(inv *hosts.Inventory, _ []study.Request, _ []study.Decision) { inv.Hosts[0].Partition = false },
		"3 requests and 2 decisions": func(_ *hosts.Inventory, _ []study.Request, d []study.Decision) { d[2].ID = nil },
		"the way and what is left": func(inv *hosts.Inventory, q []study.Request, _ []study.Decision) {
			inv.Cables[2].Delay, q[0].Network.Links[0].Delay = 1000, 1499
		},
		"no cable is known from": func(_ *hosts.Inventory, _ []study.Request, d []study.Decision) { d[0].Cables = nil },
	} {
		inv, requests, decisions := packedTrace()
		if change(inv, requests, decisions); decisions[2].ID == nil {
			decisions = decisions[:2]
		}
		err := study.Audit(inv, requests, decisions)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
