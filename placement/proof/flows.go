package proof

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// flowRounds bounds the iteration to a fixed point beyond what flows without cycles
// need.
const flowRounds = 1000

// flowArrivals bounds it by the arrivals that are looked at in all rounds: where busy
// periods are long, rounds are.
const flowArrivals = 1 << 22

// stage is one element that a message passes: processor time in a VM, frames
// through its device threads, the wait at a port, the way over a link.
type stage struct {
	name   string
	server *server // nil for the way over a link, whose delay is known
	fixed  int64   // ns, where server is nil
	cost   int64   // of one message: ns of processor time, or bytes at a port
	jitter int64   // ns by which messages may be late when they come here
	delay  int64   // ns
	lost   bool    // delay grew without end
	why    string  // why fixed is bounds.Inf
}

// node is a flow at one VM: the ways that lead there, and the work.
type node struct {
	vm   string
	ways []*way
	work *stage
	done int64 // ns from the release until the work is done
}

// way is the step of a flow from one VM to the next: devices, port, link, devices.
type way struct {
	from   *node
	stages []*stage
	comes  int64 // ns from the release until the message has come
}

// flow is a flow of the problem with its VMs, stage by stage.
type flow struct {
	name  name
	spec  *vsn.Flow
	nodes [][]*node
}

// flows are the flows of a network, with their delays.
type flows struct {
	m       *model
	paths   *paths
	part    *part
	all     []*flow
	servers map[string]*server
	ports   []*server // in the order of first use
	looked  int64     // arrivals, one by one
}

// newFlows bounds the end-to-end delay of every flow of a network; those of others have
// VMs and links of their own. Every server is first come first served, so that the
// messages of all flows that pass it delay one another; behind a stage a message may be
// late by that stage's delay, which makes later stages see messages closer together.
// Delays and jitters depend on one another: holistic analysis (Tindell and Clark 1994)
// takes the least fixed point, and what does not settle has no bound. Where several ways
// lead to a VM its work begins when the last has come, so that a path's bound is that of
// the longest.
func newFlows(m *model, ps *paths, p *part) *flows {
	fs := &flows{m: m, paths: ps, part: p, servers: map[string]*server{}}
	for j := range p.Flows {
		fs.add(&p.Flows[j])
	}
	fs.solve()
	return fs
}

func (fs *flows) add(spec *vsn.Flow) {
	f := &flow{name: name{fs.part.Name, spec.Name}, spec: spec}
	fs.all = append(fs.all, f)
	for k, vms := range spec.Path {
		var nodes []*node
		for _, vm := range vms {
			v := &node{vm: vm}
			if k > 0 {
				for _, from := range f.nodes[k-1] {
					v.ways = append(v.ways, fs.way(f, from, vm))
				}
			}
			// A message that asks for no work still has to wait until its VM runs.
			v.work = fs.join(f, &stage{name: "work at " + vm, cost: max(1, int64(spec.Work[vm]))}, fs.processor(fs.part.find(vm)))
			nodes = append(nodes, v)
		}
		f.nodes = append(f.nodes, nodes)
	}
}

// join makes a stage a client of its server.
func (fs *flows) join(f *flow, s *stage, at *server) *stage {
	s.server = at
	at.clients = append(at.clients, client{f, s})
	return s
}

func (fs *flows) way(f *flow, from *node, to string) *way {
	w := &way{from: from}
	w.stages = append(w.stages, fs.device(f, from.vm, from.vm, to)...)
	w.stages = append(w.stages, fs.link(f, from.vm, to)...)
	w.stages = append(w.stages, fs.device(f, to, from.vm, to)...)
	return w
}

// processor is the server of the work in a VM.
func (fs *flows) processor(vm *seated) *server {
	key := "vm " + vm.name.String()
	if s := fs.servers[key]; s != nil {
		return s
	}
	s := &server{rule: RuleRequest, name: key}
	for cpu := range vm.reservations {
		supply, _ := fs.m.supply(vm, cpu)
		v := vcpu{Supply: supply, looked: &fs.looked}
		if vm.tasks != nil {
			v.tasks, v.names, s.rule = vm.tasks[cpu], vm.taskNames[cpu], RuleBusy
		}
		s.vcpus = append(s.vcpus, v)
	}
	fs.servers[key] = s
	return s
}

