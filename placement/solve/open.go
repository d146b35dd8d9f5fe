package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/embed"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// attempts is how many choices are tried, each with what the one before has shown of
// ways and neighbours; refinements how often a plan is made cheaper.
const (
	attempts    = 6
	refinements = 3
	// choosing reservations and rates for a network takes about as long as so many
	// decisions.
	choosing = 1000
)

// open plans a problem that leaves reservations or rates to the planner. What they
// must be depends on where the VMs sit, and where they can sit on what they are: the
// first choice assumes the shortest ways and CPUs that nobody shares; when the proof
// finds that a placement has longer ones, the next choice reckons with those, first
// with the seats as they are and then with any.
type open struct {
	problem *placement.Problem
	news    *placement.Problem // what of it does not run already, all of which may be open
	o       Options
	assume  dimension.Options
	plan    *placement.Plan
	cost    float64
	choice  *dimension.Choice // of the plan
	coarse  bool              // whether there is a plan is all that is asked
}

func (d *open) solve(ctx context.Context) (*placement.Plan, error) {
	plan, err := d.search(ctx)
	var nothing *dimension.Missed
	var gaveUp *placement.GaveUp
	if err == nil || ctx.Err() != nil || errors.As(err, &nothing) || d.o.quick || !d.coarse && !errors.As(err, &gaveUp) {
		return plan, err
	}
	// What is cheaper, or dearer, may have a placement.
	d.coarse = !d.coarse
	if plan, other := d.search(ctx); other == nil {
		return plan, nil
	}
	if plan := d.seatwise(ctx); plan != nil {
		return plan, nil
	}
	return nil, err
}

func (d *open) search(ctx context.Context) (*placement.Plan, error) {
	if no := dimension.Refute(d.news); len(no) > 0 {
		return nil, &placement.Infeasible{Conflicts: no}
	}
	d.assume = dimension.Options{Seed: d.o.Seed, Coarse: d.coarse, Ways: map[dimension.Key]int64{}, Others: map[dimension.Key]int64{}, Margins: map[dimension.Key]int64{}}
	var last error
	var choice *dimension.Choice
	for attempt := range attempts {
		if d.o.Progress != nil {
			d.o.Progress(Progress{Doing: Choosing})
		}
		d.o.tally(choosing * int64(1+len(d.news.Networks)))
		next, err := d.dimension(d.assume)
		if err != nil && attempt == 0 {
			d.assume.Best = true // some hosts may be better than the worst
			next, err = d.dimension(d.assume)
		}
		switch {
		case err != nil && attempt == 0:
			if d.sooner(ctx, next) {
				return d.plan, nil
			}
			return nil, d.missed(err)
		case err != nil:
			next = nil // with ways as long as these nothing holds
		}
		if next == nil {
			break
		}
		choice = next
		last = d.place(ctx, choice)
		if last == nil {
			d.refine()
			return d.plan, nil
		}
		if ctx.Err() != nil {
			return nil, last
		}
		var wants *tight
		if !errors.As(last, &wants) {
			return nil, d.refused(ctx, last, choice)
		}
		if fixed := d.inPlace(wants); fixed {
			d.refine()
			return d.plan, nil
		}
		d.learn(wants)
	}
	return d.last(ctx, choice)
}

// last tries every placement that there is for a choice.
func (d *open) last(ctx context.Context, choice *dimension.Choice) (*placement.Plan, error) {
	d.tellChoice(choice)
	s := d.solver(choice)
	plan, err := s.solve(ctx)
	if err != nil {
		return nil, d.refused(ctx, err, choice)
	}
	d.plan = plan
	plan.Problem = *d.problem
	return plan, plan.Seal()
}

// sooner tries the quickest choice, and the smoothest, although by the bounds of the
// choice they miss a deadline: the proof may know better ones.
func (d *open) sooner(ctx context.Context, quickest *dimension.Choice) bool {
	if quickest != nil && d.place(ctx, quickest) == nil {
		return true
	}
	smooth := d.assume
	smooth.Smooth = true
	c, _ := d.dimension(smooth)
	return c != nil && d.place(ctx, c) == nil
}

// solver plans with a choice as if it had been asked for.
func (d *open) solver(c *dimension.Choice) *solver {
	filled := c.Fill(d.problem)
	s := newSolver(filled, d.o, asAsked(c, d.problem, proof.Prove))
	s.asked = d.problem
	s.choose(placement.Chosen{Reserved: c.Reserved, Tasks: c.Tasks})
	s.relax = asAsked(c, d.problem, proof.Relaxed)
	return s
}

