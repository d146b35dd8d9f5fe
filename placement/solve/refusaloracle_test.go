package solve

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// limitOf names a limit, as a refusal does.
type limitOf struct{ subject, field string }

// limitsOf lists the limits of a problem, by the test's own reading of it.
func limitsOf(p *placement.Problem) (out []limitOf) {
	for _, h := range p.Inventory.Hosts {
		out = append(out, limitOf{"host " + h.Name, "memory"}, limitOf{"host " + h.Name, "cpus"}, limitOf{"host " + h.Name, "resources.gpu"}, limitOf{"host " + h.Name, "transit"})
	}
	for _, c := range p.Inventory.Cables {
		out = append(out, limitOf{"cable " + c.Name, "rate"})
	}
	for _, n := range p.Networks {
		for i := range n.Place {
			out = append(out, limitOf{"network " + n.Name, fmt.Sprintf("place[%d]", i)})
		}
		for _, f := range n.Flows {
			out = append(out, limitOf{"flow " + n.Name + "/" + f.Name, "every"})
			if f.Deadline > 0 {
				out = append(out, limitOf{"flow " + n.Name + "/" + f.Name, "deadline"})
			}
		}
		for _, l := range n.Links {
			if l.Delay > 0 {
				out = append(out, limitOf{"link " + n.Name + "/" + l.Name, "delay"})
			}
		}
	}
	for _, s := range p.Pins {
		out = append(out, limitOf{"vm " + s.Network + "/" + s.VM, "pin"})
	}
	return out
}

// keeping is a problem that keeps to some of its limits alone; all others are as
// generous as they can be.
func keeping(p *placement.Problem, limits ...limitOf) *placement.Problem {
	kept := func(subject, field string) bool { return slices.Contains(limits, limitOf{subject, field}) }
	q, _ := p.Changed()
	for i := range q.Inventory.Hosts {
		h := &q.Inventory.Hosts[i]
		subject := "host " + h.Name
		if !kept(subject, "memory") {
			h.Memory = 1 << 40
		}
		if !kept(subject, "resources.gpu") {
			h.Resources = map[string]int64{"gpu": 1 << 20}
		}
		if !kept(subject, "cpus") {
			h.CPUs, h.Share, h.Partition = hosts.CountedCPUs(40), vsn.One, true
		}
		h.Transit = h.Transit || !kept(subject, "transit")
	}
	for i := range q.Inventory.Cables {
		if c := &q.Inventory.Cables[i]; !kept("cable "+c.Name, "rate") {
			c.Rate, c.Share = vsn.MaxRate, vsn.One
		}
	}
	for i := range q.Networks {
		n := &q.Networks[i]
		var place []vsn.Rule
		for j, r := range n.Place {
			if kept("network "+n.Name, fmt.Sprintf("place[%d]", j)) {
				place = append(place, r)
			}
		}
		n.Place = place
		for j := range n.Flows {
			f := &n.Flows[j]
			if !kept("flow "+n.Name+"/"+f.Name, "every") {
				f.Every = vsn.MaxTime
			}
			if !kept("flow "+n.Name+"/"+f.Name, "deadline") {
				f.Deadline = 0
			}
		}
		for j := range n.Links {
			if l := &n.Links[j]; !kept("link "+n.Name+"/"+l.Name, "delay") {
				l.Delay = 0
			}
		}
	}
	q.Pins = slices.DeleteFunc(q.Pins, func(s placement.Seat) bool { return !kept("vm "+s.Network+"/"+s.VM, "pin") })
	return q
}

// bruteForce tries everything there is.
func bruteForce(p *placement.Problem, timed bool) (yes, sure bool) {
	o := newOracle(p)
	if timed {
		o.holds = o.onAnyCPUs
	}
	return o.feasible()
}

// judged is what a test has seen of refusals.
type judged struct {
	refused, sets, least, fewest, sized, helped, remedies, applied, tight int
	planned, explained                                                    []time.Duration
}

func namesOf(p *placement.Problem) (out []string) {
	for i := range p.Networks {
		out = append(out, p.Networks[i].Name)
	}
	return out
}

