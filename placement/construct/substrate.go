package construct

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Substrate is an inventory by numbers: hosts, then switches, are nodes; the arcs of
// all nodes lie in one array. It does not change.
type Substrate struct {
	inventory *hosts.Inventory
	hosts     int32
	names     []string // of nodes
	index     map[string]int32
	delay     []int64 // ns that a frame spends in a node, queues apart
	inner     []bool  // the node forwards and has two cables or more: a path may pass it
	first     []int32 // of the arcs of each node, and the end of the last
	outer     []int32 // of the arcs of each node, those from here on lead to nodes that no path passes
	arcs      []arc
	cables    []cable
	kinds     []string // of what hosts count beside memory, sorted
	dims      int32    // 1 + len(kinds)
	room      []int64  // of host h: memory at h*dims, then each kind
	domains   []int32  // of host h: its scheduling domains are domain[domains[h]:domains[h+1]]
	domain    []domain
	hostOf    []int32 // of each domain
	emulator  []int64 // of each host: what the device threads of one VM take, in billionths of a CPU
}

type arc struct{ to, cable int32 }

type cable struct {
	ends   [2]int32
	budget int64 // bit/s, in each direction or in both together: a link takes its rate of it once
	delay  int64 // ns
}

// domain is what reservations share: one CPU under partitioned EDF, all CPUs of a
// host under global EDF.
type domain struct {
	share int64 // billionths of a CPU, summed
	cpus  int64
}

// NewSubstrate numbers an inventory. The error is that of a name or an end that is not
// there, which a document that was loaded does not have.
func NewSubstrate(inv *hosts.Inventory) (*Substrate, error) {
	s := &Substrate{inventory: inv, hosts: int32(len(inv.Hosts)), index: map[string]int32{}}
	for i := range inv.Hosts {
		for kind := range inv.Hosts[i].Resources {
			if !slices.Contains(s.kinds, kind) {
				s.kinds = append(s.kinds, kind)
			}
		}
	}
	slices.Sort(s.kinds)
	s.dims = int32(1 + len(s.kinds))
	var forwards []bool
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		s.addNode(h.Name, int64(h.Delay))
		forwards = append(forwards, h.Transit)
		s.addHost(h)
	}
	s.domains = append(s.domains, int32(len(s.domain)))
	for i := range inv.Switches {
		s.addNode(inv.Switches[i].Name, int64(inv.Switches[i].Delay))
		forwards = append(forwards, true)
	}
	if len(s.index) != len(s.names) {
		return nil, fmt.Errorf("inventory: two hosts or switches have one name")
	}
	return s, s.addCables(forwards)
}

func (s *Substrate) addNode(name string, delay int64) {
	s.index[name] = int32(len(s.names))
	s.names = append(s.names, name)
	s.delay = append(s.delay, delay)
}

func (s *Substrate) addHost(h *hosts.Host) {
	s.room = append(s.room, int64(h.Memory))
	for _, kind := range s.kinds {
		s.room = append(s.room, h.Resources[kind])
	}
	s.domains = append(s.domains, int32(len(s.domain)))
	all := domain{}
	for _, cpu := range h.CPUs {
		share := int64(h.ShareOf(cpu))
		if h.Partition {
			s.domain = append(s.domain, domain{share, 1})
		}
		all = domain{all.share + share, all.cpus + 1}
	}
	if !h.Partition {
		s.domain = append(s.domain, all)
	}
	for len(s.hostOf) < len(s.domain) {
		s.hostOf = append(s.hostOf, int32(len(s.domains)-1))
	}
	e := int64(0)
	if h.Emulator != nil {
		e = billionths(int64(h.Emulator.Runtime), int64(h.Emulator.Period))
	}
	s.emulator = append(s.emulator, e)
}

func (s *Substrate) addCables(forwards []bool) error {
	degree := make([]int32, len(s.names)+1)
	for i := range s.inventory.Cables {
		c := &s.inventory.Cables[i]
		out := cable{budget: int64(c.Usable()), delay: int64(c.Delay)}
		for k, end := range c.Between {
			n, ok := s.index[end]
			if !ok {
				return fmt.Errorf("cable %q: there is no node %q", c.Name, end)
			}
			out.ends[k] = n
			degree[n]++
		}
		s.cables = append(s.cables, out)
	}
	s.inner = make([]bool, len(s.names))
	for n := range s.inner {
		s.inner[n] = forwards[n] && degree[n] > 1
	}
	s.first, s.outer = make([]int32, len(s.names)+1), make([]int32, len(s.names))
	for n := range s.names {
		s.first[n+1] = s.first[n] + degree[n]
	}
	s.arcs = make([]arc, s.first[len(s.names)])
	copy(s.outer, s.first)
	end := slices.Clone(s.first)
	for _, inner := range []bool{true, false} {
		for i := range s.cables {
			for k, n := range s.cables[i].ends {
				if to := s.cables[i].ends[1-k]; s.inner[to] == inner {
					s.arcs[end[n]] = arc{to, int32(i)}
					end[n]++
				}
			}
		}
		if inner {
			copy(s.outer, end)
		}
	}
	return nil
}

// billionths of a CPU that a reservation takes, rounded up.
func billionths(runtime, period int64) int64 {
	hi, lo := bits.Mul64(uint64(runtime), uint64(vsn.One))
	if period <= 0 || hi >= uint64(period) {
		return math.MaxInt64 / 4
	}
	q, r := bits.Div64(hi, lo, uint64(period))
	if r > 0 {
		q++
	}
	return int64(q)
}
