package embed

import (
	"fmt"
	"math"
	"math/bits"
	"sort"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/utilization"
	"github.com/vsnctl/vsnctl/vsn"
)

// model is the problem by numbers: hosts, then switches, are nodes; VMs that a rule
// keeps together are one group, which is what gets a seat.
type model struct {
	problem   *placement.Problem
	reserved  placement.Reserved // where vCPUs of a VM differ
	scale     utilization.Scale
	hosts     []host
	nodes     []node
	cables    []cable
	vms       []vm
	groups    []group
	links     []link
	flows     []flow
	resources []string // names, sorted
	odd       bool     // some group is not always active
	vmIndex   map[[2]string]int32
	linkIndex map[[2]string]int32
	nodeIndex map[string]int32
	cableIdx  map[string]int32
	was       map[int32]int32 // VMs by number: the host that each had before
	stays     []int32         // of each group: the host that it keeps, or -1; nil: none keeps any
	ways      []*route        // of each link: the route that it keeps, or nil
	loose     int             // groups that keep none
}

type host struct {
	*hosts.Host
	memory    int64
	resources []int64       // by model.resources
	share     utilization.U // sum over its CPUs
	largest   utilization.U // of one CPU
	emulator  utilization.U
	twin      int32 // hosts of one twin number can stand for one another
	alike     int32 // hosts of one alike number carry the same, cables apart
	pack      int32 // hosts of one pack number have the same CPUs and emulators
}

type node struct {
	name     string
	delay    int64 // ns a frame spends here, queues apart
	forwards bool
	arcs     []arc
}

type arc struct{ to, cable int32 }

type cable struct {
	name   string
	ends   [2]int32
	budget int64 // bit/s in each direction
	delay  int64 // ns
}

type vm struct {
	network, name string
	*vsn.VM
	reserved []vsn.Reservation // by vCPU; none: best effort
	group    int32
	part     int32 // number of its network
	odd      bool  // its network is not always active, and somebody counts on that
}

// group is the VMs that must sit together: one decision.
type group struct {
	vms       []int32
	memory    int64
	vcpus     utilization.U // sum over the vCPUs with a reservation
	largest   utilization.U // of one vCPU
	resources []int64       // by model.resources; nil: none
	links     []int32       // with an end in the group
	apart     []int32       // groups that must sit elsewhere
	spread    []spread      // groups that must sit where a label has another value
	pinned    bitset        // with a pin: the hosts that the rules alone would allow
	torn      bool          // a rule wants two of its own VMs apart
	part      int32         // number of its network
	odd       bool          // as of its VMs
	domain    bitset        // hosts that the rules and its size allow
	weight    int64         // for the order of decisions: the rates of its links
	size      int64         // likewise: of the mean host, in 1024ths
}

type link struct {
	network string
	*vsn.Link
	ends  [2]int32 // VMs
	rate  int64
	limit int64 // ns; 0: none
	flows []int32
	hard  bool // it has been in a cut
}

type flow struct {
	network string
	*vsn.Flow
	vms   []int32 // stage by stage
	work  []int64 // ns, at each of them
	works int64   // ns, the sum of the work along the longest way
	steps []step  // in order: those into a stage before those out of it
	links []int32 // of its steps, where only one link joins the two
	forks bool    // a stage has several VMs
	hard  bool    // it has been in a cut
}

// step is the way of a message between two VMs, by their places in the flow's vms.
type step struct {
	from, to int32
	link     int32 // -1 where not just one link joins the two
}

type bitset []uint64

func newBitset(n int) bitset      { return make(bitset, (n+63)/64) }
func (b bitset) has(i int32) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) set(i int32)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) unset(i int32)    { b[i>>6] &^= 1 << (i & 63) }
func (b bitset) count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func newModel(p *placement.Problem, reserved placement.Reserved) (*model, error) {
	m := &model{problem: p, reserved: reserved, vmIndex: map[[2]string]int32{}, linkIndex: map[[2]string]int32{}, nodeIndex: map[string]int32{}, cableIdx: map[string]int32{}}
	for _, step := range []func() error{m.addUnits, m.addHosts, m.addCables, m.addVMs, m.addLinks, m.addFlows} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := m.addGroups(); err != nil {
		return nil, err
	}
	m.addClasses()
	m.loose = len(m.groups)
	return m, nil
}

