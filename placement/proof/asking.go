package proof

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// asker is a flow or a task of a claim's terms, and what it asks of the server.
type asker struct {
	name string
	bounds.Arrival
}

// asking writes out what each flow and each task asks for, line by line, so that what
// is asked for in all can be added up: the formulas are those of docs/theory.md. Nil
// where the claim is of another kind.
func asking(c placement.Claim) []string {
	switch c.Rule {
	case RuleRequest, RuleDevice:
		if at, ok := whole(c, termAfter); ok {
			return counts(askers(c), at, inUnit("ns", placement.Int(at)))
		}
	case RuleBusy:
		if c.Bound.IsInf() {
			return nil
		}
		length := c.Bound.Big().Num().Int64()
		before := fmt.Sprintf("%s less 1 ns", ns(length))
		return append(counts(askers(c), length-1, before), releases(c, length)...)
	case RuleGuestEDF:
		return windows(c)
	case RuleShaper, RuleBacklog:
		var lines []string
		for _, a := range askers(c) {
			lines = append(lines, fmt.Sprintf("%-40s %d B * (%d + %s / %s) = %s B", a.name+" at once", a.Cost, max(a.Burst, 1), ns(a.Jitter), ns(a.Period), decimal(a.Bucket().Sigma)))
		}
		return lines
	}
	return nil
}

// counts are the messages that come in a window, ends included.
func counts(of []asker, window int64, says string) []string {
	var lines []string
	for _, a := range of {
		lines = append(lines, fmt.Sprintf("%-40s %d + floor((%s + %s) / %s) = %d times, %s", a.name+" comes", max(a.Burst, 1), says, ns(a.Jitter), ns(a.Period), a.Count(window), ns(a.Work(window))))
	}
	return lines
}

// releases are those of the tasks on the vCPU that a busy period is of.
func releases(c placement.Claim, length int64) []string {
	slowest, _ := whole(c, "slowest vcpu")
	prefix := fmt.Sprintf("vcpu%d ", slowest)
	var lines []string
	for _, t := range c.Terms {
		task, is := strings.CutSuffix(t.Name, " wcet")
		if !is || !strings.HasPrefix(task, prefix) {
			continue
		}
		cost, _ := whole(c, t.Name)
		period, _ := whole(c, task+" period")
		times := (length + period - 1) / period
		lines = append(lines, fmt.Sprintf("%-40s ceil(%s / %s) = %d times, %s", strings.TrimPrefix(task, prefix)+" comes", ns(length), ns(period), times, ns(times*cost)))
	}
	return lines
}

// askers are the flows of a claim's terms, in their order: the same one more than
// once, where its messages come to the server more than once.
func askers(c placement.Claim) []asker {
	var out []asker
	for _, t := range c.Terms {
		if who, is := strings.CutSuffix(t.Name, " every"); is {
			out = append(out, asker{name: who})
		}
		if len(out) == 0 || t.Value.IsInf() {
			continue
		}
		last, value := &out[len(out)-1], t.Value.Big().Num().Int64()
		switch t.Name {
		case last.name + " every":
			last.Period = value
		case last.name + " jitter":
			last.Jitter = value
		case last.name + " burst":
			last.Burst = value
		case last.name + " asks":
			last.Cost = value
		}
	}
	return out
}

// decimal is a number of three digits after the point, rounded up, zeros left away.
func decimal(r *big.Rat) string {
	thousandths := ceil(new(big.Rat).Mul(r, big.NewRat(1000, 1)))
	return strings.TrimRight(strings.TrimRight(big.NewRat(thousandths, 1000).FloatString(3), "0"), ".")
}

// windows writes out what tasks under EDF ask for, and what the reservation gives,
// up to the first deadline of each.
func windows(c placement.Claim) []string {
	s, ok := supplyIn(c)
	if !ok || s.Curve() == bounds.CurveInflated {
		return nil
	}
	blackout, _ := whole(c, "blackout, "+s.Curve()+" curve")
	var tasks []bounds.Task
	var names []string
	for _, t := range c.Terms {
		if name, is := strings.CutSuffix(t.Name, " wcet"); is {
			cost, _ := whole(c, t.Name)
			period, _ := whole(c, name+" period")
			deadline, _ := whole(c, name+" deadline")
			tasks, names = append(tasks, bounds.Task{Cost: cost, Period: period, Deadline: deadline}), append(names, name)
		}
	}
	var lines []string
	for i, window := range tasks {
		t := window.Deadline
		var asked []string
		demand := int64(0)
		for _, other := range tasks {
			if times := (t-other.Deadline)/other.Period + 1; t >= other.Deadline {
				asked = append(asked, fmt.Sprintf("%d * %s", times, ns(other.Cost)))
				demand += times * other.Cost
			}
		}
		full := max(0, t-blackout) / s.Period
		rest := max(0, t-blackout) - full*s.Period
		if given := full*s.Runtime + min(s.Runtime, rest); given != s.SBF(t) {
			return nil
		}
		lines = append(lines, fmt.Sprintf("%s, up to its deadline: %s = %s asked for; sbf(%s) = %d * %s + min(%s, %s - %s - %d * %s) = %s", names[i],
			strings.Join(asked, " + "), ns(demand), ns(t), full, ns(s.Runtime), ns(s.Runtime), ns(t), ns(blackout), full, ns(s.Period), ns(s.SBF(t))))
	}
	return lines
}
