package construct

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/vsn"
)

// asking is a network as an Embedder sees it: what its seats need, and of hosts only by
// what they must be like, so that it does not grow with their number.
type asking struct {
	network *vsn.Network
	q       *Request  // numbered for a substrate without hosts
	wants   [][]want  // of each seat: values of labels
	over    []dealt   // seats that want different values of a label
	fixed   []int32   // of each seat: the host that it must have, or -1
	before  []int32   // of each seat: the host that it had, or -1
	avoid   []int32   // hosts that no seat is to have
	kept    []bool    // of each seat: it is on fixed already, and takes nothing more
	stays   []bool    // of each link: it has its path already
	need    [][]int64 // of each seat, as the index counts: room, processor time above each floor, the largest reservation, rates of links to seats apart
	whole   []int64   // of all seats, less the rates
	bySize  []int32   // the seats, those with the largest reservation first
	parts   int       // hosts that it needs at the least, as far as rules tell
}

type want struct {
	label *labelling
	value int32 // -1: any
}

type dealt struct {
	label *labelling
	seats []int32
}

// labelling is the values that hosts have of a label, by numbers; -1: it has none.
type labelling struct {
	value  []int32
	number map[string]int32
}

func (x *Embedder) label(key string) *labelling {
	if l := x.labels[key]; l != nil {
		return l
	}
	l := &labelling{value: make([]int32, x.sub.hosts), number: map[string]int32{}}
	for h := range l.value {
		value, ok := x.sub.inventory.Hosts[h].Labels[key]
		if !ok {
			l.value[h] = -1
			continue
		}
		if _, known := l.number[value]; !known {
			l.number[value] = int32(len(l.number))
		}
		l.value[h] = l.number[value]
	}
	x.labels[key] = l
	return l
}

// ask reads a network.
func (x *Embedder) ask(n *vsn.Network) (*asking, error) {
	q, err := NewRequest(x.bare, n)
	if err != nil {
		return nil, err
	}
	a := &asking{network: n, q: q, wants: make([][]want, len(q.seats)), parts: 1,
		fixed: unknown(len(q.seats)), before: unknown(len(q.seats)), kept: make([]bool, len(q.seats)), stays: make([]bool, len(q.links))}
	if why := x.nowhere(n, q); why != "" {
		return nil, &Unplaced{n.Name, why}
	}
	number := make(map[string]int32, len(n.VMs))
	for i := range n.VMs {
		number[n.VMs[i].Name] = int32(i)
	}
	for i := range n.Place {
		x.rule(a, &n.Place[i], number)
	}
	if slices.Contains(q.apart, true) {
		a.parts = 2
	}
	for _, d := range a.over {
		a.parts = max(a.parts, len(d.seats))
	}
	a.measure(x)
	return a, nil
}

// nowhere says what of a network no substrate like this can have, or "".
func (x *Embedder) nowhere(n *vsn.Network, q *Request) string {
	for i := range n.VMs {
		for kind, count := range n.VMs[i].Resources {
			if _, ok := slices.BinarySearch(x.sub.kinds, kind); !ok && count > 0 {
				return fmt.Sprintf("vm %q asks for %d of resource %q, and no host has any", n.VMs[i].Name, count, kind)
			}
		}
	}
	for v := range q.seats {
		if q.apart[v*len(q.seats)+v] {
			return fmt.Sprintf("vm %q is to be with another by one rule and apart from it by others", n.VMs[q.seatVM(v)].Name)
		}
	}
	return ""
}

func unknown(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = -1
	}
	return out
}

// rule notes what a rule wants of hosts.
func (x *Embedder) rule(a *asking, r *vsn.Rule, number map[string]int32) {
	if len(r.Spread) > 0 {
		d := dealt{label: x.label(r.Over)}
		for _, name := range r.Spread {
			at := a.q.seatOf[number[name]]
			a.wants[at] = append(a.wants[at], want{d.label, -1})
			d.seats = append(d.seats, at)
		}
		a.over = append(a.over, d)
	}
	for _, name := range r.VMs {
		at := a.q.seatOf[number[name]]
		for key, value := range r.On {
			w := want{x.label(key), -2} // no host has it
			if v, ok := w.label.number[value]; ok {
				w.value = v
			}
			a.wants[at] = append(a.wants[at], w)
		}
	}
}

