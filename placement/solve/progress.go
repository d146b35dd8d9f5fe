package solve

import (
	"context"
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/embed"
)

// Doing is what a search is at.
type Doing string

// What a search may be at.
const (
	Placing   Doing = "placing"
	Otherwise Doing = "placing, the cheapest first" // phase one gave up
	Alone     Doing = "placing each network alone"  // so did that
	Choosing  Doing = "choosing reservations and rates"
	Realizing Doing = "choosing CPUs"
	Proving   Doing = "proving every bound"
	Improving Doing = "making it cheaper"
	Bounding  Doing = "proving that nothing costs less"
	Remedying Doing = "looking for a change with which there is a plan"
)

// Progress is how far a search is. Its numbers are those of what it is at.
type Progress struct {
	Doing Doing
	embed.Progress
}

// doing reports what the search is at from now on.
func (s *solver) doing(what Doing) {
	s.at = Progress{Doing: what}
	s.report()
}

// report hands on how far the search is.
func (s *solver) report() {
	if s.o.Progress != nil {
		s.o.Progress(s.at)
	}
}

// advance is the options of phase one for progress.
func (s *solver) advance() func(embed.Progress) {
	if s.o.Progress == nil {
		return nil
	}
	return func(p embed.Progress) {
		s.at.Progress = p
		s.report()
	}
}

// proving reports the proof of a whole, which may take long; call what it returns when
// it is done.
func (s *solver) proving() (done func()) {
	if s.o.Progress == nil {
		return func() {}
	}
	before := s.at
	s.at.Doing = Proving
	s.report()
	return func() { s.at = before }
}

// Draft is a plan that was proved while the search goes on: it is put into the order of
// the problem, and sealed, when it is called for, beside the search.
type Draft func() (*placement.Plan, error)

// publish hands a plan on that holds, for who may not wait for a better one.
func (o *Options) publish(p placement.Plan) {
	if o.Found != nil {
		o.Found(func() (*placement.Plan, error) {
			plan := p
			return &plan, plan.Seal()
		})
	}
}

// refuse hands a refusal on as it is now.
func (o *Options) refuse(err error) {
	var no *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case o.Refused == nil:
	case errors.As(err, &no):
		now := *no
		o.Refused(&now)
	case errors.As(err, &gaveUp):
		now := *gaveUp
		o.Refused(&now)
	}
}

// aside is the options of a search whose plan is not what was asked for: all of it is
// reported as one thing.
func (o Options) aside(what Doing) Options {
	o.Found, o.Refused = nil, nil
	if report := o.Progress; report != nil {
		o.Progress = func(p Progress) {
			p.Doing = what
			report(p)
		}
	}
	return o
}

// mark seals a plan as interrupted if ctx has ended, so that the search may have gone on.
func mark(ctx context.Context, plan *placement.Plan) error {
	if ctx.Err() == nil {
		return nil
	}
	plan.Interrupted = true
	return plan.Seal()
}
