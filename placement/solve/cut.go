package solve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// lengthen gives queues that would drop messages the room that the proof says they
// need, where there is a bound. It reports whether it did.
func lengthen(r *placement.Realization, p placement.Proof) bool {
	need := map[string]int64{}
	for _, c := range p.Claims {
		if (c.Rule == proof.RuleBacklog || c.Rule == proof.RuleWaiting) && !c.Holds() && !c.Bound.IsInf() {
			need[c.Subject] = c.Bound.Big().Num().Int64()
		}
	}
	if len(need) == 0 {
		return false
	}
	of := map[string]bool{}
	for subject := range need {
		network, _, _ := strings.Cut(strings.TrimPrefix(subject, "queue "), "/")
		of[network] = true
	}
	for i := range r.Queues {
		q := &r.Queues[i]
		if !of[q.Network] {
			continue
		}
		subject := fmt.Sprintf("queue %s/%s %s>%s", q.Network, q.Link, q.From, q.To)
		if q.At != placement.AtPort {
			subject += fmt.Sprintf(" at %s of host %s", q.At, q.Host)
		}
		if most, ok := need[subject]; ok {
			q.LimitBytes = max(q.LimitBytes, most)
		}
	}
	return true
}

// cut turns a claim that does not hold into decisions that do not work together.
// Bounds grow with what else uses the same cables and hosts and never shrink: if
// some VMs and links alone cannot keep their claims, they cannot with any others
// beside them. So the claim's own part is tried first, then what touches it, then
// all.
func (s *solver) cut(e *placement.Embedding, c placement.Claim) error {
	own := s.own(c.Subject)
	if own == nil {
		if never := s.unkept(); never != nil {
			return never
		}
		return fmt.Errorf("the planner found that %s keeps to %s, and the proof finds %v %s over %v: this is a fault of this program", c.Subject, c.Rule, c.Bound, c.Unit, c.Limit)
	}
	if never := s.hopeless(c); never != nil {
		return never
	}
	for p := own; ; {
		if alone, fails := s.fails(e, p); fails {
			if p.size() > own.size() {
				p = s.least(e, own, p)
				alone, _ = s.fails(e, p)
			}
			return s.asCut(e, p, alone)
		}
		grown := s.touched(e, p)
		if grown.size() == p.size() {
			break
		}
		p = grown
	}
	return s.asCut(e, s.everything(), c)
}

// mostTrials is how many proofs are spent to make a cut smaller.
const mostTrials = 100

// least leaves out of a part, which fails, one flow, link or VM after the other, and
// keeps it out where the rest still fails (a deletion filter). The claim's own part
// stays.
func (s *solver) least(e *placement.Embedding, own, p *part) *part {
	trials := 0
	try := func(less *part) {
		if less.size() == p.size() || trials == mostTrials {
			return
		}
		trials++
		if _, fails := s.fails(e, less); fails {
			p = less
		}
	}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Flows {
			if key := [2]string{n.Name, n.Flows[j].Name}; p.flows[key] && !own.flows[key] {
				try(s.without(p, kindFlow, key))
			}
		}
		for j := range n.Links {
			if key := [2]string{n.Name, n.Links[j].Name}; p.links[key] && !own.links[key] {
				try(s.without(p, kindLink, key))
			}
		}
	}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.VMs {
			if key := [2]string{n.Name, n.VMs[j].Name}; p.vms[key] && !own.vms[key] {
				try(s.without(p, kindVM, key))
			}
		}
	}
	return p
}

// everything is all of the problem.
func (s *solver) everything() *part {
	out := newPart()
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.VMs {
			out.vms[[2]string{n.Name, n.VMs[j].Name}] = true
		}
		for j := range n.Links {
			out.addLink(n, &n.Links[j])
		}
		for j := range n.Flows {
			out.addFlow(n, &n.Flows[j])
		}
	}
	return out
}

