package vsn

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// direction is one way over a link.
type direction struct {
	link int
	from string
}

// load is what flows ask of one direction of a link.
type load struct {
	bits  *big.Rat // per second
	flows []int
}

func (c *network) checkFlows() {
	names, loads := map[string]bool{}, map[direction]*load{}
	for i := range c.Flows {
		f := &c.Flows[i]
		at := c.at.Key("flows").Item(i, f.Name)
		check(at.Key("name"), CheckName(f.Name))
		if names[f.Name] {
			at.Key("name").Failf("two flows have this name")
		}
		names[f.Name] = true
		sound := c.checkMessage(f, at)
		c.checkWork(f, at)
		c.checkDeadline(f, at.Key("deadline"))
		if c.checkPath(f, at.Key("path")) {
			c.checkPromise(f, at.Key("path"))
			if sound {
				c.addLoad(loads, i)
			}
		}
	}
	c.checkLoads(loads)
}

func (c *network) checkMessage(f *Flow, at strict.Position) bool {
	sound := true
	if f.Message < 1 || f.Message > MaxMessage {
		at.Key("message").Failf("%v is not in %v..%v", f.Message, Size(1), MaxMessage)
		sound = false
	}
	if f.Every < 1 || f.Every > MaxTime {
		at.Key("every").Failf("%v is not in %v..%v", f.Every, Duration(1), MaxTime)
		sound = false
	}
	return sound
}

func (c *network) checkWork(f *Flow, at strict.Position) {
	for _, name := range slices.Sorted(maps.Keys(f.Work)) {
		at := at.Key("work").Key(name)
		if !slices.Contains(f.Path, name) {
			at.Failf("VM %q is not on the path (%s)", name, strings.Join(f.Path, ", "))
		}
		if w := f.Work[name]; w < 0 || w > MaxTime {
			at.Failf("%v is not in %v..%v", w, Duration(0), MaxTime)
		}
	}
}

func (c *network) checkDeadline(f *Flow, at strict.Position) {
	if f.Deadline == 0 && !at.Given() {
		return
	}
	if f.Deadline < 1 || f.Deadline > MaxTime {
		at.Failf("%v is not in %v..%v: leave it out if any delay will do", f.Deadline, Duration(1), MaxTime)
		return
	}
	var sum Duration
	for _, w := range f.Work {
		sum += w
	}
	if f.Deadline < sum {
		at.Failf("%v is shorter than the work on the path, %v in sum", f.Deadline, sum)
	}
}

// checkPath reports whether every step of the path is over a link, and none leads
// back: bounds that depend on themselves are not bounds.
func (c *network) checkPath(f *Flow, at strict.Position) bool {
	good := true
	if len(f.Path) == 0 {
		at.Failf("is empty: a flow passes at least one VM")
		return false
	}
	seen := map[string]int{}
	for k, name := range f.Path {
		at := at.Item(k, "")
		if !c.checkKnown(at, name) {
			good = false
			continue
		}
		if first, again := seen[name]; again {
			at.Failf("the path comes back to %q: the cycle %s has no bound", name, strings.Join(f.Path[first:k+1], " -> "))
			good = false
			continue
		}
		seen[name] = k
		if k == 0 || c.vms[f.Path[k-1]] == nil {
			continue
		}
		if _, ok := c.links[pairOf(f.Path[k-1], name)]; !ok {
			at.Failf("no link joins %q and %q", f.Path[k-1], name)
			good = false
		}
	}
	return good
}

// checkPromise refuses a deadline through what makes no promise.
func (c *network) checkPromise(f *Flow, at strict.Position) {
	if f.Deadline == 0 {
		return
	}
	for k, name := range f.Path {
		if c.vms[name].Reservation == nil {
			at.Item(k, "").Failf("VM %q has no reservation: no deadline can be promised through it", name)
		}
		if k == 0 {
			continue
		}
		i := c.links[pairOf(f.Path[k-1], name)]
		if l := &c.Links[i]; l.Rate == 0 && !c.at.Key("links").Item(i, l.Name).Has("rate") {
			at.Item(k, "").Failf("link %q has no rate: no deadline can be promised over it", l.Name)
		}
	}
}

func (c *network) addLoad(loads map[direction]*load, flow int) {
	f := &c.Flows[flow]
	_, bytes := Wire(f.Message)
	bits := new(big.Rat).SetFrac(big.NewInt(int64(bytes)*8), big.NewInt(int64(f.Every)))
	bits.Mul(bits, big.NewRat(1e9, 1))
	for k := 1; k < len(f.Path); k++ {
		d := direction{c.links[pairOf(f.Path[k-1], f.Path[k])], f.Path[k-1]}
		if loads[d] == nil {
			loads[d] = &load{bits: new(big.Rat)}
		}
		loads[d].bits.Add(loads[d].bits, bits)
		loads[d].flows = append(loads[d].flows, flow)
	}
}

// checkLoads holds what flows need against the rates of the links, each direction
// by itself.
func (c *network) checkLoads(loads map[direction]*load) {
	for i := range c.Links {
		l := &c.Links[i]
		if l.Rate < MinRate || len(l.Between) != 2 {
			continue
		}
		for _, from := range l.Between {
			d := loads[direction{i, from}]
			if d == nil || d.bits.Cmp(big.NewRat(int64(l.Rate), 1)) <= 0 {
				continue
			}
			names := make([]string, len(d.flows))
			for k, flow := range d.flows {
				names[k] = c.Flows[flow].Name
			}
			what := "flow " + names[0] + " needs"
			if len(names) > 1 {
				what = "flows " + strings.Join(names, ", ") + " need"
			}
			c.at.Key("links").Item(i, l.Name).Key("rate").Failf("%v is too little: from %q %s %v, frame headers counted",
				l.Rate, from, what, ceilRate(d.bits))
		}
	}
}

// ceilRate rounds up to a whole kbit, to be read.
func ceilRate(bits *big.Rat) Rate {
	k := new(big.Int).Mul(bits.Denom(), big.NewInt(1000))
	q, r := new(big.Int).QuoRem(bits.Num(), k, new(big.Int))
	if r.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() || q.Int64() > int64(1<<62)/1000 {
		return 1 << 62
	}
	return Rate(q.Int64() * 1000)
}
