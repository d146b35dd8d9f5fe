// Package vsn is the vocabulary of what is asked: a Network of virtual machines,
// the Links between them, the Flows that must arrive in time, and the Rules of
// placement. It turns YAML or JSON documents into values and back, strictly: what
// it does not know it refuses, with file and line.
//
// It is not a planner and knows no host. Start at Network; Load reads files.
package vsn

// APIVersion is the only version of the documents that this package reads.
const APIVersion = "vsnctl/v1"

// KindNetwork is the `kind:` of a Network document.
const KindNetwork = "Network"

// Network is one request: a Virtual Service Network (VSN). All or nothing of it
// is admitted.
type Network struct {
	Name  string `json:"name"`
	VMs   []VM   `json:"vms"`
	Links []Link `json:"links,omitempty"`
	Flows []Flow `json:"flows,omitempty"`
	Place []Rule `json:"place,omitempty"`
	// Confidence, with Active, asks for probabilistic admission: while the network is
	// active, as it is with probability Active, all of its reservations together have
	// their processor time with at least this probability. Absent (0): always.
	Confidence Share `json:"confidence,omitempty"`
	Active     Share `json:"active,omitempty"` // the probability that it is active; 1 when absent
}

// Odds is the probability that the network is active, and that with which it is to have
// its processor time while it is: both One where it asks for no confidence.
func (n *Network) Odds() (active, confidence Share) {
	if n.Confidence == 0 {
		return One, One
	}
	if n.Active == 0 {
		return One, n.Confidence
	}
	return n.Active, n.Confidence
}

// VM is a virtual machine and the processor time that it needs.
type VM struct {
	Name   string `json:"name"`
	VCPUs  int    `json:"vcpus,omitempty"` // 1 when absent
	Memory Size   `json:"memory"`
	Boot   *Boot  `json:"boot,omitempty"`
	Disk   *Disk  `json:"disk,omitempty"`
	// Reservation holds for each vCPU. Without a Runtime the planner finds the least
	// that serves the Tasks and the deadlines of the flows; nil, it finds the Period
	// too. Nil, without tasks and on no flow with a deadline is best effort: no promise
	// is made.
	Reservation *Reservation `json:"reservation,omitempty"`
	// Tasks run inside the guest, partitioned over its vCPUs by the planner.
	Tasks          []Task           `json:"tasks,omitempty"`
	GuestScheduler GuestScheduler   `json:"guestScheduler,omitempty"` // GuestEDF when absent
	Resources      map[string]int64 `json:"resources,omitempty"`      // counted things, by name
}

// Boot starts a VM from a kernel, without a boot loader. Paths are relative to
// the document; Load makes them relative to where the document was found.
type Boot struct {
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd,omitempty"`
	Cmdline string `json:"cmdline,omitempty"`
}

// Disk starts a VM from a qcow2 overlay of our own on Image, which is never written.
type Disk struct {
	Image string `json:"image"`
}

// Reservation is Runtime of CPU in every Period, for each vCPU.
type Reservation struct {
	Runtime Duration `json:"runtime,omitempty"` // 0: the planner finds the least
	Period  Duration `json:"period"`
}

// Task is a sporadic task of a guest: at most every Period it asks for WCET of
// processor time, to be had within Deadline.
type Task struct {
	Name     string   `json:"name"`
	WCET     Duration `json:"wcet"`
	Period   Duration `json:"period"`
	Deadline Duration `json:"deadline,omitempty"` // Period when absent
}

// GuestScheduler is how a guest orders its tasks.
type GuestScheduler string

const (
	GuestEDF   GuestScheduler = "edf"   // earliest deadline first
	GuestFixed GuestScheduler = "fixed" // fixed priorities, deadline monotonic
)

// Link joins two VMs, with Rate and Burst for each direction.
type Link struct {
	Name    string   `json:"name"`
	Between []string `json:"between"` // exactly two VMs
	Rate    Rate     `json:"rate,omitempty"`
	Burst   Size     `json:"burst,omitempty"` // what may leave at once; the largest burst of messages when absent
	Delay   Duration `json:"delay,omitempty"` // the most that this link may take; 0: any
}

// Flow is a message of Message bytes, sent at most once every Every, that passes the
// stages of Path in turn, costs Work of CPU time at each VM, and must be done at the
// last within Deadline of its release at the first.
type Flow struct {
	Name     string              `json:"name"`
	Path     []Stage             `json:"path"`
	Message  Size                `json:"message"`
	Every    Duration            `json:"every"`
	Jitter   Duration            `json:"jitter,omitempty"` // by which a release may be later than its place in the pattern
	Burst    int64               `json:"burst,omitempty"`  // messages that may be released at once; 1 when absent
	Work     map[string]Duration `json:"work,omitempty"`   // absent: none
	Deadline Duration            `json:"deadline,omitempty"`
}

// Stage is the VMs that a message reaches at once: it is sent from every VM of the
// stage before, over a link, and a VM begins its work when it has come from all of
// them (join).
type Stage []string

// Step is the way of a message from a VM of one stage to a VM of the next.
type Step struct{ From, To string }

// Rule constrains placement. Exactly one of Apart, Together, Spread and VMs is set.
type Rule struct {
	Apart    []string          `json:"apart,omitempty"`    // pairwise different hosts
	Together []string          `json:"together,omitempty"` // one host for all
	Spread   []string          `json:"spread,omitempty"`   // hosts with pairwise different values of the label Over
	Over     string            `json:"over,omitempty"`
	VMs      []string          `json:"vms,omitempty"` // with On: hosts that carry all these labels
	On       map[string]string `json:"on,omitempty"`
}

// VM finds a machine by name, or nil.
func (n *Network) VM(name string) *VM {
	for i := range n.VMs {
		if n.VMs[i].Name == name {
			return &n.VMs[i]
		}
	}
	return nil
}

// Link finds a link by name, or nil.
func (n *Network) Link(name string) *Link {
	for i := range n.Links {
		if n.Links[i].Name == name {
			return &n.Links[i]
		}
	}
	return nil
}
