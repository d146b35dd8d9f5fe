package simulation

// cpu is a processor of a host, with its reservations under earliest deadline first,
// each a constant bandwidth server as in Linux (kernel/sched/deadline.c). Budgets end
// at ticks where grain is not 0, and what was overrun is missing from the next.
type cpu struct {
	clock   *clock
	grain   int64
	phase   int64
	servers []*server
	running *server
	since   int64
	turns   int64
}

// server is a reservation on a cpu.
type server struct {
	cpu       *cpu
	q, p      int64
	turn      func(bool)
	left      int64
	deadline  int64
	throttled bool
	wants     bool
}

func (c *cpu) add(q, p int64, turn func(bool)) *server {
	s := &server{cpu: c, q: q, p: p, turn: turn}
	c.servers = append(c.servers, s)
	return s
}

// busy is the wake-up rule: what is left of the budget may be used by its deadline
// if that is no more than the share of the time until then; else a new period begins.
func (s *server) busy() {
	s.wants = true
	now := s.cpu.clock.now
	if !s.throttled && (s.deadline <= now || over(s.left, s.p, s.deadline-now, s.q)) {
		s.deadline, s.left = now+s.p, s.q
	}
	s.cpu.choose()
}

// over is a*b > c*d; periods and budgets are under 2^31 here.
func over(a, b, c, d int64) bool { return a > 0 && a*b > c*d }

func (s *server) idle() {
	s.wants = false
	s.cpu.choose()
}

func (s *server) replenish() {
	for s.left <= 0 {
		s.deadline += s.p
		s.left += s.q
	}
	s.throttled = false
	s.cpu.choose()
}

// account charges who runs, and stops it when nothing is left.
func (c *cpu) account() {
	if r := c.running; r != nil {
		r.left -= c.clock.now - c.since
		if r.left <= 0 && !r.throttled {
			r.throttled = true
			c.clock.at(r.deadline, r.replenish)
		}
	}
	c.since = c.clock.now
}

// choose has the server with the earliest deadline run.
func (c *cpu) choose() {
	c.account()
	var best *server
	for _, s := range c.servers {
		if s.wants && !s.throttled && (best == nil || s.deadline < best.deadline) {
			best = s
		}
	}
	c.turns++
	turn := c.turns
	// Whoever is stopped may be done just now, which may bring work for another: then
	// all of this has been done anew on return.
	last := c.running
	c.running = best
	if last != nil && last != best {
		last.turn(false)
	}
	if best == nil || c.running != best {
		return
	}
	best.turn(true)
	if c.turns != turn {
		return
	}
	end := c.clock.now + best.left
	if c.grain > 0 {
		end += (c.grain - (end-c.phase)%c.grain) % c.grain
	}
	c.clock.at(end, func() {
		if c.turns == turn {
			c.choose()
		}
	})
}
