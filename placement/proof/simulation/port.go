package simulation

import "math/rand/v2"

// frame is a frame on its way over a link.
type frame struct {
	bytes int64
	came  func() // to the tap
	sent  func() // it has left the port, or the line, where it is
}

// byteNs is how many ns a byte takes at one bit/s: tokens are counted in bytes times it, so
// that they are whole numbers.
const byteNs = 8_000_000_000

// class is a token bucket with its queue, as HTB has it: full at first, and a frame
// may go while there are tokens at all; strict: only when there are tokens for all of it.
type class struct {
	clock  *clock
	rate   int64
	burst  int64
	strict bool
	tokens int64 // times byteNs
	since  int64
	queue  []*frame
	held   int64 // bytes in the queue
	most   int64
	line   *line // asks for what may go itself; else it goes at once
}

func newClass(c *clock, rate, burst int64, strict bool) *class {
	return &class{clock: c, rate: rate, burst: burst, strict: strict, tokens: burst * byteNs}
}

func (c *class) fill() {
	most := c.burst * byteNs
	if d := c.clock.now - c.since; d > (most-c.tokens)/c.rate {
		c.tokens = most
	} else {
		c.tokens += d * c.rate
	}
	c.since = c.clock.now
}

// ready is when the first frame may go; none waits: never.
func (c *class) ready() (at int64, ok bool) {
	if len(c.queue) == 0 {
		return 0, false
	}
	c.fill()
	need := int64(0)
	if bytes := c.queue[0].bytes; c.strict && bytes <= c.burst {
		need = bytes * byteNs
	}
	if c.tokens >= need {
		return c.clock.now, true
	}
	return c.clock.now + (need-c.tokens+c.rate-1)/c.rate, true
}

func (c *class) take() *frame {
	f := c.queue[0]
	c.queue = c.queue[1:]
	c.held -= f.bytes
	c.tokens -= f.bytes * byteNs
	return f
}

func (c *class) arrive(f *frame) {
	c.queue = append(c.queue, f)
	c.held += f.bytes
	c.most = max(c.most, c.held)
	if c.line != nil {
		c.line.serve()
		return
	}
	if len(c.queue) == 1 {
		c.serve()
	}
}

// serve sends what may go, to a place that is always ready.
func (c *class) serve() {
	at, ok := c.ready()
	if !ok {
		return
	}
	if at > c.clock.now {
		c.clock.at(at, c.serve)
		return
	}
	f := c.take()
	f.sent()
	c.serve()
}

// line is a cable in one direction: behind a host it serves classes in any order,
// behind a switch one queue.
type line struct {
	clock   *clock
	random  *rand.Rand
	perByte int64
	begun   int64    // bytes of a foreign frame that may have begun
	classes []*class // behind a host
	victim  *class   // served last
	queue   []*frame // behind a switch
	busy    bool
	idle    bool
	held    int64 // bytes in queue, with the frame that is being sent
	most    int64
}

// arrive puts a frame into the queue.
func (l *line) arrive(f *frame) {
	l.queue = append(l.queue, f)
	l.held += f.bytes
	l.most = max(l.most, l.held)
	l.serve()
}

func (l *line) serve() {
	if l.busy {
		return
	}
	f, ok := l.pick()
	if !ok {
		l.idle = true
		return
	}
	took := f.bytes * l.perByte
	if l.idle && l.begun > 0 && l.random.IntN(2) == 0 {
		took += l.random.Int64N(l.begun*l.perByte + 1)
	}
	l.idle, l.busy = false, true
	l.clock.at(l.clock.now+took, func() {
		l.busy = false
		if len(l.classes) == 0 {
			l.held -= f.bytes
		}
		f.sent()
		l.serve()
	})
}

// pick is the frame to send, if any waits. A class without tokens borrows where no
// other that waits has some.
func (l *line) pick() (f *frame, ok bool) {
	if len(l.queue) > 0 {
		f, l.queue = l.queue[0], l.queue[1:]
		return f, true
	}
	var can, wait []*class
	for _, c := range l.classes {
		at, waits := c.ready()
		switch {
		case !waits:
		case at <= l.clock.now:
			can = append(can, c)
		default:
			wait = append(wait, c)
		}
	}
	if len(can) == 0 {
		can = wait
	}
	if len(can) == 0 {
		return nil, false
	}
	i := l.random.IntN(len(can))
	if can[i] == l.victim {
		i = 0
	}
	return can[i].take(), true
}
