package hosts

import (
	"fmt"
	"slices"
	"strings"
)

// Key names an object on its host: kind first, then who it belongs to, as in
// "reservation/robot/camera/vcpu0".
type Key string

// Kind is the first part of a Key.
type Kind string

// The kinds, in the order in which a machine is built up: each stands only on
// kinds before it.
const (
	KindPartition   Kind = "partition"
	KindSegment     Kind = "segment"
	KindDomain      Kind = "domain"
	KindReservation Kind = "reservation"
	KindPort        Kind = "port"
	KindQueue       Kind = "queue"
	KindPromise     Kind = "promise"
	KindPower       Kind = "power"
)

// Layers are the kinds in the order of building; a machine is torn down the other
// way. What shares a layer does not stand on one another.
var Layers = [][]Kind{
	{KindPartition, KindSegment},
	{KindDomain},
	{KindReservation, KindPort},
	{KindQueue},
	{KindPromise},
	{KindPower},
}

// Kind is the first part of the key.
func (k Key) Kind() Kind {
	kind, _, _ := strings.Cut(string(k), "/")
	return Kind(kind)
}

// Object is a thing of ours on a host: a plain value, comparable with ==.
type Object interface {
	Key() Key
	On() []Key     // what it stands on, and cannot outlive
	Owner() string // the network, or "" for what networks share
	String() string
}

// Partition is a root domain of one CPU: the scheduler balances nothing into or
// out of it, and admits reservations on it alone. Shared by all networks.
type Partition struct {
	CPU int `json:"cpu"`
}

// Segment is the layer-two network of a VSN on this host: a bridge of its own.
type Segment struct {
	Network string `json:"network"`
	Bridge  string `json:"bridge"`
	MTU     int    `json:"mtu"` // bytes of IP packet
}

// Domain is a virtual machine that exists, running or paused.
type Domain struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
	Name    string `json:"name"` // of the libvirt domain
	Accel   Accel  `json:"accel"`
	VCPUs   int    `json:"vcpus"`
	Memory  int64  `json:"memory"` // bytes
	Kernel  string `json:"kernel,omitempty"`
	Initrd  string `json:"initrd,omitempty"`
	Cmdline string `json:"cmdline,omitempty"`
	Image   string `json:"image,omitempty"`   // backing file of the overlay
	Overlay string `json:"overlay,omitempty"` // ours, removed with the domain
	Bridge  string `json:"bridge"`
	Tap     string `json:"tap"`
	MAC     string `json:"mac"`
	MTU     int    `json:"mtu"`
	// Resources are the counted things that it holds of its host: "gpu=1 key=2", sorted.
	Resources string `json:"resources,omitempty"`
	// Pins is where its threads may run: "vcpu0=3 vcpu1=2 emulator=3", in the order
	// of vcpus and the emulator last. A thread not named may run on every CPU.
	Pins string `json:"pins,omitempty"`
}

// Reservation is CPU time for one thread of a domain, SCHED_DEADLINE.
type Reservation struct {
	Network   string `json:"network"`
	VM        string `json:"vm"`
	Thread    string `json:"thread"` // "vcpu0", "vcpu1", ... or "emulator"
	CPU       int    `json:"cpu"`    // AnyCPU: the root domain decides
	RuntimeNs int64  `json:"runtimeNs"`
	PeriodNs  int64  `json:"periodNs"`
}

// AnyCPU stands for a reservation that its root domain may run on any of its CPUs
// (global EDF).
const AnyCPU = -1

// Port is the shaper of what one VM sends: its tap's ingress, turned into an IFB
// with HTB. What belongs to no Queue shares Rate, so that ARP works and nothing
// else gets far.
type Port struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
	Tap     string `json:"tap"`
	Ifb     string `json:"ifb"`
	RateBit int64  `json:"rateBit"` // of the class for the rest, bit/s
}

// Queue is the class of one direction of a link, at the sender's port: frames to
// ToMAC leave at RateBit with BurstBytes at once.
type Queue struct {
	Network    string `json:"network"`
	Link       string `json:"link"`
	VM         string `json:"vm"` // the sender
	To         string `json:"to"` // the receiver
	Ifb        string `json:"ifb"`
	Class      uint16 `json:"class"` // minor number of the HTB class
	ToMAC      string `json:"toMac"`
	RateBit    int64  `json:"rateBit"`
	BurstBytes int64  `json:"burstBytes"`
	LimitBytes int64  `json:"limitBytes"` // length of the leaf's queue
}

// Power is a domain that runs; without it the domain is paused.
type Power struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
}

func key(kind Kind, parts ...any) Key {
	var b strings.Builder
	b.WriteString(string(kind))
	for _, p := range parts {
		fmt.Fprintf(&b, "/%v", p)
	}
	return Key(b.String())
}

