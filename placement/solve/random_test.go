package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

// chance draws small problems that are tight: about half have an answer.
type chance struct{ *rand.Rand }

func (c chance) in(percent int) bool { return c.IntN(100) < percent }

func pick[T any](c chance, of ...T) T { return of[c.IntN(len(of))] }

func (c chance) problem(maxHosts, maxVMs int, timed bool) placement.Problem {
	var p placement.Problem
	for i := range max(1+c.IntN(maxHosts), 1+c.IntN(maxHosts)) {
		p.Inventory.Hosts = append(p.Inventory.Hosts, c.host(fmt.Sprintf("h%d", i)))
	}
	if c.in(30) { // twins
		for i := range p.Inventory.Hosts {
			p.Inventory.Hosts[i] = p.Inventory.Hosts[0]
			p.Inventory.Hosts[i].Name = fmt.Sprintf("h%d", i)
		}
	}
	for i := range c.IntN(3) {
		p.Inventory.Switches = append(p.Inventory.Switches, hosts.Switch{Name: fmt.Sprintf("s%d", i), Delay: pick(c, 0, 5*us, 500*us)})
	}
	c.cables(&p.Inventory, timed)
	networks := 1 + c.IntN(10)/8
	for i := range networks {
		p.Networks = append(p.Networks, c.network(fmt.Sprintf("n%d", i), max(1, (1+max(c.IntN(maxVMs), c.IntN(maxVMs)))/networks), timed))
	}
	return p
}

func (c chance) host(name string) hosts.Host {
	h := hosts.Host{Name: name, CPUs: hosts.CountedCPUs(1 + c.IntN(3)), Share: pick(c, vsn.One*9/10, vsn.One*9/10, vsn.One/2, vsn.One), Grain: pick(c, 0, 4*ms),
		Memory: vsn.Size(2 + c.IntN(4)), Resources: map[string]int64{"gpu": int64(pick(c, 0, 1, 1, 2))}, Delay: pick(c, 0, 100*us), Transit: c.in(40), Partition: c.in(65),
		Labels: map[string]string{"site": pick(c, "x", "x", "y")}}
	if c.in(6) {
		delete(h.Labels, "site")
	}
	if c.in(20) {
		h.CPUs[c.IntN(len(h.CPUs))].Share = vsn.One / 2
	}
	if c.in(30) {
		h.Emulator = &hosts.Emulator{Runtime: pick(c, 4*ms, 2*ms), Period: pick(c, 20*ms, 40*ms), Work: 50 * us}
	}
	return h
}

func (c chance) cables(inv *hosts.Inventory, timed bool) {
	var nodes []string
	for _, h := range inv.Hosts {
		nodes = append(nodes, h.Name)
	}
	for _, s := range inv.Switches {
		nodes = append(nodes, s.Name)
	}
	if len(nodes) < 2 {
		return
	}
	tree := c.in(40) && len(inv.Switches) > 0
	for i := range len(nodes)/2 + c.IntN(2*len(nodes)+1) {
		a, b := c.IntN(len(nodes)), c.IntN(len(nodes)-1)
		if b >= a {
			b++
		}
		rate := vsn.Rate(pick(c, 10, 20, 20, 30)) * 1e6
		if timed {
			rate *= 10 // so that it is time that decides
		}
		if tree { // every host once on the first switch, alike
			if i >= len(inv.Hosts) {
				break
			}
			a, b, rate = i, len(inv.Hosts), 20e6
		}
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", i), Between: []string{nodes[a], nodes[b]}, Rate: rate,
			Share: pick(c, vsn.One, vsn.One*95/100, vsn.One/3), Delay: pick(c, 0, 2*us, 50*us)})
		if tree {
			inv.Cables[i].Share, inv.Cables[i].Delay = vsn.One, 0
		}
	}
}

func (c chance) network(name string, vms int, timed bool) vsn.Network {
	n := vsn.Network{Name: name}
	for i := range vms {
		v := vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: pick(c, 1, 1, 1, 2, 3), Memory: vsn.Size(c.IntN(3)), Resources: map[string]int64{"gpu": int64(c.IntN(8) / 7)}}
		if c.in(90) {
			v.Reservation = c.reservation()
		}
		n.VMs = append(n.VMs, v)
	}
	for a := range vms {
		for b := range a {
			if !c.in(55) {
				continue
			}
			l := vsn.Link{Name: fmt.Sprintf("l%d%d", b, a), Between: []string{n.VMs[b].Name, n.VMs[a].Name}, Rate: vsn.Rate(pick(c, 0, 5, 7, 10, 10, 19, 20)) * 1e6, Burst: pick[vsn.Size](c, 2000, 32<<10)}
			if timed && c.in(40) {
				l.Delay = pick(c, 50*us, 300*us, 2*ms, 10*ms, 30*ms)
			}
			n.Links = append(n.Links, l)
		}
	}
	if timed {
		c.flows(&n)
	}
	for range c.IntN(5) / 2 {
		c.rule(&n)
	}
	return n
}

// reservation has periods of one grid, or, so that no common denominator is small,
// multiples of large primes; sums still often meet a share exactly.
func (c chance) reservation() *vsn.Reservation {
	tenths := vsn.Duration(pick(c, 1, 2, 2, 3, 3, 4, 5, 6))
	if c.in(15) {
		prime := vsn.Duration(pick(c, 1000003, 1000033, 999983, 7000003))
		return &vsn.Reservation{Runtime: tenths * prime, Period: 10 * prime}
	}
	if c.in(10) {
		return &vsn.Reservation{Runtime: 10 * ms, Period: 30 * ms}
	}
	scale := pick(c, 2*ms, 10*ms)
	return &vsn.Reservation{Runtime: tenths * scale, Period: 10 * scale}
}