// device is the passage of the frames of a message, sent from a to b, through the
// device threads of vm; nothing where the host reserves nothing for them, which the
// proof then says it rests on.
func (fs *flows) device(f *flow, vm, a, b string) []*stage {
	at := fs.part.find(vm)
	h := at.host
	if h.Emulator == nil {
		return nil
	}
	key := "devices " + at.name.String()
	if fs.servers[key] == nil {
		e := at.emulator
		fs.servers[key] = &server{rule: RuleDevice, name: key, vcpus: []vcpu{{looked: &fs.looked, Supply: bounds.Supply{Runtime: e.RuntimeNs, Period: e.PeriodNs, Grain: int64(h.Grain), Others: fs.m.others(at.hostAt, e.CPU)}}}}
	}
	frames, _ := fs.framing(a, b).Frames(int64(f.spec.Message))
	return []*stage{fs.join(f, &stage{name: fmt.Sprintf("devices of %s (%s>%s)", vm, a, b), cost: times(frames, int64(h.Emulator.Work))}, fs.servers[key])}
}

// link is the wait at the sender's port until the class has tokens, and the way.
func (fs *flows) link(f *flow, a, b string) []*stage {
	var p *path
	if i, joined := fs.part.from[ends{a, b}]; joined {
		p = fs.part.paths[i]
	}
	if p == nil || p.port == nil {
		return []*stage{{name: fmt.Sprintf("%s>%s without a rate", a, b), fixed: bounds.Inf, why: fmt.Sprintf("no link with a rate joins %s to %s", a, b)}}
	}
	subject := fmt.Sprintf("queue %v %s>%s", p.link, a, b)
	if fs.servers[subject] == nil {
		fs.servers[subject] = &server{rule: RuleShaper, name: subject, rate: p.port.RateBit, burst: p.port.BurstBytes, limit: p.port.LimitBytes}
		fs.ports = append(fs.ports, fs.servers[subject])
	}
	bytes, _ := fs.framing(a, b).Bytes(int64(f.spec.Message))
	return []*stage{
		fs.join(f, &stage{name: fmt.Sprintf("port %s>%s", a, b), cost: bytes}, fs.servers[subject]),
		{name: fmt.Sprintf("link %s %s>%s", p.link.of, a, b), fixed: p.delay, why: fs.paths.why(p)},
	}
}

// framing is how frames between two VMs count: as on the cable where there is one.
func (fs *flows) framing(a, b string) bounds.Framing {
	if fs.part.hostOf(a) == fs.part.hostOf(b) {
		return bounds.ClassFraming(placement.SegmentMTU)
	}
	return bounds.CableFraming(tunnelMTU, true)
}

// solve iterates delays and jitters to their least fixed point, from below; what does
// not settle has no bound, nor what depends on it.
func (fs *flows) solve() {
	for round := 0; ; round++ {
		settled := true
		for _, f := range fs.all {
			settled = f.advance(round > flowRounds+len(fs.all) || fs.looked > flowArrivals) && settled
		}
		if settled {
			return
		}
	}
}

// advance computes the delays of a flow's stages from the jitters of all, and its
// own jitters from the delays; it reports whether nothing changed. What changes when it
// is too late never settles.
func (f *flow) advance(late bool) bool {
	settled := true
	pass := func(s *stage, elapsed int64) int64 {
		jitter := sum(int64(f.spec.Jitter), elapsed)
		if s.jitter != jitter {
			s.jitter, settled = jitter, false
		}
		delay := s.fixed
		if s.server != nil {
			delay = s.server.delay()
		}
		if s.lost {
			delay = bounds.Inf
		}
		if s.delay != delay {
			s.delay, settled = delay, false
			s.lost = late
		}
		return sum(elapsed, delay)
	}
	for v := range f.each() {
		begin := int64(0)
		for _, w := range v.ways {
			w.comes = w.from.done
			for _, s := range w.stages {
				w.comes = pass(s, w.comes)
			}
			begin = max(begin, w.comes)
		}
		v.done = pass(v.work, begin)
	}
	return settled
}

// each visits the VMs of a flow in the order in which a message reaches them.
func (f *flow) each() func(func(*node) bool) {
	return func(visit func(*node) bool) {
		for _, nodes := range f.nodes {
			for _, v := range nodes {
				if !visit(v) {
					return
				}
			}
		}
	}
}

// stages visits the stages that lead to a VM, way by way, and the work there.
func (v *node) stages() func(func(*stage) bool) {
	return func(visit func(*stage) bool) {
		for _, w := range v.ways {
			for _, s := range w.stages {
				if !visit(s) {
					return
				}
			}
		}
		visit(v.work)
	}
}

// last is the VM of the last stage that is done last.
func (f *flow) last() *node {
	return slices.MaxFunc(f.nodes[len(f.nodes)-1], func(a, b *node) int { return int(min(max(a.done-b.done, -1), 1)) })
}

// longest lists the stages of the longest way to v, the work at v last.
func (v *node) longest() []*stage {
	if len(v.ways) == 0 {
		return []*stage{v.work}
	}
	w := slices.MaxFunc(v.ways, func(a, b *way) int { return int(min(max(a.comes-b.comes, -1), 1)) })
	return append(append(w.from.longest(), w.stages...), v.work)
}
