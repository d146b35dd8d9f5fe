package embed

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/utilization"
)

// state is what is decided and what is left of every budget; decisions are taken
// back in the opposite order.
type state struct {
	m *model

	seat   []int32  // of each group: a host, or -1
	seated int      // beside what stays
	route  []*route // of each link, nil: none yet

	memory    []int64         // left, by host
	resources [][]int64       // left, by host
	used      []utilization.U // by host
	largest   []utilization.U // reservation, by host
	on        [][]int32       // groups, by host
	passing   []int32         // routes, by node
	rate      []int64         // left, by cable
	crossing  [][]int32       // links, by cable

	domain  []bitset // hosts that each group may still have
	left    []int32  // their number
	pull    []int64  // rate of a group's links to groups with a seat
	lost    []loss   // trail of domains
	starved int32    // a group without hosts, or -1
}

type loss struct{ group, host int32 }

// route is a path that was chosen.
type route struct {
	nodes  []int32
	cables []int32
	delay  int64 // ns, at least
}

func newState(m *model) state {
	s := state{m: m, seat: make([]int32, len(m.groups)), route: make([]*route, len(m.links)),
		memory: make([]int64, len(m.hosts)), resources: make([][]int64, len(m.hosts)),
		used: make([]utilization.U, len(m.hosts)), largest: make([]utilization.U, len(m.hosts)), on: make([][]int32, len(m.hosts)),
		passing: make([]int32, len(m.nodes)), rate: make([]int64, len(m.cables)), crossing: make([][]int32, len(m.cables)),
		domain: make([]bitset, len(m.groups)), left: make([]int32, len(m.groups)), pull: make([]int64, len(m.groups)), starved: -1}
	for h := range m.hosts {
		s.memory[h] = m.hosts[h].memory
		s.resources[h] = append([]int64(nil), m.hosts[h].resources...)
	}
	for c := range m.cables {
		s.rate[c] = m.cables[c].budget
	}
	for g := range m.groups {
		s.seat[g] = -1
		s.domain[g] = append(bitset(nil), m.groups[g].domain...)
		s.left[g] = int32(s.domain[g].count())
	}
	s.settle()
	return s
}

// fits reports whether group g has room on host h beside what is there.
func (s *state) fits(g, h int32) bool {
	gr := &s.m.groups[g]
	if gr.memory > s.memory[h] {
		return false
	}
	for i, need := range gr.resources {
		if need > s.resources[h][i] {
			return false
		}
	}
	return s.cpuFits(g, h)
}

// cpuFits is the aggregate test of processor time: the sum of utilizations on
// partitioned CPUs, the test of Goossens, Funk and Baruah on one root domain.
func (s *state) cpuFits(g, h int32) bool {
	ho, gr := &s.m.hosts[h], &s.m.groups[g]
	if yes, sure := utilization.Within(gr.largest.Max(ho.emulator), ho.largest); sure && !yes {
		return false
	}
	if s.m.odd {
		return s.oddFits(g, h)
	}
	sum := s.used[h].Plus(s.need(g, h))
	if !ho.Partition {
		sum = sum.Plus(s.largest[h].Max(gr.largest).Max(ho.emulator).Times(int64(len(ho.CPUs) - 1)))
	}
	yes, sure := utilization.Within(sum, ho.share)
	if !sure {
		return s.exactlyFits(g, h)
	}
	return yes
}

// need is what g takes of the processor time of h, device threads included.
func (s *state) need(g, h int32) utilization.U {
	gr := &s.m.groups[g]
	return gr.vcpus.Plus(s.m.hosts[h].emulator.Times(int64(len(gr.vms))))
}

// exactlyFits settles cpuFits where rounding could decide.
func (s *state) exactlyFits(g, h int32) bool {
	need, have := s.cpuTerms(g, h)
	return need.Cmp(have) <= 0
}

