package simulation

import "math/rand/v2"

// budget is a reservation: q of every p ns, and how much later than it should the
// host may give it.
type budget struct{ q, p, late int64 }

// budgetOf is what the documented model makes of a reservation on a host that
// enforces budgets every grain, with so many others on the same CPU: a grain later
// for what it has overrun, one for when it is stopped, and one for each other.
func budgetOf(q, p, grain, others int64) budget { return budget{q, p, (2 + others) * grain} }

// spite is the supply that knows when work comes: the budget has just been used up,
// and those of the next periods come at their ends.
type spite struct {
	budget
	p      *processor
	random *rand.Rand
	often  float64 // how often it is so bad
	turns  int64
}

func (s *spite) busy() {
	s.idle()
	wait := (s.budget.p - s.q) + (s.budget.p - s.q) + s.late
	if s.random.Float64() >= s.often {
		wait = s.random.Int64N(wait + 1)
	}
	s.give(s.turns, s.p.clock.now+wait)
}

func (s *spite) give(turn, at int64) {
	s.p.clock.at(at, func() {
		if s.turns != turn {
			return
		}
		s.p.clock.at(at+s.q, func() {
			if s.turns == turn && s.budget.q < s.budget.p {
				s.p.turn(false)
			}
		})
		s.give(turn, at+s.budget.p)
		s.p.turn(true)
	})
}

func (s *spite) idle() {
	s.turns++
	s.p.turn(false)
}

// periodic is the supply that gives its budget somewhere in each period, whether
// there is work or not: at the begin, at the end, or in pieces.
type periodic struct {
	budget
	p      *processor
	random *rand.Rand
	start  int64
	last   int64 // until when it was given
}

func (s *periodic) busy() {}
func (s *periodic) idle() {}

func (s *periodic) begin() {
	s.start = -s.random.Int64N(s.budget.p)
	s.period()
}

func (s *periodic) period() {
	free := s.budget.p - s.q
	switch s.random.IntN(4) {
	case 0:
		s.piece(s.start, s.q)
	case 1:
		s.piece(s.start+free, s.q)
	default:
		at, given := s.start, int64(0)
		for given < s.q {
			gap := s.random.Int64N(free + 1)
			size := min(s.q-given, 1+s.random.Int64N(s.q))
			s.piece(at+gap, size)
			at, free, given = at+gap+size, free-gap, given+size
		}
	}
	s.start += s.budget.p
	s.p.clock.at(s.start, s.period)
}

func (s *periodic) piece(at, size int64) {
	if s.late > 0 {
		at += s.random.Int64N(s.late + 1)
	}
	at = max(at, s.last)
	s.last = at + size
	if s.last <= s.p.clock.now {
		return
	}
	s.p.clock.at(at, func() { s.p.turn(true) })
	s.p.clock.at(s.last, func() { s.p.turn(false) })
}
