package solve

import (
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
)

// verdict is what is known of an embedding.
type verdict int

const (
	refuted verdict = iota // no realization of it keeps every claim
	proved
	unknown
)

// attempt is an embedding worked out, with its realization and proof; where it is not
// proved, with the first claim that does not hold.
type attempt struct {
	verdict     verdict
	realization *placement.Realization
	proof       placement.Proof
	claim       placement.Claim
}

// mostAlternatives is how many choices of CPUs are proved before an embedding is
// left undecided.
const mostAlternatives = 100

// attempt looks for a realization that keeps every claim: phase two's first choice
// of CPUs, and if that fails, all that can make a difference. What fails even as if
// every reservation had a CPU for itself (proof.Relaxed) fails with any choice. The
// error is that of phase two, or of a malformed answer.
func (s *solver) attempt(p *placement.Problem, e *placement.Embedding, phase *realize.Phase) (attempt, error) {
	r, err := phase.Realize(e)
	if err != nil {
		return attempt{}, err
	}
	first, err := s.derive("the first choice of CPUs", s.prove, p, e, r)
	if err != nil || first.verdict == proved {
		return first, err
	}
	if s.relax != nil {
		if relaxed, err := s.derive("as if every reservation had a CPU for itself", s.relax, p, e, r); err != nil || relaxed.verdict == refuted {
			return relaxed, err
		}
	}
	found := first
	all, err := phase.Alternatives(e, timed(p), mostAlternatives, func(r *placement.Realization) bool {
		if found, err = s.derive("another choice of CPUs", s.prove, p, e, r); err != nil {
			return true
		}
		return found.verdict == proved
	})
	switch {
	case err != nil || found.verdict == proved:
		return found, err
	case !all:
		first.verdict = unknown
	}
	return first, nil
}

// first works an embedding out with phase two's first choice of CPUs alone.
func (s *solver) first(e *placement.Embedding) (attempt, error) {
	r, err := s.phase.Realize(e)
	if err != nil {
		return attempt{}, err
	}
	return s.derive("the first choice of CPUs", s.prove, s.problem, e, r)
}

// derive proves one realization, with queues as long as the proof finds that they
// must be.
func (s *solver) derive(what string, prove prover, p *placement.Problem, e *placement.Embedding, r *placement.Realization) (attempt, error) {
	out, err := prove(p, e, r)
	if err == nil && lengthen(r, out) {
		out, err = prove(p, e, r)
	}
	terms := out.Looked / arrivalsPerTerm
	for _, c := range out.Claims {
		terms += int64(len(c.Terms))
	}
	s.spent += terms
	s.o.tally(terms / termsPerDecision)
	if err == nil {
		s.tellProof(what, out)
	}
	c, fails := failing(out)
	if c.Rule == proof.RuleOdds {
		// Phase two holds that the networks are content: one of the two has rounded.
		return attempt{verdict: unknown, realization: r, proof: out, claim: c}, err
	}
	if fails || err != nil {
		return attempt{verdict: refuted, realization: r, proof: out, claim: c}, err
	}
	return attempt{verdict: proved, realization: r, proof: out}, nil
}

// timed tells which VMs are on the way of a flow or have tasks, so that it matters with
// whom they share a CPU.
func timed(p *placement.Problem) func(placement.Seat) bool {
	on := map[[2]string]bool{}
	for i := range p.Networks {
		for _, vm := range p.Networks[i].VMs {
			if len(vm.Tasks) > 0 {
				on[[2]string{p.Networks[i].Name, vm.Name}] = true
			}
		}
		for _, f := range p.Networks[i].Flows {
			for _, vm := range f.VMs() {
				on[[2]string{p.Networks[i].Name, vm}] = true
			}
		}
	}
	return func(s placement.Seat) bool { return on[[2]string{s.Network, s.VM}] }
}
