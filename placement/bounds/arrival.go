package bounds

import (
	"fmt"
	"math/big"
	"math/bits"
)

// Arrival is an event model: the messages of one flow as one element sees them.
// In the long run one message comes every Period; each may be up to Jitter later
// than its place in the pattern, and Burst of them may come at once. So a closed
// window of length t holds at most Burst + floor((t+Jitter)/Period) messages.
// "B messages together in every period" is one message of B times the cost.
//
// Cost is the work of one message at this element, in the unit of the supply.
// Source: the standard event model with jitter, Tindell and Clark, "Holistic
// Schedulability Analysis for Distributed Hard Real-Time Systems", 1994; Richter,
// "Compositional Scheduling Analysis Using Standard Event Models", 2005.
type Arrival struct {
	Period int64
	Jitter int64
	Burst  int64 // 0: 1
	Cost   int64
}

// Validate reports why a is no event model: it wants 0 < Period <= 2^60, and
// Jitter, Burst and Cost from 0 to 2^60.
func (a Arrival) Validate() error {
	switch {
	case a.Period <= 0 || a.Period > largest:
		return fmt.Errorf("period %d: want 1 to 2^60", a.Period)
	case a.Jitter < 0 || a.Jitter > largest:
		return fmt.Errorf("jitter %d: want 0 to 2^60", a.Jitter)
	case a.Burst < 0 || a.Burst > largest:
		return fmt.Errorf("burst %d messages: want 0 to 2^60", a.Burst)
	case a.Cost < 0 || a.Cost > largest:
		return fmt.Errorf("cost %d: want 0 to 2^60", a.Cost)
	}
	return nil
}

func (a Arrival) valid() bool {
	return a.Period > 0 && a.Period <= largest && a.Jitter >= 0 && a.Jitter <= largest &&
		a.Burst >= 0 && a.Burst <= largest && a.Cost >= 0 && a.Cost <= largest
}

// Count is the most messages in any closed window of length t; 0 for t < 0.
func (a Arrival) Count(t int64) int64 {
	if t < 0 {
		return 0
	}
	return addSat(max(a.Burst, 1), addSat(t, a.Jitter)/a.Period)
}

// Work is the most work in any closed window of length t.
func (a Arrival) Work(t int64) int64 { return mulSat(a.Count(t), a.Cost) }

// Bucket is the token bucket in units of work that covers the event model.
func (a Arrival) Bucket() Bucket {
	sigma := big.NewRat(a.Jitter, a.Period)
	sigma.Add(sigma, ratInt(max(a.Burst, 1)))
	sigma.Mul(sigma, ratInt(a.Cost))
	return Bucket{Sigma: sigma, Rho: big.NewRat(a.Cost, a.Period)}
}

// next is the first length over t at which Count grows.
func (a Arrival) next(t int64) int64 {
	phase := (t + a.Jitter) % a.Period
	return t + (a.Period - phase)
}

// maxSteps limits the arrivals that RequestDelay looks at one by one.
const maxSteps = 1 << 20

// RequestDelay is the longest time from the arrival of a message, of any of the
// flows, until its work is done, where s serves the messages of all flows first
// come first served. ok is false, and the delay Inf, where the flows demand more
// than the rate of s, and where s or a flow is not valid.
//
// The bound is the horizontal distance between the staircase of all work and the
// inverse of the supply, over the longest busy period (Le Boudec and Thiran,
// "Network Calculus", 2001, theorem 1.4.2). It is exact: some pattern of arrivals
// within the event models and of supply within s attains it, and so for every
// flow, since a message that arrives together with others may be the last of
// them. Only where a busy period has more than a million different arrivals and no
// common period ends it sooner, the rest of it is bounded by the token buckets and
// Linear, safe but not exact.
func RequestDelay(s Supply, flows []Arrival) (delay int64, ok bool) {
	delay, _, _, ok = RequestWorst(s, flows)
	return delay, ok
}

