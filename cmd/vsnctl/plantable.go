package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// planTables prints a plan for people: what goes where, what was chosen and what was
// given, what is promised, what is used of what there is, what it takes in all, and
// what the promise rests on. A plan too long to be read is summed up.
func planTables(out io.Writer, p *placement.Plan) {
	if tooLong(p) {
		planSummary(out, p)
		return
	}
	vmTable(out, p)
	taskTable(out, p)
	linkTable(out, p)
	flowTable(out, p)
	oddsTable(out, p)
	budgetTable(out, p)
	objectiveLine(out, p)
	if p.Interrupted {
		fmt.Fprintln(out, "Interrupted: every bound holds; with more time the plan might have cost less.")
	}
	costLines(out, p)
	restsList(out, p)
}

// Who said what a reservation or a rate is.
const (
	byRequest = "given"
	byPlanner = "chosen"
	byNobody  = "-"
)

func vmTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "vm", "host", "cpus", "reservation", "by", "curve", "memory", "devices")
	for _, n := range p.Problem.Networks {
		for i := range n.VMs {
			vm := &n.VMs[i]
			cpus, reservation, by := vmReservation(p, n.Name, vm)
			w.AppendRow([]any{n.Name + "/" + vm.Name, p.Embedding.Seat(n.Name, vm.Name), cpus, reservation, by, vmCurve(p, n.Name, vm.Name), vm.Memory.String(), vmDevices(p, n.Name, vm.Name)})
		}
	}
	render(out, w)
	underGrain(out, p)
}

// supplyOf is a reservation as the proof reckons with it, alone on its CPU.
func supplyOf(p *placement.Plan, r placement.Reservation) bounds.Supply {
	s := bounds.Supply{Runtime: r.RuntimeNs, Period: r.PeriodNs}
	if h := p.Problem.Inventory.Host(r.Host); h != nil {
		s.Grain = int64(h.Grain)
	}
	return s
}

// vmCurve names the curves of supply that a VM is reckoned with.
func vmCurve(p *placement.Plan, network, vm string) string {
	var curves []string
	for _, r := range p.Realization.Reservations {
		if r.Network != network || r.VM != vm {
			continue
		}
		if c := supplyOf(p, r).Curve(); !slices.Contains(curves, c) {
			curves = append(curves, c)
		}
	}
	if len(curves) == 0 {
		return "none"
	}
	return strings.Join(curves, ", ")
}

// underGrain warns of reservations that are smaller than their host can give at a time.
func underGrain(out io.Writer, p *placement.Plan) {
	said := false
	for _, r := range p.Realization.Reservations {
		s := supplyOf(p, r)
		if s.Curve() != bounds.CurveInflated {
			continue
		}
		said = true
		fmt.Fprintf(out, "%s/%s/vcpu%d: %s is under the grain of %s (%s): it may wait %s for any of it\n", r.Network, r.VM, r.VCPU,
			spanNs(r.RuntimeNs), r.Host, spanNs(s.Grain), spanNs(s.Blackout()))
	}
	if said {
		fmt.Fprintln(out)
	}
}

// vmReservation says on which CPUs the vCPUs of a VM run and what each has there, once
// where all have the same.
func vmReservation(p *placement.Plan, network string, vm *vsn.VM) (cpus, reservation, by string) {
	var on, each []string
	for _, r := range p.Realization.Reservations {
		if r.Network == network && r.VM == vm.Name {
			on = append(on, cpuName(r.CPU))
			each = append(each, spanNs(r.RuntimeNs)+"/"+spanNs(r.PeriodNs))
		}
	}
	if len(on) == 0 {
		return "any", "best effort", byNobody
	}
	reservation = strings.Join(each, ", ")
	if same := slices.Compact(slices.Clone(each)); len(same) == 1 {
		reservation = same[0]
		if len(each) > 1 {
			reservation += fmt.Sprintf(" x%d", len(each))
		}
	}
	return strings.Join(on, ","), reservation, reservedBy(vm)
}

func reservedBy(vm *vsn.VM) string {
	switch r := vm.Reservation; {
	case r == nil:
		return byPlanner
	case r.Runtime == 0:
		return "runtime " + byPlanner
	}
	return byRequest
}

