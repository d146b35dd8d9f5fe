package realize

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

const ms = vsn.Duration(1e6)

// crowdOf draws one partitioned host and VMs that all sit on it, tightly.
func crowdOf(r *rand.Rand) placement.Problem {
	h := hosts.Host{Name: "h", CPUs: hosts.CountedCPUs(1 + r.IntN(4)), Share: vsn.One * vsn.Share(6+r.IntN(5)) / 10, Partition: true}
	if r.IntN(3) == 0 {
		h.CPUs[0].Share = vsn.One / 2
	}
	if r.IntN(4) == 0 {
		h.Emulator = &hosts.Emulator{Runtime: ms, Period: 20 * ms}
	}
	n := vsn.Network{Name: "n"}
	// Multiples of large primes have no small common denominator.
	grids := []vsn.Duration{ms, ms, 1000003, 1000033, 7000003}
	room := -0.2 + 0.85*float64(len(h.CPUs))*float64(h.Share)/1e9
	for i := 0; room > 0; i++ {
		grid := grids[r.IntN(len(grids))]
		q := vsn.Duration(10 + r.IntN(50))
		v := vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1 + r.IntN(5)/3, Reservation: &vsn.Reservation{Runtime: q * grid, Period: 100 * grid}}
		room -= float64(v.VCPUs) * float64(q) / 100
		n.VMs = append(n.VMs, v)
	}
	return placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{h}}}
}

func seatsOf(p *placement.Problem) (out []placement.Seat) {
	for i := range p.Networks {
		for _, vm := range p.Networks[i].VMs {
			out = append(out, placement.Seat{Network: p.Networks[i].Name, VM: vm.Name, Host: "h"})
		}
	}
	return out
}

// bruteForce tries every CPU for every thread; apart keeps vCPUs of one VM on
// different CPUs.
func bruteForce(h *hosts.Host, threads []thread, apart bool) bool {
	left := make([]*big.Rat, len(h.CPUs))
	for b, c := range h.CPUs {
		left[b] = h.ShareOf(c).Rat()
	}
	bins := make([]int, len(threads))
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(threads) {
			return true
		}
		u := big.NewRat(threads[i].runtime, threads[i].period)
		for b := range left {
			bins[i] = b
			clash := func(j int) bool {
				return apart && bins[j] == b && threads[j].vm == threads[i].vm && threads[j].vcpu >= 0 && threads[i].vcpu >= 0
			}
			if u.Cmp(left[b]) > 0 || slices.ContainsFunc(numbers(i), clash) {
				continue
			}
			left[b].Sub(left[b], u)
			ok := try(i + 1)
			left[b].Add(left[b], u)
			if ok {
				return true
			}
		}
		return false
	}
	return try(0)
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestPackingAgreesWithBruteForce(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(2500) {
		p := crowdOf(rand.New(rand.NewPCG(seed, 5)))
		ph, h, seats := New(&p, int64(seed)), &p.Inventory.Hosts[0], seatsOf(&p)
		threads, err := ph.threads(h, seats)
		if err != nil {
			t.Fatal(err)
		}
		if len(threads) > 9 {
			continue
		}
		packing := ph.packing(threads, h)
		for _, apart := range []bool{true, false} {
			want := bruteForce(h, threads, apart)
			bins, known := packing.pack(apart)
			if !known || want != (bins != nil) {
				t.Fatalf("seed %d, apart %v: packed %v (known %v), brute force %v", seed, apart, bins, known, want)
			}
			if bins == nil {
				count["no"]++
				continue
			}
			if !packing.greedyAlone(apart) {
				count["yes by search"]++
			}
			count["yes"]++
			kept(t, packing, bins)
		}
		want := bruteForce(h, threads, true)
		if bins, _ := packing.spread(); bins != nil && want != distinct(threads, bins) {
			t.Fatalf("seed %d: spread %v, and brute force says %v", seed, bins, want)
		}
	}
	t.Log(count)
	if count["no"] < 500 || count["yes"] < 500 || count["yes by search"] < 20 {
		t.Errorf("the draw has lost its edge: %v", count)
	}
}

