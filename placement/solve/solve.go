// Package solve drives the planner: phase one (placement/embed) proposes, phase two
// (placement/realize) works it out, placement/proof derives every bound; what does
// not hold goes back to phase one as a cut, until all holds or nothing is left.
//
// It decides nothing by itself. A yes is a plan whose proof holds; a no is either
// proved (*placement.Infeasible) or says that it is not known (*placement.GaveUp).
// Start at Solve; docs/planner.md has the whole picture.
package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/embed"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// DefaultNodes is how many decisions are tried where Options do not say.
const DefaultNodes = 200_000

// Options say how far to search. The same problem and options give the same plan.
type Options struct {
	Seed  int64 // decides between choices that are as good
	Nodes int64 // decisions to try before giving up; 0: DefaultNodes
	// Trace, if set, is told every step, of the search and of phase two and the proof that
	// it asks; not of the search for why it is refused.
	Trace trace.Sink
	// Progress, if set, is told how far the search is.
	Progress func(Progress)
	// Found, if set, is told every plan for the problem as soon as it is proved, the best
	// last: who ends ctx need not wait for the answer.
	Found func(Draft)
	// Refused, if set, is told a refusal before it is looked for what conflicts and what
	// would do instead: who ends ctx then need not wait for that.
	Refused func(error)
	// Standing, if set, is what runs already and stays as it is (Amend).
	Standing *Standing
	// spent, if set, adds up the work of all searches.
	spent *int64
	quick bool // what is left open is chosen in one way only
}

// tally counts what a search has done.
func (o *Options) tally(nodes int64) {
	if o.spent != nil {
		*o.spent += nodes
	}
}

// prover derives the claims of an answer, as proof.Prove does.
type prover func(*placement.Problem, *placement.Embedding, *placement.Realization) (placement.Proof, error)

// Solve plans all networks of the problem together. The error is
// *placement.Infeasible where no placement can exist, *placement.GaveUp where the
// nodes were spent or ctx ended, or what was left open could be chosen otherwise;
// anything else where the problem is malformed. A refusal comes with the least set of
// limits that conflict, where it is proved, and with the cheapest changes for which there
// is a plan.
func Solve(ctx context.Context, p placement.Problem, o Options) (*placement.Plan, error) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	if err := valid(&p, o); err != nil {
		return nil, err
	}
	given, asked := p, o
	back := inOrder(&p, &o)
	plan, err := answer(ctx, &p, o, true)
	if err != nil {
		asked.refuse(err)
		explained(ctx, &given, asked, err)
		return nil, err
	}
	if err := back(plan); err != nil {
		return nil, err
	}
	return plan, mark(ctx, plan)
}

// answer plans and explains no refusal; fine makes what is left open as cheap as
// it can be.
func answer(ctx context.Context, p *placement.Problem, o Options, fine bool) (*placement.Plan, error) {
	plan, err := chosenOnce(ctx, p, o, fine)
	if again := o.Standing.reopen(); again != nil && refused(err) && ctx.Err() == nil {
		o.Standing = again
		return chosenOnce(ctx, p, o, fine)
	}
	return plan, err
}

// refused tells a refusal from other errors.
func refused(err error) bool {
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	return errors.As(err, &infeasible) || errors.As(err, &gaveUp)
}

// chosenOnce is answer with what was chosen for what runs as it is.
func chosenOnce(ctx context.Context, p *placement.Problem, o Options, fine bool) (*placement.Plan, error) {
	if news := o.Standing.news(p); dimension.Open(news) {
		return (&open{problem: p, news: news, o: o, coarse: !fine}).solve(ctx)
	}
	s := settled(p, o)
	s.coarse = !fine
	return s.solve(ctx)
}

// valid reports what is malformed, and what cannot stay as it is.
func valid(p *placement.Problem, o Options) error {
	if err := proof.Valid(p); err != nil {
		return err
	}
	return o.Standing.check(p)
}

// settled plans a problem that leaves nothing open beside what runs, and was chosen for
// that.
func settled(p *placement.Problem, o Options) *solver {
	if o.Standing == nil || o.Standing.given() {
		s := newSolver(p, o, proof.Prove)
		s.relax = proof.Relaxed
		return s
	}
	c := &o.Standing.choice
	s := newSolver(c.Fill(p), o, asAsked(c, p, proof.Prove))
	s.asked, s.relax = p, asAsked(c, p, proof.Relaxed)
	s.choose(placement.Chosen{Reserved: c.Reserved, Tasks: c.Tasks})
	return s
}

type solver struct {
	problem *placement.Problem
	asked   *placement.Problem // what a plan says that it is for
	o       Options
	kept    *placement.Embedding // what stays as it is; nil: nothing
	at      Progress
	chosen  placement.Chosen
	phase   *realize.Phase
	prove   prover
	relax   prover // proof.Relaxed, or nil: what fails by it fails with any choice of CPUs
	coarse  bool   // the first plan is as good as any
	atOnce  bool   // all networks are placed at once, however many
	plan    placement.Plan
	tally   embed.Tally
	spent   int64 // terms of the claims that were derived since toll was asked
	index   *index
	tried   map[string]bool             // subjects that are known not to be hopeless
	judged  map[string]*placement.Claim // by shape; nil: it holds
}

