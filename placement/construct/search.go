package construct

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Search builds embeddings on a State. What it draws by chance depends on the seed and
// on the searches before. It is not safe for use by several at once.
type Search struct {
	// Thrifty refuses, where more is asked for than there is, requests that could be had
	// over long detours.
	Thrifty bool

	opening []float64 // of each host, what the first seat there costs beside its links, in rate over one cable; nil: nothing
	sits    []int32   // of each host: seats
	around  int       // nodes that are settled around what a link leads to

	sub    *Substrate
	state  *State
	random *rand.PCG
	nodes  int64 // explored: nodes that Dijkstra's algorithm settled, and for eight hosts looked at one
	prices prices
	trees  []*tree // of each link of a request, the cheapest; then the quickest
	queue  []entry
	thrift thrift

	q       *Request
	seat    []int32   // of each seat: its host, or -1
	bins    [][]int32 // and its domains
	path    [][]int32 // of each link: its cables, from the host of ends[0]
	routed  []bool
	pending []int64 // of each host: the rates of links of seats there that have no path yet and need cables
	blame   []float64
	near    []int32
	used    float64 // at the prices
	marked  []int64 // of each host: the last round of listing that had it
	listing int64
	listed  []int32
	all     []int32 // hosts
	refiner refiner
	start   []int32 // from where the refiner begins
	blind   bool    // to what seats without paths are going to need
	refined int     // constructions, of this request
	best    Embedding
}

// Embedding is where a request goes.
type Embedding struct {
	seats []int32   // host of each seat
	bins  [][]int32 // and the domains of its reservations
	paths [][]int32 // cables of each link, from the host of its first end; none where both ends share a host
	cost  float64   // at the prices of the search
}

// NewSearch makes a search on a state.
func NewSearch(st *State, seed int64) *Search {
	s := st.sub
	x := &Search{sub: s, state: st, random: rand.NewPCG(uint64(seed), 0x9e3779b97f4a7c15), pending: make([]int64, len(s.names)), sits: make([]int32, s.hosts), around: nearby}
	x.prices.open(st)
	return x
}

// Nodes is how many have been explored so far.
func (x *Search) Nodes() int64 { return x.nodes }

// float is uniform in [0,1).
func (x *Search) float() float64 { return float64(x.random.Uint64()>>11) / (1 << 53) }

// Shares of the mean effort.
const (
	hardest  = 16 // times the mean may go into one request
	hopeless = 2  // times the mean, or half of what has been saved up, while there is no embedding
	lasting  = 20 // links for which the mean is spent without a better embedding before a search ends; in proportion
	warm     = 4  // of the mean, one part goes into constructions before any is refined
)

// Find looks for the cheapest embedding of a request, at the prices of the state. It
// ends when for some time nothing better was found, or when it has explored most
// nodes. nil: there may be an embedding, and none was found. Nothing is taken.
func (x *Search) Find(q *Request, mean, most int64) *Embedding {
	x.begin(q)
	if q.why != "" {
		return nil
	}
	start := x.nodes
	most = min(most, hardest*mean)
	last := start // nodes at the last improvement
	for round := 0; ; round++ {
		before := x.best.cost
		x.attempt(round, x.nodes-start >= mean/warm)
		x.nodes++ // a round that could not begin counts too
		if x.best.cost < before {
			last = x.nodes
		}
		spent, since := x.nodes-start, x.nodes-last
		if spent >= most || x.best.seats == nil && spent >= max(hopeless*mean, most/2) || x.best.seats != nil && since >= mean*int64(len(q.links))/lasting {
			break
		}
	}
	if x.best.seats == nil {
		return nil
	}
	best := x.best
	return &best
}

// attempt builds an embedding and, if it is to, refines it; or, once, the best of those before.
func (x *Search) attempt(round int, refine bool) {
	built := x.construct(round)
	if built {
		x.keep()
		x.start = append(x.start[:0], x.seat...)
	}
	x.reset()
	if !refine || x.best.seats == nil || !x.refines() {
		return
	}
	if x.refined == 0 {
		x.measure()
		x.start = append(x.start[:0], x.best.seats...)
	} else if !built {
		return
	}
	x.refined++
	x.refine()
}

func (x *Search) begin(q *Request) {
	x.q = q
	n, m := len(q.seats), len(q.links)
	x.seat = append(x.seat[:0], make([]int32, n)...)
	for v := range x.seat {
		x.seat[v] = -1
	}
	x.blame = append(x.blame[:0], make([]float64, n)...)
	x.routed = append(x.routed[:0], make([]bool, m)...)
	for len(x.bins) < n {
		x.bins = append(x.bins, nil)
	}
	for len(x.path) < m {
		x.path = append(x.path, nil)
	}
	for l := range x.path[:m] {
		x.path[l] = x.path[l][:0] // of a walk that came to nothing; a link within one seat has no other
	}
	for len(x.trees) < 2*m {
		x.trees = append(x.trees, newTree(len(x.sub.names)))
	}
	x.best = Embedding{cost: math.Inf(1)}
	x.used, x.refined = 0, 0
	x.prices.set(x.state, q)
}

// reset gives back all that a construction took.
func (x *Search) reset() {
	for l := range x.routed {
		if x.routed[l] {
			x.unroute(int32(l))
		}
	}
	for v := range x.seat {
		if x.seat[v] >= 0 {
			x.unseat(int32(v))
		}
	}
	x.used = 0
}

// keep keeps what is built if it is the best so far.
func (x *Search) keep() bool {
	if x.used >= x.best.cost {
		return false
	}
	x.best = Embedding{cost: x.used, seats: slices.Clone(x.seat)}
	for v := range x.seat {
		x.best.bins = append(x.best.bins, slices.Clone(x.bins[v]))
	}
	for l := range x.routed {
		x.best.paths = append(x.best.paths, slices.Clone(x.path[l]))
	}
	return true
}
