package construct

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/vsn"
)

// Embedder embeds networks one beside the other on an inventory of any size: what one
// network costs hardly grows with the number of hosts. A network that fits one host
// goes to the first host that has room (index); others are constructed by a Search on a
// small part of the substrate, the surroundings of a host with room (region).
//
// It keeps account of what is taken:
//
//	x, err := NewEmbedder(&inventory, seed)
//	err = x.Hold(networks, &plan.Embedding, &plan.Realization) // what runs already
//	placed, err := x.Embed(&network, Ask{})                    // one more beside it, which is taken
//	x.Release(name)                                            // gives back
//	touched, err := x.Fail(host)                               // a host that is lost: the networks that it touches
//	placed, err = x.Again(&network)                            // what that network has lost, placed anew
//
// It keeps what construct.Search keeps. Flows it does not know; whether their deadlines
// and the delays of links hold beside one another is for the proof to say. It is not
// safe for use by several at once. The same calls give the same answers.
type Embedder struct {
	sub      *Substrate
	bare     *Substrate // without hosts: for what a request is by itself
	state    *State
	by       []hosts.Objective
	seed     int64
	order    []int32 // the hosts, those of one rack next to one another
	rank     []int32 // of each host: its place in order
	index    *index  // of what is free, by rank: room, processor time above each floor, that of the idlest CPU, rates of adjacent cables
	filled   *index  // likewise, of hosts that carry something
	fresh    int32   // all hosts before this place of the order carry something
	share    []int64 // of each host: processor time, all CPUs together, when all is free
	emulator int64   // the least of all hosts, for one VM
	on       []int32 // of each host: VMs there and paths that pass
	failed   []bool  // of each host
	labels   map[string]*labelling
	held     map[string]*held // by network
	cableOf  map[string]int32
	regions  *regions
}

// Unplaced says that no place was found for a network, which proves nothing.
type Unplaced struct{ Network, Why string }

func (u *Unplaced) Error() string { return fmt.Sprintf("network %q: %s", u.Network, u.Why) }

// Ask is what is asked for a network beside what it says.
type Ask struct {
	Pins   []placement.Seat // hosts that its VMs must have; those of other networks do not matter
	Before []placement.Seat // hosts that they had, from which hosts.LeastMoved counts
	Avoid  []string         // hosts that they are not to have, but by a pin
}

// NewEmbedder makes an embedder for an inventory of which all is free. What is to be
// made least is that of the inventory, as objective.Of has it.
func NewEmbedder(inv *hosts.Inventory, seed int64) (*Embedder, error) {
	sub, err := NewSubstrate(inv)
	if err != nil {
		return nil, err
	}
	x := &Embedder{sub: sub, bare: &Substrate{inventory: &hosts.Inventory{}, kinds: sub.kinds, dims: sub.dims}, state: NewState(sub), seed: seed,
		by: objective.Of(&placement.Problem{Inventory: *inv}), rank: make([]int32, sub.hosts), share: make([]int64, sub.hosts),
		on: make([]int32, sub.hosts), failed: make([]bool, sub.hosts), labels: map[string]*labelling{}, held: map[string]*held{}, cableOf: make(map[string]int32, len(sub.cables))}
	for c := range inv.Cables {
		x.cableOf[inv.Cables[c].Name] = int32(c)
	}
	x.arrange()
	for h := range sub.hosts {
		for _, d := range sub.domain[sub.domains[h]:sub.domains[h+1]] {
			x.share[h] += d.share
		}
		if h == 0 || sub.emulator[h] < x.emulator {
			x.emulator = sub.emulator[h]
		}
	}
	dims := sub.dims + int32(len(floors)) + 2
	x.index, x.filled = newIndex(sub.hosts, dims), newIndex(sub.hosts, dims)
	for h := range sub.hosts {
		x.leaf(h)
	}
	x.index.build()
	x.regions = newRegions(sub)
	return x, nil
}

// arrange orders the hosts as a walk over the cables, the nearest first, comes by, so
// that what is filled one after the other is near.
func (x *Embedder) arrange() {
	s := x.sub
	seen := make([]bool, len(s.names))
	var queue []int32
	reach := func(n int32) {
		if !seen[n] {
			seen[n] = true
			queue = append(queue, n)
		}
	}
	for h := range s.hosts {
		reach(h)
		for ; len(queue) > 0; queue = queue[1:] {
			n := queue[0]
			if n < s.hosts {
				x.rank[n] = int32(len(x.order))
				x.order = append(x.order, n)
			}
			for _, a := range s.arcs[s.first[n]:s.first[n+1]] {
				reach(a.to)
			}
		}
	}
}

