package dimension

import (
	"math/big"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// ease is the easiest that the hosts which the rules allow a VM make anything: of
// each number the best of any host, as if one had them all and the VM a CPU for
// itself. No placement is better.
type ease struct {
	grain    int64
	share    *big.Rat         // the largest of a CPU
	delay    int64            // ns in the receiving host
	emulator []hosts.Emulator // of all hosts, with a grain of grain; empty where one has none
}

func easeOf(p *placement.Problem, n *vsn.Network, vm string) ease {
	out := ease{grain: bounds.Inf, share: new(big.Rat), delay: bounds.Inf}
	bare := false
	for i := range p.Inventory.Hosts {
		h := &p.Inventory.Hosts[i]
		if !allowed(n, vm, h) {
			continue
		}
		out.grain, out.delay = min(out.grain, int64(h.Grain)), min(out.delay, int64(h.Delay))
		for _, c := range h.CPUs {
			if s := h.ShareOf(c).Rat(); s.Cmp(out.share) > 0 {
				out.share = s
			}
		}
		if h.Emulator == nil {
			bare = true
		} else {
			out.emulator = append(out.emulator, *h.Emulator)
		}
	}
	if bare {
		out.emulator = nil
	}
	if out.grain == bounds.Inf { // no host at all: phase one says so
		out.grain, out.delay, out.share = 0, 0, big.NewRat(1, 1)
	}
	return out
}

// devices is the least time that so many frames take through the device threads.
func (e *ease) devices(frames int64) int64 {
	least := int64(0)
	for i, d := range e.emulator {
		s := bounds.Supply{Runtime: int64(d.Runtime), Period: int64(d.Period), Grain: e.grain}
		if took, _ := s.Time(times(frames, int64(d.Work))); i == 0 || took < least {
			least = took
		}
	}
	return least
}

// supply is what no reservation of a VM gives more than, where its period is given:
// all that the share leaves of it. With a runtime it is that.
func (e *ease) supply(r *vsn.Reservation) bounds.Supply {
	s := bounds.Supply{Runtime: int64(r.Runtime), Period: int64(r.Period), Grain: e.grain}
	if s.Runtime == 0 {
		s.Runtime = floor(new(big.Rat).Mul(e.share, ratOf(s.Period)))
	}
	return s
}

// time is the least time in which any reservation within the share is sure to give
// work: exact where the reservation or its period is given, and else never more than
// what any runtime Q and period P take. With n = ceil(work/Q) budgets that is
//
//	work + (1+n)(P-Q) + 2 grain,  P-Q >= max((1/share - 1) max(work/n, grain, MinRuntime), (1-share) MinPeriod)
//
// (docs/theory.md, "Supply of a reservation"; a runtime under the grain is served as
// one of a grain with the same share), and the least over all n lies where the two
// terms of the maximum meet.
func (e *ease) time(r *vsn.Reservation, work int64) int64 {
	if r != nil {
		took, _ := e.supply(r).Time(work)
		return took
	}
	if work <= 0 {
		return 0
	}
	one := big.NewRat(1, 1)
	idle := new(big.Rat).Sub(one, e.share)           // of each period
	per := new(big.Rat).Quo(idle, e.share)           // for each ns of runtime
	falls := new(big.Rat).Mul(per, ratOf(work))      // (P-Q) n at least
	flat := new(big.Rat).Mul(per, ratOf(e.budget())) // P-Q at least
	if other := idle.Mul(idle, ratOf(leastPeriod)); other.Cmp(flat) > 0 {
		flat = other
	}
	gaps := leastGaps(falls, flat)
	return sum(sum(work, ceil(gaps)), times(2, e.grain))
}

// budget is the least that is given at a time.
func (e *ease) budget() int64 { return max(e.grain, int64(vsn.MinRuntime)) }

// leastGaps is the least of (1+n) max(falls/n, flat) over all n from 1 on.
func leastGaps(falls, flat *big.Rat) *big.Rat {
	at := func(n int64) *big.Rat {
		each := new(big.Rat).Quo(falls, ratOf(n))
		if each.Cmp(flat) < 0 {
			each.Set(flat)
		}
		return each.Mul(each, ratOf(1+n))
	}
	if flat.Sign() == 0 {
		return new(big.Rat).Set(falls) // n without end
	}
	n := max(1, min(floor(new(big.Rat).Quo(falls, flat)), 1<<40))
	least, next := at(n), at(n+1)
	if next.Cmp(least) < 0 {
		return next
	}
	return least
}

// use is the least share of a CPU that gives work within limit: from time solved for
// the share, without the shortest period. More than a CPU where none does.
func (e *ease) use(work, limit int64) *big.Rat {
	left := limit - work - 2*e.grain
	if left < 0 {
		return big.NewRat(2, 1)
	}
	gaps := leastGaps(ratOf(work), ratOf(e.budget())) // for each ns of 1/share - 1
	return new(big.Rat).Quo(gaps, new(big.Rat).Add(gaps, ratOf(left)))
}

func ratOf(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }

// floor is a non-negative rational rounded down.
func floor(r *big.Rat) int64 {
	q := new(big.Int).Quo(r.Num(), r.Denom())
	if !q.IsInt64() {
		return bounds.Inf
	}
	return q.Int64()
}
