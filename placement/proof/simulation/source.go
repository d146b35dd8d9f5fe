package simulation

import "math/rand/v2"

// source releases within an event model: the places in the pattern come no denser
// than burst at once and one every period, and each release is no more than jitter
// after its place.
type source struct {
	clock         *clock
	random        *rand.Rand
	every, jitter int64
	burst         int64
	until         int64 // nothing is released later
	release       func()
	full          int64 // when the next place could be if the burst were 1, and when all of it may come again
	waiting       bool  // for something to come elsewhere, to come with it
}

// place takes a place in the pattern, at t or as soon after as there may be one.
func (s *source) place(t int64) int64 {
	t = max(t, s.full-(s.burst-1)*s.every)
	s.full = max(s.full, t) + s.every
	return t
}

// volley releases, at one time, all that may come at once: what is late, and what
// is not; then so many more as soon as they may come. It ends with how long nothing
// may be released for such a volley to be possible again.
func (s *source) volley(at int64, more int64) (again int64) {
	if s.full > at {
		return s.full
	}
	begin := max(s.full, at-s.jitter)
	for n := s.burst + (at-begin)/s.every + more; n > 0; n-- {
		s.at(max(s.place(begin), at))
	}
	return s.full + s.jitter
}

func (s *source) at(t int64) {
	if t <= s.until {
		s.clock.at(t, s.release)
	}
}

// volleys releases volley after volley.
func (s *source) volleys(first int64) {
	if first > s.until {
		return
	}
	s.clock.at(first, func() {
		pause := int64(0)
		if s.random.IntN(2) == 0 {
			pause = s.random.Int64N(2*s.every + 1)
		}
		s.volleys(s.volley(first, s.random.Int64N(4)) + pause)
	})
}

// scatter releases at random within the model: at once, as dense as may be, or now
// and then; on time, as late as may be, or between.
func (s *source) scatter(at int64) {
	if at > s.until {
		return
	}
	place := s.place(at)
	late := int64(0)
	switch s.random.IntN(3) {
	case 0:
		late = s.jitter
	case 1:
		late = s.random.Int64N(s.jitter + 1)
	}
	s.at(place + late)
	next := place
	switch s.random.IntN(4) {
	case 0:
		next += s.random.Int64N(2*s.every + 1)
	case 1:
		next += s.random.Int64N(s.every/4 + 1)
	case 2:
		next += s.random.Int64N((s.burst+2)*s.every + 1)
	}
	s.clock.at(next, func() { s.scatter(next) })
}

// join releases a volley when something comes to where this comes first.
func (s *source) join() {
	if s.waiting && s.clock.now <= s.until {
		s.volley(s.clock.now, s.random.Int64N(6))
	}
}
