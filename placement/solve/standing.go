package solve

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/vsn"
)

// Standing is what stays of a plan that runs, while the rest of a problem is planned
// beside it: seats, routes, CPUs, classes, and what was chosen of reservations and
// rates. Its networks come first in the problem.
type Standing struct {
	Networks    []string // all or part of each stays
	Embedding   placement.Embedding
	Realization placement.Realization
	choice      dimension.Choice
	before      []placement.Seat // of all that runs, lost hosts included
	open        []string         // networks of which the choice is, in part, to be made again
	left        dimension.Choice // without what was chosen for what is lost
	lost        []string         // networks of which something chosen is lost
	runs        map[string]bool  // Networks
}

// stand is all that can stay of a plan in an inventory, with some of its networks: VMs
// on hosts that are there, and between them the links whose ways are.
func stand(running *placement.Plan, networks []vsn.Network, inv *hosts.Inventory) *Standing {
	s := &Standing{choice: chosen(running, networks)}
	x := newIndex(inv)
	stays, seated := map[string]bool{}, map[[2]string]bool{}
	for i := range networks {
		s.Networks = append(s.Networks, networks[i].Name)
		stays[networks[i].Name] = true
	}
	for _, seat := range running.Embedding.Seats {
		if stays[seat.Network] {
			s.before = append(s.before, seat)
		}
		if h, there := x.nodes[seat.Host]; stays[seat.Network] && there && h < len(inv.Hosts) {
			s.Embedding.Seats = append(s.Embedding.Seats, seat)
			seated[[2]string{seat.Network, seat.VM}] = true
		}
	}
	ends := map[[2]string][]string{}
	for i := range networks {
		for _, l := range networks[i].Links {
			ends[[2]string{networks[i].Name, l.Name}] = l.Between
		}
	}
	for _, r := range running.Embedding.Routes {
		of := ends[[2]string{r.Network, r.Link}]
		if len(of) == 2 && seated[[2]string{r.Network, of[0]}] && seated[[2]string{r.Network, of[1]}] && x.joins(&r, inv) {
			s.Embedding.Routes = append(s.Embedding.Routes, r)
		}
	}
	s.Realization, s.runs = realized(&running.Realization, stays), stays
	s.loss()
	return s
}

// joins reports whether the cables of a route are there and join its nodes.
func (x *index) joins(r *placement.Route, inv *hosts.Inventory) bool {
	for i, name := range r.Path {
		if _, there := x.nodes[name]; !there {
			return false
		}
		if i == 0 {
			continue
		}
		c, there := x.cables[r.Cables[i-1]]
		if !there || !between(&inv.Cables[c], r.Path[i-1], name) {
			return false
		}
	}
	return true
}

func between(c *hosts.Cable, a, b string) bool {
	return c.Between[0] == a && c.Between[1] == b || c.Between[0] == b && c.Between[1] == a
}

// realized is the realization of some networks.
func realized(running *placement.Realization, of map[string]bool) (out placement.Realization) {
	for _, r := range running.Reservations {
		if of[r.Network] {
			out.Reservations = append(out.Reservations, r)
		}
	}
	for _, e := range running.Emulators {
		if of[e.Network] {
			out.Emulators = append(out.Emulators, e)
		}
	}
	for _, q := range running.Queues {
		if of[q.Network] {
			out.Queues = append(out.Queues, q)
		}
	}
	for _, t := range running.Tasks {
		if of[t.Network] {
			out.Tasks = append(out.Tasks, t)
		}
	}
	return out
}

// chosen is what a plan has chosen of what its networks leave open.
func chosen(running *placement.Plan, networks []vsn.Network) dimension.Choice {
	c := dimension.Choice{Reserved: placement.Reserved{}, Links: map[dimension.Key]dimension.Rate{}}
	open := map[dimension.Key]bool{}
	of := map[string]bool{}
	for i := range networks {
		n := &networks[i]
		of[n.Name] = true
		for _, vm := range n.VMs {
			open[dimension.Key{n.Name, vm.Name}] = vm.Reservation == nil || vm.Reservation.Runtime == 0
		}
	}
	for _, r := range running.Realization.Reservations {
		if key := (dimension.Key{r.Network, r.VM}); open[key] {
			c.Reserved[key] = append(c.Reserved[key], vsn.Reservation{Runtime: vsn.Duration(r.RuntimeNs), Period: vsn.Duration(r.PeriodNs)})
		}
	}
	clear(open)
	for i := range networks {
		for _, l := range networks[i].Links {
			open[dimension.Key{networks[i].Name, l.Name}] = l.Rate == 0
		}
	}
	for _, q := range running.Realization.Queues {
		if key := (dimension.Key{q.Network, q.Link}); open[key] {
			c.Links[key] = dimension.Rate{Rate: vsn.Rate(q.RateBit), Burst: vsn.Size(q.BurstBytes)}
		}
	}
	for _, t := range running.Realization.Tasks {
		if of[t.Network] {
			c.Tasks = append(c.Tasks, t)
		}
	}
	return c
}

