package construct

import "fmt"

// thrift refuses, where more is asked for than there is, what could be had and would take
// far more of the cables than others do for the same rates: the room is worth more to
// those who come later. Of prices that solve the dual of the fluid limit (bid prices,
// Talluri and van Ryzin 2004) it is the simplest kind: a limit on the detours.
type thrift struct {
	hops, found float64 // summed over the requests for which there was a place, and how many
	refused     float64 // share of the late requests
}

const (
	scarce     = 0.2 // share of the late requests that are refused: from here on the room is too little
	lately     = 50  // requests over which that share is remembered
	detours    = 1.4 // times the mean hops: what is still accepted then
	acquainted = 20  // requests before there is a mean
)

// judge notes a request, for which e was found or nothing, and says why it is refused
// although it could be had, or "".
func (t *thrift) judge(q *Request, e *Embedding) string {
	if e == nil {
		t.note(true)
		return ""
	}
	hops, ok := q.hops(e)
	if ok {
		t.hops += hops
		t.found++
	}
	mean := t.hops / max(1, t.found)
	if !ok || t.refused < scarce || t.found < acquainted || hops <= detours*mean {
		t.note(false)
		return ""
	}
	t.note(true)
	return fmt.Sprintf("it could be had over %.2f hops for each link, weighed by rate; while more than %.0f %% of the requests find no place, those that take more than %.1f times the mean of %.2f hops are refused", hops, 100*scarce, detours, mean)
}

func (t *thrift) note(refused bool) {
	t.refused -= t.refused / lately
	if refused {
		t.refused += 1.0 / lately
	}
}

// hops is the length of the paths of an embedding, weighed by rate; false without any rate.
func (q *Request) hops(e *Embedding) (float64, bool) {
	asked, carried := 0.0, 0.0
	for l := range q.links {
		rate := float64(q.links[l].rate)
		asked += rate
		carried += rate * float64(len(e.paths[l]))
	}
	return carried / asked, asked > 0
}