// measure adds up what is needed.
func (a *asking) measure(x *Embedder) {
	dims := x.index.dims
	a.need, a.whole, a.bySize = nil, make([]int64, dims), nil
	for v := range a.q.seats {
		s := &a.q.seats[v]
		need := make([]int64, dims)
		copy(need, s.room)
		s.time(need[x.sub.dims:], x.emulator*int64(len(s.vms)))
		need[dims-2], need[dims-1] = s.top(), s.leaving
		a.need = append(a.need, need)
		for k := range dims - 2 {
			a.whole[k] += need[k]
		}
		a.whole[dims-2] = max(a.whole[dims-2], need[dims-2])
		a.bySize = append(a.bySize, int32(v))
	}
	slices.SortStableFunc(a.bySize, func(v, w int32) int { return cmp.Compare(a.q.seats[w].top(), a.q.seats[v].top()) })
}

// floors tell large reservations from small, in billionths of a CPU: one of at least a
// floor needs a CPU with at least as much idle, so that their sum is no more than that
// of those CPUs. So fragments of processor time are not taken for room.
var floors = [...]int64{0, 125_000_000, 250_000_000, 500_000_000}

// time adds up the reservations of a seat above each floor, with what its device
// threads take.
func (s *seat) time(sums []int64, emulators int64) {
	sums[0] = emulators
	for k, floor := range floors {
		for _, u := range s.vcpus {
			if u >= floor {
				sums[k] += u
			}
		}
	}
}

// time adds up what is idle on the CPUs of a host above each floor, and finds the
// idlest.
func (st *State) time(h int32, sums []int64) (most int64) {
	clear(sums[:len(floors)])
	for d := st.sub.domains[h]; d < st.sub.domains[h+1]; d++ {
		idle := st.idle[d]
		most = max(most, idle)
		for k, floor := range floors {
			if idle < floor {
				break
			}
			sums[k] += idle
		}
	}
	return most
}

// keep says that a seat is on a host already, with all that it takes.
func (a *asking) keep(v, h int32) {
	a.fixed[v], a.kept[v] = h, true
	a.q.keep(v)
}

func (q *Request) keep(v int32) {
	s := &q.seats[v]
	*s = seat{room: make([]int64, len(s.room)), links: s.links, leaving: s.leaving, spreads: s.spreads}
}

// stay says that a link has its path already.
func (a *asking) stay(l int32) {
	a.stays[l] = true
	a.q.stay(l)
}

func (q *Request) stay(l int32) {
	e := q.links[l].ends
	for _, v := range e {
		s := &q.seats[v]
		at := slices.Index(s.links, l)
		if at < 0 {
			continue // both ends are one seat
		}
		s.links = slices.Delete(s.links, at, at+1)
		if q.apart[int(e[0])*len(q.seats)+int(e[1])] {
			s.leaving -= q.links[l].rate
		}
	}
}

// allows reports whether the rules about labels, and a pin, let a seat have a host.
func (a *asking) allows(v, h int32) bool {
	if a.fixed[v] >= 0 && (a.fixed[v] != h || a.kept[v]) {
		return a.fixed[v] == h
	}
	if a.fixed[v] < 0 && slices.Contains(a.avoid, h) {
		return false
	}
	for _, w := range a.wants[v] {
		if have := w.label.value[h]; have < 0 || w.value != -1 && have != w.value {
			return false
		}
	}
	return true
}

// serves reports whether a host has room for a seat, as far as sums tell.
func (x *Embedder) serves(a *asking, v, h int32) bool {
	if a.kept[v] || !a.allows(v, h) || !covers(x.index.leaf(x.rank[h]), a.need[v]) {
		return false
	}
	return x.state.holds(&a.q.seats[v], h)
}

// lacking says which seat no host has room for, or "".
func (x *Embedder) lacking(a *asking) string {
	for v := range a.q.seats {
		if a.kept[v] {
			continue
		}
		at := x.index.first(0, a.need[v])
		for at >= 0 && !a.allows(int32(v), x.order[at]) {
			at = x.index.first(at+1, a.need[v])
		}
		if at < 0 {
			return fmt.Sprintf("vm %q: no host that its rules allow has room for it: memory, counts, processor time, or %d bit/s free on its cables", a.network.VMs[a.q.seatVM(v)].Name, a.q.seats[v].leaving)
		}
	}
	return ""
}

// seatVM is a VM of a seat.
func (q *Request) seatVM(v int) int { return slices.Index(q.seatOf, int32(v)) }
