package proof

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// stage is one element that a message passes: processor time in a VM, frames
// through its device threads, the wait at a port, the way over a link.
type stage struct {
	name   string
	server *server // nil for the way over a link, whose delay is known
	fixed  int64   // ns, where server is nil
	cost   int64   // of one message: ns of processor time, or bytes at a port
	jitter int64   // ns by which messages may be late when they come here
	delay  int64   // ns
}

// server is what serves stages of several flows, first come first served.
type server struct {
	rule    string
	supply  *bounds.Supply // of processor time; nil: there is no reservation
	rate    int64          // bit/s of a port; with burst
	burst   int64          // bytes
	limit   int64          // bytes that may wait at a port
	port    string         // its subject
	clients []client
}

type client struct {
	flow  *flow
	stage *stage
}

// flow is a flow of the problem with its stages in order.
type flow struct {
	name   name
	spec   *vsn.Flow
	stages []*stage
	delay  int64
}

// flows are all flows, with their delays.
type flows struct {
	m       *model
	paths   *paths
	all     []*flow
	servers map[string]*server
	ports   []*server // in the order of first use
}

// newFlows bounds the end-to-end delay of every flow by the sum of its stages.
// Every server is first come first served, so that the messages of all flows that
// pass it delay one another; behind a stage a message may be late by that stage's
// delay, which makes later stages see messages closer together. Delays and jitters
// depend on one another: holistic analysis (Tindell and Clark 1994) takes the least
// fixed point, and what does not settle has no bound.
func newFlows(m *model, ps *paths) *flows {
	fs := &flows{m: m, paths: ps, servers: map[string]*server{}}
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Flows {
			fs.add(n, &n.Flows[j])
		}
	}
	fs.solve()
	for _, f := range fs.all {
		for _, s := range f.stages {
			f.delay = sum(f.delay, s.delay)
		}
	}
	return fs
}

func (fs *flows) add(n *vsn.Network, spec *vsn.Flow) {
	f := &flow{name: name{n.Name, spec.Name}, spec: spec}
	fs.all = append(fs.all, f)
	for i, vm := range spec.Path {
		if i > 0 {
			fs.addDevice(f, vm, spec.Path[i-1], vm)
		}
		// A message that asks for no work still has to wait until its VM runs.
		f.push(&stage{name: "work at " + vm, cost: max(1, int64(spec.Work[vm]))}, fs.processor(name{n.Name, vm}))
		if i+1 < len(spec.Path) {
			fs.addDevice(f, vm, vm, spec.Path[i+1])
			fs.addLink(f, vm, spec.Path[i+1])
		}
	}
}

func (f *flow) push(s *stage, at *server) {
	s.server = at
	f.stages = append(f.stages, s)
	if at != nil {
		at.clients = append(at.clients, client{f, s})
	}
}

// processor is the server of the work in a VM. A message is worked on by one vCPU
// at a time, whichever: all have the same reservation, and one is enough to bound it.
func (fs *flows) processor(vm name) *server {
	key := "vm " + vm.String()
	if s := fs.servers[key]; s != nil {
		return s
	}
	s := &server{rule: RuleRequest}
	if list := fs.m.reservations[vm]; len(list) > 0 {
		s.supply = &bounds.Supply{Runtime: list[0].RuntimeNs, Period: list[0].PeriodNs, Grain: int64(fs.m.seats[vm].Grain)}
		for _, r := range list {
			s.supply.Others = max(s.supply.Others, fs.m.others(r.Host, r.CPU))
		}
	}
	fs.servers[key] = s
	return s
}

// addDevice is the passage of the frames of a message, sent from a to b, through the
// device threads of vm; nothing where the host reserves nothing for them, which the
// proof then says it rests on.
func (fs *flows) addDevice(f *flow, vm, a, b string) {
	at := name{f.name.network, vm}
	h := fs.m.seats[at]
	if h.Emulator == nil {
		return
	}
	key := "devices " + at.String()
	if fs.servers[key] == nil {
		e := fs.m.emulators[at]
		fs.servers[key] = &server{rule: RuleDevice, supply: &bounds.Supply{Runtime: e.RuntimeNs, Period: e.PeriodNs, Grain: int64(h.Grain), Others: fs.m.others(e.Host, e.CPU)}}
	}
	frames, _ := fs.framing(f, a, b).Frames(int64(f.spec.Message))
	f.push(&stage{name: fmt.Sprintf("devices of %s (%s>%s)", vm, a, b), cost: times(frames, int64(h.Emulator.Work))}, fs.servers[key])
}

