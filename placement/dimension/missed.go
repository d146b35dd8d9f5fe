package dimension

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// Missed says that nothing was found that holds, and what was nearest. It proves
// nothing, since a grid was searched: Refute does.
type Missed struct{ placement.Conflict }

func (e *Missed) Error() string { return "nothing found that holds: " + e.Conflict.String() }

func missed(rule, subject string, need, have placement.Rat, unit, says string, args ...any) error {
	return &Missed{placement.Conflict{Rule: rule, Subjects: []string{subject}, Need: need, Have: have, Unit: unit, Says: fmt.Sprintf(says, args...)}}
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
		s := m.servers[v.servers[0]]
		late := slices.IndexFunc(s.arrivals, endless)
		if late < 0 {
			return m.overloaded(v)
		}
		if f := m.flows[s.clients[late].flow]; unbounded == nil {
			unbounded = m.unboundedFlow(f, fmt.Sprintf("no bound holds for what shares vm %s/%s with %s", v.key[0], v.key[1], f.subject()))
		}
	}
	return unbounded
}

func (f *chain) subject() string { return "flow " + f.key[0] + "/" + f.key[1] }

// unboundedFlow is a flow without a bound.
func (m *model) unboundedFlow(f *chain, says string) error {
	return missed(ruleEndToEnd, f.subject(), placement.Inf(), placement.Int(max(1, int64(f.spec.Deadline))), "ns", "%s: %s", says, m.cause(f))
}

// overloaded says that no runtime serves what comes to a VM.
func (m *model) overloaded(v *variable) error {
	use := new(big.Rat)
	for _, a := range m.servers[v.servers[0]].arrivals {
		use.Add(use, big.NewRat(a.Cost, a.Period))
	}
	subject, share := fmt.Sprintf("vm %s/%s", v.key[0], v.key[1]), v.share.Rat()
	return missed(ruleRequest, subject, placement.FromBig(use), placement.FromBig(share), "cpu",
		"no reservation was found that serves the messages that come to %s, which ask for %s of a cpu, beside its tasks", subject, decimal(use))
}

// missed says which deadline is missed with the quickest of everything.
func (s *search) missed() error {
	s.evaluate(s.quickest())
	_, worst := s.excess()
	if worst < 0 {
		return missed(ruleEndToEnd, s.flows[0].subject(), placement.Inf(), placement.Int(s.flows[0].deadline), "ns",
			"no bound holds: %s", s.cause(s.flows[0]))
	}
	f := s.flows[worst]
	if f.done() == bounds.Inf {
		return s.unboundedFlow(f, "no bound holds")
	}
	need := f.done() + s.o.Margins[f.key]
	return missed(ruleEndToEnd, f.subject(), placement.Int(need), placement.Int(int64(f.spec.Deadline)), "ns",
		"%s takes up to %v with the quickest reservations and rates that were tried, and %v are allowed", f.subject(), vsn.Duration(need), f.spec.Deadline)
}

// cause names what has no bound.
func (m *model) cause(f *chain) string {
	for _, st := range f.steps {
		if st.done != bounds.Inf || st.ready == bounds.Inf || st.server < 0 {
			continue
		}
		s := m.servers[st.server]
		switch {
		case s.kind == port && (s.none || m.asksTooMuch(s)):
			return fmt.Sprintf("link %q from %q has no rate that carries what comes", s.key.at, s.key.from)
		case s.none:
			return fmt.Sprintf("VM %q has no reservation, and a flow that shares a VM with this one passes it", s.key.at)
		case s.kind != port && m.asksTooMuch(s):
			return fmt.Sprintf("VM %q is asked for more than its reservation gives", s.key.at)
		}
	}
	if cycle := m.cycle(f); cycle != "" {
		return "delays on the cycle " + cycle + " depend on themselves and do not settle"
	}
	return "a message may come arbitrarily late"
}

// noGuest says that no division of the tasks was found that lets all meet their deadlines.
func noGuest(n *vsn.Network, vm *vsn.VM) error {
	rule := ruleEDF
	if vm.GuestScheduler == vsn.GuestFixed {
		rule = ruleFixed
	}
	return missed(rule, fmt.Sprintf("vm %s/%s", n.Name, vm.Name), placement.Int(int64(vm.VCPUs+1)), placement.Int(int64(vm.VCPUs)), "vcpus",
		"no division of its %d tasks over %d vcpus was found that lets all meet their deadlines", len(vm.Tasks), vm.VCPUs)
}