func (m *model) addNode(n node) error {
	if _, twice := m.nodeIndex[n.name]; twice {
		return fmt.Errorf("inventory: there are two nodes of the name %q", n.name)
	}
	m.nodeIndex[n.name] = int32(len(m.nodes))
	m.nodes = append(m.nodes, n)
	return nil
}

// addUnits finds what is counted in: the scale, which needs every period there is, and
// the resources.
func (m *model) addUnits() error {
	var periods []int64
	names := map[string]bool{}
	for i := range m.problem.Networks {
		for j := range m.problem.Networks[i].VMs {
			v := &m.problem.Networks[i].VMs[j]
			for _, r := range m.reserved.Of(m.problem.Networks[i].Name, v) {
				if r.Runtime < 0 || r.Runtime > r.Period || r.Period <= 0 {
					return fmt.Errorf("vm %q of network %q: reservation %v every %v: want 0 <= runtime <= period", v.Name, m.problem.Networks[i].Name, r.Runtime, r.Period)
				}
				periods = append(periods, int64(r.Period))
			}
			for name := range v.Resources {
				names[name] = true
			}
		}
	}
	inv := &m.problem.Inventory
	for i := range inv.Hosts {
		if e := inv.Hosts[i].Emulator; e != nil {
			if e.Runtime < 0 || e.Runtime > e.Period || e.Period <= 0 {
				return fmt.Errorf("host %q: emulator %v every %v: want 0 <= runtime <= period", inv.Hosts[i].Name, e.Runtime, e.Period)
			}
			periods = append(periods, int64(e.Period))
		}
	}
	m.scale = utilization.NewScale(periods)
	for name := range names {
		m.resources = append(m.resources, name)
	}
	sort.Strings(m.resources)
	return nil
}

// addHosts adds hosts, then switches.
func (m *model) addHosts() error {
	inv := &m.problem.Inventory
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		if err := m.addNode(node{name: h.Name, delay: int64(h.Delay), forwards: h.Transit}); err != nil {
			return err
		}
		m.hosts = append(m.hosts, m.newHost(h))
	}
	for i := range inv.Switches {
		s := &inv.Switches[i]
		if err := m.addNode(node{name: s.Name, delay: int64(s.Delay), forwards: true}); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) newHost(h *hosts.Host) host {
	out := host{Host: h, memory: int64(h.Memory), resources: make([]int64, len(m.resources))}
	for i, name := range m.resources {
		out.resources[i] = h.Resources[name]
	}
	for _, cpu := range h.CPUs {
		u := m.scale.Share(h.ShareOf(cpu))
		out.share = out.share.Plus(u)
		out.largest = out.largest.Max(u)
	}
	if e := h.Emulator; e != nil {
		out.emulator = m.scale.Of(int64(e.Runtime), int64(e.Period))
	}
	return out
}

func (m *model) addCables() error {
	for i := range m.problem.Inventory.Cables {
		c := &m.problem.Inventory.Cables[i]
		if _, twice := m.cableIdx[c.Name]; twice || len(c.Between) != 2 {
			return fmt.Errorf("cable %q: there are two of this name, or it has not two ends", c.Name)
		}
		out := cable{name: c.Name, budget: Budget(c), delay: int64(c.Delay)}
		for k, end := range c.Between {
			n, ok := m.nodeIndex[end]
			if !ok {
				return fmt.Errorf("cable %q: there is no node %q", c.Name, end)
			}
			out.ends[k] = n
		}
		if out.ends[0] == out.ends[1] {
			return fmt.Errorf("cable %q: both ends are at %q", c.Name, c.Between[0])
		}
		id := int32(len(m.cables))
		m.cableIdx[c.Name] = id
		m.cables = append(m.cables, out)
		for k, n := range out.ends {
			m.nodes[n].arcs = append(m.nodes[n].arcs, arc{out.ends[1-k], id})
		}
	}
	return nil
}

// Budget is what links may take of a cable in each direction, in bit/s: the share
// of its rate, rounded down, which loses nothing since rates are whole.
func Budget(c *hosts.Cable) int64 {
	hi, lo := bits.Mul64(uint64(max(0, c.Rate)), uint64(max(0, c.Share)))
	if hi >= uint64(vsn.One) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(vsn.One))
	return int64(min(q, math.MaxInt64))
}