// cpuTerms are both sides of the aggregate test, exactly, with g added to h. For one
// CPU, or too large a reservation, the sides are those of the largest reservation.
func (s *state) cpuTerms(g, h int32) (need, have *big.Rat) {
	if !s.m.odd {
		return s.termsOf(append(append([]int32(nil), s.on[h]...), g), h)
	}
	for _, groups := range s.atOnce(g, h) {
		if need, have = s.termsOf(groups, h); need.Cmp(have) > 0 {
			break
		}
	}
	return need, have
}

// termsOf is cpuTerms for some groups on h.
func (s *state) termsOf(groups []int32, h int32) (need, have *big.Rat) {
	ho := &s.m.hosts[h]
	need, have = new(big.Rat), new(big.Rat)
	largest, largestCPU := new(big.Rat), new(big.Rat)
	add := func(runtime, period, times int64) {
		u := big.NewRat(runtime, period)
		if u.Cmp(largest) > 0 {
			largest.Set(u)
		}
		need.Add(need, u.Mul(u, new(big.Rat).SetInt64(times)))
	}
	for _, other := range groups {
		for _, v := range s.m.groups[other].vms {
			for _, r := range s.m.vms[v].reserved {
				add(int64(r.Runtime), int64(r.Period), 1)
			}
			if e := ho.Emulator; e != nil {
				add(int64(e.Runtime), int64(e.Period), 1)
			}
		}
	}
	for _, cpu := range ho.CPUs {
		share := ho.Host.ShareOf(cpu).Rat()
		have.Add(have, share)
		if share.Cmp(largestCPU) > 0 {
			largestCPU = share
		}
	}
	if largest.Cmp(largestCPU) > 0 {
		return largest, largestCPU
	}
	if !ho.Partition {
		need.Add(need, largest.Mul(largest, new(big.Rat).SetInt64(int64(len(ho.CPUs)-1))))
	}
	return need, have
}

// loaded is the tightest budget of h once g sits there, in 1024ths.
func (s *state) loaded(g, h int32) int64 {
	ho, gr := &s.m.hosts[h], &s.m.groups[g]
	most := parts(ho.memory-s.memory[h]+gr.memory, ho.memory)
	most = max(most, parts(s.used[h].Plus(s.need(g, h)).Hi, ho.share.Lo))
	for i, need := range gr.resources {
		most = max(most, parts(ho.resources[i]-s.resources[h][i]+need, ho.resources[i]))
	}
	return most
}

// parts is used/of in 1024ths, at most 1024.
func parts(used, of int64) int64 {
	if of <= 0 || used >= of {
		return 1024
	}
	hi, lo := bits.Mul64(uint64(max(0, used)), 1024)
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(q)
}

type mark struct {
	lost    int
	largest utilization.U
}

// take gives g the host h and removes h, and what g rules out, from the hosts of
// others.
func (s *state) take(g, h int32) mark {
	before := mark{len(s.lost), s.largest[h]}
	gr := &s.m.groups[g]
	s.seat[g] = h
	s.seated++
	s.load(g, h)
	for _, l := range gr.links {
		if other := s.other(l, g); other != g {
			s.pull[other] = plus(s.pull[other], s.m.links[l].rate+1)
		}
	}
	for _, a := range gr.apart {
		s.lose(a, h)
	}
	for _, a := range gr.spread {
		for _, like := range a.like[h] {
			s.lose(a.group, like)
		}
	}
	for u := range s.m.groups {
		if u := int32(u); s.seat[u] < 0 && s.domain[u].has(h) && !s.fits(u, h) {
			s.lose(u, h)
		}
	}
	return before
}

func (s *state) other(l, g int32) int32 {
	ends := s.m.links[l].ends
	if a := s.m.vms[ends[0]].group; a != g {
		return a
	}
	return s.m.vms[ends[1]].group
}

