package realize

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
)

// Every packing there is shares no less, for the VMs that matter, than one that is
// offered; and what is offered is a packing.
func TestAlternativesLeaveNothingBetterOut(t *testing.T) {
	offered := map[int]int{}
	for seed := range uint64(1200) {
		r := rand.New(rand.NewPCG(seed, 9))
		p := crowdOf(r)
		ph, h, seats := New(&p, 0), &p.Inventory.Hosts[0], seatsOf(&p)
		important := map[string]bool{}
		for _, s := range seats {
			important[s.VM] = r.IntN(2) == 0
		}
		matters := func(s placement.Seat) bool { return important[s.VM] }
		o, all, err := ph.choices(h, seats, matters)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.threads) > 7 {
			continue
		}
		if !all {
			t.Fatalf("seed %d: %d threads are too many", seed, len(o.threads))
		}
		var known [][]int
		for _, cpus := range o.cpus {
			kept(t, ph.packing(o.threads, h), cpus) // numbers of these CPUs are their places
			known = append(known, sharing(o.threads, cpus, matters))
		}
		offered[min(len(known), 3)]++
		everyPacking(ph, o.threads, &p, func(cpus []int) {
			s := sharing(o.threads, cpus, matters)
			if !slices.ContainsFunc(known, func(k []int) bool { return noWorse(k, s) }) {
				t.Fatalf("seed %d: cpus %v share %v, and all that is offered is %v", seed, cpus, s, known)
			}
		})
	}
	if offered[1] < 100 || offered[2] < 20 {
		t.Errorf("the draw has lost its edge: %v", offered)
	}
}

// sharing counts, for the vCPUs and the device threads of each VM that matters, the
// most threads that one shares its CPU with.
func sharing(threads []thread, cpus []int, matters func(placement.Seat) bool) []int {
	out := make([]int, 2*(threads[len(threads)-1].vm+1))
	for i, t := range threads {
		if !matters(t.seat) {
			continue
		}
		others := -1
		for j := range threads {
			if cpus[j] == cpus[i] {
				others++
			}
		}
		at := 2 * t.vm
		if t.vcpu < 0 {
			at++
		}
		out[at] = max(out[at], others)
	}
	return out
}

func everyPacking(ph *Phase, threads []thread, p *placement.Problem, visit func(cpus []int)) {
	k := ph.packing(threads, &p.Inventory.Hosts[0])
	k.reset()
	var try func(t int)
	try = func(t int) {
		if t == len(threads) {
			visit(k.bin)
			return
		}
		for b := range k.cpus {
			if k.allowed(t, b) {
				k.put(t, b)
				try(t + 1)
				k.take(t)
			}
		}
	}
	try(0)
}

// Alternatives go through all combinations of hosts, and change nothing but CPUs.
func TestAlternativesCombineHosts(t *testing.T) {
	p := crowdOf(rand.New(rand.NewPCG(2, 9)))
	h := p.Inventory.Hosts[0]
	h.CPUs, h.Emulator = h.CPUs[:1], nil
	h.CPUs = append(h.CPUs, h.CPUs[0])
	h.CPUs[1].ID, h.CPUs[0].Share, h.CPUs[1].Share, h.Share = 1, 0, 0, 1e9
	p.Inventory.Hosts[0] = h
	h.Name = "g"
	p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	n := &p.Networks[0]
	n.VMs = n.VMs[:0]
	var e placement.Embedding
	for i := range 6 {
		v := crowdOf(rand.New(rand.NewPCG(1, 9))).Networks[0].VMs[0]
		v.Name, v.VCPUs, v.Reservation.Runtime, v.Reservation.Period = fmt.Sprintf("v%d", i), 1, 3*ms, 10*ms
		n.VMs = append(n.VMs, v)
		e.Seats = append(e.Seats, placement.Seat{Network: n.Name, VM: v.Name, Host: []string{"h", "g"}[i/3]})
	}
	seen := map[string]bool{}
	all, err := New(&p, 0).Alternatives(&e, func(placement.Seat) bool { return true }, 100, func(r *placement.Realization) bool {
		if len(r.Reservations) != 6 || seen[fmt.Sprint(r.Reservations)] {
			t.Errorf("%+v again, or incomplete", r.Reservations)
		}
		seen[fmt.Sprint(r.Reservations)] = true
		return false
	})
	// Of three alike on two CPUs one is alone: three choices on each host.
	if err != nil || !all || len(seen) != 9 {
		t.Errorf("%d ways, all %v, %v; want all 9", len(seen), all, err)
	}
}
