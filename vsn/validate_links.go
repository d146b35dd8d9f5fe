package vsn

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// pair is two VMs in alphabetical order.
type pair struct{ a, b string }

func pairOf(a, b string) pair {
	if b < a {
		a, b = b, a
	}
	return pair{a, b}
}

func (c *network) checkLinks() {
	names := map[string]bool{}
	for i := range c.Links {
		l := &c.Links[i]
		at := c.at.Key("links").Item(i, l.Name)
		check(at.Key("name"), CheckName(l.Name))
		if names[l.Name] {
			at.Key("name").Failf("two links have this name")
		}
		names[l.Name] = true
		c.checkRate(l, at)
		if !c.checkEnds(l, at.Key("between")) {
			continue
		}
		p := pairOf(l.Between[0], l.Between[1])
		if k, twice := c.links[p]; twice {
			at.Key("between").Failf("%q and %q are joined by link %q already: shaping tells links apart by who receives, so that there can be one between two VMs",
				p.a, p.b, c.Links[k].Name)
			continue
		}
		c.links[p] = i
	}
}

// checkEnds reports whether the link joins two VMs that there are.
func (c *network) checkEnds(l *Link, at strict.Position) bool {
	if len(l.Between) != 2 {
		at.Failf("names %d VMs, a link is between 2", len(l.Between))
		return false
	}
	good := true
	for k, name := range l.Between {
		good = c.checkKnown(at.Item(k, ""), name) && good
	}
	if good && l.Between[0] == l.Between[1] {
		at.Failf("joins %q to itself", l.Between[0])
		return false
	}
	return good
}

// checkKnown reports whether there is such a VM.
func (c *network) checkKnown(at strict.Position, name string) bool {
	if c.vms[name] != nil {
		return true
	}
	hint := ""
	names := make([]string, len(c.VMs))
	for i := range c.VMs {
		names[i] = c.VMs[i].Name
	}
	if near, ok := strict.Nearest(name, names); ok {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	at.Failf("there is no VM %q%s", name, hint)
	return false
}

func (c *network) checkRate(l *Link, at strict.Position) {
	rate, burst, delay := at.Key("rate"), at.Key("burst"), at.Key("delay")
	if l.Rate != 0 || rate.Given() {
		if l.Rate < MinRate || l.Rate > MaxRate {
			rate.Failf("%v is not in %v..%v", l.Rate, MinRate, MaxRate)
			return
		}
	}
	if l.Burst != 0 || burst.Given() {
		switch time := sendTime(l.Burst, l.Rate); {
		case l.Rate == 0:
			burst.Failf("needs a rate: without one nothing is shaped, and where a deadline lets the planner choose the rate it chooses the burst, too")
		case l.Burst < MaxFrame:
			burst.Failf("%v is under one frame of %v: nothing could ever leave", l.Burst, MaxFrame)
		case time.Cmp(big.NewRat(int64(maxBurst), 1e9)) > 0:
			burst.Failf("%v takes %s s at %v: the kernel shapes bursts of at most %v", l.Burst, time.FloatString(0), l.Rate, maxBurst)
		}
	}
	if l.Delay != 0 || delay.Given() {
		switch {
		case l.Delay < 1 || l.Delay > MaxTime:
			delay.Failf("%v is not in %v..%v: leave it out if any delay will do", l.Delay, Duration(1), MaxTime)
		case l.Rate == 0:
			delay.Failf("needs a rate: without one there is no bound on it")
		}
	}
}

// sendTime is how many seconds so many bytes take, 0 without a rate.
func sendTime(bytes Size, rate Rate) *big.Rat {
	if rate == 0 {
		return new(big.Rat)
	}
	bits := new(big.Int).Mul(big.NewInt(int64(bytes)), big.NewInt(8))
	return new(big.Rat).SetFrac(bits, big.NewInt(int64(rate)))
}