// own is the part of the problem that a claim is about: a flow, a link with the
// flows that load it, or a VM, whose tasks wait for what shares its CPUs. It is nil
// for subjects of another kind, which phase one and phase two are to keep by
// themselves.
func (s *solver) own(subject string) *part {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(subject, "tasks "), " ")
	of, _, _ := strings.Cut(rest, " ")
	network, name, _ := strings.Cut(of, "/")
	out := newPart()
	if kind == "of" {
		vm, _, _ := strings.Cut(name, "/")
		out.vms[[2]string{network, vm}] = true
		return out
	}
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		if n.Name != network {
			continue
		}
		for j := range n.Flows {
			if kind == "flow" && n.Flows[j].Name == name {
				out.addFlow(n, &n.Flows[j])
			}
		}
		for j := range n.Links {
			if (kind == "link" || kind == "queue") && n.Links[j].Name == name {
				out.addLink(n, &n.Links[j])
			}
		}
		for j := range n.Flows {
			if kind == "queue" && s.loads(n, &n.Flows[j], name) {
				out.addFlow(n, &n.Flows[j])
			}
		}
	}
	if out.size() == 0 {
		return nil
	}
	return out
}

func (s *solver) loads(n *vsn.Network, f *vsn.Flow, link string) bool {
	l := n.Link(link)
	return slices.ContainsFunc(f.Steps(), func(s vsn.Step) bool { return joins(l, s.From, s.To) })
}

// touched adds the links that share a cable with the part, the VMs that share a host
// with it, the flows that share a VM with it, and what those bring along.
func (s *solver) touched(e *placement.Embedding, p *part) *part {
	shares, out := sharing(e, p), newPart()
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Links {
			if key := [2]string{n.Name, n.Links[j].Name}; shares[key] || p.links[key] {
				out.addLink(n, &n.Links[j])
			}
		}
		for j := range n.Flows {
			key := [2]string{n.Name, n.Flows[j].Name}
			touches := p.flows[key]
			for _, vm := range n.Flows[j].VMs() {
				touches = touches || p.vms[[2]string{n.Name, vm}]
			}
			if touches {
				out.addFlow(n, &n.Flows[j])
			}
		}
	}
	beside := map[string]bool{}
	for _, seat := range e.Seats {
		beside[seat.Host] = beside[seat.Host] || p.vms[[2]string{seat.Network, seat.VM}]
	}
	for _, seat := range e.Seats {
		if beside[seat.Host] {
			out.vms[[2]string{seat.Network, seat.VM}] = true
		}
	}
	return out
}

// sharing are the links that share a cable with those of the part.
func sharing(e *placement.Embedding, p *part) map[[2]string]bool {
	cables := map[string]bool{}
	for _, r := range e.Routes {
		if p.links[[2]string{r.Network, r.Link}] {
			for _, c := range r.Cables {
				cables[c] = true
			}
		}
	}
	out := map[[2]string]bool{}
	for _, r := range e.Routes {
		for _, c := range r.Cables {
			if cables[c] {
				out[[2]string{r.Network, r.Link}] = true
			}
		}
	}
	return out
}

// fails reports whether a part alone has no realization that keeps every claim, and
// names one that it breaks.
func (s *solver) fails(e *placement.Embedding, p *part) (placement.Claim, bool) {
	problem, embedding := s.only(e, p)
	a, err := s.attempt(problem, embedding, s.realize(problem))
	fails := err == nil && a.verdict == refuted
	s.tellPart(embedding, fails, a.claim)
	return a.claim, fails
}

// asCut is the decisions about a part.
func (s *solver) asCut(e *placement.Embedding, p *part, c placement.Claim) error {
	_, embedding := s.only(e, p)
	return &placement.Cut{Seats: embedding.Seats, Routes: embedding.Routes, Conflict: conflictOf(c)}
}

// conflictOf is a claim that does not hold as a conflict.
func conflictOf(c placement.Claim) placement.Conflict {
	says := fmt.Sprintf("%s %v %s is over the limit of %v", c.Subject, c.Bound, c.Unit, c.Limit)
	if c.Bound.IsInf() {
		says = fmt.Sprintf("%s has no bound, and its limit is %v %s", c.Subject, c.Limit, c.Unit)
	}
	if c.Why != "" {
		says += ": " + c.Why
	}
	return placement.Conflict{Rule: c.Rule, Subjects: []string{c.Subject}, Need: c.Bound, Have: c.Limit, Unit: c.Unit, Says: says}
}
