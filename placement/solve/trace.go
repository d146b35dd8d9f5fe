package solve

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/trace"
)

func (s *solver) tell(e trace.Event) {
	if s.o.Trace != nil {
		s.o.Trace(&e)
	}
}

// tellProof tells what came of the proof of one realization.
func (s *solver) tellProof(what string, p placement.Proof) {
	if s.o.Trace == nil {
		return
	}
	e := trace.Event{Kind: trace.Prove, What: what, Claims: len(p.Claims), Answer: trace.Yes}
	if c, fails := failing(p); fails {
		why := conflictOf(c)
		e.Answer, e.About, e.Why = trace.No, c.Subject, &why
	}
	s.tell(e)
}

// tellPart tells whether a part of an embedding fails alone.
func (s *solver) tellPart(e *placement.Embedding, fails bool, c placement.Claim) {
	if s.o.Trace == nil {
		return
	}
	event := trace.Event{Kind: trace.Part, Answer: trace.Yes}
	for _, seat := range e.Seats {
		event.VMs = append(event.VMs, seat.Network+"/"+seat.VM)
	}
	if fails {
		why := conflictOf(c)
		event.Answer, event.About, event.Why = trace.No, c.Subject, &why
	}
	s.tell(event)
}

// tellChoice tells of a choice of what the request leaves open.
func (d *open) tellChoice(c *dimension.Choice) {
	if d.o.Trace != nil {
		d.o.Trace(&trace.Event{Kind: trace.Choose, What: fmt.Sprintf("reservations and rates at a cost of %.3f cpus", c.Cost)})
	}
}
