package construct

import "slices"

// metric is what each link of a request would cost between any two hosts if it were
// alone in the state as the request found it. Rows are made when they are asked for.
// Links of about the same rate share rows: what is read there is an estimate, by which a
// search is led and which routing corrects.
type metric struct {
	x      *Search
	class  []int32 // of each link: which of the rates
	rates  []int64 // for which there are rows, ascending
	rows   []row   // of host h and class k: h*classes+k
	serial int64   // of the request
}

// row is the ways from one host for one class.
type row struct {
	serial int64 // of the request that it was made for
	cheap  *tree
	quick  *tree     // nil: no link of the class has a limit of time
	price  []float32 // of one unit of rate to each host, on the cheapest way
}

const (
	classes   = 4  // of rates, at most
	vicinity  = 24 // nodes that are settled for a row
	unreached = 20 // price of a host that no row reaches: more than any way that is used
)

// open makes the metric one for the request of a search.
func (m *metric) open(x *Search) {
	m.x = x
	m.serial++
	q := x.q
	var rates []int64
	for l := range q.links {
		rates = append(rates, q.links[l].rate)
	}
	slices.Sort(rates)
	rates = slices.Compact(rates)
	k := min(len(rates), classes)
	m.rates, m.class = m.rates[:0], m.class[:0]
	for i := range k {
		m.rates = append(m.rates, rates[(2*i+1)*len(rates)/(2*k)])
	}
	for l := range q.links {
		c := int32(0)
		for int(c)+1 < k && m.rates[c+1] <= q.links[l].rate {
			c++
		}
		m.class = append(m.class, c)
	}
	for len(m.rows) < int(x.sub.hosts)*classes {
		m.rows = append(m.rows, row{})
	}
}

// row is the ways of link l from host h.
func (m *metric) row(h, l int32) *row {
	r := &m.rows[h*classes+m.class[l]]
	x := m.x
	if r.serial != m.serial {
		r.serial = m.serial
		m.fill(r, h, m.rates[m.class[l]])
	}
	if x.q.links[l].limit > 0 && (r.quick == nil || r.quick.root != h || r.quick.rate != r.cheap.rate || len(r.quick.seen) == 0) {
		if r.quick == nil {
			r.quick = newTree(len(x.sub.names))
		}
		x.grow(r.quick, h, r.cheap.rate, true, vicinity)
	}
	return r
}

func (m *metric) fill(r *row, h int32, rate int64) {
	x := m.x
	if r.cheap == nil {
		r.cheap, r.price = newTree(len(x.sub.names)), make([]float32, x.sub.hosts)
	}
	if r.quick != nil {
		r.quick.root = -1
	}
	x.blind = true
	x.grow(r.cheap, h, rate, false, vicinity)
	for g := range r.price {
		r.price[g] = unreached
	}
	for _, g := range x.reached(r.cheap) {
		if p, _, _ := x.reach(r.cheap, g); p < far {
			r.price[g] = p
		}
	}
	x.blind = false
}

// between is what one unit of the rate of link l costs from the host of a row to g.
func (m *metric) between(r *row, l, g int32) float32 {
	k := &m.x.q.links[l]
	if k.limit == 0 || r.price[g] == unreached {
		return r.price[g]
	}
	limit := k.ways
	if r.cheap.root == g {
		limit = k.limit
	}
	if _, delay, _ := m.x.reach(r.cheap, g); delay <= limit {
		return r.price[g]
	}
	if p, delay, _ := m.x.reach(r.quick, g); p < far && delay <= limit {
		return p
	}
	return unreached
}