// leaf writes what is free at a host into the index.
func (x *Embedder) leaf(h int32) {
	l, dims := x.index.leaf(x.rank[h]), x.sub.dims
	copy(l, x.state.room[h*dims:][:dims])
	l[len(l)-2] = x.state.time(h, l[dims:])
	l[len(l)-1] = x.state.adjacent[h]
	if x.failed[h] {
		for k := range l {
			l[k] = -1
		}
	}
	filled := x.filled.leaf(x.rank[h])
	if x.on[h] > 0 {
		copy(filled, l)
		return
	}
	for k := range filled {
		filled[k] = -1
	}
	x.fresh = min(x.fresh, x.rank[h])
}

// changed brings the index up to date about a host.
func (x *Embedder) changed(h int32) {
	x.leaf(h)
	x.index.changed(x.rank[h])
	x.filled.changed(x.rank[h])
	for x.fresh < x.sub.hosts && x.on[x.order[x.fresh]] > 0 {
		x.fresh++
	}
}

// Answer is where a network goes: a seat for each VM, a route for each link, a CPU for
// each reservation, all in the order of the network.
type Answer struct {
	Embedding    placement.Embedding
	Reservations []placement.Reservation
	Emulators    []placement.Emulator
	Cost         []int64 // by the objective: what it adds, of hosts.Balance the largest part of a host's budget that is taken then, in millionths
}

// Embed finds a place for a network and takes it. The error is *Unplaced where none was
// found, anything else where the network is malformed.
func (x *Embedder) Embed(n *vsn.Network, ask Ask) (*Answer, error) {
	if x.held[n.Name] != nil {
		return nil, fmt.Errorf("network %q: it has a place already", n.Name)
	}
	a, err := x.ask(n)
	if err != nil {
		return nil, err
	}
	if err := x.seated(a, ask.Pins, a.fixed); err != nil {
		return nil, err
	}
	if err := x.seated(a, ask.Before, a.before); err != nil {
		return nil, err
	}
	for _, name := range ask.Avoid {
		a.avoid = append(a.avoid, x.sub.index[name])
	}
	return x.place(a)
}

// Answer says what a network holds, all of it, or is nil.
func (x *Embedder) Answer(network string) *Answer {
	t := x.held[network]
	if t == nil || slices.Contains(t.seats, -1) {
		return nil
	}
	return x.answer(t)
}

// CPUs says which CPUs what a network holds has.
func (x *Embedder) CPUs(network string) ([]placement.Reservation, []placement.Emulator) {
	t := x.held[network]
	if t == nil {
		return nil, nil
	}
	return x.cpus(t)
}

// seated notes the hosts of some seats.
func (x *Embedder) seated(a *asking, seats []placement.Seat, hosts []int32) error {
	for _, s := range seats {
		if s.Network != a.network.Name {
			continue
		}
		vm := slices.IndexFunc(a.network.VMs, func(v vsn.VM) bool { return v.Name == s.VM })
		h, ok := x.sub.index[s.Host]
		if vm < 0 || !ok || h >= x.sub.hosts {
			return fmt.Errorf("network %q: vm %q on host %q: there is no such vm or host", s.Network, s.VM, s.Host)
		}
		v := a.q.seatOf[vm]
		if hosts[v] >= 0 && hosts[v] != h {
			return &Unplaced{s.Network, fmt.Sprintf("vm %q is to be on host %q, and one that it is to be with elsewhere", s.VM, s.Host)}
		}
		hosts[v] = h
	}
	return nil
}

// place finds the cheapest of several places for what is asked, and takes it.
func (x *Embedder) place(a *asking) (*Answer, error) {
	best := x.stayed(a)
	if best == nil {
		best = x.cheapest(a, best)
	}
	if best == nil {
		why := x.lacking(a)
		if why == "" {
			why = "no way was found to place all of it, and there may be one"
		}
		return nil, &Unplaced{a.network.Name, why}
	}
	return x.take(a, best), nil
}

// cheapest tries one host for all, then the surroundings of several.
func (x *Embedder) cheapest(a *asking, best *found) *found {
	if f := x.together(a); f != nil {
		best = x.better(best, f)
		if x.by[0] != hosts.Balance {
			return best // no other has less bandwidth, nor opens fewer hosts
		}
	}
	return x.around(a, best)
}