// RequestWorst is RequestDelay with the instant of the arrival that waits longest, since
// the start of the busy period, and all work asked for by then: delay is the Time of
// work less at. Where the delay is that of the token buckets, at and work are 0.
func RequestWorst(s Supply, flows []Arrival) (delay, at, work int64, ok bool) {
	return requestWorst(s, flows, new(int64))
}

// RequestCounted is RequestDelay that adds to looked the arrivals that it looks at one
// by one, for those who ask often and have a limit of work.
func RequestCounted(s Supply, flows []Arrival, looked *int64) (delay int64, ok bool) {
	delay, _, _, ok = requestWorst(s, flows, looked)
	return delay, ok
}

func requestWorst(s Supply, flows []Arrival, looked *int64) (delay, at, work int64, ok bool) {
	if !s.valid() {
		return Inf, 0, 0, false
	}
	repeat := s.Period
	for i := range flows {
		if !flows[i].valid() {
			return Inf, 0, 0, false
		}
		repeat = lcmSat(repeat, flows[i].Period)
	}
	if !withinRate(s, flows) {
		return Inf, 0, 0, false
	}
	// From arrival to arrival. What arrives a common period later waits no longer,
	// since the demand is within the rate: so that is as far as one must look.
	var now int64
	for range maxSteps {
		*looked++
		var asked int64
		next := Inf
		for i := range flows {
			if flows[i].Cost == 0 {
				continue
			}
			asked = addSat(asked, flows[i].Work(now))
			next = min(next, flows[i].next(now))
		}
		done, finite := s.Time(asked)
		if !finite {
			return Inf, 0, 0, false
		}
		if done-now > delay {
			delay, at, work = done-now, now, asked
		}
		if done <= next || next >= repeat {
			return delay, at, work, true
		}
		if now = next; now > largest { // sums of later times could wrap
			break
		}
	}
	if rest := linearDelay(s, flows, now); rest > delay {
		return rest, 0, 0, true
	}
	return delay, at, work, true
}

// linearDelay bounds the delay of all that arrives at or after at, by token
// buckets and a rate-latency curve; withinRate has passed.
func linearDelay(s Supply, flows []Arrival, at int64) int64 {
	rate, latency := s.Linear()
	work := new(big.Rat)
	for i := range flows {
		b := flows[i].Bucket()
		work.Add(work, b.Sigma)
		work.Add(work, b.Rho.Mul(b.Rho, ratInt(at)))
	}
	done := work.Quo(work, rate)
	done.Add(done, ratInt(latency))
	done.Sub(done, ratInt(at))
	return ceilRat(done)
}

// withinRate tells whether the flows' costs per period sum to no more than the
// rate of s: in fixed point with an interval around the sum where that decides,
// else in rationals.
func withinRate(s Supply, flows []Arrival) bool {
	num, den := s.rate()
	rateLow, rateHigh := fixed(num, den)
	var low, high uint64
	for i := range flows {
		if flows[i].Cost > flows[i].Period {
			return false
		}
		l, h := fixed(flows[i].Cost, flows[i].Period)
		low, high = low+l, high+h
		if low > rateHigh {
			return false
		}
	}
	if high <= rateLow {
		return true
	}
	sum := new(big.Rat)
	for i := range flows {
		sum.Add(sum, big.NewRat(flows[i].Cost, flows[i].Period))
	}
	return sum.Cmp(big.NewRat(num, den)) <= 0
}

// fixed is num/den <= 1 rounded down and up to multiples of 2^-48. 48 bits, so
// that the sum over 2^15 flows cannot wrap.
func fixed(num, den int64) (low, high uint64) {
	hi, lo := bits.Mul64(uint64(num), 1<<48)
	quotient, rest := bits.Div64(hi, lo, uint64(den))
	if rest > 0 {
		return quotient, quotient + 1
	}
	return quotient, quotient
}

// ceilRat is v rounded up, within 0 to Inf.
func ceilRat(v *big.Rat) int64 {
	if v.Sign() <= 0 {
		return 0
	}
	quotient, rest := new(big.Int).QuoRem(v.Num(), v.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if !quotient.IsInt64() {
		return Inf
	}
	return quotient.Int64()
}
