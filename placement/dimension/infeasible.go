package dimension

import (
	"fmt"
	"math/big"
	"slices"
	"sort"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// The rules, by the names that the proof has for them: headings of docs/theory.md.
const (
	ruleEndToEnd = "end-to-end"
	ruleRequest  = "request-stage"
	ruleEDF      = "guest-edf"
	ruleFixed    = "guest-fixed-priority"
)

func no(rule, subject string, need, have placement.Rat, unit, says string, args ...any) error {
	return &placement.Infeasible{Conflicts: []placement.Conflict{{Rule: rule, Subjects: []string{subject}, Need: need, Have: have, Unit: unit, Says: fmt.Sprintf(says, args...)}}}
}

// impossible says why there is nothing to choose for some VM: it is asked for more than
// a CPU has, or what comes to it comes without bound. Nil: there is for all.
func (m *model) impossible() error {
	var unbounded error
	for i := range m.variables {
		v := &m.variables[i]
		if len(v.options) > 0 {
			continue
		}
		late := slices.IndexFunc(m.servers[v.servers[0]].arrivals, func(a bounds.Arrival) bool { return a.Validate() != nil })
		if late < 0 {
			return m.overloaded(v)
		}
		if f := m.flows[m.servers[v.servers[0]].clients[late].flow]; unbounded == nil {
			subject := fmt.Sprintf("flow %s/%s", f.key[0], f.key[1])
			unbounded = no(ruleEndToEnd, subject, placement.Inf(), placement.Int(m.shortestDeadline(v)), "ns",
				"no bound holds for what shares vm %s/%s with %s: %s", v.key[0], v.key[1], subject, m.unbounded(f))
		}
	}
	return unbounded
}

func (m *model) shortestDeadline(v *variable) int64 {
	least := bounds.Inf
	for _, f := range v.flows {
		least = min(least, int64(m.flows[f].spec.Deadline))
	}
	return least
}

// overloaded says that no runtime serves what comes to a VM.
func (m *model) overloaded(v *variable) error {
	s := m.servers[v.servers[0]]
	use := new(big.Rat)
	for _, a := range s.arrivals {
		use.Add(use, big.NewRat(a.Cost, a.Period))
	}
	share := big.NewRat(int64(v.share), int64(vsn.One))
	subject := fmt.Sprintf("vm %s/%s", v.key[0], v.key[1])
	if v.vm.Reservation == nil || use.Cmp(share) > 0 || s.tasks != nil {
		return no(ruleRequest, subject, placement.FromBig(use), placement.FromBig(share), "cpu",
			"the messages that come to %s ask for %s of a cpu beside its tasks, and no cpu offers more than %s", subject, decimal(use), decimal(share))
	}
	period := int64(v.vm.Reservation.Period)
	need := leastOf(m.place(v.key[1]).grain, grid)
	longer := period
	for most(longer, v.share) < need {
		longer = max(longer+grid, int64(float64(need)/float64(v.share)*float64(vsn.One))/grid*grid)
	}
	return no(ruleRequest, subject, placement.Int(need), placement.Int(most(period, v.share)), "ns",
		"a runtime is no less than the host's grain or the least that the kernel takes, %v, and no more than %s of its period, %v: with a period of %v there is one", vsn.Duration(need), decimal(share), vsn.Duration(period), vsn.Duration(longer))
}

// infeasible says which deadline is missed with the quickest of everything, and with
// what it would hold: all options are the quickest, so that the delays found are the
// deadline to ask for.
func (s *search) infeasible() error {
	x := s.quickest()
	s.evaluate(x)
	_, worst := s.excess()
	if worst < 0 {
		return no(ruleEndToEnd, "flow "+s.flows[0].key[0]+"/"+s.flows[0].key[1], placement.Inf(), placement.Int(s.flows[0].deadline), "ns",
			"the delays of the flows of network %s that share VMs depend on one another and do not settle", s.network.Name)
	}
	f := s.flows[worst]
	subject := fmt.Sprintf("flow %s/%s", f.key[0], f.key[1])
	if f.done() == bounds.Inf {
		return no(ruleEndToEnd, subject, placement.Inf(), placement.Int(int64(f.spec.Deadline)), "ns", "%s: no bound holds: %s", subject, s.unbounded(f))
	}
	need := f.done() + s.o.Margins[f.key]
	return no(ruleEndToEnd, subject, placement.Int(need), placement.Int(int64(f.spec.Deadline)), "ns",
		"%s takes up to %v with the quickest reservations and rates that there are to choose, with all VMs on one host, and %v are allowed", subject, vsn.Duration(need), f.spec.Deadline)
}

// unbounded names what has no bound.
func (m *model) unbounded(f *chain) string {
	for _, st := range f.steps {
		if st.done != bounds.Inf || st.ready == bounds.Inf || st.server < 0 {
			continue
		}
		for key, id := range m.byKey {
			if id != st.server {
				continue
			}
			switch {
			case key.kind == port:
				return fmt.Sprintf("link %q from %q has no rate that carries what comes", key.at, key.from)
			case m.servers[id].none:
				return fmt.Sprintf("VM %q has no reservation, and a flow that shares a VM with this one passes it", key.at)
			default:
				return fmt.Sprintf("VM %q is asked for more than its reservation gives", key.at)
			}
		}
	}
	return "a message may come arbitrarily late"
}

// noGuest says which tasks of a guest cannot be scheduled, and with what they could.
func noGuest(n *vsn.Network, vm *vsn.VM, where place, o *Options) error {
	rule := ruleEDF
	if vm.GuestScheduler == vsn.GuestFixed {
		rule = ruleFixed
	}
	subject := fmt.Sprintf("vm %s/%s", n.Name, vm.Name)
	fits := func(of vsn.VM) bool {
		seat, _ := guest(&of, where, o)
		return seat != nil
	}
	if r := vm.Reservation; r != nil && r.Runtime > 0 {
		if need := leastGiven(vm, where, fits); need > 0 {
			return no(rule, subject, placement.Int(int64(need)), placement.Int(int64(r.Runtime)), "ns",
				"no division of the %d tasks over the %d vcpus lets all meet their deadlines in %v every %v: with a runtime of %v they do", len(vm.Tasks), vm.VCPUs, r.Runtime, r.Period, need)
		}
	}
	use := new(big.Rat)
	for _, t := range vm.Tasks {
		use.Add(use, big.NewRat(int64(t.WCET), int64(t.Period)))
	}
	have := new(big.Rat).Mul(big.NewRat(int64(where.share), int64(vsn.One)), new(big.Rat).SetInt64(int64(vm.VCPUs)))
	change := moreVCPUs(vm, fits)
	part := int64(999 - sort.Search(999, func(k int) bool { return fits(lighter(vm, 999-k)) }))
	if change == "" && part > 0 {
		change = fmt.Sprintf(": with every wcet at %d thousandths of what it is they do", part)
	}
	if use.Cmp(have) > 0 {
		return no(rule, subject, placement.FromBig(use), placement.FromBig(have), "cpu",
			"the %d tasks ask for more than the %d vcpus may have%s", len(vm.Tasks), vm.VCPUs, change)
	}
	return no(rule, subject, placement.Int(1000), placement.Int(part), "thousandths of each wcet",
		"no division of the %d tasks over the %d vcpus lets all meet their deadlines, whatever the reservations%s", len(vm.Tasks), vm.VCPUs, change)
}

// leastGiven is the least runtime in the period that is given with which tasks meet
// their deadlines; 0 where none does.
func leastGiven(vm *vsn.VM, where place, fits func(vsn.VM) bool) vsn.Duration {
	with := func(q int64) vsn.VM {
		more := *vm
		more.Reservation = &vsn.Reservation{Runtime: vsn.Duration(q), Period: vm.Reservation.Period}
		return more
	}
	q, ok := leastRuntime(int64(vm.Reservation.Period), where, grid, func(s bounds.Supply) bool { return fits(with(s.Runtime)) })
	if !ok {
		return 0
	}
	return vsn.Duration(q)
}

// moreVCPUs says with how many vCPUs the tasks of a guest could be scheduled.
func moreVCPUs(vm *vsn.VM, fits func(vsn.VM) bool) string {
	more := *vm
	for more.VCPUs = vm.VCPUs + 1; more.VCPUs <= len(vm.Tasks); more.VCPUs++ {
		if fits(more) {
			return fmt.Sprintf(": with %d vcpus they do", more.VCPUs)
		}
	}
	return ""
}

// lighter is a VM whose tasks take so many thousandths of their time.
func lighter(vm *vsn.VM, thousandths int) vsn.VM {
	less := *vm
	less.Tasks = slices.Clone(vm.Tasks)
	for i := range less.Tasks {
		less.Tasks[i].WCET = max(1, less.Tasks[i].WCET*vsn.Duration(thousandths)/1000)
	}
	return less
}

func decimal(r *big.Rat) string { return r.FloatString(4) }
