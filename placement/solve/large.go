package solve

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/construct"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// smallVMs is up to how many VMs a problem is small: branch and bound over all of it
// makes the first answer as good as can be, so that it hardly matters which it is. Of
// larger ones the first answer is mostly what it stays, and constructed network by
// network it is better and found sooner than by the search for all networks at once.
const smallVMs = 64

// Beyond so many VMs, or VMs times hosts, an answer is not made cheaper by moving some of
// it at a time: each step is proved as a whole, and there would be many.
const (
	hugeVMs  = 512
	hugeWork = 4_000_000
)

// Bounds of the large path.
const (
	starts  = 3 // times that all is placed, each time with those first that found no place
	repairs = 4 // times that networks of which a claim does not hold are placed elsewhere
)

func (s *solver) vms() (vms int) { return vmsOf(s.problem) }

func vmsOf(p *placement.Problem) (vms int) {
	for i := range p.Networks {
		vms += len(p.Networks[i].VMs)
	}
	return vms
}

// large reports whether a problem is one for constructing network by network first.
func (s *solver) large() bool { return !s.atOnce && s.vms() > smallVMs && s.constructs() }

// huge reports whether a problem is too large for making its answer cheaper.
func (s *solver) huge() bool {
	return s.vms() > hugeVMs && s.constructs() || s.vms()*len(s.problem.Inventory.Hosts) >= hugeWork
}

// constructs reports whether a problem can be placed network by network: vCPUs of a VM
// are alike, and every reservation holds always.
func (s *solver) constructs() bool {
	for i := range s.problem.Networks {
		if s.problem.Networks[i].Confidence != 0 {
			return false
		}
	}
	return len(s.chosen.Reserved) == 0
}

// construct places one network after the other (construct.Embedder), beside what stays,
// realizes and proves that. Networks of which a claim does not hold are placed again, on
// other hosts. It returns the embedding that was accepted, or nil where none was found,
// which says nothing. The error is *placement.GaveUp where ctx has ended.
func (s *solver) construct(ctx context.Context) (*placement.Embedding, error) {
	s.tell(trace.Event{Kind: trace.Search, What: "network by network"})
	c := &constructing{solver: s, number: map[string]int{}}
	for i := range s.problem.Networks {
		c.number[s.problem.Networks[i].Name] = i
	}
	if !c.placeAll(ctx) {
		return nil, interrupted(ctx)
	}
	for range repairs {
		e := c.embedding()
		accepted, failing, err := c.work(e)
		switch {
		case err != nil:
			return nil, err
		case accepted:
			return e, nil
		case ctx.Err() != nil || len(failing) == 0 || !c.elsewhere(failing):
			return nil, interrupted(ctx)
		}
	}
	return nil, nil
}

// interrupted is the answer where ctx has ended, or nil.
func interrupted(ctx context.Context) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &placement.GaveUp{Why: "the time allowed was spent: allow more"}
	case ctx.Err() != nil:
		return &placement.GaveUp{Why: "it was interrupted"}
	}
	return nil
}

type constructing struct {
	*solver
	x      *construct.Embedder
	number map[string]int // of each network
	placed []*construct.Answer
	avoid  map[string]bool // hosts of VMs of which a claim did not hold
}

// ask is what is asked of the embedder beside the networks.
func (c *constructing) ask() construct.Ask {
	return construct.Ask{Pins: c.problem.Pins, Before: c.problem.Before}
}

// placeAll places all networks, and reports whether each has a place.
func (c *constructing) placeAll(ctx context.Context) bool {
	var first []int32
	for range starts {
		missing, err := c.placeOnce(ctx, first)
		if err != nil {
			return false
		}
		if len(missing) == 0 {
			return true
		}
		first = append(missing, first...)
	}
	return false
}

