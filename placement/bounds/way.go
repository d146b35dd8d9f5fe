package bounds

// Hop is one step on the way of a flow of whole frames: a node that takes its time,
// then a line that sends frame after frame and is never idle while one waits, stored
// whole at its far end before it goes on.
type Hop struct {
	Rate   int64 // of the line, bit/s
	Own    int64 // the rate of the flow, bit/s
	Others int64 // the rate of all other traffic on the line, bit/s
	Burst  int64 // bytes of the flow itself that may come to the line at once
	Cross  int64 // bytes of all other traffic that may come to the line at once
	Joins  int64 // of Cross, those of traffic that was not on the hop before
	Frame  int64 // the largest frame on the line, bytes
	Fixed  int64 // ns that the node takes at most, queues apart, and the propagation
	Blind  bool  // nothing is known of the order of service; else first come first served
}

// Carries tells whether all traffic together is no faster than the line.
func (h Hop) Carries() bool { return addSat(h.Own, h.Others) <= h.Rate }

// Left is the rate that other traffic leaves, bit/s; 0 where the line does not carry
// all.
func (h Hop) Left() int64 {
	if !h.Carries() {
		return 0
	}
	return h.Rate - h.Others
}

// Delay is the longest time on the hop of a frame of the flow, ns: all bursts, and one
// frame of the rest of the world that had begun, at the rate of the line (Cruz, "A
// Calculus for Network Delay", 1991); in blind order at the rate that the others leave
// (Le Boudec and Thiran, "Network Calculus", 2001, theorem 6.2.1).
func (h Hop) Delay() int64 { return addSat(h.wait(addSat(h.Burst, h.Cross)), h.Fixed) }

// Latency is how long the hop may do nothing for the flow, ns, before it serves it at
// the rate Left: frame n leaves by the latest a(j) + (bytes of frames j to n)/Left over
// all j <= n, and Latency after that. First come first served, a frame waits for the
// others' bursts at the rate of the line; in blind order for all that they send until
// it leaves (guaranteed-rate servers: Goyal, Lam and Vin, "Determining End-to-End Delay
// Bounds in Heterogeneous Networks", 1995; Le Boudec and Thiran, definition 2.1.1 and
// theorems 6.2.1 and 6.4.1).
func (h Hop) Latency() int64 { return addSat(h.wait(h.Cross), h.Fixed) }

func (h Hop) wait(bytes int64) int64 {
	rate := h.Rate
	if h.Blind || !h.Carries() {
		rate = h.Left()
	}
	return SendTime(addSat(bytes, h.Frame), rate)
}

// FrameTime is how long the largest frame takes at the rate Left, ns.
func (h Hop) FrameTime() int64 { return SendTime(h.Frame, h.Left()) }

// Idle is the latency of the hop as a strict server of whole frames of all traffic, ns:
// one frame of the rest of the world that had begun, and one that is not out yet.
func (h Hop) Idle() int64 { return addSat(SendTime(mulSat(2, h.Frame), h.Rate), h.Fixed) }

// Backlog is the most bytes of the flow that wait on the hop before the line has sent
// them whole: all that comes at once, and what comes while the line sends what others
// have before it, a frame of the rest of the world that had begun, and one that is not
// out yet. It is the vertical distance between the flow's token bucket and what the
// others leave of the line, in any order of service (Le Boudec and Thiran, theorems
// 1.4.1 and 6.2.1). Burst counts from where the frames queue: Fixed is not in it.
func (h Hop) Backlog() int64 {
	return addSat(h.Burst, BytesIn(SendTime(addSat(h.Cross, mulSat(2, h.Frame)), h.Left()), h.Own))
}

// Crossing is how many bytes of other traffic delay the flow because of this hop where
// each burst counts once: those that join here, and what others send while it idles.
func (h Hop) Crossing() int64 { return addSat(h.Joins, BytesIn(h.Idle(), h.Others)) }

// Way adds up hops for a flow that sets out with Burst bytes at once, in three ways,
// each a bound of the time from there to the end of the last hop; Inf where a hop does
// not carry its traffic.
type Way struct {
	Burst   int64 // bytes
	hops    int64 // ns, sum of Delay
	latency int64 // ns, sum of Latency
	frames  int64 // ns, sum of FrameTime
	longest int64 // ns, the FrameTime of the slowest hop
	left    int64 // bit/s, the least Left
	idle    int64 // ns, sum of Idle
	cross   int64 // bytes, sum of Crossing
	passed  bool
}

// Then is the way with one hop more.
func (w Way) Then(h Hop) Way {
	w.hops = addSat(w.hops, h.Delay())
	w.latency = addSat(w.latency, h.Latency())
	w.frames = addSat(w.frames, h.FrameTime())
	w.idle = addSat(w.idle, h.Idle())
	w.cross = addSat(w.cross, h.Crossing())
	if !w.passed || h.Left() < w.left {
		w.left, w.longest = h.Left(), h.FrameTime()
	}
	w.passed = true
	return w
}

// HopByHop is the sum of the delays of all hops (total flow analysis), ns.
func (w Way) HopByHop() int64 { return w.hops }

// Tandem pays the flow's own burst once, at the slowest hop, and a frame at each other
// hop, where it must have come whole before it goes on, ns (separated flow analysis:
// Le Boudec and Thiran, section 1.4.3; for frames Stiliadis and Varma, "Latency-Rate
// Servers", 1998, theorem 1).
func (w Way) Tandem() int64 {
	if w.frames == Inf {
		return Inf
	}
	return addSat(addSat(w.latency, w.frames-w.longest), w.OwnTime())
}

// PMOO pays other traffic once as well, ns: where several hops in a row are shared, its
// burst counts where it joins (pay multiplexing only once: Schmitt, Zdarsky and
// Martinovic, MMB 2008). It takes no order of service for granted, so that it holds for
// all.
func (w Way) PMOO() int64 {
	return addSat(w.idle, addSat(w.CrossTime(), w.OwnTime()))
}

// OwnTime is how long the flow's own burst takes at the least rate that is left, ns.
func (w Way) OwnTime() int64 { return SendTime(w.Burst, w.left) }

// CrossTime is how long the bursts of others take at the least rate left, ns.
func (w Way) CrossTime() int64 { return SendTime(w.cross, w.left) }

// Least is the least of the three bounds, ns; 0 without a hop.
func (w Way) Least() int64 {
	if !w.passed {
		return 0
	}
	return min(w.HopByHop(), w.Tandem(), w.PMOO())
}
