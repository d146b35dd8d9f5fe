package solve

import (
	"fmt"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// judge derives the claims about a flow or a link with nothing beside it: what cannot hold
// then cannot beside anything. Placements of the same shape get the same answer
// without another proof.
func (s *solver) judge(e *placement.Embedding, subject string) error {
	own := s.own(subject)
	problem, part := s.only(e, own)
	key := shape(problem, part, subject)
	c, known := s.judged[key]
	if !known {
		a, err := s.attempt(problem, part, s.realize(problem))
		if err != nil {
			return err
		}
		if a.verdict == refuted {
			c = &a.claim
		}
		s.judged[key] = c
	}
	if c != nil {
		return s.asCut(part, own, *c)
	}
	return nil
}

// shape tells apart what the bounds of one flow or link can depend on: which VMs
// share hosts, what those hosts are like, and what the paths are made of. Names of
// hosts and cables are left out.
func shape(p *placement.Problem, e *placement.Embedding, subject string) string {
	var b strings.Builder
	b.WriteString(subject)
	number := map[string]int{}
	node := func(name string) {
		i, seen := number[name]
		if !seen {
			i = len(number)
			number[name] = i
		}
		fmt.Fprint(&b, " ", i)
		if seen {
			return
		}
		if h := p.Inventory.Host(name); h != nil {
			fmt.Fprint(&b, "h", h.Delay, h.Grain, h.Partition, h.Emulator, h.Share, h.CPUs)
			return
		}
		for _, s := range p.Inventory.Switches {
			if s.Name == name {
				fmt.Fprint(&b, "s", s.Delay)
			}
		}
	}
	for _, seat := range e.Seats {
		node(seat.Host)
	}
	for _, r := range e.Routes {
		b.WriteString(";")
		for i, name := range r.Path {
			node(name)
			if i < len(r.Cables) {
				name := r.Cables[i]
				c := p.Inventory.Cable(name)
				at, seen := number["cable "+name]
				if !seen {
					at = len(number)
					number["cable "+name] = at
				}
				fmt.Fprint(&b, " c", at, c.Rate, c.Delay, c.Half())
			}
		}
	}
	return b.String()
}
