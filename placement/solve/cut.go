package solve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/vsn"
)

// proved realizes an embedding and derives its claims as if no reservation shared its
// CPU: what does not hold then does not hold at all.
func (s *solver) proved(p *placement.Problem, e *placement.Embedding, phase *realize.Phase) (*placement.Realization, placement.Proof, error) {
	return provedBy(s.relax, p, e, phase)
}

// provedBy realizes an embedding and derives its claims, with queues as long as the
// proof finds that they must be.
func provedBy(prove prover, p *placement.Problem, e *placement.Embedding, phase *realize.Phase) (*placement.Realization, placement.Proof, error) {
	r, err := phase.Realize(e)
	if err != nil {
		return nil, placement.Proof{}, err
	}
	out, err := prove(p, e, r)
	if err != nil || !lengthen(r, out) {
		return r, out, err
	}
	out, err = prove(p, e, r)
	return r, out, err
}

// lengthen gives queues that would drop messages the room that the proof says they
// need, where there is a bound. It reports whether it did.
func lengthen(r *placement.Realization, p placement.Proof) bool {
	need := map[string]int64{}
	for _, c := range p.Claims {
		if c.Rule == proof.RuleBacklog && !c.Holds() && !c.Bound.IsInf() {
			need[c.Subject] = c.Bound.Big().Num().Int64()
		}
	}
	for i := range r.Queues {
		q := &r.Queues[i]
		if most, ok := need[fmt.Sprintf("queue %s/%s %s>%s", q.Network, q.Link, q.From, q.To)]; ok {
			q.LimitBytes = max(q.LimitBytes, most)
		}
	}
	return len(need) > 0
}

// cut turns a claim that does not hold into decisions that do not work together.
// Bounds grow with what else uses the same cables and hosts and never shrink: if
// the claim fails with some VMs and links alone, it fails with any others beside
// them. So the claim's own part is tried first, then what touches it, then all.
func (s *solver) cut(e *placement.Embedding, c placement.Claim) error {
	own := s.own(c.Subject)
	if own == nil {
		return fmt.Errorf("the planner found that %s keeps to %s, and the proof finds %v %s over %v: this is a fault of this program", c.Subject, c.Rule, c.Bound, c.Unit, c.Limit)
	}
	if never := s.hopeless(c); never != nil {
		return never
	}
	for p := own; ; {
		if _, fails := s.fails(e, p, c); fails {
			p = s.least(e, own, p, c)
			alone, _ := s.fails(e, p, c)
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

// least leaves out of a part, which fails, one flow or link after the other, and
// keeps it out where the rest still fails (a deletion filter). The claim's own part
// stays.
func (s *solver) least(e *placement.Embedding, own, p *part, c placement.Claim) *part {
	trials := 0
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Flows {
			p = s.without(e, own, p, c, [2]string{n.Name, n.Flows[j].Name}, true, &trials)
		}
		for j := range n.Links {
			p = s.without(e, own, p, c, [2]string{n.Name, n.Links[j].Name}, false, &trials)
		}
	}
	return p
}

// without is the part less one flow or link, and less the VMs that only that one
// named, if the claim still fails; else the part.
func (s *solver) without(e *placement.Embedding, own, p *part, c placement.Claim, key [2]string, isFlow bool, trials *int) *part {
	if isFlow && (!p.flows[key] || own.flows[key]) || !isFlow && (!p.links[key] || own.links[key]) || *trials == mostTrials {
		return p
	}
	*trials++
	less := newPart()
	for i := range s.problem.Networks {
		n := &s.problem.Networks[i]
		for j := range n.Flows {
			if k := [2]string{n.Name, n.Flows[j].Name}; p.flows[k] && !(isFlow && k == key) {
				less.addFlow(n, &n.Flows[j])
			}
		}
		for j := range n.Links {
			if k := [2]string{n.Name, n.Links[j].Name}; p.links[k] && !(!isFlow && k == key) {
				less.addLink(n, &n.Links[j])
			}
		}
	}
	for vm := range own.vms {
		less.vms[vm] = true
	}
	if _, fails := s.fails(e, less, c); fails && less.size() < p.size() {
		return less
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

// own is the part of the problem that a claim is about: a flow, or a link with the
// flows that load it. It is nil for subjects of another kind, which phase one and
// phase two are to keep by themselves.
func (s *solver) own(subject string) *part {
	kind, rest, _ := strings.Cut(subject, " ")
	of, _, _ := strings.Cut(rest, " ")
	network, name, _ := strings.Cut(of, "/")
	out := newPart()
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

// touched adds the links that share a cable with the part, the flows that share a
// VM with it, and what those bring along.
func (s *solver) touched(e *placement.Embedding, p *part) *part {
	cables := map[string]bool{}
	for _, r := range e.Routes {
		if p.links[[2]string{r.Network, r.Link}] {
			for _, c := range r.Cables {
				cables[c] = true
			}
		}
	}
	shares := map[[2]string]bool{}
	for _, r := range e.Routes {
		for _, c := range r.Cables {
			if cables[c] {
				shares[[2]string{r.Network, r.Link}] = true
			}
		}
	}
	out := newPart()
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
	for vm := range p.vms {
		out.vms[vm] = true
	}
	return out
}

// fails derives the claim again for a part alone.
func (s *solver) fails(e *placement.Embedding, p *part, c placement.Claim) (placement.Claim, bool) {
	problem, embedding := s.only(e, p)
	_, derived, err := s.proved(problem, embedding, s.realize(problem))
	if err != nil {
		return c, false
	}
	for _, d := range derived.Claims {
		if d.Subject == c.Subject && d.Rule == c.Rule && !d.Holds() {
			return d, true
		}
	}
	return c, false
}

// asCut is the decisions about a part.
func (s *solver) asCut(e *placement.Embedding, p *part, c placement.Claim) error {
	_, embedding := s.only(e, p)
	says := fmt.Sprintf("%s %v %s is over the limit of %v", c.Subject, c.Bound, c.Unit, c.Limit)
	if c.Bound.IsInf() {
		says = fmt.Sprintf("%s has no bound, and its limit is %v %s", c.Subject, c.Limit, c.Unit)
	}
	return &placement.Cut{Seats: embedding.Seats, Routes: embedding.Routes,
		Conflict: placement.Conflict{Rule: c.Rule, Subjects: []string{c.Subject}, Need: c.Bound, Have: c.Limit, Unit: c.Unit, Says: says}}
}