func (s *state) lose(u, h int32) {
	if s.seat[u] >= 0 || !s.domain[u].has(h) {
		return
	}
	s.domain[u].unset(h)
	s.left[u]--
	s.lost = append(s.lost, loss{u, h})
	if s.left[u] == 0 {
		s.starved = u
	}
}

func (s *state) untake(g int32, before mark) {
	gr, h := &s.m.groups[g], s.seat[g]
	for _, l := range s.lost[before.lost:] {
		s.domain[l.group].set(l.host)
		s.left[l.group]++
	}
	s.lost = s.lost[:before.lost]
	s.starved = -1
	for _, l := range gr.links {
		if other := s.other(l, g); other != g {
			s.pull[other] -= s.m.links[l].rate + 1
		}
	}
	s.largest[h] = before.largest
	s.used[h] = s.used[h].Without(s.need(g, h))
	for i, need := range gr.resources {
		s.resources[h][i] += need
	}
	s.memory[h] += gr.memory
	s.on[h] = s.on[h][:len(s.on[h])-1]
	s.seated--
	s.seat[g] = -1
}

// carry puts link l on a route.
func (s *state) carry(l int32, r *route) {
	s.route[l] = r
	for _, n := range r.nodes {
		s.passing[n]++
	}
	for _, c := range r.cables {
		s.rate[c] -= s.m.links[l].rate
		s.crossing[c] = append(s.crossing[c], l)
	}
}

func (s *state) uncarry(l int32) {
	r := s.route[l]
	s.route[l] = nil
	for _, n := range r.nodes {
		s.passing[n]--
	}
	for _, c := range r.cables {
		s.rate[c] += s.m.links[l].rate
		s.crossing[c] = s.crossing[c][:len(s.crossing[c])-1]
	}
}

func (s *search) depth() int { return s.seated + s.routed }

// embedding is what is decided, in the order of the problem. It is whole only when
// the search says so.
func (s *state) embedding() *placement.Embedding {
	e := &placement.Embedding{}
	for v := range s.m.vms {
		e.Seats = append(e.Seats, s.seatOf(int32(v)))
	}
	for l := range s.m.links {
		e.Routes = append(e.Routes, s.routeOf(int32(l)))
	}
	return e
}

// part is what is decided about some VMs and links.
func (s *state) part(vms, links []int32) *placement.Embedding {
	e := &placement.Embedding{}
	for _, v := range vms {
		e.Seats = append(e.Seats, s.seatOf(v))
	}
	for _, l := range links {
		e.Routes = append(e.Routes, s.routeOf(l))
	}
	return e
}

func (s *state) seatOf(v int32) placement.Seat {
	vm := &s.m.vms[v]
	return placement.Seat{Network: vm.network, VM: vm.name, Host: s.m.hosts[s.seat[vm.group]].Name}
}

func (s *state) routeOf(l int32) placement.Route {
	out := placement.Route{Network: s.m.links[l].network, Link: s.m.links[l].Name}
	for _, n := range s.route[l].nodes {
		out.Path = append(out.Path, s.m.nodes[n].name)
	}
	for _, c := range s.route[l].cables {
		out.Cables = append(out.Cables, s.m.cables[c].name)
	}
	return out
}

// seatsOn is the seats on a host, in the order of taking.
func (s *state) seatsOn(h int32) []placement.Seat {
	var out []placement.Seat
	for _, g := range s.on[h] {
		for _, v := range s.m.groups[g].vms {
			out = append(out, s.seatOf(v))
		}
	}
	return out
}

const never = math.MaxInt64

// load counts g on h, and nothing beside that.
func (s *state) load(g, h int32) {
	gr, ho := &s.m.groups[g], &s.m.hosts[h]
	s.on[h] = append(s.on[h], g)
	s.memory[h] -= gr.memory
	for i, need := range gr.resources {
		s.resources[h][i] -= need
	}
	s.used[h] = s.used[h].Plus(s.need(g, h))
	s.largest[h] = s.largest[h].Max(gr.largest).Max(ho.emulator)
}
