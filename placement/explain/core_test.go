package explain

import (
	"fmt"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
	"pgregory.net/rapid"
)

// oracle answers for problems of one network whose only limits are its rules: those that
// hold one of some sets of rules have no placement. What it is asked beyond its patience
// is not known.
type oracle struct {
	conflicts []set
	patience  int
	asked     int
}

func (o *oracle) Plan(p *placement.Problem, _ bool) Answer {
	if o.asked++; o.asked > o.patience {
		return Answer{}
	}
	kept := set{}
	for _, r := range p.Networks[0].Place {
		var i int
		fmt.Sscan(r.Apart[0][1:], &i)
		for len(kept) <= i {
			kept = append(kept, false)
		}
		kept[i] = true
	}
	if o.conflict(kept) {
		return Answer{Verdict: No}
	}
	return Answer{Verdict: Yes}
}

func (o *oracle) conflict(s set) bool {
	for _, c := range o.conflicts {
		holds := true
		for i := range c {
			holds = holds && (!c[i] || i < len(s) && s[i])
		}
		if holds {
			return true
		}
	}
	return false
}

func (o *oracle) Affords(*placement.Problem) bool { return o.asked < o.patience }

func (o *oracle) Left() (left, first int64) {
	return int64(max(0, o.patience-o.asked)), int64(o.patience)
}

// rules is a problem with so many rules and nothing else.
func rules(n int) *placement.Problem {
	p := &placement.Problem{Networks: []vsn.Network{{Name: "n"}}}
	for i := range n {
		p.Networks[0].Place = append(p.Networks[0].Place, vsn.Rule{Apart: []string{fmt.Sprint("v", i), "w"}})
	}
	return p
}

// TestSetOfAnyConflicts: whatever sets of rules conflict, what is found conflicts, none
// of it that is said to be spared can be, and there is no set of fewer where that is said.
// With patience all of it is known, and every single rule that helps is named.
func TestSetOfAnyConflicts(t *testing.T) {
	fewest, cut := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "rules")
		o := &oracle{patience: rapid.SampledFrom([]int{3, 8, 20, 100_000}).Draw(t, "patience")}
		for range rapid.IntRange(1, 4).Draw(t, "conflicts") {
			o.conflicts = append(o.conflicts, setOf(n, rapid.SliceOfN(rapid.IntRange(0, n-1), 1, 5).Draw(t, "set")...))
		}
		found, remedies := Refusal(Refused{Problem: rules(n), Proved: true}, o)
		if found == nil {
			if o.patience > 1000 {
				t.Fatal("no set, with all the patience there is")
			}
			return
		}
		core := make(set, n)
		for _, l := range found.Limits {
			var i int
			fmt.Sscanf(l.Field, "place[%d]", &i)
			core[i] = true
		}
		if !o.conflict(core) {
			t.Fatalf("%v do not conflict", core)
		}
		for k, i := range core.list() {
			if found.Limits[k].Spared && o.conflict(core.without(i)) {
				t.Fatalf("%d of %v can be spared", i, core)
			}
		}
		least := n
		for _, c := range o.conflicts {
			least = min(least, c.size())
		}
		if found.Fewest != (core.size() == least) && (found.Fewest || o.patience > 1000) {
			t.Fatalf("%v, said to be fewest: %v; %d would do", core, found.Fewest, least)
		}
		if found.Fewest {
			fewest++
		}
		if !found.Least {
			cut++
		}
		if o.patience > 1000 {
			help(t, o, n, remedies)
		}
	})
	if t.Logf("%d fewest, %d not known to be least", fewest, cut); fewest == 0 || cut == 0 {
		t.Errorf("%d were the fewest, %d not known to be least: the draw has lost its edge", fewest, cut)
	}
}

// help wants remedies that help: single rules where one does.
func help(t *rapid.T, o *oracle, n int, remedies []placement.Remedy) {
	single := 0
	for i := range n {
		if !o.conflict(everything(n).without(i)) {
			single++
		}
	}
	if single > 0 && len(remedies) != min(single, mostRemedies) {
		t.Fatalf("%d rules help alone, and the remedies are %v", single, remedies)
	}
	for _, r := range remedies {
		rest := everything(n)
		for _, c := range r.Changes {
			var i int
			fmt.Sscanf(c.Field, "place[%d]", &i)
			rest[i] = false
		}
		if o.conflict(rest) {
			t.Fatalf("%v does not help", r)
		}
	}
	if single == 0 && len(remedies) == 0 {
		t.Fatal("nothing helps, and two or more together would")
	}
}

// TestHitting: a set of the fewest numbers that meets all sets, by trying all.
func TestHitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "n")
		var sets []set
		for range rapid.IntRange(0, 5).Draw(t, "sets") {
			sets = append(sets, setOf(n, rapid.SliceOfN(rapid.IntRange(0, n-1), 1, 4).Draw(t, "set")...))
		}
		meets := func(s set) bool {
			for _, of := range sets {
				if of.and(s).size() == 0 {
					return false
				}
			}
			return true
		}
		least := n
		for bits := range 1 << n {
			s := make(set, n)
			for i := range s {
				s[i] = bits>>i&1 == 1
			}
			if meets(s) {
				least = min(least, s.size())
			}
		}
		hit := hitting(sets, n, n)
		if hit == nil || !meets(hit) || hit.size() != least {
			t.Fatalf("%v meets all of %v: %v; %d are enough", hit, sets, hit != nil && meets(hit), least)
		}
		if least > 0 && hitting(sets, least-1, n) != nil {
			t.Fatalf("fewer than %d meet all of %v", least, sets)
		}
	})
}

// TestLeast finds the least number of any knob, whatever is told on the way.
func TestLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := knob{least: rapid.Int64Range(0, 1000).Draw(t, "least"), step: rapid.Int64Range(1, 50).Draw(t, "step")}
		k.most = k.least + rapid.Int64Range(0, 100_000).Draw(t, "more")
		wants := rapid.Int64Range(0, 110_000).Draw(t, "wants")
		lies := rapid.Int64Range(-2000, 2000).Draw(t, "lies")
		asked := 0
		x, ok, before := least(k, func(x int64, _ bool) (Verdict, int64) {
			if asked++; x < k.least || x > k.most {
				t.Fatalf("asked about %d of %d..%d", x, k.least, k.most)
			}
			if x >= wants {
				return Yes, 0
			}
			return No, wants + lies
		})
		last := k.at((k.most - k.least) / k.step)
		switch {
		case ok != (last >= wants):
			t.Fatalf("found %v, and %d does: %v", ok, last, last >= wants)
		case ok && (x < wants || x-k.step >= wants && x > k.least || before != No):
			t.Fatalf("%d, before it %v; %d is wanted, in steps of %d from %d", x, before, wants, k.step, k.least)
		case asked > 60:
			t.Fatalf("asked %d times", asked)
		}
	})
}
