package realize

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/utilization"
	"github.com/vsnctl/vsnctl/vsn"
)

// packNodes is how many assignments of one thread to one CPU are tried before a
// packing is given up.
const packNodes = 100_000

// How many states of probability are looked at: for one packing, for all that a Phase
// searches, and for all that it does.
const (
	mostWork     = 300_000
	mostSearched = 4_000_000
	mostSpent    = 15_000_000
)

// packing is partitioned EDF as bin packing: threads onto CPUs, so that the
// utilizations on each CPU sum to no more than its share, or, with odds, so that they
// do as often as the networks ask. CPUs of several hosts may be packed together; a host
// of one root domain is then one CPU.
type packing struct {
	odds    *odds // nil: all networks are active always
	spent   *int  // states of probability that the Phase has looked at
	threads []thread
	order   []int // of threads that do not stay: the largest first
	cpus    []cpu
	bin     []int // of each thread: the CPU, or -1
	nodes   int
	until   int  // where spent ends a search
	vague   bool // something could not be decided, and was taken for a no
	apart   bool // vCPUs of one VM go to different CPUs
}

type cpu struct {
	host  string
	id    int
	extra int64 // how often the largest reservation counts beside the sum: GFB
	share utilization.U
	kind  int64    // CPUs of one host with the same share are of one kind
	exact *big.Rat // of share
	sum   utilization.U
	on    []int // threads
}

func (ph *Phase) packing(threads []thread, on ...*hosts.Host) *packing {
	p := &packing{odds: ph.odds, spent: &ph.spent, threads: threads, bin: make([]int, len(threads))}
	for i := range threads {
		if !threads[i].stays {
			p.order = append(p.order, i)
		}
	}
	slices.SortStableFunc(p.order, func(a, b int) int { return cmp.Compare(threads[b].u.Hi, threads[a].u.Hi) })
	for _, h := range on {
		if !h.Partition {
			p.cpus = append(p.cpus, ph.root(h))
			continue
		}
		for i := range h.CPUs {
			// The seed turns the order of CPUs that are alike in all but their number.
			c := h.CPUs[(i+int(uint64(ph.seed)%uint64(len(h.CPUs))))%len(h.CPUs)]
			share := h.ShareOf(c)
			next := cpu{host: h.Name, id: c.ID, kind: int64(share)}
			if last := len(p.cpus) - 1; i > 0 && p.cpus[last].kind == next.kind {
				next.share, next.exact = p.cpus[last].share, p.cpus[last].exact
			} else {
				next.share, next.exact = ph.scale.Share(share), share.Rat()
			}
			p.cpus = append(p.cpus, next)
		}
	}
	return p
}

// root is all CPUs of a host as one.
func (ph *Phase) root(h *hosts.Host) cpu {
	out := cpu{host: h.Name, id: hosts.AnyCPU, extra: int64(len(h.CPUs) - 1), exact: new(big.Rat)}
	for _, c := range h.CPUs {
		share := h.ShareOf(c)
		out.share = out.share.Plus(ph.scale.Share(share))
		out.exact.Add(out.exact, share.Rat())
	}
	return out
}

// spread packs so that the vCPUs of each VM are on different CPUs, since a guest
// expects them to run at the same time, and only if that cannot be (or cannot be
// found) in any way. nil: there is none; known says whether that is sure.
func (p *packing) spread() (bins []int, known bool) {
	if bins, _ := p.pack(true); bins != nil {
		return bins, true
	}
	return p.pack(false)
}

// pack tries the usual orders first, the least loaded CPU and the fullest one, and
// then searches.
func (p *packing) pack(apart bool) (bins []int, known bool) {
	p.apart, p.vague = apart, false
	if *p.spent > mostSpent {
		return nil, false
	}
	if p.quickly() {
		return p.bin, true
	}
	p.reset()
	if p.hopeless() {
		return nil, true
	}
	p.nodes, p.until = 0, min(*p.spent+mostWork, mostSearched)
	switch p.search(0) {
	case yes:
		return p.bin, true
	case no:
		return nil, !p.vague
	}
	return nil, false
}