func (p *packing) greedyAlone(apart bool) bool {
	p.apart = apart
	saved := slices.Clone(p.bin)
	ok := p.greedy(p.order, false) || p.greedy(p.order, true)
	copy(p.bin, saved)
	return ok
}

// kept adds every CPU up.
func kept(t *testing.T, p *packing, bins []int) {
	t.Helper()
	sums := make([]*big.Rat, len(p.cpus))
	for b := range sums {
		sums[b] = new(big.Rat)
	}
	for i, b := range bins {
		sums[b].Add(sums[b], big.NewRat(p.threads[i].runtime, p.threads[i].period))
	}
	for b, sum := range sums {
		if sum.Cmp(p.cpus[b].exact) > 0 {
			t.Fatalf("cpu %d carries %v of %v", p.cpus[b].id, sum, p.cpus[b].exact)
		}
	}
}

func distinct(threads []thread, bins []int) bool {
	seen := map[[2]int]bool{}
	for i, th := range threads {
		if th.vcpu < 0 {
			continue
		}
		if seen[[2]int{th.vm, bins[i]}] {
			return false
		}
		seen[[2]int{th.vm, bins[i]}] = true
	}
	return true
}

// A cut does not fit, and fits with any one VM less.
func TestCutsAreMinimal(t *testing.T) {
	cuts := 0
	for seed := range uint64(1500) {
		p := crowdOf(rand.New(rand.NewPCG(seed, 6)))
		p.Inventory.Hosts[0].Partition = seed%4 > 0
		ph, h := New(&p, 0), &p.Inventory.Hosts[0]
		err := ph.Admit(h, seatsOf(&p))
		var cut *placement.Cut
		if !errors.As(err, &cut) {
			continue
		}
		cuts++
		if cut.Conflict.Need.Cmp(cut.Conflict.Have) <= 0 || len(cut.Seats) == 0 {
			t.Fatalf("seed %d: %v is no conflict", seed, cut.Conflict)
		}
		if err := ph.Admit(h, cut.Seats); err == nil {
			t.Fatalf("seed %d: the cut fits", seed)
		}
		for i := range cut.Seats {
			if err := ph.Admit(h, slices.Delete(slices.Clone(cut.Seats), i, i+1)); err != nil {
				t.Fatalf("seed %d: without %s the cut still does not fit: %v", seed, cut.Seats[i].VM, err)
			}
		}
	}
	if cuts < 300 {
		t.Errorf("only %d cuts were drawn", cuts)
	}
}

func TestVCPUsShareACPUOnlyWhereTheyMust(t *testing.T) {
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Partition: true}}},
		Networks: []vsn.Network{{Name: "n", VMs: []vsn.VM{
			{Name: "a", VCPUs: 2, Reservation: &vsn.Reservation{Runtime: 40 * ms, Period: 100 * ms}},
			{Name: "b", VCPUs: 1, Reservation: &vsn.Reservation{Runtime: 50 * ms, Period: 100 * ms}}}}}}
	cpus := func() []int {
		r, err := New(&p, 0).Realize(&placement.Embedding{Seats: seatsOf(&p)})
		if err != nil {
			t.Fatal(err)
		}
		return []int{r.Reservations[0].CPU, r.Reservations[1].CPU, r.Reservations[2].CPU}
	}
	if got := cpus(); got[0] == got[1] {
		t.Errorf("cpus %v: the vcpus of a share one and need not", got)
	}
	p.Networks[0].VMs[1].Reservation.Runtime = 80 * ms // fills a CPU
	if got := cpus(); got[0] != got[1] || got[2] == got[0] {
		t.Errorf("cpus %v, want both vcpus of a on one and b on the other", got)
	}
}

func TestSameSeedSameCPUs(t *testing.T) {
	for seed := range uint64(200) {
		p := crowdOf(rand.New(rand.NewPCG(seed, 8)))
		e := &placement.Embedding{Seats: seatsOf(&p)}
		first, err := New(&p, 3).Realize(e)
		again, errAgain := New(&p, 3).Realize(e)
		if !reflect.DeepEqual(first, again) || (err == nil) != (errAgain == nil) {
			t.Fatalf("seed %d: %+v and %+v", seed, first, again)
		}
	}
}
