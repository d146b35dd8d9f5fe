package hosts

import (
	"slices"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Objective is one thing of which a plan should cost little. Lists of them are
// lexicographic: the second decides between plans that are equal by the first.
// Package placement/objective counts each of them.
type Objective string

const (
	LeastBandwidth Objective = "bandwidth" // rate times hops, summed over the links
	FewestHosts    Objective = "hosts"     // hosts that carry or forward something
	Balance        Objective = "balance"   // the largest part taken of any budget of a host
	LeastMoved     Objective = "moves"     // VMs that leave the host that they are on
)

// Objectives lists all there are.
func Objectives() []Objective {
	return []Objective{LeastBandwidth, FewestHosts, Balance, LeastMoved}
}

// checkObjectives wants known objectives, each once.
func checkObjectives(list []Objective, at strict.Position) {
	for i, o := range list {
		if !slices.Contains(Objectives(), o) {
			at.Item(i, "").Failf("%q is none of %s, %s, %s, %s", o, LeastBandwidth, FewestHosts, Balance, LeastMoved)
		}
		if slices.Contains(list[:i], o) {
			at.Item(i, "").Failf("%s is there already: the first place decides", o)
		}
	}
}
