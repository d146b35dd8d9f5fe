package solve

import (
	"context"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// Edited plans a problem with the seats of an embedding that was written by hand, which
// become its pins, and with its routes where they keep to every budget and deadline;
// otherwise with other routes. It reports whether the routes were kept. CPUs and
// classes are chosen anew. Errors are as Solve has them.
func Edited(ctx context.Context, p placement.Problem, e placement.Embedding, o Options) (plan *placement.Plan, kept bool, err error) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	p.Pins = e.Seats
	if !dimension.Open(&p) && joined(&p, &e) {
		s := newSolver(&p, o, proof.Prove)
		s.relax = proof.Relaxed
		if a, err := s.attempt(&p, &e, s.phase); err == nil && a.verdict == proved {
			s.plan = placement.Plan{Version: placement.PlanVersion, Seed: o.Seed, Problem: p, Embedding: e, Realization: *a.realization, Proof: a.proof}
			return &s.plan, true, s.plan.Seal()
		}
	}
	plan, err = Solve(ctx, p, o)
	return plan, false, err
}

// joined reports whether every link has a route between the seats of its VMs, which
// phase two takes for granted; the rest is the proof's.
func joined(p *placement.Problem, e *placement.Embedding) bool {
	routes := map[[2]string]*placement.Route{}
	for i := range e.Routes {
		routes[[2]string{e.Routes[i].Network, e.Routes[i].Link}] = &e.Routes[i]
	}
	for i := range p.Networks {
		n := &p.Networks[i]
		for j := range n.VMs {
			if p.Inventory.Host(e.Seat(n.Name, n.VMs[j].Name)) == nil {
				return false
			}
		}
		for j := range n.Links {
			l := &n.Links[j]
			r := routes[[2]string{n.Name, l.Name}]
			if r == nil || len(r.Path) == 0 || len(r.Cables) != len(r.Path)-1 ||
				r.Path[0] != e.Seat(n.Name, l.Between[0]) || r.Path[len(r.Path)-1] != e.Seat(n.Name, l.Between[1]) {
				return false
			}
		}
	}
	return true
}
