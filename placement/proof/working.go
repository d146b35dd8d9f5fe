package proof

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// quantity writes a term's value in its unit: ms for nanoseconds, exact.
func quantity(c placement.Claim, t placement.Term) string {
	for suffix, unit := range map[string]string{" B": " B", " bit/s": " bit/s", " burst": "", "others on the cpu": "", "slowest vcpu": ""} {
		if strings.HasSuffix(t.Name, suffix) {
			return t.Value.String() + unit
		}
	}
	switch {
	case c.Rule == RuleShaper && strings.HasSuffix(t.Name, " asks"):
		return t.Value.String() + " B"
	case c.Rule == RuleBacklog && !strings.HasSuffix(t.Name, " asks"):
		return inUnit("ns", t.Value)
	case c.Rule == RuleOdds && strings.HasPrefix(t.Name, "host "):
		return inUnit("cpu", t.Value)
	case c.Rule == RuleGuestEDF:
		return inUnit("ns", t.Value)
	}
	return inUnit(c.Unit, t.Value)
}

// inUnit writes a number with its unit: "36.7 ms", "3/5 cpu".
func inUnit(unit string, v placement.Rat) string {
	switch {
	case v.IsInf():
		return "no bound"
	case unit == "ns":
		ms := v.Big()
		text := ms.Quo(ms, big.NewRat(1e6, 1)).FloatString(6)
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " ms"
	case unit == "1":
		return v.String()
	}
	return v.String() + " " + unit
}

func ns(v int64) string { return inUnit("ns", placement.Int(v)) }

// working is how a bound comes from its terms, as one would write it on paper; "" for
// a claim that is its own sum, or whose terms do not say.
func working(c placement.Claim) string {
	switch c.Rule {
	case RuleRequest, RuleDevice:
		after, ok := whole(c, termAfter)
		asked, there := whole(c, termAsked)
		s, served := supplyIn(c)
		if !ok || !there || !served {
			return ""
		}
		line := getting(s, asked)
		if after > 0 {
			line += fmt.Sprintf(", less %s", ns(after))
		}
		return line
	case RuleBusy:
		asked, ok := whole(c, termBusy)
		s, served := supplyIn(c)
		if !ok || !served {
			return ""
		}
		return getting(s, asked)
	case RuleGuestFixed:
		return response(c)
	case RuleWaiting:
		return waitingWorking(c)
	case RuleShaper:
		burst, _ := whole(c, "burst B")
		rate, _ := whole(c, "rate bit/s")
		if at, ok := whole(c, termBurst); ok {
			return fmt.Sprintf("max(0, %d B - %d B) / %d bit/s", at, burst, rate)
		}
	}
	return ""
}

// getting writes out the longest time in which a reservation gives work: the formula of
// docs/theory.md with its numbers.
func getting(s bounds.Supply, work int64) string {
	done, ok := s.Time(work)
	if !ok {
		return ""
	}
	if s.Curve() == bounds.CurveInflated || work == 0 {
		return fmt.Sprintf("time(%s) = %s, on the %s curve", ns(work), ns(done), s.Curve())
	}
	line := fmt.Sprintf("time(%s) = %s + %s (1 + %d)", ns(work), ns(work), ns(s.Period-s.Runtime), (work+s.Debt()+s.Runtime-1)/s.Runtime)
	if s.Grain > 0 {
		line += fmt.Sprintf(" + %d * %s", 2+s.Others, ns(s.Grain))
	}
	return fmt.Sprintf("%s = %s", line, ns(done))
}

// response writes the fixed point of a response time with its numbers, where the first
// job is the one that takes longest.
func response(c placement.Claim) string {
	s, ok := supplyIn(c)
	if !ok || c.Bound.IsInf() {
		return ""
	}
	r := c.Bound.Big().Num().Int64()
	own := c.Subject[strings.LastIndex(c.Subject, " ")+1:]
	work, sums := int64(0), []string{}
	for _, t := range c.Terms {
		name, is := strings.CutSuffix(t.Name, " wcet")
		if !is {
			continue
		}
		cost, _ := whole(c, t.Name)
		period, _ := whole(c, name+" period")
		times := int64(1)
		if name != own {
			times = (r + period - 1) / period
		}
		work += times * cost
		sums = append(sums, fmt.Sprintf("%d * %s", times, ns(cost)))
		if name == own {
			break
		}
	}
	if done, ok := s.Time(work); !ok || done != r {
		return ""
	}
	return fmt.Sprintf("R = %s: %s asked for; %s", ns(r), strings.Join(sums, " + "), getting(s, work))
}

// whole is the value of a term that is a whole number.
func whole(c placement.Claim, name string) (int64, bool) {
	for _, t := range c.Terms {
		if t.Name == name && !t.Value.IsInf() && t.Value.Big().IsInt() {
			return t.Value.Big().Num().Int64(), true
		}
	}
	return 0, false
}

// supplyIn is the reservation of a claim's terms, that of the slowest vCPU of several.
func supplyIn(c placement.Claim) (bounds.Supply, bool) {
	prefix := ""
	if slowest, several := whole(c, "slowest vcpu"); several {
		prefix = fmt.Sprintf("vcpu%d ", slowest)
	}
	var s bounds.Supply
	ok := true
	for name, to := range map[string]*int64{"runtime": &s.Runtime, "period": &s.Period, "grain": &s.Grain, "others on the cpu": &s.Others} {
		var there bool
		*to, there = whole(c, prefix+name)
		ok = ok && there
	}
	return s, ok
}