// placeOnce places all networks, some of them before the others, and lists those that
// found no place. The error is that of ctx, or of what the embedder cannot make sense of.
func (c *constructing) placeOnce(ctx context.Context, first []int32) (missing []int32, err error) {
	networks := c.problem.Networks
	if c.x, err = construct.NewEmbedder(&c.problem.Inventory, c.o.Seed); err != nil {
		return nil, err
	}
	c.placed, c.avoid = make([]*construct.Answer, len(networks)), map[string]bool{}
	order, err := c.hold(construct.Largest(networks, c.ask()))
	if err != nil {
		return nil, err
	}
	order = append(slices.Clone(first), slices.DeleteFunc(order, func(i int32) bool { return slices.Contains(first, i) })...)
	for done, i := range order {
		if done%64 == 0 {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			c.at.Networks, c.at.Placed = len(order), done
			c.report()
		}
		n := &networks[i]
		if c.o.Standing.has(n.Name) {
			c.placed[i], err = c.x.Again(n)
		} else {
			c.placed[i], err = c.x.Embed(n, c.ask())
		}
		var unplaced *construct.Unplaced
		if errors.As(err, &unplaced) {
			missing = append(missing, i)
		} else if err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// hold tells the embedder what stays, and leaves in the order what is to be placed.
func (c *constructing) hold(order []int32) ([]int32, error) {
	if c.kept == nil {
		return order, nil
	}
	stays, moves := c.o.Standing.divide(c.problem.Networks)
	all := slices.Clone(stays)
	for i := range moves {
		if c.o.Standing.has(moves[i].Name) {
			all = append(all, moves[i])
		}
	}
	if err := c.x.Hold(all, c.kept, &c.o.Standing.Realization); err != nil {
		return nil, err
	}
	for i := range stays {
		at := c.number[stays[i].Name]
		c.placed[at] = c.x.Answer(stays[i].Name)
		order = slices.DeleteFunc(order, func(o int32) bool { return int(o) == at })
	}
	return order, nil
}

// embedding is all places together, in the order of the problem.
func (c *constructing) embedding() *placement.Embedding {
	e := &placement.Embedding{}
	for _, a := range c.placed {
		e.Seats = append(e.Seats, a.Embedding.Seats...)
		e.Routes = append(e.Routes, a.Embedding.Routes...)
	}
	return e
}

// work realizes and proves an embedding, and lists the claims that do not hold.
func (c *constructing) work(e *placement.Embedding) (accepted bool, failing []placement.Claim, err error) {
	c.doing(Realizing)
	for i := range c.problem.Networks {
		c.placed[i].Reservations, c.placed[i].Emulators = nil, nil // the embedder knows them
		c.phase.Suggest(c.x.CPUs(c.problem.Networks[i].Name))
	}
	r, err := c.phase.Realize(e)
	c.phase.Forget()
	var cut *placement.Cut
	var gaveUp *placement.GaveUp
	if errors.As(err, &cut) || errors.As(err, &gaveUp) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	c.doing(Proving)
	a, err := c.derive("the first choice of CPUs", c.prove, c.problem, e, r)
	if err != nil || a.verdict != proved {
		return false, proof.Failing(a.proof), err
	}
	c.take(e, &a)
	return true, nil, nil
}

// elsewhere places the networks that claims are about once more, not on the hosts of
// those that failed, and reports whether each found a place. What stays cannot go
// elsewhere.
func (c *constructing) elsewhere(failing []placement.Claim) bool {
	again := map[int]bool{}
	for _, claim := range failing {
		own := c.own(claim.Subject)
		if own == nil {
			return false // phase one's own budgets: not for a search to mend
		}
		for vm := range own.vms {
			if c.o.Standing.has(vm[0]) {
				return false
			}
			i := c.number[vm[0]]
			again[i] = true
			c.avoid[c.placed[i].Embedding.Seat(vm[0], vm[1])] = true
		}
	}
	ask := c.ask()
	ask.Avoid = slices.Sorted(maps.Keys(c.avoid))
	networks := slices.Sorted(maps.Keys(again))
	for _, i := range networks {
		c.x.Release(c.problem.Networks[i].Name)
	}
	for _, i := range networks {
		var err error
		if c.placed[i], err = c.x.Embed(&c.problem.Networks[i], ask); err != nil {
			return false
		}
	}
	return true
}
