package construct

import (
	"fmt"

	"github.com/vsnctl/vsnctl/vsn"
)

// spread is seats of which no two may be on hosts with the same value of a label.
type spread struct {
	seats []int32
	value []int32 // of each host: a number for its value, -1 without the label
}

// addSpread keeps a rule, and its VMs to hosts with the label.
func (q *Request) addSpread(s *Substrate, r *vsn.Rule, number map[string]int32) {
	if len(r.Spread) == 0 {
		return
	}
	known := map[string]int32{}
	out := spread{value: make([]int32, s.hosts)}
	for h := range out.value {
		value, ok := s.inventory.Hosts[h].Labels[r.Over]
		if !ok {
			out.value[h] = -1
			continue
		}
		if _, seen := known[value]; !seen {
			known[value] = int32(len(known))
		}
		out.value[h] = known[value]
	}
	for _, name := range r.Spread {
		at := q.seatOf[number[name]]
		st := &q.seats[at]
		st.spreads = append(st.spreads, int32(len(q.spreads)))
		q.allow(s, at, nil)
		for h, value := range out.value {
			st.allowed[h] = st.allowed[h] && value >= 0
		}
		for _, other := range out.seats {
			q.part(at, other)
		}
		out.seats = append(out.seats, at)
	}
	if have := len(known); have < len(r.Spread) {
		q.why = fmt.Sprintf("%d vms are to be on hosts with different values of label %q, and the hosts have %d", len(r.Spread), r.Over, have)
	}
	q.spreads = append(q.spreads, out)
}

// part keeps two seats on different hosts.
func (q *Request) part(a, b int32) {
	if a == b {
		q.why = "vms are to be spread by one rule and together by others"
	}
	k := len(q.seats)
	q.apart[int(a)*k+int(b)], q.apart[int(b)*k+int(a)] = true, true
}

// bunched reports whether some other seat is on a host of a kind with h.
func (x *Search) bunched(v, h int32) bool {
	for _, i := range x.q.seats[v].spreads {
		s := &x.q.spreads[i]
		for _, o := range s.seats {
			if at := x.seat[o]; o != v && at >= 0 && s.value[at] == s.value[h] {
				return true
			}
		}
	}
	return false
}
