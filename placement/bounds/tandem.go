package bounds

import "math/big"

// Tandem is the servers one after the other, for a flow that has them to itself.
func Tandem(servers []RateLatency) RateLatency {
	whole := servers[0]
	for _, s := range servers[1:] {
		whole = whole.Then(s)
	}
	return whole
}

// Cross is traffic, with its bucket where it joins, that shares servers From to To
// of a tandem, both included, counted from 0.
type Cross struct {
	Bucket
	From, To int
}

// TandemPMOO is what cross traffic leaves of a tandem to a flow through all of it,
// whatever the order of service, each burst counted once: rate R the least of each
// server's rate less the cross rates there, latency the sum of all latencies + (the
// sum of the bursts + the sum over servers of cross rate * latency)/R. Source:
// Schmitt, Zdarsky and Martinovic, "Improving Performance Bounds in Feed-Forward
// Networks by Paying Multiplexing Only Once", MMB 2008.
func TandemPMOO(servers []RateLatency, cross []Cross) RateLatency {
	latency, burst := new(big.Rat), new(big.Rat)
	var least *big.Rat
	for i, s := range servers {
		rho := new(big.Rat)
		for _, c := range cross {
			if c.From <= i && i <= c.To {
				rho.Add(rho, c.Rho)
			}
		}
		rest := new(big.Rat).Sub(s.Rate, rho)
		if rest.Sign() <= 0 {
			return NoService()
		}
		if least == nil || rest.Cmp(least) < 0 {
			least = rest
		}
		latency.Add(latency, s.Latency)
		burst.Add(burst, rho.Mul(rho, s.Latency))
	}
	for _, c := range cross {
		if !c.Bounded() {
			return NoService()
		}
		burst.Add(burst, c.Sigma)
	}
	return RateLatency{Rate: least, Latency: latency.Add(latency, burst.Quo(burst, least))}
}
