package dimension

import (
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// variable is one thing to choose: the reservation of a VM's vCPUs or the rate of a
// link.
type variable struct {
	key     Key
	vm      *vsn.VM
	link    *vsn.Link
	share   vsn.Share  // the most that a vCPU may have
	seats   *seating   // of its tasks
	servers []int      // whose service it decides: one; of a link up to two
	flows   []int      // with a deadline, that pass it
	touches [][]int    // of each server: the places in flows of those that pass it
	rows    [][]option // by period, the rungs from the least
	options []option   // that no other beats, cheapest first
	least   []option   // for the bound: whatever there is costs and takes as much as one of these
}

// option is one choice for a variable.
type option struct {
	period   int64
	runtimes []int64 // one for all vCPUs; for each vCPU where the VM has tasks
	rate     int64
	cost     float64
	delays   []int64 // of each server, with the least jitter there can be
}

type serverKind int

const (
	processor serverKind = iota
	devices
	port
)

// server serves the messages of all its clients, first come first served.
type server struct {
	key      serverKey
	kind     serverKind
	to       string          // of a port: the VM that it leads to
	supply   bounds.Supply   // of a processor or devices; of a variable: only the grain
	tasks    [][]bounds.Task // of each vCPU; nil: the guest has none
	runtimes []int64         // of each vCPU, where there are tasks or they differ
	periods  []int64
	rate     int64 // of a port, bit/s
	burst    int64 // bytes; 0: as much as comes at once
	variable int   // -1: it is given
	slot     int   // among the variable's servers
	none     bool  // no service at all
	clients  []client
	arrivals []bounds.Arrival // by client; the jitter as of now
	settled  memo             // what this server answered before
	fresh    bool             // now is the delay at these arrivals with that option
	with     *option
	now      int64
	best     int // the option of least delay, when last looked for
}

type client struct{ flow, step int }

// step is a part of the way of a message: at a server, or a fixed time.
type step struct {
	server int // -1: fixed
	client int // number at the server
	fixed  int64
	after  []int // steps that come before
	ready  int64 // ns after the release, at most, when the message is there
	done   int64
}

// chain is a flow with its steps in an order in which each comes after those that it
// waits for.
type chain struct {
	key      Key
	spec     *vsn.Flow
	jitter   int64
	deadline int64 // less the margin; 0: none
	steps    []step
	last     []int
	cyclic   int // whether it depends on a cycle: 1, -1, or 0 where that is not known yet
}

// model is the flows that depend on one another through VMs and links, of one
// network.
type model struct {
	network   *vsn.Network
	problem   *placement.Problem
	o         *Options
	chosen    *Choice // of tasks
	servers   []*server
	variables []variable
	flows     []*chain
	byKey     map[serverKey]int
	varOf     map[any]int
	places    map[string]place
}

type serverKey struct {
	kind serverKind
	at   string // VM, or link
	from string
}

func newModel(p *placement.Problem, n *vsn.Network, flows []*vsn.Flow, o *Options, chosen *Choice) *model {
	m := &model{network: n, problem: p, o: o, chosen: chosen, byKey: map[serverKey]int{}, varOf: map[any]int{}, places: map[string]place{}}
	for _, f := range flows {
		m.add(f)
	}
	for i := range m.variables {
		v := &m.variables[i]
		for f, c := range m.flows {
			if c.deadline > 0 && slices.ContainsFunc(c.steps, func(s step) bool { return slices.Contains(v.servers, s.server) }) {
				v.flows = append(v.flows, f)
			}
		}
		for _, id := range v.servers {
			var touched []int
			for n, f := range v.flows {
				if slices.ContainsFunc(m.servers[id].clients, func(c client) bool { return c.flow == f }) {
					touched = append(touched, n)
				}
			}
			v.touches = append(v.touches, touched)
		}
	}
	return m
}

func (m *model) add(spec *vsn.Flow) {
	key := Key{m.network.Name, spec.Name}
	f := &chain{key: key, spec: spec, jitter: int64(spec.Jitter)}
	if spec.Deadline > 0 {
		f.deadline = max(1, int64(spec.Deadline)-m.o.Margins[key])
	}
	m.flows = append(m.flows, f)
	arrived := map[string][]int{} // the last steps of what has come to each VM
	for k, stage := range spec.Path {
		work := map[string]int{}
		for _, vm := range stage {
			work[vm] = m.push(f, m.processor(vm), max(1, int64(spec.Work[vm])), arrived[vm])
		}
		if k+1 == len(spec.Path) {
			for _, vm := range stage {
				f.last = append(f.last, work[vm])
			}
			break
		}
		for _, a := range stage {
			for _, b := range spec.Path[k+1] {
				arrived[b] = append(arrived[b], m.send(f, a, b, work[a]))
			}
		}
	}
}

// push adds a step at a server, or returns the step before where there is none.
func (m *model) push(f *chain, at int, cost int64, after []int) int {
	s := m.servers[at]
	f.steps = append(f.steps, step{server: at, client: len(s.clients), after: after})
	id := len(f.steps) - 1
	s.clients = append(s.clients, client{len(m.flows) - 1, id})
	s.arrivals = append(s.arrivals, bounds.Arrival{Period: int64(f.spec.Every), Jitter: f.jitter, Burst: f.spec.Burst, Cost: cost})
	return id
}

// send takes a message from one VM to another and returns its last step.
func (m *model) send(f *chain, a, b string, after int) int {
	framing := bounds.CableFraming(placement.SegmentMTU-bounds.VXLANHeader, true)
	l := m.link(a, b)
	if host := m.place(a).host; host == m.place(b).host && (host != "" || m.o.Best && !openLink(m.network, l)) {
		framing = bounds.ClassFraming(placement.SegmentMTU)
	}
	frames, _ := framing.Frames(int64(f.spec.Message))
	bytes, _ := framing.Bytes(int64(f.spec.Message))
	if e := m.place(a).emulator; e != nil {
		after = m.push(f, m.devices(a), times(frames, int64(e.Work)), []int{after})
	}
	after = m.push(f, m.port(l, a, b), bytes, []int{after})
	f.steps = append(f.steps, step{server: -1, fixed: m.way(l, b), after: []int{after}})
	after = len(f.steps) - 1
	if e := m.place(b).emulator; e != nil {
		after = m.push(f, m.devices(b), times(frames, int64(e.Work)), []int{after})
	}
	return after
}

func (m *model) way(l *vsn.Link, to string) int64 {
	if way, ok := m.o.Ways[Key{m.network.Name, l.Name}]; ok {
		return way
	}
	return m.place(to).delay
}

func (m *model) link(a, b string) *vsn.Link {
	for i := range m.network.Links {
		if joins(&m.network.Links[i], a, b) {
			return &m.network.Links[i]
		}
	}
	return &vsn.Link{Name: a + ">" + b, Between: []string{a, b}, Rate: 8} // a problem that was loaded has it
}

func (m *model) newServer(key serverKey, s *server) (int, bool) {
	if at, ok := m.byKey[key]; ok {
		return at, false
	}
	m.servers = append(m.servers, s)
	s.key, s.variable = key, -1
	m.byKey[key] = len(m.servers) - 1
	return len(m.servers) - 1, true
}

func (m *model) processor(name string) int {
	vm, where := m.network.VM(name), m.place(name)
	id, fresh := m.newServer(serverKey{kind: processor, at: name}, &server{kind: processor, supply: bounds.Supply{Grain: where.grain, Others: where.others}})
	if !fresh {
		return id
	}
	s := m.servers[id]
	at := Key{m.network.Name, name}
	seats := m.chosen.seats[at]
	if seats != nil {
		s.tasks = seats.byVCPU()
	}
	reserved := m.chosen.Reserved[at]
	switch {
	case vm.Reservation != nil && vm.Reservation.Runtime != 0:
		reserved = []vsn.Reservation{*vm.Reservation}
		fallthrough
	case len(reserved) > 0 && !due(m.network, func(f *vsn.Flow) bool { return f.Passes(name) }):
		for i := range max(len(s.tasks), len(reserved)) {
			r := reserved[min(i, len(reserved)-1)]
			s.runtimes, s.periods = append(s.runtimes, int64(r.Runtime)), append(s.periods, int64(r.Period))
		}
	case openVM(m.network, vm):
		m.decides(vm, variable{key: at, vm: vm, share: where.share, seats: seats}, id)
	default:
		s.none = true
	}
	return id
}

func (m *model) devices(name string) int {
	at := m.place(name)
	id, _ := m.newServer(serverKey{kind: devices, at: name}, &server{kind: devices, supply: bounds.Supply{Grain: at.grain, Others: at.others},
		runtimes: []int64{int64(at.emulator.Runtime)}, periods: []int64{int64(at.emulator.Period)}})
	return id
}

func (m *model) port(l *vsn.Link, from, to string) int {
	id, fresh := m.newServer(serverKey{port, l.Name, from}, &server{kind: port, to: to, rate: int64(l.Rate), burst: int64(l.Burst)})
	switch {
	case !fresh:
	case openLink(m.network, l):
		m.decides(l, variable{key: Key{m.network.Name, l.Name}, link: l}, id)
	default:
		m.servers[id].none = l.Rate == 0
	}
	return id
}

func (m *model) decides(of any, v variable, id int) {
	at, known := m.varOf[of]
	if !known {
		at = len(m.variables)
		m.varOf[of] = at
		m.variables = append(m.variables, v)
	}
	s := m.servers[id]
	s.variable, s.slot = at, len(m.variables[at].servers)
	m.variables[at].servers = append(m.variables[at].servers, id)
}

// place is what is assumed of the host of a VM: of its own where it is known, else
// the worst (or best) of each over all that the rules allow; only the delay is always
// the least.
func (m *model) place(vm string) place {
	if p, ok := m.places[vm]; ok {
		return p
	}
	p := placeOf(m.problem, m.network, vm, m.o)
	m.places[vm] = p
	return p
}

func placeOf(problem *placement.Problem, n *vsn.Network, vm string, o *Options) place {
	key := Key{n.Name, vm}
	seat := o.Seats[key]
	out := place{host: seat, others: o.Others[key], delay: bounds.Inf}
	worse := func(a, b int64) bool { return a > b }
	if o.Best {
		worse = func(a, b int64) bool { return a < b }
	}
	slowest, first := int64(0), true
	for i := range problem.Inventory.Hosts {
		h := &problem.Inventory.Hosts[i]
		if seat != "" && h.Name != seat || seat == "" && !allowed(n, vm, h) {
			continue
		}
		out.delay = min(out.delay, int64(h.Delay))
		if first || worse(int64(h.Grain), out.grain) {
			out.grain = int64(h.Grain)
		}
		for _, c := range h.CPUs {
			out.share = max(out.share, h.ShareOf(c))
		}
		took := int64(0)
		if e := h.Emulator; e != nil {
			took, _ = (bounds.Supply{Runtime: int64(e.Runtime), Period: int64(e.Period), Grain: int64(h.Grain), Others: out.others}).Time(max(1, int64(e.Work)))
		}
		if first || worse(took, slowest) {
			slowest, out.emulator = took, h.Emulator
		}
		first = false
	}
	if out.delay == bounds.Inf {
		out.delay = 0
	}
	if out.share == 0 {
		out.share = vsn.One
	}
	return out
}

// allowed tells whether the labels that the rules ask for are there.
func allowed(n *vsn.Network, vm string, h *hosts.Host) bool {
	for i := range n.Place {
		r := &n.Place[i]
		if !slices.Contains(r.VMs, vm) {
			continue
		}
		for label, value := range r.On {
			if have, ok := h.Labels[label]; !ok || have != value {
				return false
			}
		}
	}
	return true
}

func times(a, b int64) int64 {
	if b != 0 && a > bounds.Inf/b {
		return bounds.Inf
	}
	return a * b
}

func sum(a, b int64) int64 {
	if a > bounds.Inf-b {
		return bounds.Inf
	}
	return a + b
}