// join adds to a choice for what is new what runs has, in the order of the problem.
func (s *Standing) join(c *dimension.Choice, p *placement.Problem) {
	if s == nil || c == nil {
		return
	}
	for key, list := range s.choice.Reserved {
		c.Reserved[key] = list
	}
	for key, rate := range s.choice.Links {
		c.Links[key] = rate
	}
	of := map[[2]string][]placement.TaskSeat{}
	for _, tasks := range [][]placement.TaskSeat{c.Tasks, s.choice.Tasks} {
		these := map[[2]string][]placement.TaskSeat{}
		for _, t := range tasks {
			these[[2]string{t.Network, t.VM}] = append(these[[2]string{t.Network, t.VM}], t)
		}
		for vm, list := range these {
			of[vm] = list // what runs has the last word
		}
	}
	c.Tasks = nil
	for i := range p.Networks {
		for _, vm := range p.Networks[i].VMs {
			c.Tasks = append(c.Tasks, of[[2]string{p.Networks[i].Name, vm.Name}]...)
		}
	}
}

// loss sets apart what was chosen for VMs that lost their hosts, and for links that lost
// their ways: it can be chosen again.
func (s *Standing) loss() {
	left := dimension.Choice{Reserved: placement.Reserved{}, Links: map[dimension.Key]dimension.Rate{}}
	seated, routed := map[dimension.Key]bool{}, map[dimension.Key]bool{}
	for _, seat := range s.Embedding.Seats {
		seated[dimension.Key{seat.Network, seat.VM}] = true
	}
	for _, r := range s.Embedding.Routes {
		routed[dimension.Key{r.Network, r.Link}] = true
	}
	again := map[string]bool{}
	for key, list := range s.choice.Reserved {
		if again[key[0]] = again[key[0]] || !seated[key]; seated[key] {
			left.Reserved[key] = list
		}
	}
	for key, rate := range s.choice.Links {
		if again[key[0]] = again[key[0]] || !routed[key]; routed[key] {
			left.Links[key] = rate
		}
	}
	for _, t := range s.choice.Tasks {
		if key := (dimension.Key{t.Network, t.VM}); seated[key] {
			left.Tasks = append(left.Tasks, t)
		} else {
			again[t.Network] = true
		}
	}
	s.left = left
	for _, name := range s.Networks {
		if again[name] {
			s.lost = append(s.lost, name)
		}
	}
}

// reopen is what stays if what was chosen for what is lost is chosen again; nil if
// nothing is, or it is so already.
func (s *Standing) reopen() *Standing {
	if s == nil || s.open != nil || s.lost == nil {
		return nil
	}
	out := *s
	out.choice, out.open = s.left, s.lost
	return &out
}

// given reports whether nothing was chosen for what runs.
func (s *Standing) given() bool {
	return len(s.choice.Reserved)+len(s.choice.Links)+len(s.choice.Tasks) == 0
}

// has reports whether a network runs.
func (s *Standing) has(network string) bool { return s != nil && s.runs[network] }

// news is the problem of what does not run yet, or is to be chosen again in part.
func (s *Standing) news(p *placement.Problem) *placement.Problem {
	if s == nil {
		return p
	}
	var stays []string
	for _, name := range s.Networks {
		if !slices.Contains(s.open, name) {
			stays = append(stays, name)
		}
	}
	out := p.Dropped(stays)
	if s.open != nil {
		out = s.choice.Fill(out)
	}
	return out
}

// check reports what cannot stay in the inventory of a problem, or is to be elsewhere
// by its pins.
func (s *Standing) check(p *placement.Problem) error {
	if s == nil {
		return nil
	}
	at := map[[2]string]string{}
	for _, seat := range s.Embedding.Seats {
		at[[2]string{seat.Network, seat.VM}] = seat.Host
	}
	for _, pin := range p.Pins {
		if host := at[[2]string{pin.Network, pin.VM}]; host != "" && host != pin.Host {
			return fmt.Errorf("vm %s/%s runs on %q and stays there, and is pinned to %q: leave the pin away, or move it (--drop its network and plan it anew)", pin.Network, pin.VM, host, pin.Host)
		}
	}
	machines := map[string]*hosts.Host{}
	for i := range p.Inventory.Hosts {
		machines[p.Inventory.Hosts[i].Name] = &p.Inventory.Hosts[i]
	}
	for _, r := range s.Realization.Reservations {
		if h := machines[r.Host]; at[[2]string{r.Network, r.VM}] == r.Host {
			if err := held(h, r.Network+"/"+r.VM, r.CPU); err != nil {
				return err
			}
		}
	}
	emulated := map[[2]string]bool{}
	for _, e := range s.Realization.Emulators {
		h := machines[e.Host]
		if at[[2]string{e.Network, e.VM}] != e.Host {
			continue
		}
		emulated[[2]string{e.Network, e.VM}] = true
		if h.Emulator == nil || int64(h.Emulator.Runtime) != e.RuntimeNs || int64(h.Emulator.Period) != e.PeriodNs {
			return fmt.Errorf("the device threads of vm %s/%s hold %v every %v on host %q, and this inventory gives them something else: what runs cannot stay as it is", e.Network, e.VM, vsn.Duration(e.RuntimeNs), vsn.Duration(e.PeriodNs), e.Host)
		}
		if err := held(h, e.Network+"/"+e.VM, e.CPU); err != nil {
			return err
		}
	}
	for _, seat := range s.Embedding.Seats {
		if h := machines[seat.Host]; h.Emulator != nil && !emulated[[2]string{seat.Network, seat.VM}] {
			return fmt.Errorf("the device threads of vm %s/%s have no reservation, and on host %q this inventory reserves for them: what runs cannot stay as it is", seat.Network, seat.VM, seat.Host)
		}
	}
	return nil
}

