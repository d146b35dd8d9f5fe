package construct

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/vsn"
)

// Request is a network by numbers, for one substrate. VMs that a rule keeps together
// are one seat.
type Request struct {
	network *vsn.Network
	seats   []seat
	links   []link
	wide    []int32 // links, those of most rate first
	seatOf  []int32 // of each VM
	apart   []bool  // of seats a, b at a*len(seats)+b
	spreads []spread
	why     string // no host and no path can serve it, whatever is free
}

type seat struct {
	vms     []int32
	room    []int64 // as Substrate.room
	vcpus   []int64 // billionths of a CPU, the largest first
	owner   []int32 // the VM of each
	tops    int     // how many are as large as the largest; 0 where that is nothing
	cpu     int64   // their sum
	links   []int32 // with one end here
	leaving int64   // the rates of the links to seats that are apart
	allowed []bool  // by host; nil: all
	spreads []int32 // of Request.spreads, those that it is in
	pinned  bool    // there is one host for it alone: it is seated before others
}

type link struct {
	ends  [2]int32 // seats
	rate  int64
	limit int64 // ns, of a way within one host; 0: none
	ways  int64 // ns, of a way over cables
}

// NewRequest numbers a network. What it asks that the substrate has nowhere is kept as
// the reason of a refusal; the error is that of a name that is not there.
func NewRequest(s *Substrate, n *vsn.Network) (*Request, error) {
	q := &Request{network: n, seatOf: make([]int32, len(n.VMs))}
	number := make(map[string]int32, len(n.VMs))
	for i := range n.VMs {
		number[n.VMs[i].Name] = int32(i)
	}
	if err := q.join(n, number); err != nil {
		return nil, err
	}
	for i := range n.VMs {
		q.addVM(s, int32(i), &n.VMs[i])
	}
	q.addRules(s, n, number)
	for i := range q.seats {
		if a := q.seats[i].allowed; a != nil && !slices.Contains(a, true) {
			q.why = fmt.Sprintf("vm %q: no host has the labels that its rules of placement ask for", n.VMs[q.seats[i].vms[0]].Name)
		}
	}
	if err := q.addLinks(n, number); err != nil {
		return nil, err
	}
	for i := range q.seats {
		q.seats[i].sort(q)
	}
	for l := range q.links {
		q.wide = append(q.wide, int32(l))
	}
	slices.SortStableFunc(q.wide, func(a, b int32) int { return cmp.Compare(q.links[b].rate, q.links[a].rate) })
	return q, nil
}

// sort puts the largest vCPU and the widest link first.
func (st *seat) sort(q *Request) {
	order := make([]int, len(st.vcpus))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(st.vcpus[b], st.vcpus[a]) })
	vcpus, owner := slices.Clone(st.vcpus), slices.Clone(st.owner)
	for i, from := range order {
		st.vcpus[i], st.owner[i] = vcpus[from], owner[from]
	}
	for st.tops < len(st.vcpus) && st.vcpus[st.tops] > 0 && st.vcpus[st.tops] == st.vcpus[0] {
		st.tops++
	}
	slices.SortStableFunc(st.links, func(a, b int32) int { return cmp.Compare(q.links[b].rate, q.links[a].rate) })
}

// join makes seats of the VMs that are to stay together.
func (q *Request) join(n *vsn.Network, number map[string]int32) error {
	leader := make([]int32, len(n.VMs))
	for i := range leader {
		leader[i] = int32(i)
	}
	find := func(v int32) int32 {
		for leader[v] != v {
			leader[v] = leader[leader[v]]
			v = leader[v]
		}
		return v
	}
	for i := range n.Place {
		r := &n.Place[i]
		for _, name := range slices.Concat(r.Apart, r.Together, r.Spread, r.VMs) {
			if _, ok := number[name]; !ok {
				return fmt.Errorf("network %q: place %d: there is no vm %q", n.Name, i, name)
			}
		}
		for k := 1; k < len(r.Together); k++ {
			a, b := find(number[r.Together[0]]), find(number[r.Together[k]])
			leader[max(a, b)] = min(a, b)
		}
	}
	for v := range leader {
		if l := find(int32(v)); l == int32(v) {
			q.seatOf[v] = int32(len(q.seats))
			q.seats = append(q.seats, seat{})
		} else {
			q.seatOf[v] = q.seatOf[l]
		}
	}
	return nil
}