// set holds a set of limits against brute force: it conflicts, and without any one limit
// that is said to be spared it does not; where it is small, no set of one less does.
func (j *judged) set(p *placement.Problem, s *placement.Set, timed bool) error {
	if len(s.Networks) > 0 { // what it says is of those
		p = p.Dropped(slices.DeleteFunc(namesOf(p), func(n string) bool { return slices.Contains(s.Networks, n) }))
	}
	var limits []limitOf
	for _, l := range s.Limits {
		limits = append(limits, limitOf{l.Subject, l.Field})
		if l.Field == "" || l.Is == "" || l.Rule == "" {
			return fmt.Errorf("a limit without words: %+v", l)
		}
	}
	if yes, sure := bruteForce(keeping(p, limits...), timed); yes && sure {
		return fmt.Errorf("the set is said to conflict, and there is a placement")
	}
	for i, l := range s.Limits {
		rest := slices.Delete(slices.Clone(limits), i, i+1)
		if yes, _ := bruteForce(keeping(p, rest...), timed); l.Spared && !yes {
			return fmt.Errorf("without %v the others are said not to conflict, and they do", l)
		}
	}
	all := limitsOf(p)
	if !s.Fewest || timed || len(limits) > 3 || len(limits) == 3 && len(all) > 16 {
		return nil
	}
	j.sized++
	var fewer func(chosen []limitOf, from int) error
	fewer = func(chosen []limitOf, from int) error {
		if len(chosen) == len(limits)-1 {
			if yes, _ := bruteForce(keeping(p, chosen...), timed); !yes {
				return fmt.Errorf("%d limits are said to be the fewest, and %v conflict", len(limits), chosen)
			}
			return nil
		}
		for i := from; i < len(all); i++ {
			if err := fewer(append(slices.Clone(chosen), all[i]), i+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fewer(nil, 0)
}

// remedy applies a remedy and wants a plan that holds; and one that is the least by
// proof must have none with less.
func (j *judged) remedy(p *placement.Problem, r placement.Remedy, timed bool) error {
	j.remedies++
	q, err := p.Changed(r.Changes...)
	if err != nil {
		return err
	}
	plan, err := bare(*q, 1)
	if err != nil {
		return fmt.Errorf("with it there is no plan: %w", err)
	}
	if err := proof.Check(plan); err != nil {
		return fmt.Errorf("with it: %w", err)
	}
	if err := audit(plan); err != nil {
		return fmt.Errorf("with it: %w", err)
	}
	j.applied++
	for k := range r.Changes {
		if !r.Least {
			break
		}
		less, ok := lessBy(r, k)
		if !ok {
			continue
		}
		q, err := p.Changed(less...)
		if err != nil {
			return fmt.Errorf("%v: %w", less, err)
		}
		j.tight++
		if yes, sure := bruteForce(q, timed); yes && sure {
			return fmt.Errorf("with less, %v, there is a placement too", less)
		}
		break // of several the first is the least beside the others
	}
	return nil
}

// lessBy is the changes with the one of a number less by the least there is of it.
func lessBy(r placement.Remedy, k int) ([]placement.Change, bool) {
	out := slices.Clone(r.Changes)
	c := &out[k]
	var size vsn.Size
	var rate vsn.Rate
	var number int64
	more := int64(1)
	if was := c.Was; was != "" {
		var now, before vsn.Size
		if now.UnmarshalText([]byte(c.To)) == nil && before.UnmarshalText([]byte(was)) == nil && now < before {
			more = -1
		}
	}
	switch {
	case c.Field == "memory" && size.UnmarshalText([]byte(c.To)) == nil:
		c.To = (size - vsn.Size(more)).String()
	case strings.HasPrefix(c.Subject, "cable ") && rate.UnmarshalText([]byte(c.To)) == nil:
		c.To = (rate - vsn.RateGrain).String()
	case c.Field == "cpus" || c.Field == "like":
		if _, err := fmt.Sscan(c.To, &number); err != nil || number < 2 {
			return nil, false
		}
		c.To = fmt.Sprint(number - 1)
	default:
		return nil, false
	}
	return out, true
}

// refusals explains the refusals of random problems and holds all that it says against
// brute force.
func refusals(t *testing.T, problems, maxHosts, maxVMs int, timed bool) *judged {
	j := &judged{}
	for seed := range problems {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 77))}
		p := c.problem(maxHosts, maxVMs, timed)
		if c.in(25) {
			n := &p.Networks[0]
			p.Pins = []placement.Seat{{Network: n.Name, VM: pick(c, n.VMs...).Name, Host: pick(c, p.Inventory.Hosts...).Name}}
		}
		began := time.Now()
		_, err := bare(p, 1)
		took := time.Since(began)
		if err == nil {
			continue
		}
		j.refused++
		j.planned = append(j.planned, took)
		began = time.Now()
		explained(context.Background(), &p, Options{Seed: 1}, err)
		j.explained = append(j.explained, time.Since(began))
		set, remedies := refusal(t, err)
		if len(remedies) > 0 {
			j.helped++
		}
		text, _ := json.Marshal(p)
		if set != nil {
			j.sets++
			if set.Least {
				j.least++
			}
			if set.Fewest {
				j.fewest++
			}
			if err := j.set(&p, set, timed); err != nil {
				t.Fatalf("problem %d: %v\n%+v\n%s", seed, err, set, text)
			}
		}
		for _, r := range remedies {
			if err := j.remedy(&p, r, timed); err != nil {
				t.Fatalf("problem %d: %v: %v\n%s", seed, r, err, text)
			}
		}
	}
	median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
	ninth := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)*9/10] }
	t.Logf("%d refusals: %d sets, %d of them least and %d fewest (%d held against all sets of one less); %d have a remedy, %d remedies in all, %d least by proof; the no took %v at the median and %v at nine tenths, its explanation %v and %v",
		j.refused, j.sets, j.least, j.fewest, j.sized, j.helped, j.remedies, j.tight, median(j.planned), ninth(j.planned), median(j.explained), ninth(j.explained))
	return j
}

// several is how many problems are drawn: all of them in make test-long, otherwise some.
func several(all, some int) int {
	if drawn(all) == all {
		return all
	}
	return some
}

func TestRefusalsAgreeWithBruteForce(t *testing.T) {
	j := refusals(t, several(5000, 400), 3, 4, false)
	if j.sets < j.refused*9/10 || j.least < j.sets*9/10 || j.fewest < j.sets*9/10 || j.helped < j.refused*9/10 || j.sized < j.refused/3 || j.tight < j.refused/10 {
		t.Error("too little is found, or too little of it was looked into")
	}
}

func TestRefusalsAgreeWithBruteForceOnTime(t *testing.T) {
	j := refusals(t, several(800, 70), 3, 3, true)
	if j.sets < j.refused*8/10 || j.least < j.sets*8/10 || j.helped < j.refused/2 {
		t.Error("too little is found")
	}
}
