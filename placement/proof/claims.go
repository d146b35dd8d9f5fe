package proof

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// claims are, for each port that flows use, its load and what may wait there, and
// for each flow its chain: every stage, then their sum against the deadline.
func (fs *flows) claims() []placement.Claim {
	var out []placement.Claim
	for _, v := range fs.ports {
		out = append(out, v.load(), v.backlogClaim())
	}
	for _, f := range fs.all {
		out = append(out, f.claims()...)
	}
	return out
}

// load: the flows of a port, framing included, come no faster than it sends.
func (v *server) load() placement.Claim {
	var terms []placement.Term
	for _, c := range v.clients {
		terms = append(terms, placement.Term{Name: c.flow.name.String(), Value: placement.FromBig(new(big.Rat).Mul(big.NewRat(c.stage.cost, int64(c.flow.spec.Every)), big.NewRat(8e9, 1)))})
	}
	return total(v.port, RuleLoad, "bit/s", terms, placement.Int(v.rate))
}

// backlogClaim: what may wait at a port fits its queue, so that nothing is dropped.
func (v *server) backlogClaim() placement.Claim {
	var terms []placement.Term
	unbounded := false
	arrivals := make([]bounds.Arrival, len(v.clients))
	for i, c := range v.clients {
		arrivals[i] = bounds.Arrival{Period: int64(c.flow.spec.Every), Jitter: c.stage.jitter, Cost: c.stage.cost}
		unbounded = unbounded || arrivals[i].Validate() != nil
		terms = append(terms,
			placement.Term{Name: c.flow.name.String() + " message", Value: placement.Int(c.stage.cost)},
			placement.Term{Name: c.flow.name.String() + " jitter", Value: number(c.stage.jitter)})
	}
	claim := placement.Claim{Subject: v.port, Rule: RuleBacklog, Unit: "B", Terms: terms, Bound: placement.Inf(), Limit: placement.Int(v.limit)}
	if unbounded {
		claim.Limit = placement.Inf() // the flow says why, and fails if it has a deadline
	} else if bytes, fits := v.backlog(arrivals); fits {
		claim.Bound = number(bytes)
	}
	return claim
}

func (f *flow) claims() []placement.Claim {
	subject := "flow " + f.name.String()
	var out []placement.Claim
	sums := placement.Claim{Subject: subject, Rule: RuleEndToEnd, Unit: "ns", Bound: number(f.delay), Limit: placement.Inf()}
	if f.spec.Deadline > 0 {
		sums.Limit = placement.Int(int64(f.spec.Deadline))
	}
	for i, s := range f.stages {
		sums.Terms = append(sums.Terms, placement.Term{Name: s.name, Value: number(s.delay)})
		if s.server != nil {
			out = append(out, placement.Claim{Subject: fmt.Sprintf("%s stage %d: %s", subject, i+1, s.name), Rule: s.server.rule, Unit: "ns",
				Terms: s.terms(), Bound: number(s.delay), Limit: placement.Inf()})
		}
	}
	return append(out, sums)
}

// terms are the numbers that a stage's bound comes from: what serves, and what all
// flows ask of it.
func (s *stage) terms() []placement.Term {
	v := s.server
	var out []placement.Term
	add := func(name string, value int64) {
		out = append(out, placement.Term{Name: name, Value: number(value)})
	}
	switch {
	case v.rule == RuleShaper:
		add("rate bit/s", v.rate)
		add("burst B", v.burst)
	case v.supply != nil:
		add("runtime", v.supply.Runtime)
		add("period", v.supply.Period)
		add("grain", v.supply.Grain)
		add("others on the cpu", v.supply.Others)
		add("blackout, "+v.supply.Curve()+" curve", v.supply.Blackout())
	}
	for _, c := range v.clients {
		who := c.flow.name.String()
		add(who+" every", int64(c.flow.spec.Every))
		add(who+" jitter", c.stage.jitter)
		add(who+" asks", c.stage.cost)
	}
	return out
}
