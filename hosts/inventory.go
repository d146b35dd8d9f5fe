// Package hosts says what a machine is: the Inventory of what may be used, the
// State of what it carries for us, the Change it can be told, and the Machine that
// does it. It is pure but for calling a Machine; the impure rooms below it
// (hosts/linux, hosts/kvm) talk to kernels and to libvirt.
//
// It knows nothing of planning. Start at Inventory, then State, then Machine.
package hosts

import "github.com/vsnctl/vsnctl/vsn"

// KindInventory is the `kind:` of an Inventory document.
const KindInventory = "Inventory"

// Inventory is what may be used: hosts and switches, joined by cables.
type Inventory struct {
	Hosts    []Host   `json:"hosts"`
	Switches []Switch `json:"switches,omitempty"`
	Cables   []Cable  `json:"cables,omitempty"`
	// Objective is what plans on this inventory should cost little of, the most
	// important first; that of placement/objective when absent.
	Objective []Objective `json:"objective,omitempty"`
}

// Host is what one machine offers.
type Host struct {
	Name    string            `json:"name"`
	Address string            `json:"address,omitempty"` // none: this machine
	Labels  map[string]string `json:"labels,omitempty"`
	CPUs    CPUs              `json:"cpus"`
	// Share is what reservations may take of each CPU, for CPUs that do not say.
	Share vsn.Share `json:"share,omitempty"` // DefaultShare when absent
	// Grain is how finely the scheduler enforces a budget: one tick where budgets
	// are enforced at the tick.
	Grain     vsn.Duration     `json:"grain" strict:"optional"` // DefaultGrain when absent; 0 is a value
	Memory    vsn.Size         `json:"memory"`
	Resources map[string]int64 `json:"resources,omitempty"`
	// Delay is the most that a frame spends in this host's bridges and interrupts,
	// queues apart, as a Switch has it.
	Delay   vsn.Duration `json:"delay" strict:"optional"` // DefaultHostDelay when absent; 0 is a value
	Transit bool         `json:"transit,omitempty"`       // may forward what is not its own
	// Partition allows CPUs to get root domains of their own, which changes
	// scheduling for the whole machine. False: one root domain, global EDF.
	Partition bool  `json:"partition,omitempty"`
	Accel     Accel `json:"accel,omitempty"` // AccelAuto when absent
	// Emulator reserves CPU for the device threads of each VM (virtio work is done
	// there). Nil: they run best effort in what reservations may not take, and no
	// bound that passes them is backed.
	Emulator *Emulator `json:"emulator,omitempty"`
}

// CPU is one logical CPU of a host.
type CPU struct {
	ID    int       `json:"id"`
	Node  int       `json:"node,omitempty"`  // NUMA node
	Share vsn.Share `json:"share,omitempty"` // the host's when absent
}

// Emulator is the reservation for the device threads of one VM, and the most CPU
// time that one frame costs them, on the way out or on the way in.
type Emulator struct {
	Runtime vsn.Duration `json:"runtime"`
	Period  vsn.Duration `json:"period"`
	Work    vsn.Duration `json:"work"`
}

// Accel is how a host runs guests.
type Accel string

const (
	AccelAuto Accel = "auto" // kvm where it works, else tcg with a warning
	AccelKVM  Accel = "kvm"
	AccelTCG  Accel = "tcg"
)

// Switch joins cables and forwards whole frames.
type Switch struct {
	Name  string       `json:"name"`
	Delay vsn.Duration `json:"delay,omitempty"` // the most a frame spends inside, queues apart
}

// Cable joins two nodes. Full duplex, it offers Rate in each direction; half duplex,
// in both together, and what a link takes of it is the link's rate for both.
type Cable struct {
	Name    string       `json:"name,omitempty"` // "a--b" of Between when absent
	Between []string     `json:"between"`        // exactly two nodes
	Rate    vsn.Rate     `json:"rate"`
	Share   vsn.Share    `json:"share,omitempty"`  // of Rate, what links may take; DefaultCableShare when absent
	Delay   vsn.Duration `json:"delay,omitempty"`  // propagation
	Duplex  Duplex       `json:"duplex,omitempty"` // FullDuplex when absent
	Device  string       `json:"device,omitempty"`
}

// Duplex is what the two directions of a cable have to do with one another.
type Duplex string

const (
	FullDuplex Duplex = "full" // nothing: each has the rate
	HalfDuplex Duplex = "half" // they share the rate
)

// Half reports whether both directions share one budget.
func (c *Cable) Half() bool { return c.Duplex == HalfDuplex }

// What holds where a document is silent. Load fills these in, so that a plan
// carries every number that it rests on.
const (
	DefaultShare      vsn.Share    = vsn.One * 9 / 10   // 0.95 of sched_rt_runtime_us less the fair server's 0.05
	DefaultGrain      vsn.Duration = 4_000_000          // a tick at HZ=250
	DefaultHostDelay  vsn.Duration = 100_000            // engineering value; the bench measures it
	DefaultCableShare vsn.Share    = vsn.One * 95 / 100 // the rest is for ARP, control and framing slack
)

// Host finds a host by name, or nil.
func (inv *Inventory) Host(name string) *Host {
	for i := range inv.Hosts {
		if inv.Hosts[i].Name == name {
			return &inv.Hosts[i]
		}
	}
	return nil
}

// Cable finds a cable by name, or nil.
func (inv *Inventory) Cable(name string) *Cable {
	for i := range inv.Cables {
		if inv.Cables[i].Name == name {
			return &inv.Cables[i]
		}
	}
	return nil
}

// CPU finds a CPU by id, or nil.
func (h *Host) CPU(id int) *CPU {
	for i := range h.CPUs {
		if h.CPUs[i].ID == id {
			return &h.CPUs[i]
		}
	}
	return nil
}

// ShareOf is what reservations may take of a CPU of this host.
func (h *Host) ShareOf(cpu CPU) vsn.Share {
	if cpu.Share != 0 {
		return cpu.Share
	}
	return h.Share
}

// Local reports whether the host is the machine that reads the inventory.
func (h *Host) Local() bool { return h.Address == "" }