func (q *Request) addVM(s *Substrate, v int32, vm *vsn.VM) {
	st := &q.seats[q.seatOf[v]]
	st.vms = append(st.vms, v)
	if st.room == nil {
		st.room = make([]int64, s.dims)
	}
	st.room[0] += int64(vm.Memory)
	for kind, count := range vm.Resources {
		at, ok := slices.BinarySearch(s.kinds, kind)
		switch {
		case ok:
			st.room[1+at] += count
		case count > 0:
			q.why = fmt.Sprintf("vm %q asks for %d of resource %q, and no host has any", vm.Name, count, kind)
		}
	}
	if r := vm.Reservation; r != nil {
		u := billionths(int64(r.Runtime), int64(r.Period))
		for range vm.VCPUs {
			st.vcpus, st.owner = append(st.vcpus, u), append(st.owner, v)
			st.cpu += u
		}
	}
}

func (q *Request) addRules(s *Substrate, n *vsn.Network, number map[string]int32) {
	k := len(q.seats)
	q.apart = make([]bool, k*k)
	for i := range n.Place {
		r := &n.Place[i]
		for x, a := range r.Apart {
			for _, b := range r.Apart[:x] {
				sa, sb := q.seatOf[number[a]], q.seatOf[number[b]]
				if sa == sb {
					q.why = fmt.Sprintf("vms %q and %q are to be apart by one rule and together by others", b, a)
				}
				q.apart[int(sa)*k+int(sb)], q.apart[int(sb)*k+int(sa)] = true, true
			}
		}
		q.addSpread(s, r, number)
		for _, name := range r.VMs {
			q.allow(s, q.seatOf[number[name]], r.On)
		}
	}
}

// allow strikes the hosts that lack a label.
func (q *Request) allow(s *Substrate, at int32, labels map[string]string) {
	st := &q.seats[at]
	if st.allowed == nil {
		st.allowed = make([]bool, s.hosts)
		for h := range st.allowed {
			st.allowed[h] = true
		}
	}
	for h := range st.allowed {
		for label, value := range labels {
			if have, ok := s.inventory.Hosts[h].Labels[label]; !ok || have != value {
				st.allowed[h] = false
			}
		}
	}
}

func (q *Request) addLinks(n *vsn.Network, number map[string]int32) error {
	for i := range n.Links {
		l := &n.Links[i]
		if len(l.Between) != 2 {
			return fmt.Errorf("network %q: link %q has %d ends", n.Name, l.Name, len(l.Between))
		}
		out := link{rate: int64(l.Rate), limit: int64(l.Delay), ways: int64(l.Delay - QueueAllowance(l.Delay))}
		for k, end := range l.Between {
			v, ok := number[end]
			if !ok {
				return fmt.Errorf("network %q: link %q: there is no vm %q", n.Name, l.Name, end)
			}
			out.ends[k] = q.seatOf[v]
		}
		a, b := out.ends[0], out.ends[1]
		if a != b {
			apart := q.apart[int(a)*len(q.seats)+int(b)]
			for _, end := range out.ends {
				st := &q.seats[end]
				st.links = append(st.links, int32(i))
				if apart {
					st.leaving += out.rate
				}
			}
		}
		q.links = append(q.links, out)
	}
	return nil
}

// QueueAllowance is what is set aside of a limit on a link's delay for queues on its
// way: how long they are depends on who comes later. Half of the limit, and no more
// than a millisecond.
func QueueAllowance(limit vsn.Duration) vsn.Duration { return min(limit/2, 1_000_000) }
