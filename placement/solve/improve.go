package solve

import (
	"context"
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/embed"
)

// improving is the part of the nodes, one in so many, that is spent to make a first
// plan cheaper; a decision about so many hosts counts as one more.
const (
	improving   = 4
	hostsPerOne = 48
)

// embedding is the options of phase one for this problem.
func (s *solver) embedding(nodes int64) embed.Options {
	return embed.Options{Seed: s.o.Seed, Nodes: nodes, Reserved: s.chosen.Reserved, Kept: s.kept, Admit: s.phase.Admit, Together: s.phase.Together, Accept: s.accept, Judge: s.judge, Toll: s.toll,
		Trace: s.o.Trace, Progress: s.advance()}
}

// termsPerDecision is how many terms of claims are derived in about the time of a
// decision.
const termsPerDecision = 4

// arrivalsPerTerm is how many arrivals are looked at in about the time of a term.
const arrivalsPerTerm = 64

// toll is the work of proofs since it was last asked, as embed.Options has it.
func (s *solver) toll() int64 {
	spent := s.spent
	s.spent = 0
	return spent / termsPerDecision
}

// improve makes the placement that was found cheaper, where that is found within its
// part of the nodes. What it returns is the last that accept took.
func (s *solver) improve(ctx context.Context, e *placement.Embedding) (*placement.Embedding, error) {
	nodes := s.o.Nodes / improving / int64(1+len(s.problem.Inventory.Hosts)/hostsPerOne)
	better, _, err := embed.Improve(ctx, s.problem, s.embedding(nodes), e)
	return better, err
}

// otherwise looks for a placement in other ways than phase one, which gave up: by
// branch and bound, the cheapest first, then network by network. If neither finds one,
// it returns gaveUp.
func (s *solver) otherwise(ctx context.Context, gaveUp *placement.GaveUp) (*placement.Embedding, error) {
	s.doing(Otherwise)
	best, tally, err := embed.First(ctx, s.problem, s.embedding(s.o.Nodes))
	s.o.tally(tally.Nodes)
	var no *placement.Infeasible
	if errors.As(err, &no) && len(no.Conflicts[0].Subjects) == 0 && gaveUp.Nearest != nil {
		no.Conflicts[0] = *gaveUp.Nearest // it came to its end before a budget was short
	}
	var again *placement.GaveUp
	if !errors.As(err, &again) {
		return best, err
	}
	if s.constructs() && !s.large() && ctx.Err() == nil {
		if best, err = s.construct(ctx); best != nil || err != nil {
			return best, err
		}
	}
	return nil, gaveUp
}

// Optimality is how near a plan is to the best there is.
type Optimality struct {
	embed.Best
	Nodes int64 // decisions tried
}

// unlimited is the nodes of an exact search that is to end by itself, or by ctx.
const unlimited = 1 << 60

// Exact is Solve, and then a search for a plan that costs less until there is none, the
// nodes are spent (0: there is no limit) or ctx ends. The plan is the best that was
// found; Optimality says how far from the optimum it can be. Where the request leaves
// reservations or rates to the planner, the optimum is that of the ones it chose.
func Exact(ctx context.Context, p placement.Problem, o Options) (*placement.Plan, Optimality, error) {
	if err := valid(&p, o); err != nil {
		return nil, Optimality{}, err
	}
	given, asked := p, o
	back := inOrder(&p, &o)
	plan, near, err := exactly(ctx, &p, o)
	if err != nil {
		asked.refuse(err)
		explained(ctx, &given, asked, err)
		return nil, near, err
	}
	if err := back(plan); err != nil {
		return nil, near, err
	}
	near.Embedding = &plan.Embedding
	if !near.Proved() {
		err = mark(ctx, plan)
	}
	return plan, near, err
}

func exactly(ctx context.Context, p *placement.Problem, o Options) (*placement.Plan, Optimality, error) {
	plan, near, err := exactlyChosen(ctx, p, o)
	if again := o.Standing.reopen(); again != nil && refused(err) && ctx.Err() == nil {
		o.Standing = again
		return exactlyChosen(ctx, p, o)
	}
	return plan, near, err
}

func exactlyChosen(ctx context.Context, p *placement.Problem, o Options) (*placement.Plan, Optimality, error) {
	nodes := o.Nodes
	if nodes == 0 {
		o.Nodes, nodes = DefaultNodes, unlimited
	}
	if news := o.Standing.news(p); dimension.Open(news) {
		d := &open{problem: p, news: news, o: o}
		plan, err := d.solve(ctx)
		if err != nil {
			return nil, Optimality{}, err
		}
		best, near, err := d.solver(d.choice).exact(ctx, nodes, &plan.Embedding)
		if err != nil {
			return nil, Optimality{}, err
		}
		best.Problem = *p
		return best, near, best.Seal()
	}
	s := settled(p, o)
	plan, err := s.solve(ctx)
	var gaveUp *placement.GaveUp
	switch {
	case err == nil:
		return s.exact(ctx, nodes, &plan.Embedding)
	case errors.As(err, &gaveUp) && ctx.Err() == nil:
		return s.exact(ctx, nodes, nil)
	}
	return nil, Optimality{}, err
}

// Chooses reports whether a problem leaves reservations or rates to the planner.
func Chooses(p *placement.Problem) bool { return dimension.Open(p) }

// exact searches for the best placement, from being one that is known, or nil.
func (s *solver) exact(ctx context.Context, nodes int64, from *placement.Embedding) (*placement.Plan, Optimality, error) {
	if from != nil {
		if err := s.accept(from); err != nil {
			return nil, Optimality{}, err
		}
	}
	s.doing(Bounding)
	best, tally, err := embed.Optimum(ctx, s.problem, s.embedding(nodes), from)
	near := Optimality{best, tally.Nodes}
	if err != nil {
		return nil, near, err
	}
	plan, err := s.planned(best.Embedding)
	return plan, near, err
}
