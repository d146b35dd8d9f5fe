// Package placement is the compiler: a Problem goes in, a Plan comes out. The Plan
// holds the Embedding (phase one: which host, which path), the Realization (phase
// two: which CPU, which class) and the Proof that what was asked holds; Compile
// turns it into what each host shall carry.
//
// This package holds the values and nothing that searches: phase one is
// placement/embed, phase two placement/realize, both are driven by placement/solve,
// and placement/proof derives and checks every claim without either. All of it is
// pure: no clock, no host, no unseeded chance. Start at Plan.
package placement

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// PlanVersion is the version of the plan file that this program writes and reads.
const PlanVersion = 2

// Plan is the whole answer: immutable, total, without handles and without a clock.
// The same problem and seed give the same bytes.
type Plan struct {
	Version int      `json:"version"`
	Digests []Digest `json:"digests"`
	Seed    int64    `json:"seed"`
	// Interrupted says that a time limit or a signal ended the search: every bound holds,
	// and with more time the plan might have been another, and cost less.
	Interrupted bool        `json:"interrupted,omitempty"`
	Problem     Problem     `json:"problem"`
	Embedding   Embedding   `json:"embedding"`
	Realization Realization `json:"realization"`
	Proof       Proof       `json:"proof"`
}

// Problem is all that the answer may depend on.
type Problem struct {
	Networks  []vsn.Network   `json:"networks"`
	Inventory hosts.Inventory `json:"inventory"`
	Pins      []Seat          `json:"pins,omitempty"`   // VMs that have their hosts by hand
	Before    []Seat          `json:"before,omitempty"` // where VMs are, which hosts.LeastMoved counts from
}

// Embedding is phase one's answer.
type Embedding struct {
	Seats  []Seat  `json:"seats"`
	Routes []Route `json:"routes,omitempty"`
}

// Seat puts a VM on a host.
type Seat struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
	Host    string `json:"host"`
}

// Route takes a link along a simple path: from the host of Between[0] to that of
// Between[1]. VMs on one host have a path of that host alone and no cables.
type Route struct {
	Network string   `json:"network"`
	Link    string   `json:"link"`
	Path    []string `json:"path"`             // node names
	Cables  []string `json:"cables,omitempty"` // the cable of each hop: len(Path)-1
}

// Realization is phase two's answer: nothing is left to choose at deploy time.
type Realization struct {
	Reservations []Reservation `json:"reservations,omitempty"`
	Emulators    []Emulator    `json:"emulators,omitempty"`
	Queues       []Queue       `json:"queues,omitempty"`
	Tasks        []TaskSeat    `json:"tasks,omitempty"`
}

// TaskSeat pins a task of a guest to one of its vCPUs.
type TaskSeat struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
	Task    string `json:"task"`
	VCPU    int    `json:"vcpu"`
}

// Reservation is RuntimeNs of CPU in every PeriodNs for one vCPU.
type Reservation struct {
	Network   string `json:"network"`
	VM        string `json:"vm"`
	VCPU      int    `json:"vcpu"`
	Host      string `json:"host"`
	CPU       int    `json:"cpu"` // hosts.AnyCPU (-1): global EDF over the host's CPUs
	RuntimeNs int64  `json:"runtimeNs"`
	PeriodNs  int64  `json:"periodNs"`
}

// Emulator is the reservation for the device threads of one VM.
type Emulator struct {
	Network   string `json:"network"`
	VM        string `json:"vm"`
	Host      string `json:"host"`
	CPU       int    `json:"cpu"` // hosts.AnyCPU (-1): global EDF
	RuntimeNs int64  `json:"runtimeNs"`
	PeriodNs  int64  `json:"periodNs"`
}

// Queue is a class for one direction of a link, at the sender's port or on a host's
// end of a cable.
type Queue struct {
	Network    string `json:"network"`
	Link       string `json:"link"`
	From       string `json:"from"` // the sending VM
	To         string `json:"to"`   // the receiving VM
	Host       string `json:"host"`
	At         string `json:"at"`    // AtPort, or the name of a cable
	Class      int    `json:"class"` // minor number of the class at its place
	RateBit    int64  `json:"rateBit"`
	BurstBytes int64  `json:"burstBytes"`
	LimitBytes int64  `json:"limitBytes"` // what may wait
}

// AtPort is the place of a queue at the sender's own port.
const AtPort = "port"

// Proof is every inequality that the plan rests on, with its numbers, and what the
// proof itself rests on.
type Proof struct {
	Claims []Claim `json:"claims"`
	// Rests are the assumptions, which deploy verifies or marks.
	Rests []Assumption `json:"rests"`
	// Looked is how many arrivals of messages were looked at one by one: the work of the
	// derivation, which is no part of what is claimed.
	Looked int64 `json:"-"`
}

// Claim says that Bound, derived by Rule from Terms, is at most Limit.
type Claim struct {
	Subject string `json:"subject"` // "host pn1 cpu 0", "flow robot/see-and-act"
	Rule    string `json:"rule"`    // a heading of docs/theory.md
	Unit    string `json:"unit"`    // of Bound and Limit
	Terms   []Term `json:"terms"`
	Bound   Rat    `json:"bound"`
	Limit   Rat    `json:"limit"`
	// By is the rule that gave the least bound, where several were derived.
	By string `json:"by,omitempty"`
	// Why says for what reason there is no bound.
	Why string `json:"why,omitempty"`
}

// Term is one number that went in.
type Term struct {
	Name  string `json:"name"`
	Value Rat    `json:"value"`
}

// Holds reports whether the inequality is true. Where nothing was asked, the limit
// is Inf and any bound holds.
func (c Claim) Holds() bool { return c.Bound.Cmp(c.Limit) <= 0 }

// Assumption is what must be so for the proof to speak of the real machine; hosts
// knows how to look.
type Assumption = hosts.Assumption

// Pin is the host that a VM has by hand, or "".
func (p *Problem) Pin(network, vm string) string { return find(p.Pins, network, vm) }

// Seat finds the host of a VM, or "".
func (e *Embedding) Seat(network, vm string) string { return find(e.Seats, network, vm) }

func find(seats []Seat, network, vm string) string {
	for _, s := range seats {
		if s.Network == network && s.VM == vm {
			return s.Host
		}
	}
	return ""
}
