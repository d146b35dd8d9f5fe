package proof

import (
	"math/big"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// server is what serves stages of several flows, first come first served.
type server struct {
	rule    string
	name    string // "vm n/a", "devices of n/a", "queue n/l a>b"
	vcpus   []vcpu // of a VM, or the one of its device threads; none: no reservation
	rate    int64  // bit/s of a port; with burst
	burst   int64  // bytes
	limit   int64  // bytes that may wait at a port
	clients []client
}

// vcpu is the supply of one virtual CPU, and the tasks of the guest that it serves
// before any message.
type vcpu struct {
	bounds.Supply
	tasks  []bounds.Task
	names  []string // of the tasks
	looked *int64   // arrivals, one by one
}

type client struct {
	flow  *flow
	stage *stage
}

// arrivals are the event models of all clients; false where one comes arbitrarily
// late.
func (v *server) arrivals() ([]bounds.Arrival, bool) {
	out := make([]bounds.Arrival, len(v.clients))
	for i, c := range v.clients {
		out[i] = bounds.Arrival{Period: int64(c.flow.spec.Every), Jitter: c.stage.jitter, Burst: c.flow.spec.Burst, Cost: c.stage.cost}
		if out[i].Validate() != nil {
			return nil, false
		}
	}
	return out, true
}

// delay bounds the wait of any message at the server, its own service included.
func (v *server) delay() int64 {
	arrivals, ok := v.arrivals()
	if !ok {
		return bounds.Inf
	}
	return v.within(arrivals)
}

// within is delay for given arrivals.
func (v *server) within(arrivals []bounds.Arrival) int64 {
	if v.rule == RuleShaper {
		bytes, fits := v.backlog(arrivals)
		if !fits {
			return bounds.Inf
		}
		return bounds.ShaperDelay(bytes, v.rate, v.burst)
	}
	if len(v.vcpus) == 0 {
		return bounds.Inf
	}
	// A message is worked on by one vCPU at a time, whichever: the slowest bounds it.
	most := int64(0)
	for i := range v.vcpus {
		most = max(most, v.vcpus[i].delay(arrivals))
	}
	return most
}

func (v *vcpu) delay(arrivals []bounds.Arrival) int64 {
	if v.tasks == nil {
		if delay, ok := bounds.RequestCounted(v.Supply, arrivals, v.looked); ok {
			return delay
		}
		return bounds.Inf
	}
	return v.busy(arrivals)
}

// busyRounds bounds the search for the end of a busy period. Few periods are as long:
// after busyEasy rounds it goes on only if what comes is within the rate, and there is
// an end.
const (
	busyRounds = 100_000
	busyEasy   = 100
)

// busy is the longest busy period of tasks and messages together: whatever the
// order of service, and messages come after tasks, a message is done by its end
// (Lehoczky 1990; with a supply in place of a processor, Shin and Lee 2003).
func (v *vcpu) busy(arrivals []bounds.Arrival) int64 {
	length := int64(0)
	for round := range busyRounds {
		if round == busyEasy && !v.carries(arrivals) {
			return bounds.Inf
		}
		next, ok := v.Time(v.asked(arrivals, length))
		if !ok {
			return bounds.Inf
		}
		if next == length {
			return length
		}
		length = next
	}
	return bounds.Inf
}

// carries tells whether tasks and messages together come within the rate.
func (v *vcpu) carries(arrivals []bounds.Arrival) bool {
	rate, _ := v.Linear()
	demand := bounds.Utilization(v.tasks)
	for _, a := range arrivals {
		demand.Add(demand, a.Bucket().Rho)
	}
	return demand.Cmp(rate) <= 0
}

// backlog is the most bytes that come to a port at once, as a token bucket sees
// them, and whether they come no faster than its rate.
func (v *server) backlog(arrivals []bounds.Arrival) (bytes int64, fits bool) {
	sigma, rho := new(big.Rat), new(big.Rat)
	for _, a := range arrivals {
		b := a.Bucket()
		sigma.Add(sigma, b.Sigma)
		rho.Add(rho, b.Rho)
	}
	return ceil(sigma), rho.Cmp(big.NewRat(v.rate, 8e9)) <= 0
}

// ceil rounds a non-negative rational up, saturating at bounds.Inf.
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
