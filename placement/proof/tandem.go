package proof

import (
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// mostPaths is how many paths through the forks of one flow are looked at.
const mostPaths = 64

// tandem bounds a flow by what each stage leaves to it: a rate and a latency (what
// first come first served leaves beside cross traffic: Le Boudec and Thiran 2001,
// theorem 6.2.2). A message goes on when all of it is done, so that along the way it
// pays the latency and its own service at every stage, but those released with it
// only once, at the slowest (latency-rate servers: Stiliadis and Varma 1998, theorem
// 1, with messages for packets). A join waits for the latest of its ways, a maximum,
// which goes through that bound: forked, it is the most over all paths. terms are
// those of the worst path; false where a stage leaves nothing, or is not first come
// first served.
func (f *flow) tandem() (terms []placement.Term, bound placement.Rat, ok bool) {
	paths := f.paths()
	if paths == nil {
		return nil, placement.Inf(), false
	}
	bound = placement.Int(0)
	for _, stages := range paths {
		t, b, ok := f.alongTandem(stages)
		if !ok {
			return nil, placement.Inf(), false
		}
		if terms == nil || b.Cmp(bound) > 0 {
			terms, bound = t, b
		}
	}
	return terms, bound, true
}

// paths lists the stages of every path through the flow; nil where they are too many.
func (f *flow) paths() [][]*stage {
	count := 1
	for _, nodes := range f.nodes {
		if count *= len(nodes); count > mostPaths {
			return nil
		}
	}
	var all [][]*stage
	for _, v := range f.nodes[len(f.nodes)-1] {
		all = append(all, v.paths()...)
	}
	return all
}

func (v *node) paths() [][]*stage {
	if len(v.ways) == 0 {
		return [][]*stage{{v.work}}
	}
	var all [][]*stage
	for _, w := range v.ways {
		for _, before := range w.from.paths() {
			path := append(append(before[:len(before):len(before)], w.stages...), v.work)
			all = append(all, path)
		}
	}
	return all
}

func (f *flow) alongTandem(stages []*stage) ([]placement.Term, placement.Rat, bool) {
	var terms []placement.Term
	slowest, at := new(big.Rat), ""
	for _, s := range stages {
		latency, each, ok := f.left(s)
		if !ok {
			return nil, placement.Inf(), false
		}
		terms = append(terms, placement.Term{Name: "latency, " + s.name, Value: number(latency)})
		if each.Sign() > 0 {
			terms = append(terms, placement.Term{Name: "service, " + s.name, Value: number(ceil(each))})
		}
		if each.Cmp(slowest) > 0 {
			slowest, at = each, s.name
		}
	}
	// The flow's own token bucket, in messages, as it is released.
	own := bounds.Arrival{Period: int64(f.spec.Every), Jitter: int64(f.spec.Jitter), Burst: f.spec.Burst, Cost: 1}
	if own.Validate() != nil || slowest.Cmp(new(big.Rat).SetInt64(own.Period)) > 0 {
		return nil, placement.Inf(), false // it comes faster than the slowest stage serves
	}
	behind := new(big.Rat).Sub(own.Bucket().Sigma, big.NewRat(1, 1))
	if behind.Sign() > 0 {
		terms = append(terms, placement.Term{Name: "those before it, at " + at, Value: number(ceil(behind.Mul(behind, slowest)))})
	}
	sums := placement.Int(0)
	for _, t := range terms {
		sums = sums.Add(t.Value)
	}
	return terms, sums, true
}

// left is what a stage leaves to the flow beside all other clients of its server:
// latency in ns, and ns for each message in the long run.
func (f *flow) left(s *stage) (latency int64, each *big.Rat, ok bool) {
	if s.server == nil {
		return s.fixed, new(big.Rat), s.fixed < bounds.Inf
	}
	v := s.server
	cross := bounds.Bucket{Sigma: new(big.Rat), Rho: new(big.Rat)}
	arrivals, finite := v.arrivals()
	if !finite || v.rule == RuleBusy || (v.rule != RuleShaper && len(v.vcpus) != 1) {
		return 0, nil, false // of several vcpus one may pass messages before another
	}
	for i, c := range v.clients {
		if c.stage != s {
			cross = cross.Plus(arrivals[i].Bucket())
		}
	}
	if v.rule == RuleShaper {
		return portLeft(v, cross, s.cost)
	}
	rate, blackout := v.vcpus[0].Linear()
	return residual(rate, blackout, cross, s.cost)
}

// residual is what first come first served leaves beside cross traffic.
func residual(rate *big.Rat, blackout int64, cross bounds.Bucket, cost int64) (latency int64, each *big.Rat, ok bool) {
	rest := new(big.Rat).Sub(rate, cross.Rho)
	if rest.Sign() <= 0 || blackout == bounds.Inf {
		return 0, nil, false
	}
	wait := new(big.Rat).Quo(cross.Sigma, rate)
	return sum(blackout, ceil(wait)), rest.Quo(new(big.Rat).SetInt64(cost), rest), true
}

// portLeft is the same for a token bucket, whose burst takes what of the cross
// traffic it can.
func portLeft(v *server, cross bounds.Bucket, cost int64) (latency int64, each *big.Rat, ok bool) {
	rate := big.NewRat(v.rate, 8e9) // bytes per ns
	rest := new(big.Rat).Sub(rate, cross.Rho)
	if rest.Sign() <= 0 {
		return 0, nil, false
	}
	wait := new(big.Rat).Sub(cross.Sigma, new(big.Rat).SetInt64(v.burst))
	if wait.Sign() > 0 {
		latency = ceil(wait.Quo(wait, rate))
	}
	return latency, rest.Quo(new(big.Rat).SetInt64(cost), rest), true
}