// held reports what keeps a reservation of a VM from staying on a CPU of its host.
func held(h *hosts.Host, vm string, cpu int) error {
	switch {
	case h.Partition != (cpu != hosts.AnyCPU):
		return fmt.Errorf("vm %s runs on host %q, of which partition was %t and is %t in this inventory: what runs cannot stay as it is", vm, h.Name, !h.Partition, h.Partition)
	case h.Partition && h.CPU(cpu) == nil:
		return fmt.Errorf("vm %s runs on cpu %d of host %q, which this inventory does not have: what runs cannot stay as it is", vm, cpu, h.Name)
	}
	return nil
}

// within is what stays of the networks of a part of the problem.
func (s *Standing) within(p *placement.Problem) *placement.Embedding {
	if s == nil {
		return nil
	}
	in := map[string]bool{}
	for i := range p.Networks {
		in[p.Networks[i].Name] = true
	}
	out := &placement.Embedding{}
	for _, seat := range s.Embedding.Seats {
		if in[seat.Network] {
			out.Seats = append(out.Seats, seat)
		}
	}
	for _, r := range s.Embedding.Routes {
		if in[r.Network] {
			out.Routes = append(out.Routes, r)
		}
	}
	return out
}

// divide tells networks all of which stays from those of which something is to be
// planned.
func (s *Standing) divide(networks []vsn.Network) (stays, moves []vsn.Network) {
	if s == nil {
		return nil, networks
	}
	have := map[string]int{}
	for _, seat := range s.Embedding.Seats {
		have[seat.Network]++
	}
	for _, r := range s.Embedding.Routes {
		have[r.Network]++
	}
	for i := range networks {
		if n := &networks[i]; s.has(n.Name) && have[n.Name] == len(n.VMs)+len(n.Links) {
			stays = append(stays, *n)
		} else {
			moves = append(moves, *n)
		}
	}
	return stays, moves
}

// blame names what runs, where that does not hold in this inventory even by itself.
func (s *solver) blame(err error) error {
	var infeasible *placement.Infeasible
	if errors.As(err, &infeasible) {
		if never := s.unkept(); never != nil {
			return never
		}
		c := &infeasible.Conflicts[0]
		if len(c.Subjects) == 0 {
			return err // a search that ended before any budget was short
		}
		if key, ok := keyOf(c.Subjects[0], "flow "); ok && s.o.Standing.has(key[0]) && !slices.Contains(s.o.Standing.broken(s.problem.Networks), key[0]) {
			c.Says += fmt.Sprintf("; network %q runs, and is to lose nothing by what comes beside it", key[0])
		}
	}
	return err
}

// unkept is the first claim that does not hold of what stays alone, nothing new beside
// it; nil where all do. That a plan holds says so of the inventory that it was made for.
func (s *solver) unkept() *placement.Infeasible {
	if s.kept == nil {
		return nil
	}
	problem, e := s.only(s.kept, s.standingPart())
	a, err := s.attempt(problem, e, s.realize(problem))
	var cut *placement.Cut
	switch {
	case errors.As(err, &cut):
		c := cut.Conflict
		c.Says = "what runs does not fit this inventory, even with nothing new beside it: " + c.Says
		return &placement.Infeasible{Conflicts: []placement.Conflict{c}}
	case err != nil || a.verdict != refuted:
		return nil
	}
	return &placement.Infeasible{Conflicts: []placement.Conflict{{Rule: a.claim.Rule, Subjects: []string{a.claim.Subject}, Need: a.claim.Bound, Have: a.claim.Limit, Unit: a.claim.Unit,
		Says: fmt.Sprintf("%s needs %v %s and %v is allowed, as it runs and with nothing new beside it, in this inventory", a.claim.Subject, a.claim.Bound, a.claim.Unit, a.claim.Limit)}}}
}

// standingPart is what stays, with the flows all of whose VMs and links do.
func (s *solver) standingPart() *part {
	out := newPart()
	for _, seat := range s.kept.Seats {
		out.vms[[2]string{seat.Network, seat.VM}] = true
	}
	for _, r := range s.kept.Routes {
		out.links[[2]string{r.Network, r.Link}] = true
	}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Flows {
			f := newPart()
			f.addFlow(n, &n.Flows[j])
			if subset(f.vms, out.vms) && subset(f.links, out.links) {
				out.flows[[2]string{n.Name, n.Flows[j].Name}] = true
			}
		}
	}
	return out
}

func subset(some, all map[[2]string]bool) bool {
	for key := range some {
		if !all[key] {
			return false
		}
	}
	return true
}
