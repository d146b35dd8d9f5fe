package study_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/study"
	"github.com/vsnctl/vsnctl/vsn"
)

// decide runs a trace and returns its decisions in the order of requests, and the bytes
// in the order in which they were made.
func decide(t interface {
	Helper()
	Fatal(...any)
}, inv *hosts.Inventory, requests []study.Request, seed, nodes int64) ([]study.Decision, string) {
	t.Helper()
	out, bytes := make([]study.Decision, len(requests)), strings.Builder{}
	err := study.Run(context.Background(), inv, requests, study.Options{Seed: seed, Effort: study.NewBank(nodes), Thrifty: true}, func(which int, d *study.Decision) error {
		out[which] = *d
		line, err := json.Marshal(d)
		bytes.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, bytes.String()
}

// drawn is a small random inventory and trace with everything that a budget can be.
func drawn(t *rapid.T) (*hosts.Inventory, []study.Request) {
	return random(rapid.Uint64().Draw(t, "seed"), 6, 5, 12)
}

// random has up to so many hosts over two, VMs and cables over four.
func random(seed uint64, hostCount, vmCount, cableCount int) (*hosts.Inventory, []study.Request) {
	random := rand.New(rand.NewPCG(seed, 1))
	in := func(n int) int { return random.IntN(n) }
	inv := &hosts.Inventory{}
	for i := range 2 + in(hostCount) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1 + in(3)), Share: vsn.One * vsn.Share(5+in(5)) / 10, Memory: vsn.Size(2+in(5)) << 20,
			Resources: map[string]int64{"gpu": int64(in(3))}, Delay: vsn.Duration(in(2)) * 1000, Transit: in(2) == 0, Partition: in(2) == 0, Labels: map[string]string{"rack": fmt.Sprint(in(2))}}
		if in(4) == 0 {
			h.Emulator = &hosts.Emulator{Runtime: 1e6, Period: 10e6, Work: 1000}
		}
		inv.Hosts = append(inv.Hosts, h)
	}
	inv.Switches = append(inv.Switches, hosts.Switch{Name: "s", Delay: 500})
	for i := range 4 + in(cableCount) {
		a, b := in(len(inv.Hosts)), in(len(inv.Hosts)+1)
		if a == b {
			continue
		}
		end := "s"
		if b < len(inv.Hosts) {
			end = inv.Hosts[b].Name
		}
		c := hosts.Cable{Name: fmt.Sprintf("c%d", i), Between: []string{inv.Hosts[a].Name, end}, Rate: vsn.Rate(1+in(4)) * 1e9, Share: vsn.One, Delay: vsn.Duration(in(3)) * 1000}
		if in(2) == 0 {
			c.Duplex = hosts.HalfDuplex
		}
		inv.Cables = append(inv.Cables, c)
	}
	var requests []study.Request
	at := 0.0
	for i := range 5 + in(25) {
		at += float64(in(3)) // some come at once
		requests = append(requests, study.Request{ID: json.RawMessage(fmt.Sprint(i)), At: at, For: float64(in(12)), Network: network(fmt.Sprintf("n%d", i), 1+in(vmCount), random)})
	}
	return inv, requests
}

func network(name string, vms int, random *rand.Rand) *vsn.Network {
	in := func(n int) int { return random.IntN(n) }
	n := &vsn.Network{Name: name}
	var all []string
	for k := range vms {
		vm := vsn.VM{Name: fmt.Sprintf("v%d", k), VCPUs: 1 + in(2), Memory: 1 << 20}
		if in(3) > 0 {
			vm.Reservation = &vsn.Reservation{Runtime: vsn.Duration(1+in(5)) * 1e6, Period: []vsn.Duration{9e6, 10e6, 11e6}[in(3)]}
		}
		if in(4) == 0 {
			vm.Resources = map[string]int64{"gpu": 1}
		}
		n.VMs, all = append(n.VMs, vm), append(all, vm.Name)
	}
	for a := range all {
		for b := range a {
			if in(2) == 0 {
				l := vsn.Link{Name: fmt.Sprintf("l%d-%d", a, b), Between: []string{all[a], all[b]}, Rate: vsn.Rate(in(3)) * 5e8}
				if in(3) == 0 {
					l.Delay = vsn.Duration(1+in(8)) * 1000
				}
				n.Links = append(n.Links, l)
			}
		}
	}
	switch k := len(all); {
	case k > 1 && in(3) == 0:
		n.Place = append(n.Place, vsn.Rule{Apart: all})
	case k > 1 && in(3) == 0:
		n.Place = append(n.Place, vsn.Rule{Together: all[:2]})
	case k > 1 && in(3) == 0:
		n.Place = append(n.Place, vsn.Rule{Spread: all[:2], Over: "rack"})
	case in(4) == 0:
		n.Place = append(n.Place, vsn.Rule{VMs: all[:1], On: map[string]string{"rack": "1"}})
	}
	return n
}