// dimension chooses for what is new; what runs has what it has.
func (d *open) dimension(o dimension.Options) (*dimension.Choice, error) {
	if standing := d.o.Standing; standing != nil && o.Seats == nil {
		o.Seats = seatsOf(&standing.Embedding)
	}
	c, err := dimension.Choose(d.news, o)
	d.o.Standing.join(c, d.problem)
	return c, err
}

// asAsked proves of what was asked, which is what the plan will say.
func asAsked(c *dimension.Choice, asked *placement.Problem, prove prover) prover {
	return func(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (placement.Proof, error) {
		return prove(c.Empty(p, asked), e, r)
	}
}

// tight says that a placement needs more than was reckoned with.
type tight struct {
	embedding   *placement.Embedding
	realization *placement.Realization
	proof       placement.Proof
}

func (t *tight) Error() string { return "the choice is too tight for this placement" }

// place looks for a placement of a choice and returns a *tight with the first one
// that only bounds of time speak against.
func (d *open) place(ctx context.Context, c *dimension.Choice) error {
	d.tellChoice(c)
	s := d.solver(c)
	o := s.embedding(s.o.Nodes)
	o.Judge = nil // the first one that is too tight says what to reckon with
	o.Accept = func(e *placement.Embedding) error {
		a, err := s.first(e)
		if err != nil {
			return err
		}
		if a.verdict != proved {
			if key, ok := keyOf(a.claim.Subject, "flow "); ok && d.o.Standing.has(key[0]) {
				return s.accept(e) // no choice for what is new mends what runs: another place may
			}
			return &tight{e, a.realization, a.proof}
		}
		s.plan.Realization, s.plan.Proof = *a.realization, a.proof
		return nil
	}
	s.doing(Placing)
	e, tally, err := embed.Search(ctx, s.problem, o)
	d.o.tally(tally.Nodes)
	if err != nil {
		return err
	}
	return d.keep(c, e, &s.plan.Realization, s.plan.Proof)
}

func (d *open) keep(c *dimension.Choice, e *placement.Embedding, r *placement.Realization, p placement.Proof) error {
	d.cost, d.choice = c.Cost, c
	d.plan = &placement.Plan{Version: placement.PlanVersion, Seed: d.o.Seed, Problem: *d.problem, Embedding: *e, Realization: *r, Proof: p}
	d.o.publish(*d.plan)
	return d.plan.Seal()
}

// inPlace chooses again with the seats and routes of a placement, and what they have
// shown, until the proof holds or the hosts cannot carry it.
func (d *open) inPlace(t *tight) bool {
	assume := d.assume
	assume.Seats = seatsOf(t.embedding)
	for range attempts {
		assume.Ways, assume.Others, assume.Margins = d.found(t, assume)
		c, err := d.dimension(assume)
		if err != nil {
			return false
		}
		a, err := d.solver(c).first(t.embedding)
		if err != nil {
			return false
		}
		if a.verdict == proved {
			return d.keep(c, t.embedding, a.realization, a.proof) == nil
		}
		t = &tight{t.embedding, a.realization, a.proof}
	}
	return false
}

// refine makes a plan cheaper where it was reckoned with more than its placement
// takes: a choice for exactly its ways and neighbours, and for the time that the proof
// finds left, is kept if it holds.
func (d *open) refine() {
	if d.coarse {
		return
	}
	left := map[dimension.Key]int64{}
	for range refinements {
		t := &tight{&d.plan.Embedding, &d.plan.Realization, d.plan.Proof}
		exact := dimension.Options{Seed: d.o.Seed, Seats: seatsOf(t.embedding)}
		exact.Ways, exact.Others, _ = d.found(t, dimension.Options{})
		exact.Margins = left
		c, err := d.dimension(exact)
		if err != nil {
			return
		}
		if c.Cost < d.cost-1e-9 {
			a, err := d.solver(c).first(t.embedding)
			if err != nil || a.verdict != proved || d.keep(c, t.embedding, a.realization, a.proof) != nil {
				return
			}
		}
		for _, c := range d.plan.Proof.Claims {
			if key, ok := keyOf(c.Subject, "flow "); ok && c.Rule == proof.RuleEndToEnd && !c.Limit.IsInf() {
				over := c.Limit.Big()
				over.Sub(over, c.Bound.Big())
				left[key] -= over.Num().Int64() / over.Denom().Int64()
			}
		}
	}
}

// learn reckons from now on, wherever VMs sit, with what a placement has shown.
func (d *open) learn(t *tight) {
	d.assume.Ways, d.assume.Others, d.assume.Margins = d.found(t, d.assume)
}

// found is what a placement has shown of ways and neighbours, no less than what was
// reckoned with; and for flows that miss their deadlines although all of it was known,
// by how much.
func (d *open) found(t *tight, before dimension.Options) (ways, others, margins map[dimension.Key]int64) {
	ways, others, margins = copied(before.Ways), copied(before.Others), copied(before.Margins)
	news := false
	raise := func(in map[dimension.Key]int64, key dimension.Key, to int64) {
		if to > in[key] {
			in[key], news = to, true
		}
	}
	for _, c := range t.proof.Claims {
		if c.Rule != proof.RuleLink || c.Bound.IsInf() {
			continue
		}
		if key, ok := keyOf(c.Subject, "link "); ok {
			raise(ways, key, c.Bound.Big().Num().Int64())
		}
	}
	type cpu struct {
		host string
		id   int
	}
	count := map[cpu]int64{}
	for _, r := range t.realization.Reservations {
		count[cpu{r.Host, r.CPU}]++
	}
	for _, e := range t.realization.Emulators {
		count[cpu{e.Host, e.CPU}]++
	}
	for _, r := range t.realization.Reservations {
		raise(others, dimension.Key{r.Network, r.VM}, count[cpu{r.Host, r.CPU}]-1)
	}
	for _, e := range t.realization.Emulators {
		raise(others, dimension.Key{e.Network, e.VM}, count[cpu{e.Host, e.CPU}]-1)
	}
	if news {
		return ways, others, margins
	}
	for _, c := range proof.Failing(t.proof) {
		if key, ok := keyOf(c.Subject, "flow "); ok && !c.Bound.IsInf() && !c.Limit.IsInf() {
			over := c.Bound.Big()
			over.Sub(over, c.Limit.Big())
			margins[key] += over.Num().Int64()/over.Denom().Int64() + 1
		}
	}
	return ways, others, margins
}

func copied(m map[dimension.Key]int64) map[dimension.Key]int64 {
	out := make(map[dimension.Key]int64, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// keyOf takes "link net/name a>b" apart.
func keyOf(subject, kind string) (key dimension.Key, ok bool) {
	rest, ok := strings.CutPrefix(subject, kind)
	of, _, _ := strings.Cut(rest, " ")
	network, name, found := strings.Cut(of, "/")
	return dimension.Key{network, name}, ok && found
}

func seatsOf(e *placement.Embedding) map[dimension.Key]string {
	out := map[dimension.Key]string{}
	for _, s := range e.Seats {
		out[dimension.Key{s.Network, s.VM}] = s.Host
	}
	return out
}

// missed is a no of the choice, which proves nothing.
func (d *open) missed(err error) error {
	var missed *dimension.Missed
	if !errors.As(err, &missed) {
		return err
	}
	if d.coarse {
		return err
	}
	return &placement.GaveUp{Why: "of the reservations and rates that were tried none hold, and it is not proved that none do", Nearest: &missed.Conflict}
}

// refused tells apart a no that holds for every choice, as what asks for the least of
// everything has no placement, and one that may hold for this one alone.
func (d *open) refused(ctx context.Context, err error, c *dimension.Choice) error {
	var infeasible *placement.Infeasible
	if !errors.As(err, &infeasible) || d.coarse {
		return err
	}
	easy := settled(d.relaxed(), d.o.aside(Choosing))
	var proved *placement.Infeasible
	if _, err := easy.solve(ctx); errors.As(err, &proved) {
		return err
	}
	nearest := infeasible.Conflicts[0]
	nearest.Says += fmt.Sprintf(" (with the reservations and rates that were chosen, at a cost of %.3f cpus: others may fit)", c.Cost)
	return &placement.GaveUp{Why: "the choice of reservations and rates that costs least has no placement, nor those tried after it: give more hosts, or longer deadlines", Nearest: &nearest}
}

// relaxed is the problem with no more for what is new than every choice needs.
func (d *open) relaxed() *placement.Problem {
	easy := dimension.Relaxed(d.news)
	if d.o.Standing == nil {
		return easy
	}
	out := *d.problem
	out.Networks = slices.Clone(out.Networks)
	for i := range out.Networks {
		if at := slices.IndexFunc(easy.Networks, func(n vsn.Network) bool { return n.Name == out.Networks[i].Name }); at >= 0 {
			out.Networks[i] = easy.Networks[at]
		}
	}
	return &out
}
