package construct

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// drawn is a substrate of hosts that forward, some cables of it taken, and a request of
// VMs that are apart, or may share hosts; with limits of time or without.
func drawn(t *testing.T, r *rand.Rand, apart, limited bool) (*Search, *Request) {
	t.Helper()
	const nodes = 30
	inv := &hosts.Inventory{}
	for i := range nodes {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: fmt.Sprintf("n%d", i), CPUs: hosts.CountedCPUs(2), Share: vsn.One / 2, Memory: 1 << 30, Transit: true, Partition: i%2 == 0})
		for k := range 2 {
			if i > k {
				j := r.IntN(i)
				inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d.%d", i, k), Between: []string{inv.Hosts[i].Name, inv.Hosts[j].Name}, Rate: vsn.Rate(50+r.IntN(50)) * 1e9, Share: vsn.One, Delay: vsn.Duration(r.IntN(2e6))})
			}
		}
	}
	n := &vsn.Network{Name: "n"}
	var all []string
	for k := range 4 + r.IntN(6) {
		vm := vsn.VM{Name: fmt.Sprintf("v%d", k), VCPUs: 1, Memory: 300 << 20, Reservation: &vsn.Reservation{Runtime: vsn.Duration(1+r.IntN(30)) * 1e6, Period: 100e6}}
		n.VMs, all = append(n.VMs, vm), append(all, vm.Name)
		for j := range k {
			if j == k-1 || r.IntN(2) == 0 {
				l := vsn.Link{Name: fmt.Sprintf("l%d.%d", k, j), Between: []string{all[k], all[j]}, Rate: vsn.Rate(1+r.IntN(25)) * 1e9}
				if limited {
					l.Delay = vsn.Duration(3+r.IntN(10)) * 1e6
				}
				n.Links = append(n.Links, l)
			}
		}
	}
	if apart {
		n.Place = []vsn.Rule{{Apart: all}}
	}
	s, err := NewSubstrate(inv)
	if err != nil {
		t.Fatal(err)
	}
	st := NewState(s)
	for c := range s.cables {
		st.carry(int32(c), r.Int64N(s.cables[c].budget/2))
	}
	q, err := NewRequest(s, n)
	if err != nil {
		t.Fatal(err)
	}
	return NewSearch(st, 1), q
}

// TestCostsAreKept: after all moves of a tabu search every cost in the table, and their
// total, is what the metric says of the seats as they are; and nothing stays taken.
func TestCostsAreKept(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	moved := 0
	for i := range 60 {
		x, q := drawn(t, r, i%3 > 0, i%2 > 0)
		free, room, idle := slices.Clone(x.state.free), slices.Clone(x.state.room), slices.Clone(x.state.idle)
		x.begin(q)
		for round := 0; round < 50 && x.best.seats == nil; round++ {
			if x.construct(round) {
				x.keep()
			}
			x.reset()
		}
		if x.best.seats == nil {
			continue
		}
		x.measure()
		if !x.assign(x.best.seats) {
			t.Fatalf("problem %d: seats that were found cannot be taken", i)
		}
		x.tabu()
		if slices.Contains(x.seat, -1) { // CPUs did not hold what their sum does: that ends it
			x.reset()
			continue
		}
		if !slices.Equal(x.seat, x.best.seats) {
			moved++
		}
		total := 0.0
		for v := range x.seat {
			total += float64(x.lure(int32(v), x.seat[v]))
			for h, have := range x.costs(int32(v)) {
				want := x.lure(int32(v), int32(h))
				for _, l := range q.seats[v].links {
					at := x.seat[q.other(l, int32(v))]
					want += x.refiner.rate[l] * x.refiner.metric.between(x.refiner.metric.row(at, l), l, int32(h))
				}
				if !math.IsInf(float64(have), 1) && math.Abs(float64(have-want)) > 1e-3*(1+math.Abs(float64(want))) {
					t.Fatalf("problem %d: seat %d on host %d costs %v in the table, and %v", i, v, h, have, want)
				}
			}
		}
		total += x.estimate() / x.refiner.unit
		// With limits of time a way back may cost otherwise, and the total is about that.
		if math.Abs(total-x.refiner.total) > 1e-2*(1+total) && i%2 == 0 {
			t.Errorf("problem %d: the total is %v, and all costs are %v", i, x.refiner.total, total)
		}
		x.reset()
		if !slices.Equal(free, x.state.free) || !slices.Equal(room, x.state.room) || !slices.Equal(idle, x.state.idle) {
			t.Fatalf("problem %d: something stays taken", i)
		}
	}
	if moved < 20 {
		t.Errorf("seats were moved in %d of 60 problems only", moved)
	}
}

// TestRefinementPays: from the best of twenty constructions it finds something cheaper
// in many cases, and never anything dearer.
func TestRefinementPays(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	better, found := 0, 0
	for range 40 {
		x, q := drawn(t, r, true, false)
		x.begin(q)
		for round := range 20 {
			if x.construct(round) {
				x.keep()
			}
			x.reset()
		}
		if x.best.seats == nil {
			continue
		}
		found++
		before := x.best.cost
		x.measure()
		x.start = append(x.start[:0], x.best.seats...)
		x.refine()
		if x.best.cost > before {
			t.Errorf("%v came out of %v", x.best.cost, before)
		}
		if x.best.cost < before {
			better++
		}
	}
	t.Logf("better in %d of %d", better, found)
	if 4*better < found {
		t.Errorf("better in %d of %d problems only", better, found)
	}
}

// TestThrift: a detour is refused while much is refused, and only then.
func TestThrift(t *testing.T) {
	q := &Request{links: []link{{rate: 1}}}
	short, long := &Embedding{paths: [][]int32{{0}}}, &Embedding{paths: [][]int32{{0, 1, 2}}}
	var th thrift
	for range 2 * acquainted {
		if why := th.judge(q, short); why != "" {
			t.Fatal(why)
		}
	}
	if why := th.judge(q, long); why != "" {
		t.Errorf("while nothing is refused: %s", why)
	}
	for range lately {
		th.judge(q, nil)
	}
	if why := th.judge(q, long); why == "" {
		t.Error("a detour is accepted while most find no place")
	}
	if why := th.judge(q, short); why != "" {
		t.Errorf("no detour: %s", why)
	}
	if why := th.judge(&Request{links: []link{{}}}, long); why != "" {
		t.Errorf("no rate: %s", why)
	}
}