// TestNeverOver: whatever comes, the auditor, who shares no code with the search, finds
// no budget overrun, and the same seed gives the same bytes.
func TestNeverOver(t *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		inv, requests := drawn(t)
		decisions, bytes := decide(t, inv, requests, 7, 300)
		if err := study.Audit(inv, requests, decisions); err != nil {
			t.Fatal(err)
		}
		if _, again := decide(t, inv, requests, 7, 300); again != bytes {
			t.Fatalf("the same seed, other bytes:\n%s\n%s", bytes, again)
		}
		for _, d := range decisions {
			if d.Accepted {
				accepted++
			} else {
				refused++
			}
		}
	})
	if accepted < 100 || refused < 100 {
		t.Errorf("%d accepted, %d refused: the traces try one side only", accepted, refused)
	}
}

// TestOracle: on substrates so small that all seats and all paths can be tried, with
// effort to spare, a request is accepted iff it can be; where the search gives up on
// what can be, which is no wrong answer, it is counted.
func TestOracle(t *testing.T) {
	yes, no, missed := 0, 0, 0
	for i := range 400 {
		inv, requests := random(uint64(i), 3, 3, 4)
		requests = requests[:1]
		decisions, _ := decide(t, inv, requests, 1, 3000)
		switch want := possible(inv, requests); {
		case want && decisions[0].Accepted:
			yes++
		case want:
			missed++
		case decisions[0].Accepted:
			t.Fatalf("accepted what cannot be: %+v\n%+v", inv, requests[0].Network)
		default:
			no++
		}
	}
	if yes < 100 || no < 30 || missed > 2 {
		t.Errorf("%d yes, %d no, %d missed", yes, no, missed)
	}
}

// possible tries every host for every VM, and then every simple path for every link;
// the auditor is the judge.
func possible(inv *hosts.Inventory, requests []study.Request) bool {
	n := requests[0].Network
	d := study.Decision{Accepted: true, Seats: map[string]string{}, Routes: map[string][]string{}, Cables: map[string][]string{}, CPUs: map[string][]int{}}
	bare := []study.Request{{ID: requests[0].ID, For: 1, Network: &vsn.Network{Name: n.Name, Place: n.Place}}}
	var links func(k int) bool
	links = func(k int) bool {
		if k == len(n.Links) {
			return study.Audit(inv, requests, []study.Decision{d}) == nil
		}
		l := &n.Links[k]
		return paths(inv, d.Seats[l.Between[0]], d.Seats[l.Between[1]], []string{d.Seats[l.Between[0]]}, nil, func(path, cables []string) bool {
			d.Routes[l.Name], d.Cables[l.Name] = path, cables
			bare[0].Network.Links = n.Links[:k+1]
			if study.Audit(inv, bare, []study.Decision{d}) != nil {
				delete(d.Routes, l.Name)
				return false
			}
			defer func() { bare[0].Network.Links = n.Links[:k] }()
			if links(k + 1) {
				return true
			}
			delete(d.Routes, l.Name)
			return false
		})
	}
	var cpus func(k, i int) bool
	seats := func(k int) bool {
		if k == len(n.VMs) {
			bare[0].Network.Links = nil
			return links(0)
		}
		for i := range inv.Hosts {
			d.Seats[n.VMs[k].Name] = inv.Hosts[i].Name
			delete(d.CPUs, n.VMs[k].Name)
			if cpus(k, i) {
				return true
			}
			delete(d.CPUs, n.VMs[k].Name)
			delete(d.Seats, n.VMs[k].Name)
		}
		return false
	}
	cpus = func(k, i int) bool {
		vm, h := &n.VMs[k], &inv.Hosts[i]
		threads := 0
		if vm.Reservation != nil {
			threads = vm.VCPUs
		}
		if h.Emulator != nil {
			threads++
		}
		if !h.Partition || len(d.CPUs[vm.Name]) == threads {
			bare[0].Network.VMs, bare[0].Network.Place = n.VMs[:k+1], nil
			if k+1 == len(n.VMs) {
				bare[0].Network.Place = n.Place
			}
			bare[0].Network.Links = nil
			return study.Audit(inv, bare, []study.Decision{d}) == nil && seats(k+1)
		}
		for _, cpu := range h.CPUs {
			old := d.CPUs[vm.Name]
			d.CPUs[vm.Name] = append(old[:len(old):len(old)], cpu.ID)
			if cpus(k, i) {
				return true
			}
			d.CPUs[vm.Name] = old
		}
		return false
	}
	return seats(0)
}