// quickly tries the usual orders. Networks that meet on many CPUs take little more of
// each other's time than on one, so that with odds the threads of a network in a row
// are one of them.
func (p *packing) quickly() bool {
	orders := [][]int{p.order}
	if p.odds != nil {
		inRow := slices.Clone(p.order)
		slices.SortStableFunc(inRow, func(a, b int) int { return cmp.Compare(p.threads[a].network, p.threads[b].network) })
		orders = append(orders, inRow)
	}
	for _, order := range orders {
		for _, fullest := range []bool{false, true} {
			if p.greedy(order, fullest) {
				return true
			}
		}
	}
	return len(p.order) > 0 && p.threads[p.order[0]].hinted && p.suggested()
}

func (p *packing) reset() {
	for b := range p.cpus {
		p.cpus[b].sum, p.cpus[b].on = utilization.U{}, p.cpus[b].on[:0]
	}
	for i := range p.bin {
		p.bin[i] = -1
	}
	p.settle()
}

// greedy puts each thread, in this order, on the fullest CPU that has room for
// it, or on the one that is then loaded least.
func (p *packing) greedy(order []int, fullest bool) bool {
	p.reset()
	var byRoom []int
	for _, t := range order {
		b := -1
		if p.odds == nil {
			b = p.roomiest(t, fullest)
		} else { // whether a CPU is allowed is much work
			byRoom = p.byRoom(byRoom[:0], fullest)
			if i := slices.IndexFunc(byRoom, func(b int) bool { return p.allowed(t, b) }); i >= 0 {
				b = byRoom[i]
			}
		}
		if b < 0 {
			return false
		}
		p.put(t, b)
	}
	return true
}

// roomiest is the first of byRoom that is allowed, or -1.
func (p *packing) roomiest(t int, fullest bool) int {
	best, room := -1, int64(0)
	for b := range p.cpus {
		left := p.left(b)
		if fullest {
			left = -left
		}
		if (best < 0 || left > room) && p.allowed(t, b) {
			best, room = b, left
		}
	}
	return best
}

// byRoom orders the CPUs by what they have left, most first, or least.
func (p *packing) byRoom(out []int, fullest bool) []int {
	for b := range p.cpus {
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b int) int {
		if order := cmp.Compare(p.left(a), p.left(b)); fullest {
			return order
		} else {
			return -order
		}
	})
	return out
}

// left is what CPU b has left if all are active.
func (p *packing) left(b int) int64 { return p.cpus[b].share.Lo - p.cpus[b].sum.Hi }

func (p *packing) put(t, b int) {
	p.bin[t] = b
	p.cpus[b].sum = p.cpus[b].sum.Plus(p.threads[t].u)
	p.cpus[b].on = append(p.cpus[b].on, t)
}

func (p *packing) take(t int) {
	c := &p.cpus[p.bin[t]]
	c.sum = c.sum.Without(p.threads[t].u)
	c.on = c.on[:len(c.on)-1]
	p.bin[t] = -1
}

// allowed reports whether thread t may go to CPU b: it has room there, exactly, or with
// odds the networks there stay content.
func (p *packing) allowed(t, b int) bool {
	c, th := &p.cpus[b], &p.threads[t]
	if c.host != th.seat.Host {
		return false
	}
	if p.apart && th.vcpu >= 0 && c.id != hosts.AnyCPU {
		for _, other := range c.on {
			if p.threads[other].vm == th.vm && p.threads[other].vcpu >= 0 {
				return false
			}
		}
	}
	if p.odds != nil {
		p.put(t, b)
		ok := p.content(b)
		p.take(t)
		return ok
	}
	fits, sure := utilization.Within(c.sum.Plus(th.u), c.share)
	if !sure {
		sum := big.NewRat(th.runtime, th.period)
		for _, other := range c.on {
			sum.Add(sum, big.NewRat(p.threads[other].runtime, p.threads[other].period))
		}
		return sum.Cmp(c.exact) <= 0
	}
	return fits
}