// taskTable shows where the tasks of guests run, and how long they take at most where
// the guest's rule gives a number for each.
func taskTable(out io.Writer, p *placement.Plan) {
	response := map[string]string{}
	for _, c := range p.Proof.Claims {
		if c.Rule == proof.RuleGuestFixed {
			response[strings.TrimPrefix(c.Subject, "tasks of ")] = milliseconds(c.Bound)
		}
	}
	w := newTable("", "task", "on", "wcet", "every", "deadline", "done within")
	for _, n := range p.Problem.Networks {
		for _, vm := range n.VMs {
			for _, t := range vm.Tasks {
				name := fmt.Sprintf("%s/%s", n.Name, vm.Name)
				on := fmt.Sprintf("vcpu%d", vcpuOf(p, n.Name, vm.Name, t.Name))
				deadline := t.Deadline
				if deadline == 0 {
					deadline = t.Period
				}
				done, known := response[name+"/"+on+" "+t.Name]
				if !known {
					done = "its deadline" // by EDF there is no number beside it
				}
				w.AppendRow([]any{name + "/" + t.Name, on, t.WCET.String(), t.Period.String(), deadline.String(), done})
			}
		}
	}
	render(out, w)
}

func vcpuOf(p *placement.Plan, network, vm, task string) int {
	for _, t := range p.Realization.Tasks {
		if t.Network == network && t.VM == vm && t.Task == task {
			return t.VCPU
		}
	}
	return -1
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
	w := newTable("", "link", "path", "rate", "burst", "by", "bound", "limit")
	for _, n := range p.Problem.Networks {
		for i := range n.Links {
			l := &n.Links[i]
			limit := "-"
			if l.Delay > 0 {
				limit = milliseconds(placement.Int(int64(l.Delay)))
			}
			rate, burst, by := linkRate(p, n.Name, l)
			w.AppendRow([]any{n.Name + "/" + l.Name, strings.Join(pathOf(p, n.Name, l.Name), " > "), rate, burst, by, milliseconds(linkBound(p, n.Name, l.Name)), limit})
		}
	}
	render(out, w)
}

// linkRate is what the classes of a link grant.
func linkRate(p *placement.Plan, network string, l *vsn.Link) (rate, burst, by string) {
	for _, q := range p.Realization.Queues {
		if q.Network != network || q.Link != l.Name {
			continue
		}
		by = byPlanner
		switch {
		case l.Rate > 0 && l.Burst > 0:
			by = byRequest
		case l.Rate > 0:
			by = "burst " + byPlanner
		}
		return vsn.Rate(q.RateBit).String(), vsn.Size(q.BurstBytes).String(), by
	}
	return "best effort", "-", byNobody
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
		case proof.RuleOdds:
			if offered := oddsOffered(p, c.Subject); c.Unit == "cpu" && offered > 0 {
				w.AppendRow([]any{c.Subject, fmt.Sprintf("%.3f", c.Bound.Float()), fmt.Sprintf("%.3f cpu", offered), percent(c.Bound.Float(), offered), c.Rule})
			}
			continue
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

// costLines say what the plan takes in all, and how much of that the planner chose.
func costLines(out io.Writer, p *placement.Plan) {
	chosen := chosenOf(p)
	for _, c := range p.Proof.Claims {
		if c.Rule != proof.RuleCost {
			continue
		}
		ours := placement.Int(0)
		for _, t := range c.Terms {
			if chosen[t.Name] {
				ours = ours.Add(t.Value)
			}
		}
		if c.Unit == "cpu" {
			fmt.Fprintf(out, "Cost: %.3f cpu in %s, %.3f of it chosen.\n", c.Bound.Float(), c.Subject, ours.Float())
		} else {
			fmt.Fprintf(out, "Cost: %v in %s, %v of it chosen.\n", vsn.Rate(c.Bound.Float()), c.Subject, vsn.Rate(ours.Float()))
		}
	}
	fmt.Fprintln(out)
}

// chosenOf is what the planner chose, by the names that the claims of cost have for it.
func chosenOf(p *placement.Plan) map[string]bool {
	out := map[string]bool{}
	for _, n := range p.Problem.Networks {
		for i := range n.VMs {
			for cpu := range n.VMs[i].VCPUs {
				out[fmt.Sprintf("%s/%s/vcpu%d", n.Name, n.VMs[i].Name, cpu)] = reservedBy(&n.VMs[i]) != byRequest
			}
		}
		for _, l := range n.Links {
			out[n.Name+"/"+l.Name] = l.Rate == 0
		}
	}
	return out
}

func restsList(out io.Writer, p *placement.Plan) {
	if len(p.Proof.Rests) == 0 {
		return
	}
	fmt.Fprintln(out, "The bounds rest on this (+ deploy makes it so or looks whether it is, - it cannot):")
	for _, a := range p.Proof.Rests {
		mark := "-"
		if a.Backed {
			mark = "+"
		}
		fmt.Fprintf(out, "  %s %s: %s\n", mark, a.Subject, a.Says)
	}
}
