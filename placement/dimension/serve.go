package dimension

import (
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// memo is what a server answered, by option and jitters.
type memo map[uint64]int64

// mixed adds a number to a hash (splitmix64).
func mixed(h uint64, v int64) uint64 {
	h += uint64(v)*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// serve is the longest wait of any client at the server with an option (nil where it
// is given) and the jitters as of now.
func (m *model) serve(s *server, c *option) int64 {
	if s.none {
		return bounds.Inf
	}
	if slices.ContainsFunc(s.arrivals, endless) {
		return bounds.Inf
	}
	if s.kind == port && s.burst == 0 { // all that comes at once leaves at once
		return 0
	}
	key := uint64(0)
	if c != nil {
		key = mixed(mixed(key, c.period), c.rate)
		for _, q := range c.runtimes {
			key = mixed(key, q)
		}
	}
	for i := range s.arrivals {
		key = mixed(key, s.arrivals[i].Jitter)
	}
	if d, ok := s.settled[key]; ok {
		return d
	}
	if s.settled == nil || len(s.settled) > 1<<16 {
		s.settled = memo{}
	}
	var d int64
	if s.kind == port {
		d = s.shaped(c)
	} else {
		d = s.processed(c)
	}
	s.settled[key] = d
	return d
}

// endless tells whether messages come with no bound that can be reckoned with.
func endless(a bounds.Arrival) bool { return a.Validate() != nil }

func (s *server) shaped(c *option) int64 {
	rate := s.rate
	if c != nil {
		rate = c.rate
	}
	rho := new(big.Rat)
	for _, a := range s.arrivals {
		rho.Add(rho, a.Bucket().Rho)
	}
	if rho.Cmp(big.NewRat(rate, 8e9)) > 0 {
		return bounds.Inf
	}
	return bounds.ShaperDelay(s.sigma(), rate, s.burst)
}

// processed is the delay on the slowest vCPU: a message may run on any.
func (s *server) processed(c *option) int64 {
	runtimes, periods := s.runtimes, s.periods
	if c != nil {
		runtimes, periods = c.runtimes, []int64{c.period}
	}
	worst := int64(0)
	for i := range max(len(s.tasks), len(runtimes)) {
		sup := s.supply
		sup.Runtime, sup.Period = runtimes[min(i, len(runtimes)-1)], periods[min(i, len(periods)-1)]
		var d int64
		if i < len(s.tasks) && len(s.tasks[i]) > 0 {
			d = busy(sup, s.tasks[i], s.arrivals)
		} else {
			d = requestDelay(sup, s.arrivals, bounds.Inf)
		}
		worst = max(worst, d)
	}
	return worst
}

// longestBusy is how many arrivals of one busy period are looked at. Reservations that
// leave longer ones are so near to what they are asked for that they are not chosen.
const longestBusy = 1024

// requestDelay is bounds.RequestDelay where it is no more than limit, and the busy
// period is not too long; else bounds.Inf.
func requestDelay(sup bounds.Supply, arrivals []bounds.Arrival, limit int64) int64 {
	rate, demand := float64(sup.Runtime)/float64(sup.Period), 0.0
	for i := range arrivals {
		demand += float64(arrivals[i].Cost) / float64(arrivals[i].Period)
	}
	if demand > rate*(1+1e-12) {
		return bounds.Inf
	}
	var delay, at int64
	for range longestBusy {
		var work int64
		next := bounds.Inf
		for i := range arrivals {
			a := &arrivals[i]
			work = sum(work, a.Work(at))
			next = min(next, at+a.Period-(at+a.Jitter)%a.Period)
		}
		done, ok := sup.Time(work)
		if delay = max(delay, done-at); !ok || delay > limit {
			return bounds.Inf
		}
		if done <= next {
			return delay
		}
		at = next
	}
	return bounds.Inf
}

// busy is the longest busy period of tasks and messages together.
func busy(sup bounds.Supply, tasks []bounds.Task, arrivals []bounds.Arrival) int64 {
	all := slices.Clone(arrivals)
	for _, t := range tasks {
		all = append(all, bounds.Arrival{Period: t.Period, Cost: t.Cost})
	}
	length := int64(0)
	for range 1000 {
		work := int64(0)
		for _, a := range all {
			work = sum(work, a.Work(max(0, length-1)))
		}
		next, ok := sup.Time(work)
		if !ok {
			return bounds.Inf
		}
		if next == length {
			return length
		}
		length = next
	}
	return bounds.Inf
}
