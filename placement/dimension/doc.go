// Package dimension chooses what a request leaves open: the reservation of every VM
// that names tasks, or lies on a flow with a deadline, and no runtime of its own; the
// rate and burst of every link on such a flow without a rate. It looks for the choice
// of least cost with which all tasks and all deadlines hold.
//
// It is pure and decides nothing about hosts: what depends on them (the grain of
// budgets, device threads, the way over cables) is assumed by Options and told more
// exactly once seats are known. It is not the proof either: placement/proof derives
// every bound again, and placement/solve comes back here when it disagrees. Costs
// are floats, delays are integers.
//
// Start at Choose; docs/timing.md has the method and what was measured.
package dimension

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	// DefaultSwitch is the processor time that one period of a reservation costs
	// beside its runtime: two context switches and the caches that they empty.
	DefaultSwitch vsn.Duration = 20_000
	// DefaultBitCost is what a bit per second costs in processors: a Gbit/s as much
	// as a tenth of one. Small, so that bandwidth decides between what costs as much
	// processor time.
	DefaultBitCost = 1e-10

	leastPeriod = int64(vsn.MinPeriod)
	mostPeriod  = int64(vsn.MaxPeriod)
	// grid is the unit of runtimes that are chosen, ns.
	grid = 1000
)

// Key names a VM, link or flow: its network and its name there.
type Key = [2]string

// Options say what is assumed. The same problem and options give the same choice.
type Options struct {
	Seed    int64        // of the restarts
	Switch  vsn.Duration // cost of a switch; 0: DefaultSwitch, negative: none
	BitCost float64      // processors for a bit/s; 0: DefaultBitCost, negative: none
	// Seats are the hosts of VMs where they are known. For a VM without one, the worst
	// grain and the slowest device threads of all hosts that the rules allow are taken;
	// with Best the best: what is infeasible then is so anywhere.
	Seats map[Key]string
	Best  bool
	// Others is how many reservations share a CPU with a vCPU of each VM, at most; 0
	// where there is no entry.
	Others map[Key]int64
	// Ways is what the way over a link takes from the sender's port to the receiver's
	// tap, ns; for links without an entry the least conceivable, two VMs on one host.
	Ways map[Key]int64
	// Margins are what flows must be done before their deadlines, ns.
	Margins map[Key]int64
	// Smooth: where deadlines are missed, what comes with that has the shortest gaps in
	// place of the shortest delays: bounds that pay a burst once ask for those.
	Smooth bool
	// Coarse: whatever holds will do, if it is not much too dear.
	Coarse bool
	// shape, when not nil, is the coarse grid that tests compare with brute force on.
	shape *shape
}

// shape is a grid of reservations to choose from.
type shape struct {
	periods []int64
	step    int64 // of runtimes
}

// Rate is what was chosen for a link.
type Rate struct {
	Rate  vsn.Rate
	Burst vsn.Size
}

// Choice is what was chosen for all that was open.
type Choice struct {
	Reserved placement.Reserved // by VM: a reservation for each vCPU
	Tasks    []placement.TaskSeat
	Links    map[Key]Rate
	// Cost is the sum over all vCPUs that were chosen of (runtime + switch)/period, and
	// of the bit cost of all rates that were; Least is what no choice can go below:
	// with any runtime, and any of the periods that were looked at.
	Cost, Least float64
	seats       map[Key]*seating
}

// Open tells whether the problem leaves anything to choose, and be it only on which
// vCPU a task runs.
func Open(p *placement.Problem) bool {
	for i := range p.Networks {
		n := &p.Networks[i]
		for j := range n.VMs {
			if len(n.VMs[j].Tasks) > 0 || openVM(n, &n.VMs[j]) {
				return true
			}
		}
		for j := range n.Links {
			if openLink(n, &n.Links[j]) {
				return true
			}
		}
	}
	return false
}

func openVM(n *vsn.Network, vm *vsn.VM) bool {
	if vm.Reservation != nil && vm.Reservation.Runtime != 0 {
		return false
	}
	if len(vm.Tasks) > 0 || vm.Reservation != nil {
		return true
	}
	return due(n, func(f *vsn.Flow) bool { return f.Passes(vm.Name) })
}

func openLink(n *vsn.Network, l *vsn.Link) bool {
	return l.Rate == 0 && due(n, func(f *vsn.Flow) bool { return uses(f, l) })
}

// due tells whether a flow with a deadline is one of those.
func due(n *vsn.Network, of func(*vsn.Flow) bool) bool {
	for i := range n.Flows {
		if n.Flows[i].Deadline > 0 && of(&n.Flows[i]) {
			return true
		}
	}
	return false
}

func uses(f *vsn.Flow, l *vsn.Link) bool {
	for _, s := range f.Steps() {
		if joins(l, s.From, s.To) {
			return true
		}
	}
	return false
}

func joins(l *vsn.Link, a, b string) bool {
	return l.Between[0] == a && l.Between[1] == b || l.Between[0] == b && l.Between[1] == a
}

// Fill is the problem with what was chosen in the place of what was open. Where the
// vCPUs of a VM differ, its reservation is that of the first: Reserved has them all.
func (c *Choice) Fill(p *placement.Problem) *placement.Problem {
	out := &placement.Problem{Inventory: p.Inventory, Pins: p.Pins, Before: p.Before, Networks: make([]vsn.Network, len(p.Networks))}
	for i := range p.Networks {
		n := p.Networks[i]
		n.VMs, n.Links = append([]vsn.VM(nil), n.VMs...), append([]vsn.Link(nil), n.Links...)
		for j := range n.VMs {
			if list := c.Reserved[Key{n.Name, n.VMs[j].Name}]; len(list) > 0 {
				r := list[0]
				n.VMs[j].Reservation = &r
			}
		}
		for j := range n.Links {
			if r, ok := c.Links[Key{n.Name, n.Links[j].Name}]; ok {
				n.Links[j].Rate, n.Links[j].Burst = r.Rate, r.Burst
			}
		}
		out.Networks[i] = n
	}
	return out
}

// Empty undoes Fill in a problem, or a part of one: what was open in the one that was
// asked is open again.
func (c *Choice) Empty(p, asked *placement.Problem) *placement.Problem {
	out := &placement.Problem{Inventory: p.Inventory, Pins: p.Pins, Before: p.Before, Networks: make([]vsn.Network, len(p.Networks))}
	for i := range p.Networks {
		n := p.Networks[i]
		var was *vsn.Network
		for k := range asked.Networks {
			if asked.Networks[k].Name == n.Name {
				was = &asked.Networks[k]
			}
		}
		n.VMs, n.Links = append([]vsn.VM(nil), n.VMs...), append([]vsn.Link(nil), n.Links...)
		for j := range n.VMs {
			if _, chosen := c.Reserved[Key{n.Name, n.VMs[j].Name}]; chosen {
				n.VMs[j].Reservation = was.VM(n.VMs[j].Name).Reservation
			}
		}
		for j := range n.Links {
			if _, chosen := c.Links[Key{n.Name, n.Links[j].Name}]; chosen {
				l := was.Link(n.Links[j].Name)
				n.Links[j].Rate, n.Links[j].Burst = l.Rate, l.Burst
			}
		}
		out.Networks[i] = n
	}
	return out
}

// place is what is assumed of the host of a VM.
type place struct {
	grain    int64
	others   int64
	emulator *hosts.Emulator
	delay    int64 // the least of a host
	share    vsn.Share
	host     string // "": not known
}
