package bounds

import "math/big"

// RateLatency is a service curve: in any window of length t, all of it backlogged,
// a server gives at least Rate*(t-Latency). Rate 0 is no service. Sources of the
// methods: Le Boudec and Thiran, "Network Calculus", 2001, chapters 1 and 6.
//
// Strictness: the curves of schedulers here (Supply, links) are strict, as what
// ResidualAny and ResidualPriority take from them requires.
type RateLatency struct {
	Rate    *big.Rat
	Latency *big.Rat
}

// NoService gives nothing, ever.
func NoService() RateLatency { return RateLatency{Rate: new(big.Rat), Latency: new(big.Rat)} }

// Serves tells whether there is any service.
func (s RateLatency) Serves() bool { return s.Rate.Sign() > 0 }

// carries tells whether s keeps up with b in the long run.
func (s RateLatency) carries(b Bucket) bool {
	return s.Serves() && b.Bounded() && b.Rho.Cmp(s.Rate) <= 0
}

// Delay is the longest delay of a flow in b that s serves in order: Latency +
// Sigma/Rate; nil where the flow is faster than the server (theorem 1.4.2).
func (s RateLatency) Delay(b Bucket) *big.Rat {
	if !s.carries(b) {
		return nil
	}
	d := new(big.Rat).Quo(b.Sigma, s.Rate)
	return d.Add(d, s.Latency)
}

// Backlog is the most of b that is in s at once: Sigma + Rho*Latency; nil where the
// flow is faster than the server (theorem 1.4.1).
func (s RateLatency) Backlog(b Bucket) *big.Rat {
	if !s.carries(b) {
		return nil
	}
	most := new(big.Rat).Mul(b.Rho, s.Latency)
	return most.Add(most, b.Sigma)
}

// BusyPeriod is the longest time that s can be backlogged with b, and so the
// longest delay when nothing is known of the order: (Sigma + Rate*Latency)/(Rate -
// Rho); nil where the flow is not slower than the server (section 1.3.3).
func (s RateLatency) BusyPeriod(b Bucket) *big.Rat {
	if !s.carries(b) || b.Rho.Cmp(s.Rate) == 0 {
		return nil
	}
	d := new(big.Rat).Mul(s.Rate, s.Latency)
	d.Add(d, b.Sigma)
	return d.Quo(d, new(big.Rat).Sub(s.Rate, b.Rho))
}

// Output is the bucket of what leaves s of a flow in b: the burst grows by
// Rho*Latency (theorem 1.4.3).
func (s RateLatency) Output(b Bucket) Bucket {
	return Bucket{Sigma: s.Backlog(b), Rho: new(big.Rat).Set(b.Rho)}
}

// Then is s followed by next: the lesser rate and the sum of the latencies, so that
// the burst is paid only once (theorem 1.4.6).
func (s RateLatency) Then(next RateLatency) RateLatency {
	rate := s.Rate
	if next.Rate.Cmp(rate) < 0 {
		rate = next.Rate
	}
	return RateLatency{Rate: new(big.Rat).Set(rate), Latency: new(big.Rat).Add(s.Latency, next.Latency)}
}

// ResidualFIFO is what cross traffic leaves of a first-come-first-served server:
// rate - Rho, latency + Sigma/rate (proposition 6.4.1 with theta at the point where
// the latency is least).
func (s RateLatency) ResidualFIFO(cross Bucket) RateLatency {
	if cross.isEmpty() {
		return s
	}
	if !s.carries(cross) || cross.Rho.Cmp(s.Rate) == 0 {
		return NoService()
	}
	latency := new(big.Rat).Quo(cross.Sigma, s.Rate)
	return RateLatency{Rate: new(big.Rat).Sub(s.Rate, cross.Rho), Latency: latency.Add(latency, s.Latency)}
}

// ResidualAny is what cross traffic leaves where nothing is known of the order,
// even when it always goes first: rate - Rho, (Sigma + rate*latency)/(rate - Rho)
// (blind multiplexing, theorem 6.2.1).
func (s RateLatency) ResidualAny(cross Bucket) RateLatency {
	if cross.isEmpty() {
		return s
	}
	return s.ResidualPriority(cross, new(big.Rat))
}

// ResidualPriority is what remains below strict, non-preemptive priority: high is
// all traffic above, longest the longest packet below, that may have begun
// (proposition 1.3.4).
func (s RateLatency) ResidualPriority(high Bucket, longest *big.Rat) RateLatency {
	latency := s.BusyPeriod(high)
	if latency == nil {
		return NoService()
	}
	rate := new(big.Rat).Sub(s.Rate, high.Rho)
	return RateLatency{Rate: rate, Latency: latency.Add(latency, new(big.Rat).Quo(longest, rate))}
}

// Server is a named element of a Net.
type Server struct {
	Name string
	RateLatency
}
