package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// planTables prints a plan for people: what goes where, what is promised, what is
// used of what there is, and what the promise rests on.
func planTables(out io.Writer, p *placement.Plan) {
	vmTable(out, p)
	linkTable(out, p)
	flowTable(out, p)
	budgetTable(out, p)
	restsList(out, p)
}

func vmTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "vm", "host", "cpus", "reservation", "memory", "devices")
	for _, n := range p.Problem.Networks {
		for _, vm := range n.VMs {
			cpus, reservation := vmReservation(p, n.Name, &vm)
			w.AppendRow([]any{n.Name + "/" + vm.Name, p.Embedding.Seat(n.Name, vm.Name), cpus, reservation, vm.Memory.String(), vmDevices(p, n.Name, vm.Name)})
		}
	}
	render(out, w)
}

func vmReservation(p *placement.Plan, network string, vm *vsn.VM) (cpus, reservation string) {
	var on []string
	for _, r := range p.Realization.Reservations {
		if r.Network == network && r.VM == vm.Name {
			on = append(on, cpuName(r.CPU))
			reservation = spanNs(r.RuntimeNs) + "/" + spanNs(r.PeriodNs)
		}
	}
	if len(on) == 0 {
		return "any", "best effort"
	}
	if len(on) > 1 {
		reservation += fmt.Sprintf(" x%d", len(on))
	}
	return strings.Join(on, ","), reservation
}

func cpuName(cpu int) string {
	if cpu == hosts.AnyCPU {
		return "any"
	}
	return fmt.Sprint(cpu)
}

func vmDevices(p *placement.Plan, network, vm string) string {
	for _, e := range p.Realization.Emulators {
		if e.Network == network && e.VM == vm {
			return fmt.Sprintf("%s/%s on %s", spanNs(e.RuntimeNs), spanNs(e.PeriodNs), cpuName(e.CPU))
		}
	}
	return "best effort"
}

func linkTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "link", "path", "rate", "burst", "bound", "limit")
	for _, n := range p.Problem.Networks {
		for _, l := range n.Links {
			rate, limit := "best effort", "-"
			if l.Rate > 0 {
				rate = l.Rate.String()
			}
			if l.Delay > 0 {
				limit = milliseconds(placement.Int(int64(l.Delay)))
			}
			w.AppendRow([]any{n.Name + "/" + l.Name, strings.Join(pathOf(p, n.Name, l.Name), " > "), rate, l.Burst.String(), milliseconds(linkBound(p, n.Name, l.Name)), limit})
		}
	}
	render(out, w)
}

func pathOf(p *placement.Plan, network, link string) []string {
	for _, r := range p.Embedding.Routes {
		if r.Network == network && r.Link == link {
			return r.Path
		}
	}
	return nil
}

// linkBound is the larger bound of the two directions.
func linkBound(p *placement.Plan, network, link string) placement.Rat {
	most := placement.Int(0)
	prefix := "link " + network + "/" + link + " "
	for _, c := range p.Proof.Claims {
		if c.Rule == proof.RuleLink && strings.HasPrefix(c.Subject, prefix) && c.Bound.Cmp(most) > 0 {
			most = c.Bound
		}
	}
	return most
}

func flowTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "flow", "bound", "deadline", "slack", "largest part")
	for _, c := range p.Proof.Claims {
		if c.Rule != proof.RuleEndToEnd {
			continue
		}
		slack := "-"
		if !c.Limit.IsInf() && !c.Bound.IsInf() {
			slack = floorMs(c.Limit.Float() - c.Bound.Float())
		}
		deadline := "none"
		if !c.Limit.IsInf() {
			deadline = milliseconds(c.Limit)
		}
		w.AppendRow([]any{strings.TrimPrefix(c.Subject, "flow "), milliseconds(c.Bound), deadline, slack, largest(c.Terms)})
	}
	render(out, w)
}

func largest(terms []placement.Term) string {
	if len(terms) == 0 {
		return "-"
	}
	most := slices.MaxFunc(terms, func(a, b placement.Term) int { return a.Value.Cmp(b.Value) })
	return fmt.Sprintf("%s %s", most.Name, milliseconds(most.Value))
}

// budgetTable shows every host and cable budget, used of what there is.
func budgetTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "budget", "used", "of", "share", "by")
	for _, c := range p.Proof.Claims {
		var used, of string
		switch c.Rule {
		case proof.RuleMemory:
			used, of = vsn.Size(c.Bound.Float()).String(), vsn.Size(c.Limit.Float()).String()
		case proof.RuleEDF, proof.RuleGFB:
			used, of = fmt.Sprintf("%.3f", c.Bound.Float()), fmt.Sprintf("%.3f cpu", c.Limit.Float())
		case proof.RuleCable:
			used, of = vsn.Rate(c.Bound.Float()).String(), vsn.Rate(c.Limit.Float()).String()
		case proof.RuleResource:
			used, of = c.Bound.String(), c.Limit.String()
		default:
			continue
		}
		w.AppendRow([]any{c.Subject, used, of, percent(c.Bound.Float(), c.Limit.Float()), c.Rule})
	}
	render(out, w)
}

func restsList(out io.Writer, p *placement.Plan) {
	if len(p.Proof.Rests) == 0 {
		return
	}
	fmt.Fprintln(out, "The bounds rest on this (+ deploy makes it so and verifies it, - it cannot):")
	for _, a := range p.Proof.Rests {
		mark := "-"
		if a.Backed {
			mark = "+"
		}
		fmt.Fprintf(out, "  %s %s: %s\n", mark, a.Subject, a.Says)
	}
}
