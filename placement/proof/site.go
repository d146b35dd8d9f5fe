package proof

import (
	"sync/atomic"

	"github.com/vsnctl/vsnctl/hosts"
)

// site is an inventory, indexed, once it is known to be one.
type site struct {
	inventory *hosts.Inventory
	hostAt    map[string]int // places in the inventory
	switchAt  map[string]int
	cableAt   map[string]int
	ends      []atomic.Pointer[end] // two of each cable, made when first asked for
}

// end is the sending end of a cable.
type end struct {
	cable    *hosts.Cable
	tail     string // the sending node
	name     string // "c from s"
	latency  string // names of terms
	frame    string
	own      string
	others   string
	at       int32 // the line that it sends on
	before   int64 // ns that the sending node takes at most, queues apart
	forwards bool  // the sending node is a switch
}

func newSite(inv *hosts.Inventory) (*site, error) {
	s := &site{inventory: inv, hostAt: make(map[string]int, len(inv.Hosts)), switchAt: make(map[string]int, len(inv.Switches)), cableAt: make(map[string]int, len(inv.Cables)),
		ends: make([]atomic.Pointer[end], 2*len(inv.Cables))}
	for i := range inv.Hosts {
		name := inv.Hosts[i].Name
		if _, twice := s.hostAt[name]; twice {
			return nil, broken("host "+name, "there are two of this name")
		}
		s.hostAt[name] = i
	}
	for i := range inv.Switches {
		name := inv.Switches[i].Name
		if s.host(name) != nil || s.node(name) != nil {
			return nil, broken("switch "+name, "there are two nodes of this name")
		}
		s.switchAt[name] = i
	}
	for i := range inv.Cables {
		name := inv.Cables[i].Name
		if s.cable(name) != nil {
			return nil, broken("cable "+name, "there are two of this name")
		}
		s.cableAt[name] = i
	}
	return s, nil
}

// host finds a host by name, or nil.
func (s *site) host(name string) *hosts.Host {
	if i, ok := s.hostAt[name]; ok {
		return &s.inventory.Hosts[i]
	}
	return nil
}

// node finds a switch by name, or nil.
func (s *site) node(name string) *hosts.Switch {
	if i, ok := s.switchAt[name]; ok {
		return &s.inventory.Switches[i]
	}
	return nil
}

// cable finds a cable by name, or nil.
func (s *site) cable(name string) *hosts.Cable {
	if i, ok := s.cableAt[name]; ok {
		return &s.inventory.Cables[i]
	}
	return nil
}

// within is what a node takes for a frame, queues apart, in ns.
func (s *site) within(node string) int64 {
	if h := s.host(node); h != nil {
		return int64(h.Delay)
	}
	return int64(s.node(node).Delay)
}

// end is the end of a cable at one of its nodes.
func (s *site) end(cable, tail string) *end {
	i := s.cableAt[cable]
	c := &s.inventory.Cables[i]
	at := 2 * i
	if c.Between[0] != tail {
		at++
	}
	if e := s.ends[at].Load(); e != nil {
		return e
	}
	name := cable + " from " + tail
	e := &end{cable: c, tail: tail, name: name, latency: "latency, " + name, frame: "a frame, " + name,
		own: "own burst, at " + name, others: "bursts of others, once each, at " + name, at: int32(at), before: s.within(tail), forwards: s.node(tail) != nil}
	if c.Half() {
		e.at = int32(2 * i) // from either end
	}
	s.ends[at].Store(e) // another goroutine makes the same
	return e
}

// cpuAt is the place of a CPU in its host's list.
func cpuAt(h *hosts.Host, id int) int {
	if id >= 0 && id < len(h.CPUs) && h.CPUs[id].ID == id {
		return id
	}
	for i := range h.CPUs {
		if h.CPUs[i].ID == id {
			return i
		}
	}
	return -1
}
