package main

import (
	"fmt"

	"github.com/vsnctl/vsnctl/vsn"
)

// statusTables prints a report for people: measured beside promised.
func (t *terminal) statusTables(r report) {
	if len(r.Networks) == 0 {
		fmt.Fprintln(t.out, "no networks on this machine")
		return
	}
	vms := newTable("", "vm", "domain", "state", "accel", "vcpus", "memory")
	cpu := newTable("", "thread", "cpu", "reservation", "promised", "measured")
	links := newTable("", "link", "from > to", "rate", "measured", "packets", "drops", "backlog")
	for _, n := range r.Networks {
		for _, v := range n.VMs {
			state := "paused"
			if v.Running {
				state = "running"
			}
			vms.AppendRow([]any{n.Name + "/" + v.VM, v.Domain, state, v.Accel, v.VCPUs, vsn.Size(v.Memory)})
		}
		for _, r := range n.Reservations {
			measured := "-"
			if r.Measured != nil {
				measured = percent(*r.Measured, 1)
			}
			cpu.AppendRow([]any{n.Name + "/" + r.VM + "/" + r.Thread, cpuName(r.CPU), spanNs(r.RuntimeNs) + "/" + spanNs(r.PeriodNs), percent(r.Promised, 1), measured})
		}
		for _, q := range n.Queues {
			measured := "-"
			if q.Measured != nil {
				measured = fmt.Sprintf("%.3fMbit", *q.Measured/1e6)
			}
			links.AppendRow([]any{n.Name + "/" + q.Link, q.From + " > " + q.To, vsn.Rate(q.RateBit), measured, q.Packets, q.Drops, vsn.Size(q.Backlog)})
		}
	}
	render(t.out, vms)
	render(t.out, cpu)
	render(t.out, links)
	for _, n := range r.Networks {
		t.restsTable(n.Name, n.backing)
	}
	t.driftList(r)
	for _, n := range r.Networks {
		t.promiseList(n.Name, n.backing)
	}
}

func (t *terminal) driftList(r report) {
	for _, n := range r.Networks {
		if len(n.Drift) == 0 {
			fmt.Fprintf(t.out, "%s: as deployed\n", n.Name)
		}
		for _, d := range n.Drift {
			fmt.Fprintf(t.out, "%s: drift: %s\n", n.Name, d)
		}
	}
}