// PartitionKey, SegmentKey and the like name an object that need not exist.
func PartitionKey(cpu int) Key                      { return key(KindPartition, cpu) }
func SegmentKey(network string) Key                 { return key(KindSegment, network) }
func DomainKey(network, vm string) Key              { return key(KindDomain, network, vm) }
func ReservationKey(network, vm, thread string) Key { return key(KindReservation, network, vm, thread) }
func PortKey(network, vm string) Key                { return key(KindPort, network, vm) }
func QueueKey(network, link, sender string) Key     { return key(KindQueue, network, link, sender) }
func PowerKey(network, vm string) Key               { return key(KindPower, network, vm) }
func (p Partition) Key() Key                        { return PartitionKey(p.CPU) }
func (s Segment) Key() Key                          { return SegmentKey(s.Network) }
func (d Domain) Key() Key                           { return DomainKey(d.Network, d.VM) }
func (r Reservation) Key() Key                      { return ReservationKey(r.Network, r.VM, r.Thread) }
func (p Port) Key() Key                             { return PortKey(p.Network, p.VM) }
func (q Queue) Key() Key                            { return QueueKey(q.Network, q.Link, q.VM) }
func (p Power) Key() Key                            { return PowerKey(p.Network, p.VM) }
func (p Partition) On() []Key                       { return nil }
func (s Segment) On() []Key                         { return nil }
func (d Domain) On() []Key                          { return []Key{SegmentKey(d.Network)} }
func (p Port) On() []Key                            { return []Key{DomainKey(p.Network, p.VM)} }
func (q Queue) On() []Key                           { return []Key{PortKey(q.Network, q.VM)} }
func (p Power) On() []Key                           { return []Key{DomainKey(p.Network, p.VM)} }
func (p Partition) Owner() string                   { return "" }
func (s Segment) Owner() string                     { return s.Network }
func (d Domain) Owner() string                      { return d.Network }
func (r Reservation) Owner() string                 { return r.Network }
func (p Port) Owner() string                        { return p.Network }
func (q Queue) Owner() string                       { return q.Network }
func (p Power) Owner() string                       { return p.Network }

// On is the domain, and the partition of the CPU where there is one.
func (r Reservation) On() []Key {
	on := []Key{DomainKey(r.Network, r.VM)}
	if r.CPU != AnyCPU {
		on = append(on, PartitionKey(r.CPU))
	}
	return on
}

func (p Partition) String() string { return fmt.Sprintf("root domain of cpu %d", p.CPU) }
func (s Segment) String() string {
	return fmt.Sprintf("segment %s (bridge %s, mtu %d)", s.Network, s.Bridge, s.MTU)
}
func (d Domain) String() string {
	return fmt.Sprintf("domain %s/%s (%s, %d vcpus, %d MiB)", d.Network, d.VM, d.Accel, d.VCPUs, d.Memory>>20)
}
func (r Reservation) String() string {
	where := "any cpu"
	if r.CPU != AnyCPU {
		where = fmt.Sprintf("cpu %d", r.CPU)
	}
	return fmt.Sprintf("reservation %s/%s/%s (%dus/%dus on %s)", r.Network, r.VM, r.Thread, r.RuntimeNs/1e3, r.PeriodNs/1e3, where)
}
func (p Port) String() string {
	return fmt.Sprintf("port %s/%s (%s through %s)", p.Network, p.VM, p.Tap, p.Ifb)
}
func (q Queue) String() string {
	return fmt.Sprintf("queue %s/%s %s>%s (%d bit/s, burst %d B)", q.Network, q.Link, q.VM, q.To, q.RateBit, q.BurstBytes)
}
func (p Power) String() string { return fmt.Sprintf("power %s/%s", p.Network, p.VM) }

// State is everything of ours on a host, as wanted or as observed: the same type,
// so that a difference is a comparison.
type State struct {
	Partitions   []Partition   `json:"partitions,omitempty"`
	Segments     []Segment     `json:"segments,omitempty"`
	Domains      []Domain      `json:"domains,omitempty"`
	Reservations []Reservation `json:"reservations,omitempty"`
	Ports        []Port        `json:"ports,omitempty"`
	Queues       []Queue       `json:"queues,omitempty"`
	Promises     []Promise     `json:"promises,omitempty"`
	Powers       []Power       `json:"powers,omitempty"`
}

// Objects lists the state in the order of building, sorted by key within a kind.
func (s State) Objects() []Object {
	var all []Object
	all = append(all, sorted(s.Partitions)...)
	all = append(all, sorted(s.Segments)...)
	all = append(all, sorted(s.Domains)...)
	all = append(all, sorted(s.Reservations)...)
	all = append(all, sorted(s.Ports)...)
	all = append(all, sorted(s.Queues)...)
	all = append(all, sorted(s.Promises)...)
	return append(all, sorted(s.Powers)...)
}

// Add puts an object into the list of its kind.
func (s *State) Add(o Object) {
	switch o := o.(type) {
	case Partition:
		s.Partitions = append(s.Partitions, o)
	case Segment:
		s.Segments = append(s.Segments, o)
	case Domain:
		s.Domains = append(s.Domains, o)
	case Reservation:
		s.Reservations = append(s.Reservations, o)
	case Port:
		s.Ports = append(s.Ports, o)
	case Queue:
		s.Queues = append(s.Queues, o)
	case Promise:
		s.Promises = append(s.Promises, o)
	case Power:
		s.Powers = append(s.Powers, o)
	default:
		panic(fmt.Sprintf("hosts: unknown object %T", o))
	}
}

func sorted[T Object](list []T) []Object {
	out := make([]Object, len(list))
	for i, o := range list {
		out[i] = o
	}
	slices.SortStableFunc(out, func(a, b Object) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	return out
}
