package vsn

import (
	"maps"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// direction is one way over a link.
type direction struct {
	link int
	from string
}

func (c *network) checkFlows() {
	names := map[string]bool{}
	loads := map[direction][]int{} // the flows
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
		checkDeadline(f, at.Key("deadline"))
		if c.checkPath(f, at.Key("path")) && sound {
			c.addLoad(loads, i)
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
	if f.Jitter < 0 || f.Jitter > MaxTime {
		at.Key("jitter").Failf("%v is not in %v..%v", f.Jitter, Duration(0), MaxTime)
	}
	if burst := at.Key("burst"); (f.Burst != 0 || burst.Given()) && (f.Burst < 1 || f.Burst > MaxMessages) {
		burst.Failf("%d is not in 1..%d messages", f.Burst, MaxMessages)
	}
	return sound
}

func (c *network) checkWork(f *Flow, at strict.Position) {
	for _, name := range slices.Sorted(maps.Keys(f.Work)) {
		at := at.Key("work").Key(name)
		if !f.Passes(name) {
			at.Failf("VM %q is not on the path (%s): take its work out, or put it on the path", name, stages(f.Path, ", "))
		}
		if w := f.Work[name]; w < 0 || w > MaxTime {
			at.Failf("%v is not in %v..%v", w, Duration(0), MaxTime)
		}
	}
}

func stages(path []Stage, between string) string {
	names := make([]string, len(path))
	for k, s := range path {
		names[k] = s.String()
	}
	return strings.Join(names, between)
}

// checkDeadline refuses what no processor could do, each VM at full speed.
func checkDeadline(f *Flow, at strict.Position) {
	if f.Deadline == 0 && !at.Given() {
		return
	}
	if f.Deadline < 1 || f.Deadline > MaxTime {
		at.Failf("%v is not in %v..%v: leave it out if any delay will do", f.Deadline, Duration(1), MaxTime)
		return
	}
	if way, need := f.LeastTime(); f.Deadline < need {
		at.Unfitf("%v is too short: the work along %s needs %v", f.Deadline, strings.Join(way, " -> "), need)
	}
}

// checkPath reports whether every step of the path is over a link, and none leads
// back: bounds that depend on themselves are not bounds.
func (c *network) checkPath(f *Flow, at strict.Position) bool {
	if len(f.Path) == 0 {
		at.Failf("is empty: a flow passes at least one VM")
		return false
	}
	good := true
	seen := map[string]int{} // the stage of each VM so far
	for k, stage := range f.Path {
		switch at := at.Item(k, ""); {
		case len(stage) == 0:
			at.Failf("is empty: a stage has at least one VM")
			good = false
		case len(stage) > MaxStage:
			at.Failf("has %d VMs, at most %d are allowed at once", len(stage), MaxStage)
			return false
		}
		for j, name := range stage {
			at := inStage(at.Item(k, ""), j, stage)
			if !c.checkKnown(at, name) {
				good = false
				continue
			}
			if first, again := seen[name]; again {
				if first == k {
					at.Failf("VM %q is named twice in this stage", name)
				} else {
					at.Failf("the path comes back to %q: the cycle %s has no bound", name,
						stages(slices.Concat([]Stage{{name}}, f.Path[first+1:k], []Stage{{name}}), " -> "))
				}
				good = false
				continue
			}
			seen[name] = k
			if k > 0 {
				good = c.checkSteps(f.Path[k-1], name, at) && good
			}
		}
	}
	return good
}

// inStage is where the j-th VM of a stage is: the stage itself, where that is a name.
func inStage(at strict.Position, j int, stage Stage) strict.Position {
	if vm := at.Item(j, ""); len(stage) > 1 || vm.Given() {
		return vm
	}
	return at
}

// checkSteps reports whether links join each VM of a stage to one of the next.
func (c *network) checkSteps(stage Stage, to string, at strict.Position) bool {
	good := true
	for _, from := range stage {
		if c.vms[from] == nil || from == to {
			continue // said where it is named
		}
		if _, ok := c.links[pairOf(from, to)]; !ok {
			at.Failf("no link joins %q and %q", from, to)
			good = false
		}
	}
	return good
}

// addLoad adds what a flow sends in the long run, which neither its jitter nor its
// burst changes.
func (c *network) addLoad(loads map[direction][]int, flow int) {
	for _, s := range c.Flows[flow].Steps() {
		d := direction{c.links[pairOf(s.From, s.To)], s.From}
		loads[d] = append(loads[d], flow)
	}
}

// need is what the flows send, in bit/s.
func (c *network) need(flows []int) fraction {
	return sumOf(len(flows), func(i int) (num, den int64) {
		f := &c.Flows[flows[i]]
		_, bytes := Wire(f.Message)
		return int64(bytes) * 8e9, int64(f.Every) // at most 1.11e9 bytes of a message
	})
}

// checkLoads holds what flows need against the rates of the links, each direction
// by itself.
func (c *network) checkLoads(loads map[direction][]int) {
	for i := range c.Links {
		l := &c.Links[i]
		if l.Rate < MinRate || len(l.Between) != 2 {
			continue
		}
		for _, from := range l.Between {
			flows := loads[direction{i, from}]
			need := c.need(flows)
			if !need.over(int64(l.Rate)) {
				continue
			}
			names := make([]string, len(flows))
			for k, flow := range flows {
				names[k] = c.Flows[flow].Name
			}
			what := "flow " + names[0] + " needs"
			if len(names) > 1 {
				what = "flows " + strings.Join(names, ", ") + " need"
			}
			c.at.Key("links").Item(i, l.Name).Key("rate").Unfitf("%v is too little: from %q %s %v, frame headers counted",
				l.Rate, from, what, need.ceilRate())
		}
	}
}
