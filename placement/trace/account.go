package trace

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// Account sums up the events of a search for people. The zero value is empty.
type Account struct {
	Events int
	Steps  []Event // what a search is made of: its beginning and end, passes, aims, bounds, costs; the first MostSteps
	More   int     // steps beside these

	kinds   map[Kind]*Count
	depths  []Depth
	refused map[string]*Refusal
	cuts    []*Learned
	search  int  // cuts that were learned before the present search
	some    bool // improvement: some VMs are free
}

// MostSteps bounds the steps that an account keeps.
const MostSteps = 200

// Count is how often there was an event of a kind, and how it was answered.
type Count struct {
	Kind             Kind
	Times            int
	Yes, No, Unknown int
}

// Depth is what was tried with so many decisions standing.
type Depth struct {
	Depth                       int
	Seats, Routes, Fails, Jumps int
}

// Refusal is hosts that a VM could not have, for one reason.
type Refusal struct {
	VMs   []string
	Why   string
	Times int      // that the VM was next to be decided
	Hosts []string // all that are named, in order of the first time
}

// Learned is a cut.
type Learned struct {
	Search int   // which search, from 1
	Cut    int   // its number there
	Nodes  int64 // decisions tried before it
	Met    int   // times that a decision would have completed it
	Blame  []string
	Why    *placement.Conflict
}

// Add takes the next event.
func (a *Account) Add(e *Event) {
	if a.kinds == nil {
		a.kinds, a.refused = map[Kind]*Count{}, map[string]*Refusal{}
	}
	a.Events++
	a.count(e)
	if e.Kind == Search || e.Kind == Free {
		a.some = len(e.VMs) > 0
	}
	switch e.Kind {
	case Stage, Aim, Bound, Free, End:
		if a.some {
			break // of a part of the problem: many, and true of that part alone
		}
		fallthrough
	case Search, Refute, Choose, Pass, Better:
		if len(a.Steps) < MostSteps {
			a.Steps = append(a.Steps, *e)
		} else {
			a.More++
		}
	}
	switch e.Kind {
	case VM:
		a.refuse(e)
	case Seat:
		a.depth(e.Depth).Seats++
	case Route:
		a.depth(e.Depth).Routes++
	case Fail:
		a.depth(e.Depth).Fails++
	case Jump:
		a.depth(e.Depth).Jumps++
	case Cut:
		a.cuts = append(a.cuts, &Learned{Search: a.kinds[Search].times(), Cut: e.Cut, Nodes: e.Nodes, Blame: e.Blame, Why: e.Why})
	case Met:
		for _, c := range a.cuts[a.search:] {
			if c.Cut == e.Cut {
				c.Met++
			}
		}
	}
	if e.Kind == Search {
		a.search = len(a.cuts)
	}
}

func (c *Count) times() int {
	if c == nil {
		return 0
	}
	return c.Times
}

func (a *Account) count(e *Event) {
	c := a.kinds[e.Kind]
	if c == nil {
		c = &Count{Kind: e.Kind}
		a.kinds[e.Kind] = c
	}
	c.Times++
	switch e.Answer {
	case Yes:
		c.Yes++
	case No:
		c.No++
	case Unknown:
		c.Unknown++
	}
}

func (a *Account) depth(n int) *Depth {
	for len(a.depths) <= n {
		a.depths = append(a.depths, Depth{Depth: len(a.depths)})
	}
	return &a.depths[n]
}

func (a *Account) refuse(e *Event) {
	for _, r := range e.Refused {
		key := strings.Join(e.VMs, " ") + "\n" + r.Why
		all := a.refused[key]
		if all == nil {
			all = &Refusal{VMs: e.VMs, Why: r.Why}
			a.refused[key] = all
		}
		all.Times++
		for _, h := range r.Hosts {
			if !slices.Contains(all.Hosts, h) {
				all.Hosts = append(all.Hosts, h)
			}
		}
	}
}

// Counts are those of the kinds that there were, in the order of Kinds.
func (a *Account) Counts() (out []Count) {
	for _, k := range Kinds() {
		if c := a.kinds[k]; c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// Depths are those at which something was tried, the shallow first.
func (a *Account) Depths() (out []Depth) {
	for _, d := range a.depths {
		if d != (Depth{Depth: d.Depth}) {
			out = append(out, d)
		}
	}
	return out
}

// Refusals are sorted by VM; of one VM the reason that was given most often comes first.
func (a *Account) Refusals() (out []Refusal) {
	for _, r := range a.refused {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y Refusal) int {
		return cmp.Or(slices.Compare(x.VMs, y.VMs), cmp.Compare(y.Times, x.Times), cmp.Compare(x.Why, y.Why))
	})
	return out
}

// Cuts are in the order of learning.
func (a *Account) Cuts() (out []Learned) {
	for _, c := range a.cuts {
		out = append(out, *c)
	}
	return out
}
