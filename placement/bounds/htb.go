package bounds

// Sizes of headers, in bytes.
const (
	UDPHeader     = 20 + 8             // IPv4 without options, and UDP: inside the MTU
	EthernetFrame = 14                 // a frame as tc counts it (skb->len), beyond the MTU
	EthernetWire  = EthernetFrame + 24 // a frame on the cable: also preamble 8, checksum 4, gap 12 (IEEE 802.3)
	VXLANHeader   = 50                 // outer Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348)
	ShortestWire  = 84                 // Ethernet pads to 64 with the checksum; preamble and gap
)

// Framing is how a message becomes frames: what counts inside the MTU, and what
// every frame costs on top of it in the eyes of whoever counts.
type Framing struct {
	MTU      int64 // the most that one frame carries, IP and UDP headers included
	Headers  int64 // of those in each frame: UDPHeader
	PerFrame int64 // beyond the MTU: EthernetFrame for a class, EthernetWire for a cable; and VXLANHeader on the underlay
	Shortest int64 // no frame counts less: 0 for a class, ShortestWire for a cable
}

// ClassFraming is how a message over UDP counts in an HTB class or TBF.
func ClassFraming(mtu int64) Framing {
	return Framing{MTU: mtu, Headers: UDPHeader, PerFrame: EthernetFrame}
}

// CableFraming is how a message over UDP counts on an Ethernet cable; encapsulated
// in VXLAN when tunnelled, mtu then being that of the inner network.
func CableFraming(mtu int64, tunnelled bool) Framing {
	f := Framing{MTU: mtu, Headers: UDPHeader, PerFrame: EthernetWire, Shortest: ShortestWire}
	if tunnelled {
		f.PerFrame += VXLANHeader
	}
	return f
}

// Frames is how many frames carry a message of that many bytes: one at least, and
// no fewer than IP fragmentation makes. ok is false where the MTU leaves no room.
func (f Framing) Frames(message int64) (frames int64, ok bool) {
	room := f.MTU - f.Headers
	if room <= 0 || f.Headers < 0 || message < 0 {
		return 0, false
	}
	return max(1, ceilDiv(message, room)), true
}

// Bytes is what a message of that many bytes counts with all its frames' headers.
func (f Framing) Bytes(message int64) (bytes int64, ok bool) {
	frames, ok := f.Frames(message)
	if !ok {
		return Inf, false
	}
	full := mulSat(frames, f.Headers+f.PerFrame)
	bytes = addSat(message, full)
	// Only the last frame can be short of the least: all others are full.
	room := f.MTU - f.Headers
	last := message - (frames-1)*room + f.Headers + f.PerFrame
	bytes = addSat(bytes, max(0, f.Shortest-last))
	return bytes, bytes < Inf
}

// SendTime is how many nanoseconds that many bytes take at rate bits per second,
// rounded up; Inf at rate 0 or beyond the range.
func SendTime(bytes, rate int64) int64 {
	if bytes <= 0 {
		return 0
	}
	if rate <= 0 || bytes > Inf/8 {
		return Inf
	}
	return mulDivUp(8*bytes, 1_000_000_000, rate)
}

// ShaperDelay is how many nanoseconds the last byte of sigma bytes that come at
// once waits in a token bucket of rate bits per second and burst bytes, rounded up.
// It bounds the delay of every byte of a flow in the token bucket (sigma, rho) with
// rho <= rate, since the shaper is then a server of the service curve burst + rate*t
// (Le Boudec and Thiran, "Network Calculus", 2001, section 1.5).
func ShaperDelay(sigma, rate, burst int64) int64 {
	return SendTime(max(0, sigma-max(0, burst)), rate)
}

// BytesIn is how many bytes rate bits per second bring in t nanoseconds, rounded up;
// Inf for t Inf or beyond the range.
func BytesIn(t, rate int64) int64 {
	if t <= 0 || rate <= 0 {
		return 0
	}
	if t == Inf {
		return Inf
	}
	return mulDivUp(t, rate, 8_000_000_000)
}
