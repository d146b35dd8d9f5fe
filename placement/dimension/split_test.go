package dimension

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
)

// modelOf is the model of a drawn problem, of which all flows depend on one another.
func modelOf(p *placement.Problem, o Options) *model {
	o.Switch = DefaultSwitch
	o.BitCost = DefaultBitCost
	n := &p.Networks[0]
	flows := apart(n)
	m := newModel(p, n, flows[0], &o, &Choice{seats: map[Key]*seating{}})
	m.fill()
	return m
}

// TestBeatsNaiveSplits compares with giving each VM the same part of the deadline, or
// a part in proportion to its work: never worse, and better on average.
func TestBeatsNaiveSplits(t *testing.T) {
	figures := naive(t, 24, 6)
	for name, f := range figures {
		t.Logf("%s: %s", name, f)
		if f.mean() < 1.02 {
			t.Errorf("%s: costs only %.4f times ours on average", name, f.mean())
		}
	}
}

type ratios struct {
	all   []float64
	never int // where the split found nothing that holds
}

func (r *ratios) mean() float64 {
	sum := 0.0
	for _, v := range r.all {
		sum += v
	}
	return sum / float64(len(r.all))
}

func (r *ratios) String() string {
	most := 0.0
	for _, v := range r.all {
		most = max(most, v)
	}
	return fmt.Sprintf("costs %.3f times ours on average, %.3f at most, over %d problems; nothing that holds in %d more", r.mean(), most, len(r.all), r.never)
}

func naive(t testing.TB, problems, vms int) map[string]*ratios {
	out := map[string]*ratios{"equal split": {}, "proportional split": {}}
	for seed := range problems {
		r := rand.New(rand.NewPCG(uint64(seed), uint64(vms)))
		p := chains(r, 2+r.IntN(vms-1), 1, 4*ms*vsnDuration(seed%2))
		ours, err := Choose(p, Options{Seed: 1})
		if err != nil {
			continue
		}
		m := modelOf(p, Options{})
		for name, weight := range map[string]func(*chain, *variable) float64{"equal split": equal, "proportional split": byWork} {
			x := m.split(weight, 0.02)
			if x == nil {
				out[name].never++
				continue
			}
			theirs := m.cost(x)
			out[name].all = append(out[name].all, theirs/ours.Cost)
			if theirs < ours.Cost-1e-9 {
				t.Errorf("problem %d: %s costs %.5f, ours %.5f", seed, name, theirs, ours.Cost)
			}
		}
	}
	return out
}

// TestNearBruteForce compares with the best of all choices on a coarse grid.
func TestNearBruteForce(t *testing.T) {
	f := brute(t, 20)
	t.Logf("ours costs %.4f times the optimum on average, %.4f at most, over %d problems", f.mean(), f.most(), len(f.all))
	if f.mean() > 1.01 || f.most() > 1.05 {
		t.Errorf("too far from the optimum")
	}
}

func (r *ratios) most() (most float64) {
	for _, v := range r.all {
		most = max(most, v)
	}
	return most
}

func brute(t testing.TB, problems int) *ratios {
	out := &ratios{}
	for seed := range problems {
		r := rand.New(rand.NewPCG(uint64(seed), 99))
		p := chains(r, 2+seed%2, 1, ms*vsnDuration(seed%3))
		grid := &shape{periods: []int64{4e6, 10e6, 25e6, 60e6}, step: 1_000_000}
		ours, err := Choose(p, Options{Seed: 1, shape: grid})
		m := modelOf(p, Options{shape: grid})
		best := enumerate(m)
		if err != nil || math.IsInf(best, 1) {
			if !math.IsInf(best, 1) {
				t.Errorf("problem %d: the optimum is %.4f, ours: %v", seed, best, err)
			}
			continue
		}
		if ours.Cost < best-1e-9 || ours.Least > best+1e-9 {
			t.Errorf("problem %d: ours %.5f, optimum %.5f, lower bound %.5f", seed, ours.Cost, best, ours.Least)
		}
		out.all = append(out.all, ours.Cost/best)
	}
	return out
}

// enumerate is the least cost over all options of all variables.
func enumerate(m *model) float64 {
	best := math.Inf(1)
	x := make(pick, len(m.variables))
	var try func(i int, cost float64)
	try = func(i int, cost float64) {
		if cost >= best {
			return
		}
		if i == len(x) {
			if m.holds(x) {
				best = cost
			}
			return
		}
		for _, row := range m.variables[i].rows {
			for k := range row {
				x[i] = &row[k]
				try(i+1, cost+row[k].cost)
			}
		}
	}
	try(0, 0)
	return best
}