// stayed is the place in which nothing moves, where that is what counts most.
func (x *Embedder) stayed(a *asking) *found {
	if x.by[0] != hosts.LeastMoved || !slices.ContainsFunc(a.before, func(h int32) bool { return h >= 0 }) {
		return nil
	}
	fixed := slices.Clone(a.fixed)
	defer func() { a.fixed = fixed }()
	a.fixed = slices.Clone(fixed)
	for v, h := range a.before {
		if a.fixed[v] < 0 && h >= 0 && x.serves(a, int32(v), h) {
			a.fixed[v] = h
		}
	}
	return x.cheapest(a, nil)
}

// found is a place for what is asked, in the numbers of the substrate.
type found struct {
	Embedding
	cost []int64
}

// better is the cheaper of two, the first where they are equal.
func (x *Embedder) better(f, g *found) *found {
	if f == nil || g != nil && slices.Compare(g.cost, f.cost) < 0 {
		return g
	}
	return f
}

// costs counts what a place adds to each criterion.
func (x *Embedder) costs(a *asking, e *Embedding) []int64 {
	var out []int64
	for _, by := range x.by {
		switch by {
		case hosts.LeastBandwidth:
			out = append(out, a.bandwidth(e))
		case hosts.FewestHosts:
			out = append(out, int64(len(x.opened(a, e))))
		case hosts.Balance:
			out = append(out, x.highest(a, e))
		case hosts.LeastMoved:
			out = append(out, a.moves(e))
		}
	}
	return out
}

func (a *asking) bandwidth(e *Embedding) (sum int64) {
	for l, path := range e.paths {
		sum = objective.Plus(sum, objective.Times(a.q.links[l].rate, int64(len(path))))
	}
	return sum
}

func (a *asking) moves(e *Embedding) (sum int64) {
	for v, h := range a.before {
		if h >= 0 && e.seats[v] != h {
			sum += int64(len(a.q.seats[v].vms))
		}
	}
	return sum
}

// opened are the hosts that carry nothing yet and would: seats or paths that pass.
func (x *Embedder) opened(a *asking, e *Embedding) (out []int32) {
	add := func(n int32) {
		if n < x.sub.hosts && x.on[n] == 0 && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, h := range e.seats {
		add(h)
	}
	for _, path := range e.paths {
		for _, c := range path {
			add(x.sub.cables[c].ends[0])
			add(x.sub.cables[c].ends[1])
		}
	}
	return out
}

// highest is the largest part that is then taken of a budget of one of the hosts, in
// millionths.
func (x *Embedder) highest(a *asking, e *Embedding) (most int64) {
	for v, h := range e.seats {
		if slices.Contains(e.seats[:v], h) {
			continue
		}
		taken := make([]int64, x.sub.dims+1)
		for o, at := range e.seats {
			if at == h {
				for k := range taken {
					taken[k] += a.need[o][k]
				}
			}
		}
		most = max(most, x.load(h, taken))
	}
	return most
}

// load is the largest part of a budget of a host that is taken, with more: room, then
// processor time.
func (x *Embedder) load(h int32, more []int64) (most int64) {
	part := func(used, of int64) {
		if of > 0 {
			most = max(most, int64(float64(used)/float64(of)*objective.Million))
		}
	}
	dims := x.sub.dims
	for k := range dims {
		part(x.sub.room[h*dims+k]-x.state.room[h*dims+k]+more[k], x.sub.room[h*dims+k])
	}
	part(x.share[h]-x.state.spare[h]+more[dims], x.share[h])
	return most
}

// Largest orders networks for Embed, those first that are hard to place: with rules that
// keep VMs apart or on some hosts, then those that take much. It returns their places in
// the list.
func Largest(networks []vsn.Network, ask Ask) []int32 {
	type size struct {
		fixed, ruled int
		part         float64
	}
	pinned := map[string]int{}
	for _, pin := range slices.Concat(ask.Pins, ask.Before) {
		pinned[pin.Network]++
	}
	sizes, out := make([]size, len(networks)), make([]int32, len(networks))
	for i := range networks {
		out[i] = int32(i)
		n := &networks[i]
		sizes[i].fixed = pinned[n.Name]
		for k := range n.Place {
			sizes[i].ruled = max(sizes[i].ruled, len(n.Place[k].Apart), len(n.Place[k].Spread), min(1, len(n.Place[k].VMs)))
		}
		for k := range n.VMs {
			v := &n.VMs[k]
			if v.Reservation != nil && v.Reservation.Period > 0 {
				sizes[i].part += float64(v.VCPUs) * float64(v.Reservation.Runtime) / float64(v.Reservation.Period)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b int32) int {
		s, t := &sizes[a], &sizes[b]
		return cmp.Or(cmp.Compare(t.fixed, s.fixed), cmp.Compare(t.ruled, s.ruled), cmp.Compare(t.part, s.part))
	})
	return out
}
