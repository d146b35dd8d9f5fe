package dimension

import (
	"math"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

func (o *Options) step() int64 {
	if o.shape != nil {
		return o.shape.step
	}
	return grid
}

// ratio is between neighbouring periods that are tried.
const ratio = 1.12

// periods are those to try: the one that is given, or a geometric grid from the
// least that a grain fits in up to the horizon, and those in which the share of a
// CPU just gives a grain.
func periods(vm *vsn.VM, where place, horizon int64, o *Options) []int64 {
	if r := vm.Reservation; r != nil && r.Period > 0 {
		return []int64{int64(r.Period)}
	}
	if o.shape != nil {
		return o.shape.periods
	}
	share := float64(where.share) / float64(vsn.One)
	least := max(leastPeriod, roundUp(int64(math.Ceil(float64(leastOf(where.grain, grid))/share)), grid))
	last := min(mostPeriod, max(horizon, least))
	out := []int64{least}
	for p := float64(least) * ratio; p < float64(last); p *= ratio {
		out = append(out, neat(int64(p)))
	}
	if out = append(out, last/grid*grid); out[len(out)-1] < least {
		out[len(out)-1] = least
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// neat rounds a period to a number that is read easily: two and a half digits.
func neat(p int64) int64 {
	unit := int64(grid)
	for p >= 200*unit {
		unit *= 10
	}
	switch {
	case p < 50*unit:
		unit = max(unit/2, grid)
	}
	return (p + unit/2) / unit * unit
}

// fill finds the options of all variables, with their delays at the least jitters
// that there can be: those behind the quickest options.
func (m *model) fill() {
	for i := range m.variables {
		v := &m.variables[i]
		if v.vm != nil {
			m.fillProcessor(v)
		} else {
			m.fillPort(v)
		}
		m.again(v)
	}
	if !m.evaluate(make(pick, len(m.variables))) {
		return // nothing holds; what there is may be quick enough for the proof, which knows better bounds
	}
	for i := range m.variables {
		m.again(&m.variables[i])
	}
}

func (m *model) fillProcessor(v *variable) {
	s := m.servers[v.servers[0]]
	where := m.place(v.key[1])
	horizon := int64(0)
	for _, f := range v.flows {
		horizon = max(horizon, m.flows[f].deadline)
	}
	for _, period := range periods(v.vm, where, horizon, m.o) {
		var row []option
		if s.tasks != nil {
			row = m.withTasks(v, s, where, period)
		} else {
			for _, q := range m.ladder(s, period, where) {
				row = append(row, m.processorOption(v, s, []int64{q}, period))
			}
		}
		if len(row) > 0 {
			v.rows = append(v.rows, row)
		}
	}
}

// again finds the delays of all options with the jitters as they are, and leaves out
// those that are beaten.
func (m *model) again(v *variable) {
	v.options, v.least = nil, nil
	for _, row := range v.rows {
		for k := range row {
			row[k].delays = make([]int64, len(v.servers))
			for slot, id := range v.servers {
				row[k].delays[slot] = m.serve(m.servers[id], &row[k])
			}
		}
		row = slices.DeleteFunc(slices.Clone(row), func(c option) bool { return slices.Max(c.delays) == bounds.Inf })
		v.options = append(v.options, row...)
		for k := range row {
			v.least = append(v.least, m.floor(v, row, k)...)
		}
	}
	v.options, v.least = thin(pareto(v.options)), pareto(v.least)
}

// floor is what bounds from below all that lies between a rung and the next: it costs
// at least as much as the one and takes at least as long as the other. For runtimes
// it takes, too, at least as long as what comes at once: that falls in a straight
// line between rungs, since there is a rung at every jump, and at the one before.
func (m *model) floor(v *variable, row []option, k int) []option {
	c := row[k]
	if k+1 == len(row) {
		return []option{c}
	}
	next := row[k+1]
	low := option{cost: c.cost, delays: next.delays}
	s := m.servers[v.servers[0]]
	if s.kind != processor || s.tasks != nil || m.o.shape != nil {
		return []option{low}
	}
	at := int64(0)
	for _, a := range s.arrivals {
		at = sum(at, a.Work(0))
	}
	if c.runtimes[0] < (at+s.supply.Grain)/mostBudgets {
		return []option{low}
	}
	line := func(c option) int64 {
		sup := s.supply
		sup.Runtime, sup.Period = c.runtimes[0], c.period
		d, _ := sup.Time(at)
		return d
	}
	from, to, limit := line(c), line(next), next.delays[0]
	if from <= limit {
		return []option{low}
	}
	high := option{cost: c.cost, delays: []int64{from}}
	if next.runtimes[0]-c.runtimes[0] <= m.o.step() { // it may jump there
		return []option{high}
	}
	cross := c.cost + (next.cost-c.cost)*float64(from-limit)/float64(max(1, from-to))
	return []option{high, {cost: cross, delays: next.delays}}
}

// thin leaves out options that cost hardly more than the one before, where there are
// very many.
func thin(all []option) []option {
	const many, ratio = 80, 1.006
	if len(all) <= many {
		return all
	}
	out := all[:1]
	for i, c := range all[1:] {
		if c.cost > ratio*out[len(out)-1].cost || i == len(all)-2 {
			out = append(out, c)
		}
	}
	return out
}

func (m *model) processorOption(v *variable, s *server, runtimes []int64, period int64) option {
	c := option{period: period, runtimes: runtimes}
	for i := range v.vm.VCPUs {
		c.cost += cpuCost(runtimes[min(i, len(runtimes)-1)], period, m.o)
	}
	c.delays = []int64{m.serve(s, &c)}
	return c
}

// mostBudgets is up to how many budgets the work that comes at once is spread over,
// with a rung for each number.
const mostBudgets = 16

// rungs is how many runtimes of a period are tried at even ratios.
const rungs = 24

// ladder is the runtimes to try with a period: those that give what comes at once in
// a whole number of budgets, where delays jump, and the last before each; and some
// at even ratios between.
func (m *model) ladder(s *server, period int64, where place) []int64 {
	step := m.o.step()
	use, at := new(big.Rat), int64(0)
	for _, a := range s.arrivals {
		use.Add(use, big.NewRat(a.Cost, a.Period))
		at = sum(at, a.Work(0))
	}
	use.Mul(use, new(big.Rat).SetInt64(period))
	load, _ := use.Float64()
	first := max(leastOf(where.grain, step), roundUp(int64(math.Ceil(load-1e-9)), step))
	last := most(period, where.share) / step * step
	if first > last {
		return nil
	}
	var out []int64
	if m.o.shape != nil {
		for q := first; q <= last; q += step {
			out = append(out, q)
		}
		return out
	}
	add := func(q int64) {
		if q = roundUp(q, step); q >= first && q <= last {
			out = append(out, q)
		}
	}
	add(first)
	add(last)
	at += (bounds.Supply{Runtime: first, Period: period, Grain: where.grain, Others: where.others}).Debt()
	for n := int64(1); n <= mostBudgets; n++ {
		add((at + n - 1) / n)
		add((at+n-1)/n - step)
		for _, a := range s.arrivals {
			add((a.Cost + n - 1) / n)
		}
	}
	for k := 1; k < rungs; k++ {
		add(int64(float64(first) * math.Pow(float64(last)/float64(first), float64(k)/rungs)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// withTasks are the options of a VM with tasks: for each of some delays the least
// runtime of each vCPU that keeps the tasks schedulable and messages within it.
func (m *model) withTasks(v *variable, s *server, where place, period int64) []option {
	var row []option
	need := make([]int64, v.vm.VCPUs) // for the tasks alone
	for k := range need {
		q, ok := leastRuntime(period, where, m.o.step(), func(sup bounds.Supply) bool {
			return len(s.tasks[k]) == 0 || schedulable(v.vm.GuestScheduler, s.tasks[k], sup)
		})
		if !ok {
			return nil
		}
		need[k] = q
	}
	cap := most(period, where.share) / m.o.step() * m.o.step()
	for k := 0; k <= rungs; k++ {
		runtimes := make([]int64, len(need))
		for i, q := range need {
			runtimes[i] = min(cap, roundUp(int64(float64(q)*math.Pow(float64(cap)/float64(q), float64(k)/rungs)), m.o.step()))
		}
		row = append(row, m.processorOption(v, s, runtimes, period))
	}
	return row
}

// fillPort finds the one rate: a link without one has no burst either, so that all that
// comes at once may leave at once, and the rate that carries the load is enough.
func (m *model) fillPort(v *variable) {
	load := new(big.Rat)
	for _, id := range v.servers {
		sum := new(big.Rat)
		for _, a := range m.servers[id].arrivals {
			sum.Add(sum, big.NewRat(a.Cost, a.Period))
		}
		if sum.Cmp(load) > 0 {
			load = sum
		}
	}
	load.Mul(load, big.NewRat(8e9, 1))
	c := option{rate: max(roundUp(ceil(load), 8), int64(vsn.MinRate))}
	c.cost = float64(c.rate) * m.o.BitCost
	for _, id := range v.servers {
		c.delays = append(c.delays, m.serve(m.servers[id], &c))
	}
	v.rows = [][]option{{c}}
}

func ceil(r *big.Rat) int64 {
	q, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return bounds.Inf
	}
	return q.Int64()
}

// pareto keeps the options that no other beats in cost and all delays, cheapest
// first.
func pareto(all []option) []option {
	slices.SortStableFunc(all, func(a, b option) int {
		switch {
		case a.cost < b.cost:
			return -1
		case a.cost > b.cost:
			return 1
		}
		return slices.Compare(a.delays, b.delays)
	})
	var out []option
	for _, c := range all {
		beaten := slices.ContainsFunc(out[max(0, len(out)-1-200*btoi(len(c.delays) > 1)):], func(o option) bool {
			for i := range c.delays {
				if o.delays[i] > c.delays[i] {
					return false
				}
			}
			return true
		})
		if !beaten {
			out = append(out, c)
		}
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
