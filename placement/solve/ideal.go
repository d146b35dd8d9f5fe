package solve

import (
	"fmt"
	"math"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// hopeless tries the flow or queue that a claim is about where it is as easy as it can
// be: alone, all its VMs on one host that has a CPU for every thread and is as quick
// as any host of the inventory. What has no bound within its limit there has none
// anywhere. It returns nil where that proves nothing. Each subject is tried once.
func (s *solver) hopeless(c placement.Claim) *placement.Infeasible {
	own := s.own(c.Subject)
	if s.tried[c.Subject] || own == nil || strings.HasPrefix(c.Subject, "link ") {
		return nil
	}
	s.tried[c.Subject] = true
	problem, _ := s.only(&placement.Embedding{}, own)
	best := ideal(s.problem.Inventory.Hosts)
	best.Resources = map[string]int64{}
	e := &placement.Embedding{}
	for i := range problem.Networks {
		n := &problem.Networks[i]
		for _, vm := range n.VMs {
			e.Seats = append(e.Seats, placement.Seat{Network: n.Name, VM: vm.Name, Host: best.Name})
			best.CPUs = append(best.CPUs, hosts.CountedCPUs(vm.VCPUs+1)...)
			for name := range vm.Resources {
				best.Resources[name] = math.MaxInt64
			}
		}
		for _, l := range n.Links {
			e.Routes = append(e.Routes, placement.Route{Network: n.Name, Link: l.Name, Path: []string{best.Name}})
		}
	}
	for i := range best.CPUs {
		best.CPUs[i].ID = i
	}
	problem.Inventory = hosts.Inventory{Hosts: []hosts.Host{best}}
	a, err := s.attempt(problem, e, s.realize(problem))
	if err != nil || a.verdict != refuted || s.own(a.claim.Subject) == nil {
		return nil
	}
	d := a.claim
	says := fmt.Sprintf("%v %s are needed and %v allowed", d.Bound, d.Unit, d.Limit)
	if d.Bound.IsInf() {
		says = "it has no bound"
		if d.Why != "" {
			says += ", because " + d.Why
		}
	}
	return &placement.Infeasible{Conflicts: []placement.Conflict{{Rule: d.Rule, Subjects: []string{d.Subject}, Need: d.Bound, Have: d.Limit, Unit: d.Unit,
		Says: fmt.Sprintf("%s: alone, and with all its vms on one idle host as quick as any, %s", d.Subject, says)}}}
}

// ideal is a host on which no bound is worse than on any of the hosts.
func ideal(all []hosts.Host) hosts.Host {
	best := hosts.Host{Name: "ideal", Share: 1e9, Memory: math.MaxInt64, Partition: true, Delay: all[0].Delay, Emulator: all[0].Emulator}
	for i := range all {
		h := &all[i]
		if best.Emulator != nil && (h.Emulator == nil || *h.Emulator != *best.Emulator) {
			best.Emulator = nil // none is less than any
		}
		best.Delay = min(best.Delay, h.Delay) // its grain is 0, which no grain is better than
	}
	return best
}