func (c chance) flows(n *vsn.Network) {
	for i, l := range n.Links {
		if !c.in(50) {
			continue
		}
		f := vsn.Flow{Name: fmt.Sprintf("f%d", i), Path: []vsn.Stage{{l.Between[0]}, {l.Between[1]}}, Message: vsn.Size(c.IntN(4000)), Every: pick(c, 20*ms, 100*ms),
			Work: map[string]vsn.Duration{l.Between[0]: pick(c, 0, ms), l.Between[1]: pick(c, 0, 3*ms)}}
		// Without a rate or a reservation a deadline would leave them to the planner,
		// and the oracle does not choose.
		given := l.Rate > 0 && n.VM(l.Between[0]).Reservation != nil && n.VM(l.Between[1]).Reservation != nil
		if c.in(75) {
			f.Deadline = pick(c, 60*ms, 100*ms, 200*ms, 400*ms)
		}
		if !given {
			f.Deadline = 0
		}
		n.Flows = append(n.Flows, f)
	}
}

func (c chance) rule(n *vsn.Network) {
	var names []string
	for _, i := range c.Perm(len(n.VMs))[:min(len(n.VMs), 2+c.IntN(2))] {
		names = append(names, n.VMs[i].Name)
	}
	switch {
	case c.in(50) && len(names) > 1:
		n.Place = append(n.Place, vsn.Rule{Apart: names})
	case c.in(25) && len(names) > 1:
		n.Place = append(n.Place, vsn.Rule{Spread: names, Over: "site"})
	case c.in(60) && len(names) > 1:
		n.Place = append(n.Place, vsn.Rule{Together: names})
	default:
		n.Place = append(n.Place, vsn.Rule{VMs: names[:1], On: map[string]string{"site": pick(c, "x", "y")}})
	}
}

// errTooMany says that a problem is not tiny enough for the oracle.
var errTooMany = errors.New("too many embeddings for the oracle")

// bare is Solve without a look for remedies.
func bare(p placement.Problem, seed int64) (*placement.Plan, error) {
	return answer(context.Background(), &p, Options{Seed: seed, Nodes: DefaultNodes}, true)
}

// agree compares the planner with the oracle on one problem.
func agree(p *placement.Problem, timed bool) (feasible bool, err error) {
	o := newOracle(p)
	if timed {
		o.holds = o.onAnyCPUs
	}
	want, sure := o.feasible()
	if !sure {
		return false, errTooMany
	}
	plan, err := bare(*p, 1)
	var infeasible *placement.Infeasible
	switch {
	case err == nil && !want:
		return want, fmt.Errorf("planned, and the oracle finds no placement")
	case err == nil:
		if err := proof.Check(plan); err != nil {
			return want, fmt.Errorf("check: %w", err)
		}
		return want, audit(plan)
	case !errors.As(err, &infeasible):
		return want, fmt.Errorf("neither yes nor no (the oracle says %v): %w", want, err)
	case want:
		return want, fmt.Errorf("the oracle finds %+v, the planner: %w", *o.embedding(), err)
	}
	return want, trueNumbers(infeasible)
}

// trueNumbers wants every conflict to be one: need over have.
func trueNumbers(e *placement.Infeasible) error {
	if len(e.Conflicts) == 0 {
		return errors.New("a no without a conflict")
	}
	for _, c := range e.Conflicts {
		if c.Need.Cmp(c.Have) <= 0 || c.Rule == "" || c.Says == "" || len(c.Subjects) == 0 {
			return fmt.Errorf("no conflict: %v", c)
		}
	}
	return nil
}

// long is the environment variable with which, when it is "1", all problems are drawn that
// there are for a test: `make test-long`.
const long = "VSNCTL_TEST_LONG"

// drawn is how many problems a test draws: a third, or all.
func drawn(all int) int {
	if os.Getenv(long) == "1" {
		return all
	}
	return max(1, all/3)
}

func compare(t *testing.T, problems, maxHosts, maxVMs int, timed bool) {
	yes, skipped := 0, 0
	for seed := range problems {
		c := chance{rand.New(rand.NewPCG(uint64(seed), uint64(maxVMs)))}
		p := c.problem(maxHosts, maxVMs, timed)
		feasible, err := agree(&p, timed)
		if errors.Is(err, errTooMany) {
			skipped++
			continue
		}
		if err != nil {
			text, _ := json.Marshal(p)
			t.Fatalf("problem %d: %v\n%s", seed, err, text)
		}
		if feasible {
			yes++
		}
	}
	t.Logf("%d of %d problems are feasible, %d were too many for the oracle", yes, problems, skipped)
	if skipped > problems/10 {
		t.Errorf("the oracle left out %d of %d problems", skipped, problems)
	}
	if yes < problems/5 || yes > problems*4/5 {
		t.Errorf("%d of %d problems are feasible: the draw has lost its edge", yes, problems)
	}
}

func TestAgreesWithBruteForce(t *testing.T) { compare(t, drawn(3000), 4, 4, false) }

func TestAgreesWithBruteForceOnTime(t *testing.T) { compare(t, drawn(800), 3, 3, true) }
