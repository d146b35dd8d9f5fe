package simulation

import (
	"github.com/vsnctl/vsnctl/vsn"
)

// route is a flow: its VMs stage by stage, and where each sends.
type route struct {
	w       *play
	network string
	spec    *vsn.Flow
	subject string
}

// message is one message of a flow under way.
type message struct {
	r        *route
	released int64
	came     map[string]int // ways over which it has come to a VM
	left     int            // VMs of the last stage that are not done with it
}

func (w *play) flow(n *vsn.Network, spec *vsn.Flow) {
	r := &route{w, n.Name, spec, "flow " + n.Name + "/" + spec.Name}
	src := w.source(int64(spec.Every), int64(spec.Jitter), spec.Burst)
	src.release = r.release
	w.begin(src, name{n.Name, spec.Path[0][0]})
}

func (r *route) release() {
	r.w.inside++
	m := &message{r: r, released: r.w.now, came: map[string]int{}, left: len(r.spec.Path[len(r.spec.Path)-1])}
	for _, vm := range r.spec.Path[0] {
		m.work(0, vm)
	}
}

// work is done in a VM of a stage; then the message goes to all of the next.
func (m *message) work(stage int, vm string) {
	r, w := m.r, m.r.w
	at := w.now
	most := int64(r.spec.Work[vm])
	w.stations["vm "+r.network+"/"+vm].arrive(w.work(max(1, most)), func() {
		m.saw("work at "+vm, at)
		if stage+1 == len(r.spec.Path) {
			if m.left--; m.left == 0 {
				w.inside--
				w.result.Done++
				see(w.result.Flows, r.subject, w.now-m.released)
			}
		} else {
			for _, to := range r.spec.Path[stage+1] {
				m.send(stage+1, vm, to)
			}
		}
		w.stations["vm "+r.network+"/"+vm].serve()
	})
}

func (m *message) saw(stage string, since int64) {
	see(m.r.w.result.Stages, m.r.subject+": "+stage, m.r.w.now-since)
}

// send takes a message, frame by frame, through the devices of its sender, the port,
// the link and the devices of its receiver, where work begins when it has come over all ways.
func (m *message) send(stage int, from, to string) {
	w := m.r.w
	l := w.links[[2]name{{m.r.network, from}, {m.r.network, to}}]
	frames := l.frames(int64(m.r.spec.Message))
	at := w.now
	between := from + ">" + to
	for i, bytes := range frames {
		last := i == len(frames)-1
		m.device(from, last, at, between, func() {
			reached := w.now
			l.send(bytes, func() {
				if last {
					m.saw("port "+between, reached)
				}
			}, func() {
				m.device(to, last, w.now, between, func() {
					if last {
						m.arrive(stage, to)
					}
				})
			})
		})
	}
}

// device passes a frame through the device threads of a VM, if they have a reservation.
func (m *message) device(vm string, last bool, since int64, between string, then func()) {
	w := m.r.w
	key := name{m.r.network, vm}
	s := w.stations["devices "+key.String()]
	if s == nil {
		then()
		return
	}
	s.arrive(w.work(int64(w.hosts[key].Emulator.Work)), func() {
		if last {
			m.saw("devices of "+vm+" ("+between+")", since)
		}
		then()
		s.serve()
	})
}

func (m *message) arrive(stage int, vm string) {
	if m.came[vm]++; m.came[vm] == len(m.r.spec.Path[stage-1]) {
		m.work(stage, vm)
	}
}