// addLink is the wait at the sender's port until the class has tokens, and the way.
func (fs *flows) addLink(f *flow, a, b string) {
	p := fs.link(f, a, b)
	if p == nil || p.spec.Rate == 0 {
		f.push(&stage{name: fmt.Sprintf("%s>%s without a rate", a, b), fixed: bounds.Inf}, nil)
		return
	}
	host := fs.m.seats[name{f.name.network, a}].Name
	q := fs.m.queues[queueAt{p.link, a, b, host, placement.AtPort}]
	subject := fmt.Sprintf("queue %v %s>%s", p.link, a, b)
	if fs.servers[subject] == nil {
		fs.servers[subject] = &server{rule: RuleShaper, rate: q.RateBit, burst: q.BurstBytes, limit: q.LimitBytes, port: subject}
		fs.ports = append(fs.ports, fs.servers[subject])
	}
	bytes, _ := fs.framing(f, a, b).Bytes(int64(f.spec.Message))
	f.push(&stage{name: fmt.Sprintf("port %s>%s", a, b), cost: bytes}, fs.servers[subject])
	f.push(&stage{name: fmt.Sprintf("link %s %s>%s", p.link.of, a, b), fixed: p.delay}, nil)
}

func (fs *flows) link(f *flow, a, b string) *path {
	n := fs.network(f.name.network)
	for i := range n.Links {
		l := &n.Links[i]
		if l.Between[0] == a && l.Between[1] == b || l.Between[0] == b && l.Between[1] == a {
			return fs.paths.by[pathKey{name{n.Name, l.Name}, a}]
		}
	}
	return nil
}

func (fs *flows) network(of string) *vsn.Network {
	for i := range fs.m.problem.Networks {
		if fs.m.problem.Networks[i].Name == of {
			return &fs.m.problem.Networks[i]
		}
	}
	return nil
}

// framing is how frames between two VMs count: as on the cable where there is one.
func (fs *flows) framing(f *flow, a, b string) bounds.Framing {
	if fs.m.seats[name{f.name.network, a}] == fs.m.seats[name{f.name.network, b}] {
		return bounds.ClassFraming(placement.SegmentMTU)
	}
	return bounds.CableFraming(tunnelMTU, true)
}

func (fs *flows) solve() {
	for range rounds {
		settled := true
		for _, f := range fs.all {
			settled = f.advance() && settled
		}
		if settled {
			return
		}
	}
	for _, f := range fs.all {
		for _, s := range f.stages {
			s.delay = bounds.Inf
		}
	}
}

// advance computes the delays of a flow's stages from the jitters of all, and its
// own jitters from the delays; it reports whether nothing changed.
func (f *flow) advance() bool {
	settled := true
	jitter := int64(0)
	for _, s := range f.stages {
		if s.jitter != jitter {
			s.jitter, settled = jitter, false
		}
		delay := s.fixed
		if s.server != nil {
			delay = s.server.delay()
		}
		if s.delay != delay {
			s.delay, settled = delay, false
		}
		jitter = sum(jitter, delay)
	}
	return settled
}

// delay bounds the wait of any message at the server, its own service included.
func (v *server) delay() int64 {
	arrivals := make([]bounds.Arrival, len(v.clients))
	for i, c := range v.clients {
		arrivals[i] = bounds.Arrival{Period: int64(c.flow.spec.Every), Jitter: c.stage.jitter, Cost: c.stage.cost}
		if arrivals[i].Validate() != nil {
			return bounds.Inf // it comes arbitrarily late, or is beyond all ranges
		}
	}
	if v.rule == RuleShaper {
		bytes, fits := v.backlog(arrivals)
		if !fits {
			return bounds.Inf
		}
		return bounds.ShaperDelay(bytes, v.rate, v.burst)
	}
	if v.supply == nil {
		return bounds.Inf
	}
	delay, ok := bounds.RequestDelay(*v.supply, arrivals)
	if !ok {
		return bounds.Inf
	}
	return delay
}

// backlog is the most bytes that come to a port at once, as a token bucket sees
// them, and whether they come no faster than its rate.
func (v *server) backlog(arrivals []bounds.Arrival) (bytes int64, fits bool) {
	sigma, rho := new(big.Rat), new(big.Rat)
	for _, a := range arrivals {
		b := a.Bucket()
		sigma.Add(sigma, b.Sigma)
		rho.Add(rho, b.Rho)
	}
	return ceil(sigma), rho.Cmp(big.NewRat(v.rate, 8e9)) <= 0
}

// ceil rounds a non-negative rational up, saturating at bounds.Inf.
func ceil(r *big.Rat) int64 {
	q, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return bounds.Inf
	}
	return q.Int64()
}
