package dimension

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

func drawEase(t *rapid.T) *ease {
	return &ease{grain: rapid.SampledFrom([]int64{0, 1_000_000, 4_000_000}).Draw(t, "grain"),
		share: big.NewRat(rapid.Int64Range(1, 100).Draw(t, "percent"), 100)}
}

// drawWithin draws a reservation within a share, often one where delays jump.
func drawWithin(t *rapid.T, e *ease, work int64) (bounds.Supply, bool) {
	s := bounds.Supply{Grain: e.grain, Others: rapid.Int64Range(0, 2).Draw(t, "others")}
	if rapid.Bool().Draw(t, "even") {
		n := rapid.Int64Range(1, 8).Draw(t, "budgets")
		s.Runtime = (work + n - 1) / n
	} else {
		s.Runtime = rapid.Int64Range(int64(vsn.MinRuntime), 50_000_000).Draw(t, "runtime")
	}
	s.Runtime = max(s.Runtime, int64(vsn.MinRuntime))
	s.Period = ceil(new(big.Rat).Quo(ratOf(s.Runtime), e.share)) + rapid.SampledFrom([]int64{0, 0, 1, 1000, 1_000_000}).Draw(t, "more")
	s.Period = max(s.Period, leastPeriod)
	return s, s.Validate() == nil
}

// TestLeastTimeIsLeast: no reservation within the share takes less time, nor, for one
// that takes no more than some time, less of a CPU.
func TestLeastTimeIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEase(t)
		work := rapid.OneOf(rapid.Int64Range(1, 2000), rapid.Int64Range(1, 100_000_000)).Draw(t, "work")
		s, ok := drawWithin(t, e, work)
		if !ok {
			t.Skip("no reservation")
		}
		took, _ := s.Time(work)
		if least := e.time(nil, work); took < least {
			t.Fatalf("%+v takes %d for %d, and %d is said to be the least", s, took, work, least)
		}
		if use := e.use(work, took); big.NewRat(s.Runtime, s.Period).Cmp(use) < 0 {
			t.Fatalf("%+v gives %d in %d with %s of a cpu, and %s is said to be the least", s, work, took, big.NewRat(s.Runtime, s.Period), use)
		}
		r := &vsn.Reservation{Period: vsn.Duration(s.Period)}
		if least, _ := e.supply(r).Time(work); took < least {
			t.Fatalf("%+v takes %d for %d, and with all the share of its period %d", s, took, work, least)
		}
	})
}

// TestLeastTimeIsNear: what is said to be the least is attained, but for rounding.
func TestLeastTimeIsNear(t *testing.T) {
	for _, grain := range []int64{0, 4_000_000} {
		e := &ease{grain: grain, share: big.NewRat(9, 10)}
		for _, work := range []int64{1_000_000, 3_500_000, 9_000_000, 40_000_000} {
			least, best := e.time(nil, work), bounds.Inf
			for n := int64(1); n < 2000; n++ {
				q := max((work+n-1)/n, e.budget())
				s := bounds.Supply{Runtime: q, Period: max(leastPeriod, ceil(new(big.Rat).Quo(ratOf(q), e.share))), Grain: grain}
				took, _ := s.Time(work)
				best = min(best, took)
			}
			if best > least+least/100 {
				t.Errorf("grain %d, work %d: %d is said to be the least, and %d was found", grain, work, least, best)
			}
		}
	}
}

// TestRefutedHasNoChoice: what is refuted holds with no choice that the search makes,
// and what the search finds takes no less than what is said to be the least.
func TestRefutedHasNoChoice(t *testing.T) {
	refuted, found := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		no := Refute(p)
		c, err := Choose(p, Options{Seed: 1, Best: true, Coarse: true})
		switch {
		case len(no) > 0 && no[0].Rule != ruleCPU && err == nil:
			t.Fatalf("%v, and there is %+v", no[0], c)
		case len(no) > 0:
			refuted++
			if no[0].Need.Cmp(no[0].Have) <= 0 {
				t.Fatalf("need and have: %v", no[0])
			}
			return
		case err != nil:
			return
		}
		found++
		sum := new(big.Rat)
		for _, list := range c.Reserved {
			for _, r := range list {
				sum.Add(sum, big.NewRat(int64(r.Runtime), int64(r.Period)))
			}
		}
		if least := newRefuter(p, &p.Networks[0]).takes(); sum.Cmp(least) < 0 {
			t.Fatalf("a choice takes %s cpus, and %s is said to be the least", decimal(sum), decimal(least))
		}
	})
	if refuted == 0 || found == 0 {
		t.Errorf("%d refuted, %d found", refuted, found)
	}
}

// drawProblem draws a network that leaves all open, with deadlines about what can
// just be kept, and now and then tasks.
func drawProblem(t *rapid.T) *placement.Problem {
	grain := ms * vsn.Duration(rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "grain"))
	inv := inventory(grain)
	if rapid.Bool().Draw(t, "emulator") {
		inv.Hosts[0].Emulator = &hosts.Emulator{Runtime: 4 * ms, Period: 20 * ms, Work: 50 * us}
	}
	n := vsn.Network{Name: "n"}
	vms := rapid.IntRange(1, 4).Draw(t, "vms")
	for i := range vms {
		v := vsn.VM{Name: string(rune('a' + i)), VCPUs: rapid.IntRange(1, 2).Draw(t, "vcpus")}
		if rapid.IntRange(0, 3).Draw(t, "with tasks") == 0 {
			v.Tasks = drawTasks(t)
		}
		if i > 0 {
			n.Links = append(n.Links, vsn.Link{Name: v.Name, Between: []string{n.VMs[i-1].Name, v.Name}})
		}
		n.VMs = append(n.VMs, v)
	}
	for k := range rapid.IntRange(1, 2).Draw(t, "flows") {
		from := rapid.IntRange(0, vms-1).Draw(t, "from")
		f := vsn.Flow{Name: string(rune('f' + k)), Message: 1000, Every: 50 * ms, Burst: rapid.Int64Range(1, 2).Draw(t, "burst"), Work: map[string]vsn.Duration{}}
		for _, vm := range n.VMs[from:] {
			f.Path = append(f.Path, vsn.Stage{vm.Name})
			f.Work[vm.Name] = us * vsn.Duration(rapid.IntRange(1, 4000).Draw(t, "work"))
		}
		_, works := f.LeastTime()
		f.Deadline = works*vsn.Duration(rapid.IntRange(9, 40).Draw(t, "tight"))/10 + vsn.Duration(len(f.Path))*grain*vsn.Duration(rapid.IntRange(1, 6).Draw(t, "grains"))
		n.Flows = append(n.Flows, f)
	}
	return &placement.Problem{Networks: []vsn.Network{n}, Inventory: inv}
}
