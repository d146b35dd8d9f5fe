// Package explain makes a refusal useful: it looks for the least set of limits that
// conflict, and for the cheapest changes with which there is a plan.
//
// It plans nothing itself. A Planner, which placement/solve gives it, answers whether a
// problem has a placement; explain asks about problems that are the refused one with
// limits left out, or with changes. So every remedy was planned, and every set was
// proved to conflict, by whoever answered. It uses no clock: the Planner says when it
// has answered enough.
//
// Start at Refusal; docs/refusals.md says how the set and the remedies are found.
package explain

import (
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// Verdict is what is known of a problem.
type Verdict int

const (
	Unknown Verdict = iota
	Yes             // it has a placement, and a proof
	No              // it is proved to have none
)

// Answer is what is known of a problem and, where it has no placement that is known, what
// stood in the way.
type Answer struct {
	Verdict   Verdict
	Conflicts []placement.Conflict
}

// Planner answers for a problem.
type Planner interface {
	// Plan tells whether there is a placement. Whole asks for all the work that a plan
	// may take; otherwise a part of it will do.
	Plan(p *placement.Problem, whole bool) Answer
	// Affords reports whether what may still be spent allows a look at a problem of that
	// size.
	Affords(p *placement.Problem) bool
	// Left is what may still be spent, of what was at first: when it is 0, every answer
	// is Unknown.
	Left() (left, first int64)
}

// Refused is what is known of a problem that was refused.
type Refused struct {
	Problem   *placement.Problem
	Conflicts []placement.Conflict // what the refusal says, the first first
	Proved    bool                 // there is no placement
	// Needed says that what the conflicts need is needed wherever VMs sit.
	Needed bool
	// Open says that reservations or rates are left to the planner, so that every answer
	// takes long: only what matters most is asked then.
	Open bool
	// Stays names networks that run already: what they ask for is not to be changed.
	Stays map[string]bool
}

// Refusal looks for the least set of limits that conflict, where the refusal is proved,
// and for remedies. The set is nil where none was proved with what the Planner may
// spend.
func Refusal(r Refused, planner Planner) (*placement.Set, []placement.Remedy) {
	e := &explanation{Refused: r, planner: planner, all: r.Problem}
	if r.Proved {
		e.alone()
	}
	if !planner.Affords(e.Problem) {
		return nil, nil
	}
	e.catalog = newCatalog(e.Problem, r.Stays)
	e.catalog.coarse = r.Open
	if r.Proved {
		left, _ := planner.Left()
		e.reserve = left / 2 // the other half is for remedies
		if r.Open {
			e.reserve = left * 3 / 4
		}
		e.find()
		e.reserve = 0
	}
	remedies := e.remedies()
	if e.core == nil {
		return nil, remedies
	}
	return e.set(), remedies
}

// explanation is a refusal that is being looked into.
type explanation struct {
	Refused // of the networks that matter
	all     *placement.Problem
	planner Planner
	catalog *catalog
	known   known
	core    set // the limits that conflict; nil: not found
	spared  set // of those, without which the others are known to have a placement
	fewest  bool
	needs   map[int]need // by limit of the core
	reserve int64        // what is left for what comes after
}

// alone leaves out the networks that the first conflict does not speak of, if the others
// have no placement by themselves: what conflicts among these conflicts among all.
func (e *explanation) alone() {
	if len(e.Conflicts) == 0 {
		return
	}
	matter := map[string]bool{}
	for _, s := range e.Conflicts[0].Subjects {
		kind, rest, _ := strings.Cut(s, " ")
		if kind == "host" || kind == "cable" || kind == "all" {
			continue
		}
		of, _, _ := strings.Cut(rest, " ")
		network, _, _ := strings.Cut(of, "/")
		matter[network] = true
	}
	var others []string
	for i := range e.all.Networks {
		if name := e.all.Networks[i].Name; !matter[name] && !e.Stays[name] {
			others = append(others, name)
		}
	}
	if len(others) == 0 || len(others) == len(e.all.Networks)-len(e.Stays) {
		return
	}
	if part := e.all.Dropped(others); e.planner.Plan(part, false).Verdict == No {
		e.Problem = part
	}
}

// confirmed reports whether all networks together have a placement with some changes
// with which those that matter have one.
func (e *explanation) confirmed(changes []placement.Change) bool {
	if e.Problem == e.all {
		return true
	}
	p, err := e.all.Changed(changes...)
	return err == nil && e.planner.Plan(p, true).Verdict == Yes
}

// spent reports whether this part of the work has had its share.
func (e *explanation) spent() bool {
	left, _ := e.planner.Left()
	return left <= e.reserve
}

// set is the core in words.
func (e *explanation) set() *placement.Set {
	out := &placement.Set{Fewest: e.fewest, Least: true}
	if e.Problem != e.all {
		for i := range e.Problem.Networks {
			out.Networks = append(out.Networks, e.Problem.Networks[i].Name)
		}
	}
	for i := range e.core {
		if !e.core[i] {
			continue
		}
		l := e.catalog.describe(i)
		l.Spared = e.spared[i]
		out.Least = out.Least && l.Spared
		l.Need = e.needs[i].says
		out.Limits = append(out.Limits, l)
	}
	return out
}
