package construct

import "math"

// prices are what a request is charged, in units of rate over one cable: what its
// paths and seats take of those who come later. They are set once for each request;
// budgets are hard, whatever the price.
type prices struct {
	cable    []float32 // of one unit of rate on each
	adjacent []int64   // of each node, when the request came: what is free of its cables
	load     []float64 // of each cable, the mean that requests found
	seen     float64   // requests that the mean is over
	mean     float64   // of adjacent over all hosts when all was free
	leaving  []int64   // of each seat
	plain    bool      // a hop costs 1, more where a cable is nearly full; hosts cost nothing
}

// The weights were chosen by comparing means over generated traces, three or four seeds
// for each topology.
const (
	steep     = 3.0 // what a cable that is full costs beside its hop
	steepness = 8.0 // the power of its load by which that comes
	habit     = 4.0 // what a cable costs beside its hop that was always full so far
	memory    = 300 // requests over which its load is remembered
	wealth    = 0.5 // what a cable costs beside its hop for what is free at its ends, a mean host's as the unit; at most twice that
	taking    = 0.3 // what a seat costs where nearly all that is free at the host stays free, its own rates as the unit
)

// open sizes the prices for a state of which all is free.
func (p *prices) open(st *State) {
	p.cable, p.adjacent = make([]float32, len(st.sub.cables)), make([]int64, len(st.sub.names))
	p.load = make([]float64, len(st.sub.cables))
	for h := range st.sub.hosts {
		p.mean += float64(st.adjacent[h]) / float64(st.sub.hosts)
	}
}

func (p *prices) set(st *State, q *Request) {
	copy(p.adjacent, st.adjacent)
	p.seen = min(p.seen+1, memory)
	for c := range st.sub.cables {
		cb := &st.sub.cables[c]
		load := 1 - float64(st.free[c])/max(1, float64(cb.budget))
		p.load[c] += (load - p.load[c]) / p.seen
		free := float64(p.adjacent[cb.ends[0]]) + float64(p.adjacent[cb.ends[1]])
		price := 1 + steep*math.Pow(load, steepness)
		if !p.plain {
			price += habit*p.load[c] + wealth*free/max(1, p.mean+free/2)
		}
		p.cable[c] = float32(price)
	}
	p.leaving = p.leaving[:0]
	for v := range q.seats {
		p.leaving = append(p.leaving, q.seats[v].leaving)
	}
}

// seat is the price of a host for a seat: of what the seat is going to take of the
// host's cables, the share that stays free. A host that is just enough is free of
// charge; one with many free cables is kept for those who need them.
func (p *prices) seat(v, h int32) float64 {
	if p.plain {
		return 0
	}
	need, free := float64(p.leaving[v]), float64(p.adjacent[h])
	return taking * need * (1 - need/(free+1))
}
