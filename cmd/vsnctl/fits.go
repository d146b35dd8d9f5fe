package main

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// stale compares the host that the plan was made for with what the machine offers
// now, and says what changed for the worse.
func stale(planned, now *hosts.Host) error {
	var changes []string
	for _, cpu := range planned.CPUs {
		if now.CPU(cpu.ID) == nil {
			changes = append(changes, fmt.Sprintf("cpu %d is gone", cpu.ID))
		}
	}
	if now.Memory < planned.Memory {
		changes = append(changes, fmt.Sprintf("memory is %v, planned with %v", now.Memory, planned.Memory))
	}
	if now.Grain > planned.Grain {
		changes = append(changes, fmt.Sprintf("the scheduler's grain is %v, planned with %v", now.Grain, planned.Grain))
	}
	if now.Share < planned.Share {
		changes = append(changes, fmt.Sprintf("reservations may take %v of a cpu, planned with %v", now.Share, planned.Share))
	}
	if len(changes) > 0 {
		return fmt.Errorf("host %q is not what the plan was made for: %s: plan again", planned.Name, strings.Join(changes, "; "))
	}
	return nil
}

// overbooked refuses what the kernel would refuse half way: more reservations on a CPU,
// or in the root domain of all, than its own admission takes at once, `takes` of
// each CPU. Only a plan that counts on networks not being active together asks for that.
func overbooked(p *placement.Plan, h *hosts.Host, takes vsn.Share) error {
	held := map[int]*big.Rat{}
	hold := func(host string, cpu int, runtime, period int64) {
		if held[cpu] == nil {
			held[cpu] = new(big.Rat)
		}
		if host == h.Name {
			held[cpu].Add(held[cpu], big.NewRat(runtime, period))
		}
	}
	for _, r := range p.Realization.Reservations {
		hold(r.Host, r.CPU, r.RuntimeNs, r.PeriodNs)
	}
	for _, e := range p.Realization.Emulators {
		hold(e.Host, e.CPU, e.RuntimeNs, e.PeriodNs)
	}
	refuse := func(subject string, sum, limit, offered *big.Rat) error {
		if sum == nil || sum.Cmp(limit) <= 0 || sum.Cmp(offered) <= 0 {
			return nil
		}
		return fmt.Errorf("host %q %s: the reservations of the plan sum to %s of a cpu, and the kernel holds %s at most at once (SCHED_DEADLINE's own admission): a plan with confidence counts on networks that are not active together, and tells what would fit; to deploy, plan fewer networks, or plan without confidence",
			h.Name, subject, sum.FloatString(3), limit.FloatString(3))
	}
	if all := held[hosts.AnyCPU]; all != nil {
		limit, offered := new(big.Rat), new(big.Rat)
		for _, cpu := range h.CPUs {
			limit.Add(limit, takes.Rat())
			offered.Add(offered, h.ShareOf(cpu).Rat())
		}
		return refuse("cpus", all, limit, offered)
	}
	for _, cpu := range h.CPUs {
		if err := refuse(fmt.Sprintf("cpu %d", cpu.ID), held[cpu.ID], takes.Rat(), h.ShareOf(cpu).Rat()); err != nil {
			return err
		}
	}
	return nil
}

// crowded decides admission again with what other networks hold on the machine; the
// proof has counted only those of the plan.
func crowded(h *hosts.Host, observed, want hosts.State, networks []string) error {
	beside := hosts.Replace(observed, hosts.State{}, networks...)
	if len(beside.Objects()) == 0 {
		return nil
	}
	by := strings.Join(beside.Networks(), ", ")
	memory := int64(0)
	for _, d := range slices.Concat(beside.Domains, want.Domains) {
		memory += d.Memory
	}
	if memory > int64(h.Memory) {
		return fmt.Errorf("host %q: memory: need %v together with what runs (%s), have %v", h.Name, vsn.Size(memory), by, h.Memory)
	}
	if err := crowdedResources(h, slices.Concat(beside.Domains, want.Domains), by); err != nil {
		return err
	}
	if !h.Partition {
		return crowdedRoot(h, slices.Concat(beside.Reservations, want.Reservations), by)
	}
	return crowdedCPUs(h, slices.Concat(beside.Reservations, want.Reservations), by)
}

// crowdedResources sums what the domains hold of each counted resource.
func crowdedResources(h *hosts.Host, all []hosts.Domain, by string) error {
	held := map[string]int64{}
	for _, d := range all {
		for resource, count := range d.Counted() {
			held[resource] += count
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(held)) {
		if held[resource] > h.Resources[resource] {
			return fmt.Errorf("host %q resource %s: need %d together with what runs (%s), have %d", h.Name, resource, held[resource], by, h.Resources[resource])
		}
	}
	return nil
}

// crowdedCPUs is the test of partitioned EDF on every CPU.
func crowdedCPUs(h *hosts.Host, all []hosts.Reservation, by string) error {
	held := map[int]*big.Rat{}
	for _, r := range all {
		if r.CPU == hosts.AnyCPU {
			return fmt.Errorf("host %q: network %s holds reservations that may run on every cpu, and this plan wants root domains of single cpus: destroy it first, or plan without partition", h.Name, r.Network)
		}
		if held[r.CPU] == nil {
			held[r.CPU] = new(big.Rat)
		}
		held[r.CPU].Add(held[r.CPU], utilization(r))
	}
	for _, cpu := range h.CPUs {
		if sum := held[cpu.ID]; sum != nil && sum.Cmp(h.ShareOf(cpu).Rat()) > 0 {
			return fmt.Errorf("host %q cpu %d: need %s together with what runs (%s), have %v", h.Name, cpu.ID, sum.FloatString(3), by, h.ShareOf(cpu))
		}
	}
	return nil
}

// crowdedRoot is the test of global EDF over one root domain (GFB).
func crowdedRoot(h *hosts.Host, all []hosts.Reservation, by string) error {
	sum, most, limit := new(big.Rat), new(big.Rat), new(big.Rat)
	for _, r := range all {
		if r.CPU != hosts.AnyCPU {
			return fmt.Errorf("host %q: network %s holds root domains of single cpus, and this plan wants one for all: destroy it first, or plan with partition", h.Name, r.Network)
		}
		u := utilization(r)
		sum.Add(sum, u)
		if u.Cmp(most) > 0 {
			most = u
		}
	}
	for _, cpu := range h.CPUs {
		limit.Add(limit, h.ShareOf(cpu).Rat())
	}
	sum.Add(sum, most.Mul(most, big.NewRat(int64(len(h.CPUs)-1), 1)))
	if sum.Cmp(limit) > 0 {
		return fmt.Errorf("host %q: need %s cpus, by the test of global EDF, together with what runs (%s), have %s", h.Name, sum.FloatString(3), by, limit.FloatString(3))
	}
	return nil
}

// utilization is Q/P. A thread whose policy is not as we make it is observed without
// a period, and counts as a whole CPU: what it takes is not known.
func utilization(r hosts.Reservation) *big.Rat {
	if r.PeriodNs <= 0 {
		return big.NewRat(1, 1)
	}
	return big.NewRat(r.RuntimeNs, r.PeriodNs)
}