// hopeless reports what needs no search: more in all than all CPUs offer, more
// large threads than CPUs that can hold one each, or more vCPUs of one VM than CPUs.
// Of networks that are not always active nothing is known here.
func (p *packing) hopeless() bool {
	var need, have utilization.U
	most := int64(0)
	for _, t := range p.threads {
		if p.apart && !t.stays && t.vcpu >= p.offers(t.seat.Host) {
			return true
		}
		if p.always(t) {
			need = need.Plus(t.u)
		}
	}
	for _, c := range p.cpus {
		have = have.Plus(c.share)
		most = max(most, c.share.Hi)
	}
	large := 0
	for _, t := range p.threads {
		if t.u.Lo > most/2 && p.always(t) { // two of these exceed every share
			large++
		}
	}
	fits, sure := utilization.Within(need, have)
	return sure && !fits || large > len(p.cpus)
}

// always reports whether the network of a thread is always active.
func (p *packing) always(t thread) bool { return p.odds == nil || p.odds.active[t.network] == vsn.One }

// offers is the number of CPUs for the vCPUs of one VM on a host.
func (p *packing) offers(host string) (n int) {
	for _, c := range p.cpus {
		if c.host == host {
			n++
			if c.id == hosts.AnyCPU {
				return hosts.MaxCPUs
			}
		}
	}
	return n
}

type answer int

const (
	no answer = iota
	yes
	unsure
)

// search goes through the packings in lexicographic order of CPUs by thread, the
// largest thread first, and skips those that have an equivalent before them: a
// thread that equals the one before goes to no earlier CPU, and of CPUs with the
// same content only the first is tried. The lexicographically first packing, if
// there is any, is never skipped.
func (p *packing) search(depth int) answer {
	if depth == len(p.order) {
		return yes
	}
	if p.wasteful(depth) {
		return no
	}
	t, first := p.order[depth], 0
	if depth > 0 && p.same(t, p.order[depth-1]) {
		first = p.bin[p.order[depth-1]]
	}
	for b := first; b < len(p.cpus); b++ {
		if p.equivalentBefore(b, first) || !p.allowed(t, b) {
			if *p.spent > p.until {
				return unsure
			}
			continue
		}
		if p.nodes++; p.nodes > packNodes || *p.spent > p.until {
			return unsure
		}
		p.put(t, b)
		if a := p.search(depth + 1); a != no {
			return a
		}
		p.take(t)
	}
	return no
}

// same reports whether two threads can change places in every packing.
func (p *packing) same(a, b int) bool {
	x, y := &p.threads[a], &p.threads[b]
	if x.seat.Host != y.seat.Host || p.odds != nil && x.network != y.network {
		return false
	}
	return x.runtime == y.runtime && x.period == y.period && (!p.apart || x.vm == y.vm && x.vcpu >= 0 && y.vcpu >= 0)
}

// equivalentBefore reports whether a CPU from first on and before b stands as b
// does, so that what can be done with b can be done with it.
func (p *packing) equivalentBefore(b, first int) bool {
	c := &p.cpus[b]
	for o := first; o < b; o++ {
		before := &p.cpus[o]
		empty := len(c.on) == 0 && len(before.on) == 0
		exact := c.sum.Lo == c.sum.Hi && before.sum.Lo == before.sum.Hi
		alike := c.kind == before.kind && c.host == before.host
		if alike && (empty || !p.apart && p.odds == nil && exact && c.sum == before.sum) {
			return true
		}
	}
	return false
}

// wasteful reports whether what is left to pack exceeds the room on the CPUs that
// can still take the smallest of it.
func (p *packing) wasteful(depth int) bool {
	if p.odds != nil {
		return false // a CPU may be asked for more than it has
	}
	var need utilization.U
	for _, t := range p.order[depth:] {
		need = need.Plus(p.threads[t].u)
	}
	smallest := p.threads[p.order[len(p.order)-1]].u.Hi - 1 // no thread is smaller
	room := int64(0)
	for b := range p.cpus {
		if left := p.cpus[b].share.Hi - p.cpus[b].sum.Lo; left >= smallest {
			room += left
		}
	}
	return need.Lo > room
}
