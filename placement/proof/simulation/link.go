package simulation

import (
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Bytes that a frame is on top of what it carries: IPv4 and UDP; Ethernet as tc counts
// it; Ethernet's preamble, checksum and gap; VXLAN with all it stands on (RFC 7348).
const (
	datagram = 28
	ethernet = 14
	wire     = 24
	vxlan    = 50
)

// way is one direction of a link.
type way struct {
	w         *play
	subject   string // of its queue
	link      string // of its claim
	crosses   bool   // it leaves its host
	port      *class
	hops      []func(f *frame) // each takes a frame and has the next take it
	last      []int64          // when each let the last frame go, so that none is overtaken
	receiving int64            // ns that the receiver's host may take
}

// link makes one direction of a link, and a load for it where no flow of the plan
// uses it: whatever is sent there may delay others.
func (w *play) link(n *vsn.Network, l *vsn.Link, from, to string, back bool) {
	ends := from + ">" + to
	y := &way{w: w, subject: "queue " + n.Name + "/" + l.Name + " " + ends, link: "link " + n.Name + "/" + l.Name + " " + ends}
	rate, burst := int64(placement.RestRate), int64(placement.RestBurst)
	for _, q := range w.real.Queues {
		if q.Network == n.Name && q.Link == l.Name && q.From == from && q.At == placement.AtPort {
			rate, burst = q.RateBit, q.BurstBytes
		}
	}
	y.port = newClass(&w.clock, rate, burst, w.random.IntN(2) == 0)
	w.links[[2]name{{n.Name, from}, {n.Name, to}}] = y
	var nodes, cables []string
	for _, r := range w.answer.Routes {
		if r.Network == n.Name && r.Link == l.Name {
			nodes, cables = append(nodes, r.Path...), append(cables, r.Cables...)
		}
	}
	for i := range cables {
		cable, tail := cables[i], nodes[i]
		if back {
			cable, tail = cables[len(cables)-1-i], nodes[len(nodes)-1-i]
		}
		y.hop(cable, tail, rate, burst)
	}
	y.crosses, y.receiving = len(cables) > 0, int64(w.hosts[name{n.Name, to}].Delay)
	y.last = append(y.last, 0)
	if !uses(n, from, to) {
		y.load(rate, burst)
	}
}

func uses(n *vsn.Network, from, to string) bool {
	for _, f := range n.Flows {
		for i := range f.Path[1:] {
			for _, a := range f.Path[i] {
				for _, b := range f.Path[i+1] {
					if a == from && b == to {
						return true
					}
				}
			}
		}
	}
	return false
}

// cable is the time of a byte on a cable, and what the cable takes.
func (w *play) cable(name string) (perByte, delay int64) {
	for _, c := range w.problem.Inventory.Cables {
		if c.Name == name {
			perByte, delay = byteNs/int64(c.Rate), int64(c.Delay)
		}
	}
	return perByte, delay
}

// node is what a switch or host takes, and which it is.
func (w *play) node(name string) (delay int64, host bool) {
	for _, s := range w.problem.Inventory.Switches {
		if s.Name == name {
			delay = int64(s.Delay)
		}
	}
	for _, h := range w.problem.Inventory.Hosts {
		if h.Name == name {
			delay, host = int64(h.Delay), true
		}
	}
	return delay, host
}

// hop adds a cable: what its tail takes, the line, what the cable takes.
func (y *way) hop(cable, tail string, rate, burst int64) {
	w := y.w
	perByte, delay := w.cable(cable)
	nodeDelay, host := w.node(tail)
	key := [2]string{cable, tail}
	if w.lines[key] == nil {
		w.lines[key] = &line{clock: &w.clock, random: w.random, perByte: perByte, idle: true, begun: int64(w.random.IntN(2)) * 1000}
	}
	ln := w.lines[key]
	var own *class
	if host {
		own = newClass(&w.clock, rate, burst, false)
		own.line = ln
		w.waits[y.subject+" at "+cable+" of host "+tail] = &own.most
		ln.classes = append(ln.classes, own)
		if w.random.IntN(2) == 0 {
			ln.victim = own
		}
	}
	if !host {
		w.waits["switch "+tail+" at cable "+cable] = &ln.most
	}
	at := len(y.hops)
	y.last = append(y.last, 0, 0)
	y.hops = append(y.hops, func(f *frame) {
		f.sent = func() {
			y.later(2*at+1, delay, func() { y.pass(f, at+1) })
		}
		y.later(2*at, nodeDelay, func() {
			if own != nil {
				own.arrive(f)
				return
			}
			ln.arrive(f)
		})
	})
}

// later has something happen after no more than delay, in order.
func (y *way) later(place int, delay int64, do func()) {
	if y.w.random.IntN(2) == 0 {
		delay = y.w.random.Int64N(delay + 1)
	}
	y.last[place] = max(y.last[place], y.w.now+delay)
	y.w.at(y.last[place], do)
}

// send puts a frame into the port's queue; sent and came tell when it has left the
// port, and come to the receiver's tap.
func (y *way) send(bytes int64, sent, came func()) {
	f := &frame{bytes: bytes}
	f.sent = func() {
		left := y.w.now
		f.came = func() {
			see(y.w.result.Links, y.link, y.w.now-left)
			came()
		}
		sent()
		y.pass(f, 0)
	}
	y.port.arrive(f)
}

// pass takes a frame over a hop, or into the receiving host behind the last.
func (y *way) pass(f *frame, hop int) {
	if hop < len(y.hops) {
		y.hops[hop](f)
		return
	}
	y.later(len(y.last)-1, y.receiving, f.came)
}

// frames are the frames of a message, each as its class counts it.
func (y *way) frames(message int64) []int64 {
	room, more := int64(placement.SegmentMTU-datagram), int64(datagram+ethernet)
	if y.crosses {
		room, more = room-vxlan, more+wire+vxlan
	}
	var out []int64
	for left := message; left > 0 || out == nil; left -= room {
		out = append(out, min(left, room)+more)
	}
	return out
}

// load sends all that the class lets out, for a while, again and again.
func (y *way) load(rate, burst int64) {
	w := y.w
	if w.random.IntN(3) == 0 {
		return
	}
	largest := y.frames(placement.SegmentMTU - datagram - vxlan)[0]
	refill := burst*byteNs/rate + 1
	var send func()
	send = func() {
		for n := burst/largest + 1 + w.random.Int64N(8); n > 0; n-- {
			y.send(largest, func() {}, func() {})
		}
		next := w.now + w.random.Int64N(3*refill+1_000_000)
		if w.Aligned {
			next = w.now + refill + 10_000_000
		}
		if next <= w.Horizon {
			w.at(next, send)
		}
	}
	w.at(w.random.Int64N(1_000_000), send)
}