func (m *model) addVMs() error {
	seen := map[string]bool{}
	odd := m.odds()
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		if seen[n.Name] {
			return fmt.Errorf("there are two networks of the name %q", n.Name)
		}
		seen[n.Name] = true
		for j := range n.VMs {
			key := [2]string{n.Name, n.VMs[j].Name}
			if _, twice := m.vmIndex[key]; twice || n.VMs[j].VCPUs < 1 || n.VMs[j].VCPUs > hosts.MaxCPUs {
				return fmt.Errorf("vm %q of network %q: there are two of this name, or %d vcpus are not in 1..%d", key[1], n.Name, n.VMs[j].VCPUs, hosts.MaxCPUs)
			}
			m.vmIndex[key] = int32(len(m.vms))
			m.vms = append(m.vms, vm{network: n.Name, name: key[1], VM: &n.VMs[j], reserved: m.reserved.Of(n.Name, &n.VMs[j]), part: int32(i), odd: odd[i]})
		}
	}
	return nil
}

// odds tells which networks are not always active, where another network is content
// with less than certainty: only then does it matter.
func (m *model) odds() []bool {
	content := 0
	for i := range m.problem.Networks {
		if _, confidence := m.problem.Networks[i].Odds(); confidence < vsn.One {
			content++
		}
	}
	out := make([]bool, len(m.problem.Networks))
	for i := range m.problem.Networks {
		active, confidence := m.problem.Networks[i].Odds()
		others := content
		if confidence < vsn.One {
			others--
		}
		out[i] = active < vsn.One && others > 0
		m.odd = m.odd || out[i]
	}
	return out
}

func (m *model) vmOf(network, name, what string) (int32, error) {
	v, ok := m.vmIndex[[2]string{network, name}]
	if !ok {
		return 0, fmt.Errorf("%s of network %q: there is no vm %q", what, network, name)
	}
	return v, nil
}

func (m *model) addLinks() error {
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			l := &n.Links[j]
			key := [2]string{n.Name, l.Name}
			if _, twice := m.linkIndex[key]; twice || len(l.Between) != 2 || l.Rate < 0 {
				return fmt.Errorf("link %q of network %q: there are two of this name, or it has not two ends, or a negative rate", l.Name, n.Name)
			}
			out := link{network: n.Name, Link: l, rate: int64(l.Rate), limit: int64(l.Delay)}
			for k, end := range l.Between {
				v, err := m.vmOf(n.Name, end, fmt.Sprintf("link %q", l.Name))
				if err != nil {
					return err
				}
				out.ends[k] = v
			}
			m.linkIndex[key] = int32(len(m.links))
			m.links = append(m.links, out)
		}
	}
	return nil
}

func (m *model) addFlows() error {
	between := map[[2]int32][]int32{}
	for i := range m.links {
		e := m.links[i].ends
		between[[2]int32{min(e[0], e[1]), max(e[0], e[1])}] = append(between[[2]int32{min(e[0], e[1]), max(e[0], e[1])}], int32(i))
	}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Flows {
			f := &n.Flows[j]
			out := flow{network: n.Name, Flow: f, forks: len(f.VMs()) > len(f.Path)}
			place := map[string]int32{}
			for k, name := range f.VMs() {
				v, err := m.vmOf(n.Name, name, fmt.Sprintf("flow %q", f.Name))
				if err != nil {
					return err
				}
				place[name] = int32(k)
				out.vms = append(out.vms, v)
				out.work = append(out.work, int64(f.Work[name]))
			}
			for _, s := range f.Steps() {
				on := step{place[s.From], place[s.To], -1}
				a, b := out.vms[on.from], out.vms[on.to]
				if joining := between[[2]int32{min(a, b), max(a, b)}]; len(joining) == 1 {
					on.link = joining[0]
					out.links = append(out.links, on.link)
					m.links[on.link].flows = append(m.links[on.link].flows, int32(len(m.flows)))
				}
				out.steps = append(out.steps, on)
			}
			_, works := f.LeastTime()
			out.works = int64(works)
			m.flows = append(m.flows, out)
		}
	}
	return nil
}

// plus adds two values that are not negative, up to the largest there is.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
