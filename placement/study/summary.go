package study

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Summary is what came of a trace, in the terms of the field. The revenue of a network
// is the hundredths of a CPU that it reserves and the Gbit/s of its links; its cost
// counts a link once for every cable it crosses.
type Summary struct {
	Requests   int     `json:"requests"`
	Accepted   int     `json:"accepted"`
	Acceptance float64 `json:"acceptance"`
	// Revenue and Cost are those of the accepted, times their stay in seconds.
	Revenue float64 `json:"revenue"`
	Cost    float64 `json:"cost"`
	LRC     float64 `json:"lrc"` // long-term revenue to cost
	LAR     float64 `json:"lar"` // long-term average revenue: by the time to the last arrival
	Use     []Use   `json:"use"`
}

// Use is the mean part that was taken in a slice of the time from the first arrival to
// the last.
type Use struct {
	From     float64 `json:"from"` // seconds
	CPU      float64 `json:"cpu"`
	Cables   float64 `json:"cables"`
	Networks float64 `json:"networks"` // running
}

// slices of the time for which Use is given.
const slicesOfUse = 10

// Summarize adds up decisions, in the order of requests.
func Summarize(inv *hosts.Inventory, requests []Request, decisions []Decision) Summary {
	s := Summary{Requests: len(requests)}
	if len(requests) == 0 {
		return s
	}
	first, last := requests[0].At, requests[0].At
	for i := range requests {
		first, last = min(first, requests[i].At), max(last, requests[i].At)
	}
	width := (last - first) / slicesOfUse
	for k := range slicesOfUse {
		s.Use = append(s.Use, Use{From: first + float64(k)*width})
	}
	cpus, cables := capacity(inv)
	for i := range requests {
		if !decisions[i].Accepted {
			continue
		}
		r := &requests[i]
		cpu, rates, carried := demand(r.Network, &decisions[i])
		s.Accepted++
		s.Revenue += (100*cpu + rates/1e9) * r.For
		s.Cost += (100*cpu + carried/1e9) * r.For
		for k := range s.Use {
			u := &s.Use[k]
			if stay := min(r.At+r.For, u.From+width) - max(r.At, u.From); stay > 0 {
				u.CPU += part(cpu*stay, cpus*width)
				u.Cables += part(carried*stay, cables*width)
				u.Networks += part(stay, width)
			}
		}
	}
	s.Acceptance = part(float64(s.Accepted), float64(s.Requests))
	s.LRC, s.LAR = part(s.Revenue, s.Cost), part(s.Revenue, last)
	return s
}

func part(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// capacity is the processor time that hosts offer, in CPUs, and what all cables carry.
func capacity(inv *hosts.Inventory) (cpus, cables float64) {
	for i := range inv.Hosts {
		for _, cpu := range inv.Hosts[i].CPUs {
			cpus += float64(inv.Hosts[i].ShareOf(cpu)) / float64(vsn.One)
		}
	}
	for i := range inv.Cables {
		cables += float64(inv.Cables[i].Usable())
	}
	return cpus, cables
}

// demand of a network: CPUs, the rates of its links, and these times the cables crossed.
func demand(n *vsn.Network, d *Decision) (cpu, rates, carried float64) {
	for i := range n.VMs {
		if r := n.VMs[i].Reservation; r != nil {
			cpu += float64(n.VMs[i].VCPUs) * float64(r.Runtime) / float64(r.Period)
		}
	}
	for i := range n.Links {
		rate := float64(n.Links[i].Rate)
		rates += rate
		carried += rate * float64(len(d.Routes[n.Links[i].Name])-1)
	}
	return cpu, rates, carried
}
