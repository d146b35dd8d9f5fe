package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// Names of terms that say where a bound is attained.
const (
	termAfter = "longest wait: of what comes after"
	termAsked = "longest wait: asked for by then"
	termBusy  = "longest busy period: asked for in it"
	termBurst = "at once B"
)

// worst are the numbers with which a server's bound can be added up: the arrival that
// waits longest and what is asked by then; the work of the longest busy period; the
// bytes that come at once.
func (v *server) worst() []placement.Term {
	arrivals, ok := v.arrivals()
	if !ok {
		return nil
	}
	if v.rule == RuleShaper {
		bytes, _ := v.backlog(arrivals)
		return []placement.Term{{Name: termBurst, Value: number(bytes)}}
	}
	var out []placement.Term
	slowest, longest := -1, int64(-1)
	for i := range v.vcpus {
		if d := v.vcpus[i].delay(arrivals); d > longest {
			slowest, longest = i, d
		}
		for k, t := range v.vcpus[i].tasks {
			who := fmt.Sprintf("vcpu%d %s ", i, v.vcpus[i].names[k])
			out = append(out, placement.Term{Name: who + "wcet", Value: placement.Int(t.Cost)}, placement.Term{Name: who + "period", Value: placement.Int(t.Period)})
		}
	}
	if slowest < 0 || longest == bounds.Inf {
		return out
	}
	if len(v.vcpus) > 1 {
		out = append(out, placement.Term{Name: "slowest vcpu", Value: placement.Int(int64(slowest))})
	}
	if v.rule == RuleBusy {
		return append(out, placement.Term{Name: termBusy, Value: number(v.vcpus[slowest].asked(arrivals, longest))})
	}
	_, at, work, _ := bounds.RequestWorst(v.vcpus[slowest].Supply, arrivals)
	return append(out, placement.Term{Name: termAfter, Value: number(at)}, placement.Term{Name: termAsked, Value: number(work)})
}

// asked is the most that tasks and messages ask for in a busy period of that length;
// what comes at its very end belongs to the next.
func (v *vcpu) asked(arrivals []bounds.Arrival, length int64) int64 {
	work := int64(0)
	for _, a := range arrivals {
		work = sum(work, a.Work(max(0, length-1)))
	}
	for _, t := range v.tasks {
		work = sum(work, bounds.Arrival{Period: t.Period, Cost: t.Cost}.Work(max(0, length-1)))
	}
	return work
}
