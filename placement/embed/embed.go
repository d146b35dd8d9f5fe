// Package embed is phase one of the planner: it gives every VM a host and every
// link a path. It keeps the budgets that add up (memory, counted resources,
// processor time of a host as a whole, rates of cables) and the rules of placement
// itself, exactly; what it cannot see, the CPUs of one host and the bounds of
// flows, it asks of others through Options.Admit and Options.Accept, which answer
// with cuts: decisions that do not work together.
//
// The search is complete: depth first, most constrained first, with forward
// checking, learned cuts and conflict-directed backjumping (Prosser 1993). Given
// enough nodes it finds an embedding or proves that there is none. It uses no
// clock, and the same problem, options and answers give the same embedding.
//
// It is not the proof: placement/proof derives all of it again without this
// package. Start at Search; docs/planner.md has the model.
package embed

import (
	"context"
	"errors"
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// Options say how far to search and whom to ask.
type Options struct {
	Seed  int64 // decides between choices of the same cost
	Nodes int64 // decisions that may be tried before giving up
	// Reserved is what each vCPU has of VMs whose vCPUs differ; the others have what
	// they ask for.
	Reserved placement.Reserved
	// Kept, if set, is seats and routes that stay as they are; what rules keep together
	// stays as a whole.
	Kept *placement.Embedding
	// Admit, if set, is asked whether phase two can realize these VMs together on
	// this host: nil, a *placement.Cut among them, or a *placement.GaveUp where that
	// is not known, which is taken as a no that proves nothing.
	Admit func(h *hosts.Host, seats []placement.Seat) error
	// Together, if set, is asked the same about all seats so far when one on h is new,
	// where networks are content with less than certainty: they may be so on each of
	// their hosts, and not on all.
	Together func(h *hosts.Host, seats []placement.Seat) error
	// Accept, if set, judges a whole embedding: nil ends the search, a *placement.Cut
	// sends it on, a *placement.GaveUp likewise but proves nothing.
	Accept func(e *placement.Embedding) error
	// Judge, if set, is asked about a flow, or a link, that a cut of Accept has shown
	// to be hard, as soon as it is decided: e holds what the flow or link needs and
	// nothing else. It answers as Accept does.
	Judge func(e *placement.Embedding, subject string) error
	// Toll, if set, is what Accept and Judge have done since it was last asked, in
	// decisions. It counts where they refuse: a search of few decisions and long proofs
	// is long, too.
	Toll func() int64
	// Trace, if set, is told every step.
	Trace trace.Sink
	// Progress, if set, is told every so many decisions how far the search is.
	Progress func(Progress)
}

// Tally is the work that a search did.
type Tally struct {
	Nodes int64 // decisions tried
	Cuts  int64 // answers of Admit and Accept that were learned
}

// Search finds an embedding that Admit and Accept agree to. The error is
// *placement.Infeasible when every possibility was refuted, *placement.GaveUp when
// the nodes were spent or ctx ended; or the error of a malformed problem, or what
// Admit and Accept returned beside cuts.
func Search(ctx context.Context, p *placement.Problem, o Options) (*placement.Embedding, Tally, error) {
	m, err := prepare(p, o)
	if err != nil {
		return nil, Tally{}, err
	}
	o.tell(trace.Event{Kind: trace.Search, What: "phase one"})
	if conflicts := m.refute(); len(conflicts) > 0 {
		o.tellRefuted(conflicts)
		return nil, Tally{}, &placement.Infeasible{Conflicts: conflicts}
	}
	s := newSearch(ctx, m, o)
	// The first passes look at few paths for each link, so that a link which cannot
	// be routed between two hosts costs little before other hosts are tried: once in
	// the order that makes paths short, once in the order that packs hosts well. The
	// last one leaves nothing out. Cuts are kept from pass to pass.
	for _, pass := range []pass{{o.Nodes / 4, fewPaths, false}, {o.Nodes / 2, fewPaths, true}, {o.Nodes, 0, false}} {
		if s.exhausted && pass.paths > 0 {
			continue // few paths were not enough
		}
		s.pass = pass
		s.tellPass()
		if e := s.run(); e != nil || s.err != nil {
			return e, s.tally, s.err
		}
		if s.exhausted && !s.truncated {
			return nil, s.tally, s.infeasible()
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, s.tally, s.gaveUp()
}

// infeasible is the answer after everything was tried.
func (s *search) infeasible() error {
	c := s.nearest.conflict
	c.Says = fmt.Sprintf("%s (every placement was tried, %d decisions; this one came furthest)", c.Says, s.tally.Nodes)
	return &placement.Infeasible{Conflicts: []placement.Conflict{c}}
}

// fewPaths is how many paths of each link the first passes try.
const fewPaths = 4

// judging one flow costs about as much as making so many decisions.
const judging = 10

func (s *search) gaveUp() error {
	why := fmt.Sprintf("%d nodes were allowed: allow more", s.o.Nodes)
	switch {
	case errors.Is(s.ctx.Err(), context.DeadlineExceeded):
		why = "the time allowed was spent: allow more"
	case s.ctx.Err() != nil:
		why = "it was interrupted"
	case s.exhausted:
		why = "not everything could be decided: " + s.unknown
	}
	out := &placement.GaveUp{Nodes: s.tally.Nodes, Why: why}
	if s.nearest.depth >= 0 {
		out.Nearest = &s.nearest.conflict
	}
	return out
}