func paths(inv *hosts.Inventory, from, to string, path, cables []string, try func(path, cables []string) bool) bool {
	if from == to {
		return try(append([]string(nil), path...), append([]string{}, cables...))
	}
	if h := inv.Host(from); h != nil && !h.Transit && len(path) > 1 {
		return false
	}
	for i := range inv.Cables {
		c := &inv.Cables[i]
		next := ""
		switch from {
		case c.Between[0]:
			next = c.Between[1]
		case c.Between[1]:
			next = c.Between[0]
		}
		if next == "" || strings.Contains(" "+strings.Join(path, " ")+" ", " "+next+" ") {
			continue
		}
		if paths(inv, next, to, append(path[:len(path):len(path)], next), append(cables[:len(cables):len(cables)], c.Name), try) {
			return true
		}
	}
	return false
}

// TestTrace: what is read, and what is refused with its line.
func TestTrace(t *testing.T) {
	line := func(id, more string) string {
		return `{"id":` + id + `,"at":1,"for":2,"network":{"apiVersion":"vsnctl/v1","kind":"Network","name":"n","vms":[{"name":"a","memory":"1MiB"}` + more + `]}}` + "\n"
	}
	good, err := study.ReadTrace("t", []byte(line("7", "")+"\n"+line(`"x"`, `,{"name":"b","memory":"1MiB"}`)))
	if err != nil || len(good) != 2 || string(good[1].ID) != `"x"` || len(good[1].Network.VMs) != 2 || good[0].Network.VMs[0].VCPUs != 1 {
		t.Fatalf("%v, %+v", err, good)
	}
	waits, err := study.ReadTrace("t", []byte(`{"id":1,"at":1,"for":2,"network":{"apiVersion":"vsnctl/v1","kind":"Network","name":"n","vms":[{"name":"a","memory":"1MiB"},{"name":"b","memory":"1MiB"}],"links":[{"name":"l","between":["a","b"],"delay":"3ms"}]}}`))
	if err != nil || waits[0].Network.Links[0].Delay != 3e6 {
		t.Errorf("a limit on the way of a link without a rate: %v, %+v", err, waits)
	}
	for want, text := range map[string]string{
		"t:2: id: 7 is the id of line 1 too": line("7", "") + line("7", ""),
		"want a number or a text":            line("null", "") + line("{}", ""),
		"want all of id":                     `{"id":1,"at":1,"for":2}`,
		"is not in 0..":                      `{"id":1,"at":1,"for":-2,"network":{}}`,
		"unknown field":                      `{"id":1,"at":1,"far":2,"network":{}}`,
		"memory is missing":                  `{"id":1,"at":1,"for":2,"network":{"apiVersion":"vsnctl/v1","kind":"Network","name":"n","vms":[{"name":"a"}]}}`,
		"proves no deadline": `{"id":1,"at":1,"for":2,"network":{"apiVersion":"vsnctl/v1","kind":"Network","name":"n","vms":[{"name":"a","memory":"1MiB","reservation":{"runtime":"1ms","period":"10ms"}}],` +
			`"flows":[{"name":"f","path":["a"],"message":"1KiB","every":"1s","deadline":"1s"}]}}`,
	} {
		if _, err := study.ReadTrace("t", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSummary against sums made by hand.
func TestSummary(t *testing.T) {
	inv := &hosts.Inventory{Hosts: []hosts.Host{{Name: "a", CPUs: hosts.CountedCPUs(1), Share: vsn.One}, {Name: "b", CPUs: hosts.CountedCPUs(1), Share: vsn.One}},
		Cables: []hosts.Cable{{Name: "ab", Between: []string{"a", "b"}, Rate: 10e9, Share: vsn.One}, {Name: "ba", Between: []string{"a", "b"}, Rate: 10e9, Share: vsn.One}}}
	n := &vsn.Network{VMs: []vsn.VM{{Name: "x", VCPUs: 2, Reservation: &vsn.Reservation{Runtime: 1, Period: 10}}, {Name: "y"}}, Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 2e9}}}
	requests := []study.Request{{At: 0, For: 10, Network: n}, {At: 20, For: 5, Network: n}}
	s := study.Summarize(inv, requests, []study.Decision{{Accepted: true, Routes: map[string][]string{"l": {"x", "z", "y"}}}, {}})
	if s.Acceptance != 0.5 || s.Revenue != 220 || s.Cost != 240 || s.LAR != 11 || math.Abs(s.Use[0].CPU-0.1) > 1e-9 || math.Abs(s.Use[4].Cables-0.2) > 1e-9 || s.Use[5].Networks != 0 {
		t.Errorf("%+v", s)
	}
}
