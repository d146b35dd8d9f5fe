package bounds

import (
	"math/big"
	"math/rand"
	"testing"

	"pgregory.net/rapid"
)

// unit is a unit of data on its way.
type unit struct {
	flow, hop int
	entered   int64
}

// network plays a net in steps of time. Each server does nothing for its latency
// when work comes after idleness, then serves its rate at once in each step, which
// is no less than its service curve.
type network struct {
	net    Net
	paths  [][]int
	queues [][]unit
	wake   []int64 // when each server may serve
	order  Mux
	victim int // served last where the order is any
	worst  []int64
	held   []int64 // the most of each flow in the net
	inside []int64
	full   []int64 // the most in each server
}

func newNetwork(n Net, order Mux) *network {
	g, err := n.graph(Any)
	if err != nil {
		panic(err)
	}
	return &network{net: n, paths: g.paths, order: order, queues: make([][]unit, len(n.Servers)), wake: make([]int64, len(n.Servers)),
		worst: make([]int64, len(n.Flows)), held: make([]int64, len(n.Flows)), inside: make([]int64, len(n.Flows)), full: make([]int64, len(n.Servers))}
}

func (w *network) put(now int64, u unit) {
	s := w.paths[u.flow][u.hop]
	if len(w.queues[s]) == 0 {
		w.wake[s] = now + w.net.Servers[s].Latency.Num().Int64()
	}
	w.queues[s] = append(w.queues[s], u)
	w.full[s] = max(w.full[s], int64(len(w.queues[s])))
}

func (w *network) inject(now int64, flow int, units int64) {
	for range units {
		w.inside[flow]++
		w.put(now, unit{flow, 0, now})
	}
	w.held[flow] = max(w.held[flow], w.inside[flow])
}

// step serves all servers; they are numbered along every path.
func (w *network) step(now int64) {
	for s := range w.queues {
		if now < w.wake[s] {
			continue
		}
		for range w.net.Servers[s].Rate.Num().Int64() {
			if len(w.queues[s]) == 0 {
				break
			}
			u := w.take(s)
			if u.hop++; u.hop < len(w.paths[u.flow]) {
				w.put(now, u)
				continue
			}
			w.inside[u.flow]--
			w.worst[u.flow] = max(w.worst[u.flow], now-u.entered)
		}
	}
}

func (w *network) take(s int) unit {
	at := 0
	if w.order == Any {
		for at < len(w.queues[s])-1 && w.queues[s][at].flow == w.victim {
			at++
		}
		if w.queues[s][at].flow == w.victim {
			at = 0
		}
	}
	u := w.queues[s][at]
	w.queues[s] = append(w.queues[s][:at], w.queues[s][at+1:]...)
	return u
}

// play injects as the buckets allow: flows save up their bursts and spend them at
// random moments, else send at their rate.
func (w *network) play(steps int64, random *rand.Rand) {
	credit := make([]*big.Rat, len(w.net.Flows))
	for f := range credit {
		credit[f] = new(big.Rat).Set(w.net.Flows[f].Sigma)
	}
	greed := make([]int, len(credit))
	for now := int64(0); now < steps; now++ {
		if now%16 == 0 {
			for f := range greed {
				greed[f] = random.Intn(3)
			}
		}
		for _, f := range random.Perm(len(credit)) {
			flow := w.net.Flows[f]
			whole := new(big.Int).Quo(credit[f].Num(), credit[f].Denom()).Int64()
			if greed[f] == 0 || whole == 0 || greed[f] == 1 && random.Intn(4) > 0 {
				whole = 0
			}
			w.inject(now, f, whole)
			credit[f] = new(big.Rat).Sub(credit[f], ratInt(whole))
			credit[f].Add(credit[f], flow.Rho)
			if credit[f].Cmp(flow.Sigma) > 0 {
				credit[f].Set(flow.Sigma)
			}
		}
		w.step(now)
	}
	for now := steps; now < steps+200; now++ {
		w.step(now)
	}
}

// exceeds tells whether something seen is over a bound.
func exceeds(seen int64, bound *big.Rat) bool { return bound != nil && ratInt(seen).Cmp(bound) > 0 }

func TestNetIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t, 5, 5)
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		for _, m := range []Mux{FIFO, Any} {
			w := newNetwork(n, m)
			w.victim = random.Intn(len(n.Flows))
			w.play(160, random)
			for _, a := range []Analysis{TFA, SFA, PMOO, Proven} {
				results, err := n.Delays(a, m)
				if err != nil {
					t.Fatal(err)
				}
				for f, r := range results {
					if exceeds(w.worst[f], r.Delay) {
						t.Fatalf("%s %s: flow %d of %v: delay seen %d, bound %s", a, m, f, n, w.worst[f], FormatRat(r.Delay))
					}
					most := w.held[f]
					if a == TFA {
						most = 0
						for _, s := range w.paths[f] {
							most = max(most, w.full[s])
						}
					}
					if a != Proven && exceeds(most, r.Backlog) {
						t.Fatalf("%s %s: flow %d: backlog seen %d, bound %s", a, m, f, most, FormatRat(r.Backlog))
					}
				}
			}
		}
	})
}