func newSolver(p *placement.Problem, o Options, prove prover) *solver {
	s := &solver{problem: p, asked: p, o: o, kept: o.Standing.within(p), prove: prove, tried: map[string]bool{}, judged: map[string]*placement.Claim{}}
	s.phase = s.realize(p)
	return s
}

// choose says what was chosen beside what the problem says.
func (s *solver) choose(c placement.Chosen) {
	s.chosen = c
	s.phase = s.realize(s.problem)
}

// realize is phase two for the problem or a part of it.
func (s *solver) realize(p *placement.Problem) *realize.Phase {
	ph := realize.NewChosen(p, s.o.Seed, s.chosen)
	if s.o.Standing != nil {
		ph.Keep(&s.o.Standing.Realization)
	}
	return ph
}

func (s *solver) solve(ctx context.Context) (*placement.Plan, error) {
	s.doing(Placing)
	e, err := s.initial(ctx)
	if err != nil {
		return nil, err
	}
	if !s.coarse && !s.huge() {
		s.doing(Improving)
		if e, err = s.improve(ctx, e); err != nil {
			return nil, err
		}
	}
	return s.planned(e)
}

// initial is the first embedding that is accepted: constructed network by network where
// the problem is large and that finds one, else phase one's.
func (s *solver) initial(ctx context.Context) (*placement.Embedding, error) {
	if s.large() {
		if e, err := s.construct(ctx); e != nil || err != nil {
			return e, err
		}
	}
	e, tally, err := embed.Search(ctx, s.problem, s.embedding(s.o.Nodes))
	s.tally = tally
	s.o.tally(tally.Nodes)
	var gaveUp *placement.GaveUp
	if errors.As(err, &gaveUp) && ctx.Err() == nil {
		if e, err = s.otherwise(ctx, gaveUp); errors.Is(err, gaveUp) {
			return nil, s.alone(ctx, gaveUp)
		}
	}
	if err != nil {
		return nil, s.blame(err)
	}
	return e, nil
}

// planned is the plan with the embedding that was accepted last.
func (s *solver) planned(e *placement.Embedding) (*placement.Plan, error) {
	s.plan.Version, s.plan.Seed, s.plan.Problem, s.plan.Embedding = placement.PlanVersion, s.o.Seed, *s.asked, *e
	return &s.plan, s.plan.Seal()
}

// accept works a whole embedding out and proves it. Where the choices of CPUs were
// too many to try, the answer is *placement.GaveUp, which proves nothing.
func (s *solver) accept(e *placement.Embedding) error {
	defer s.proving()()
	a, err := s.attempt(s.problem, e, s.phase)
	switch c := a.claim; {
	case err != nil:
		return err
	case a.verdict == refuted:
		return s.cut(e, c)
	case a.verdict == unknown:
		return &placement.GaveUp{Why: "another choice of cpus may hold what those tried do not", Nearest: &placement.Conflict{Rule: c.Rule, Subjects: []string{c.Subject}, Need: c.Bound, Have: c.Limit, Unit: c.Unit,
			Says: fmt.Sprintf("%s needs %v %s and has %v, reservations that share its cpus counted", c.Subject, c.Bound, c.Unit, c.Limit)}}
	}
	s.take(e, &a)
	return nil
}

// take keeps an embedding that is proved.
func (s *solver) take(e *placement.Embedding, a *attempt) {
	s.plan.Realization, s.plan.Proof = *a.realization, a.proof
	s.o.publish(placement.Plan{Version: placement.PlanVersion, Seed: s.o.Seed, Problem: *s.asked, Embedding: *e, Realization: *a.realization, Proof: a.proof})
}

// alone looks at each of several networks by itself, beside what stays, which is a
// relaxation: where one of them has no placement, neither have all. Otherwise it
// returns gaveUp.
func (s *solver) alone(ctx context.Context, gaveUp *placement.GaveUp) error {
	stays, moves := s.o.Standing.divide(s.problem.Networks)
	if len(moves) < 2 {
		return gaveUp
	}
	o := s.o.aside(Alone)
	o.Nodes /= int64(len(moves))
	for _, n := range moves {
		p := placement.Problem{Networks: append(slices.Clone(stays), n), Inventory: s.problem.Inventory, Pins: s.pinsOf(n.Name)}
		var infeasible *placement.Infeasible
		one := newSolver(&p, o, s.prove)
		one.relax = s.relax
		one.choose(s.chosen)
		s.tell(trace.Event{Kind: trace.Search, What: "network " + n.Name + " alone"})
		if _, err := one.solve(ctx); errors.As(err, &infeasible) {
			return err
		}
	}
	return gaveUp
}

// pinsOf is the pins of one network.
func (s *solver) pinsOf(network string) (out []placement.Seat) {
	for _, pin := range s.problem.Pins {
		if pin.Network == network {
			out = append(out, pin)
		}
	}
	return out
}

// failing is the first claim that does not hold.
func failing(p placement.Proof) (placement.Claim, bool) {
	for _, c := range p.Claims {
		if !c.Holds() {
			return c, true
		}
	}
	return placement.Claim{}, false
}
