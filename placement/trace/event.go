// Package trace is what a search tells of itself, one event for each step, so that a
// reader of docs/planner.md can follow it: which VM was decided next, which hosts were
// out of the question and why, which was tried, what forward checking struck, what phase
// two and the proof were asked and answered, the cuts that were learned and met, how far
// the search jumped back, and how bounds and costs came together.
//
// It holds values, their text and their sums, and nothing that searches. It has no
// clock: the same problem, seed and nodes give the same events. Start at Event;
// docs/trace.md has a line for every Kind.
package trace

import "github.com/vsnctl/vsnctl/placement"

// Sink is told every event, in order. It may keep them.
type Sink func(*Event)

// Kind is what an event is about.
type Kind string

// The kinds, in the order in which docs/trace.md explains them.
const (
	Search   Kind = "search"   // a search begins
	Refute   Kind = "refute"   // it ends before it begins: a condition that every placement meets fails
	Choose   Kind = "choose"   // a choice of what the request leaves open is tried
	Pass     Kind = "pass"     // a depth-first search of all of it begins
	VM       Kind = "vm"       // the next seat to be decided
	Seat     Kind = "seat"     // a host is tried for it
	Starved  Kind = "starved"  // forward checking: another VM has no host left
	Ports    Kind = "ports"    // more rate leaves a host than its cables have
	Prune    Kind = "prune"    // nothing below costs less than the limit
	Link     Kind = "link"     // the next route to be decided
	Route    Kind = "route"    // a path is tried for it
	Late     Kind = "late"     // no path that begins so is in time
	Admit    Kind = "admit"    // phase two is asked about a host
	Together Kind = "together" // phase two is asked about all hosts
	Judge    Kind = "judge"    // the proof is asked about one flow or link
	Accept   Kind = "accept"   // phase two and the proof are asked about the whole
	Prove    Kind = "prove"    // a proof of one realization
	Part     Kind = "part"     // a part of it alone, on the way to a cut
	Cut      Kind = "cut"      // a cut is learned
	Met      Kind = "met"      // a decision would complete a cut that is known
	Fail     Kind = "fail"     // everything was tried for a decision
	Jump     Kind = "jump"     // a decision that is not to blame is taken back untried
	Stage    Kind = "stage"    // a criterion is to be made least
	Aim      Kind = "aim"      // a search for less than a limit begins
	Better   Kind = "better"   // a placement that costs less was accepted
	Bound    Kind = "bound"    // a lower bound has risen
	Free     Kind = "free"     // improvement: these VMs may move, all others stay
	End      Kind = "end"      // the search ends
)

// Kinds lists them all.
func Kinds() []Kind {
	return []Kind{Search, Refute, Choose, Pass, VM, Seat, Starved, Ports, Prune, Link, Route, Late, Admit, Together, Judge, Accept, Prove, Part, Cut, Met, Fail, Jump, Stage, Aim, Better, Bound, Free, End}
}

// Answers to questions, and ends of searches.
const (
	Yes       = "yes"
	No        = "no"
	Unknown   = "unknown"
	Found     = "found"
	Exhausted = "exhausted" // everything was tried
	Stopped   = "stopped"   // the nodes were spent, or somebody ended it
)

// Event is one step. What a kind does not speak of is left out.
type Event struct {
	Kind  Kind   `json:"kind"`
	Nodes int64  `json:"nodes,omitempty"` // decisions tried before it
	Depth int    `json:"depth,omitempty"` // decisions that stand
	What  string `json:"what,omitempty"`  // which search, pass, question

	VMs    []string `json:"vms,omitempty"` // NETWORK/VM: those of a seat sit together
	Host   string   `json:"host,omitempty"`
	Link   string   `json:"link,omitempty"`   // NETWORK/LINK
	Path   []string `json:"path,omitempty"`   // nodes
	Cables []string `json:"cables,omitempty"` // of each hop
	About  string   `json:"about,omitempty"`  // the flow, link or claim in question

	Hosts   []string  `json:"hosts,omitempty"`   // candidates, best first
	More    int       `json:"more,omitempty"`    // candidates beside these
	Refused []Refused `json:"refused,omitempty"` // hosts that are none
	Struck  []Struck  `json:"struck,omitempty"`  // hosts that others lose by a seat

	Answer string              `json:"answer,omitempty"`
	Claims int                 `json:"claims,omitempty"` // derived
	Why    *placement.Conflict `json:"why,omitempty"`
	Cut    int                 `json:"cut,omitempty"`   // its number, from 1
	Blame  []string            `json:"blame,omitempty"` // decisions: "vm a/b", "link a/l"

	By     string  `json:"by,omitempty"`     // a criterion
	Costs  []int64 `json:"costs,omitempty"`  // criterion by criterion
	Bounds []int64 `json:"bounds,omitempty"` // likewise
	Limit  *int64  `json:"limit,omitempty"`  // what it may cost
	Least  *int64  `json:"least,omitempty"`  // what it costs at least
	Quota  int64   `json:"quota,omitempty"`  // nodes that it may take
}

// Refused is hosts that cannot be had, for one reason.
type Refused struct {
	Why   string   `json:"why"` // a rule of docs/theory.md, "reach" or "twin"
	Hosts []string `json:"hosts"`
	More  int      `json:"more,omitempty"` // hosts beside these
}

// Struck is hosts that VMs cannot have any more.
type Struck struct {
	VMs   []string `json:"vms"`
	Hosts []string `json:"hosts"`
}

// MostListed is how many hosts an event lists by name.
const MostListed = 16
