package realize

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// x and y sit on hosts a and b with a switch and a forwarding host between them;
// z sits beside x.
func queued() (placement.Problem, placement.Embedding) {
	h := func(name string) hosts.Host {
		return hosts.Host{Name: name, CPUs: hosts.CountedCPUs(1), Share: vsn.One, Transit: true}
	}
	p := placement.Problem{
		Inventory: hosts.Inventory{Hosts: []hosts.Host{h("a"), h("t"), h("b")}, Switches: []hosts.Switch{{Name: "s"}}},
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{{Name: "x", VCPUs: 1}, {Name: "y", VCPUs: 1}, {Name: "z", VCPUs: 1}},
			Links: []vsn.Link{
				{Name: "far", Between: []string{"x", "y"}, Rate: 10e6, Burst: 100_000},
				{Name: "free", Between: []string{"y", "z"}},
				{Name: "near", Between: []string{"z", "x"}, Rate: 5e6, Burst: 3000}},
			Flows: []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"y"}, {"x"}}, Message: 100_000, Every: 100 * ms, Deadline: 250 * ms}}}},
	}
	e := placement.Embedding{
		Seats: []placement.Seat{{Network: "n", VM: "x", Host: "a"}, {Network: "n", VM: "y", Host: "b"}, {Network: "n", VM: "z", Host: "a"}},
		Routes: []placement.Route{
			{Network: "n", Link: "far", Path: []string{"a", "s", "t", "b"}, Cables: []string{"as", "st", "tb"}},
			{Network: "n", Link: "free", Path: []string{"b", "t", "s", "a"}, Cables: []string{"tb", "st", "as"}},
			{Network: "n", Link: "near", Path: []string{"a"}}},
	}
	return p, e
}

func TestQueues(t *testing.T) {
	p, e := queued()
	r, err := New(&p, 0).Realize(&e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range r.Queues {
		got = append(got, fmt.Sprintf("%s %s>%s %s/%s %#x %d %d %d", q.Link, q.From, q.To, q.Host, q.At, q.Class, q.RateBit, q.BurstBytes, q.LimitBytes))
	}
	// 100 kB in 71 frames of 116 B of headers, four of them within 250 ms.
	const far, back, near = " 10000000 100000 200000", " 10000000 100000 432944", " 5000000 3000 65536"
	want := []string{
		"far x>y a/port 0x10" + far, "far x>y a/as 0x10" + far, "far x>y t/tb 0x10" + far,
		"far y>x b/port 0x10" + back, "far y>x b/tb 0x10" + back, "far y>x t/st 0x10" + back,
		"near z>x a/port 0x10" + near, "near x>z a/port 0x11" + near,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTooManyClassesIsAnError(t *testing.T) {
	p, e := queued()
	n := &p.Networks[0]
	n.Links, e.Routes, n.Flows = nil, nil, nil
	for i := range lastClass - firstClass + 2 {
		name := fmt.Sprintf("l%d", i)
		n.Links = append(n.Links, vsn.Link{Name: name, Between: []string{"x", "z"}, Rate: 1})
		e.Routes = append(e.Routes, placement.Route{Network: "n", Link: name, Path: []string{"a"}})
	}
	if _, err := New(&p, 0).Realize(&e); err == nil || !strings.Contains(err.Error(), "65519 classes") {
		t.Errorf("got %v", err)
	}
}

func TestBestEffortHasNoReservation(t *testing.T) {
	p, e := queued()
	p.Inventory.Hosts[0].Emulator = &hosts.Emulator{Runtime: ms, Period: 10 * ms}
	r, err := New(&p, 0).Realize(&e)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Reservations) != 0 || len(r.Emulators) != 2 || r.Emulators[0].CPU != hosts.AnyCPU {
		t.Errorf("got %+v and %+v, want no reservation, and device threads of x and z on any cpu", r.Reservations, r.Emulators)
	}
}
