package solve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// optimumOf is the least cost of a problem by Exact, which explains no refusal and orders
// nothing here; nil if it has no placement.
func optimumOf(t *testing.T, p *placement.Problem) []int64 {
	t.Helper()
	_, near, err := exactly(context.Background(), p, Options{Seed: 1})
	var infeasible *placement.Infeasible
	if errors.As(err, &infeasible) {
		return nil
	}
	if err != nil || !near.Proved() {
		t.Fatalf("%v, proved %v", err, near.Proved())
	}
	return near.Costs
}

// TestExactWithMoreHosts: one more host makes no placement impossible and no cost
// higher.
func TestExactWithMoreHosts(t *testing.T) {
	cheaper := 0
	for seed := range 300 {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 5))}
		p := c.problem(4, 5, false)
		c.objective(&p)
		before := optimumOf(t, &p)
		more := p
		more.Inventory.Hosts = append(slices.Clone(p.Inventory.Hosts), c.host("new"))
		for range c.IntN(3) {
			more.Inventory.Cables = append(slices.Clone(more.Inventory.Cables), cable("new", pick(c, p.Inventory.Hosts...).Name, 20e6))
			last := &more.Inventory.Cables[len(more.Inventory.Cables)-1]
			last.Name = fmt.Sprint("more", len(more.Inventory.Cables))
		}
		after := optimumOf(t, &more)
		if before != nil && (after == nil || slices.Compare(after, before) > 0) {
			t.Errorf("problem %d: the least was %v, and with one more host %v", seed, before, after)
		}
		if before != nil && slices.Compare(after, before) < 0 {
			cheaper++
		}
	}
	if t.Logf("%d of 300 cost less", cheaper); cheaper == 0 {
		t.Error("no host was of any use")
	}
}

// TestExactWithOtherNames: names and order say nothing about the cost.
func TestExactWithOtherNames(t *testing.T) {
	for seed := range 300 {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 6))}
		p := c.problem(4, 5, false)
		c.objective(&p)
		renamed := c.renamed(&p)
		if a, b := optimumOf(t, &p), optimumOf(t, &renamed); !slices.Equal(a, b) {
			t.Errorf("problem %d: %v, and by other names in another order %v", seed, a, b)
		}
	}
}

// renamed gives hosts, VMs, links and cables other names and another order.
func (c chance) renamed(p *placement.Problem) placement.Problem {
	name := func(old string) string { return "z" + old }
	var out placement.Problem
	out.Inventory.Objective = p.Inventory.Objective
	shuffled(c, len(p.Inventory.Hosts), func(i int) {
		h := p.Inventory.Hosts[i]
		h.Name = name(h.Name)
		out.Inventory.Hosts = append(out.Inventory.Hosts, h)
	})
	shuffled(c, len(p.Inventory.Switches), func(i int) {
		out.Inventory.Switches = append(out.Inventory.Switches, hosts.Switch{Name: name(p.Inventory.Switches[i].Name), Delay: p.Inventory.Switches[i].Delay})
	})
	shuffled(c, len(p.Inventory.Cables), func(i int) {
		cable := p.Inventory.Cables[i]
		cable.Name, cable.Between = name(cable.Name), []string{name(cable.Between[1]), name(cable.Between[0])}
		out.Inventory.Cables = append(out.Inventory.Cables, cable)
	})
	shuffled(c, len(p.Networks), func(i int) { out.Networks = append(out.Networks, c.renamedNetwork(&p.Networks[i], name)) })
	for _, s := range p.Before {
		out.Before = append(out.Before, placement.Seat{Network: name(s.Network), VM: name(s.VM), Host: name(s.Host)})
	}
	for _, s := range p.Pins {
		out.Pins = append(out.Pins, placement.Seat{Network: name(s.Network), VM: name(s.VM), Host: name(s.Host)})
	}
	return out
}

func (c chance) renamedNetwork(n *vsn.Network, name func(string) string) vsn.Network {
	all := func(list []string) (out []string) {
		shuffled(c, len(list), func(i int) { out = append(out, name(list[i])) })
		return out
	}
	out := vsn.Network{Name: name(n.Name)}
	shuffled(c, len(n.VMs), func(i int) {
		vm := n.VMs[i]
		vm.Name = name(vm.Name)
		out.VMs = append(out.VMs, vm)
	})
	shuffled(c, len(n.Links), func(i int) {
		l := n.Links[i]
		l.Name, l.Between = name(l.Name), all(l.Between)
		out.Links = append(out.Links, l)
	})
	shuffled(c, len(n.Place), func(i int) {
		r := n.Place[i]
		r.Apart, r.Together, r.Spread, r.VMs = all(r.Apart), all(r.Together), all(r.Spread), all(r.VMs)
		out.Place = append(out.Place, r)
	})
	return out
}

func shuffled(c chance, n int, visit func(i int)) {
	for _, i := range c.Perm(n) {
		visit(i)
	}
}

// wider is a problem with one more host, of any kind, on up to three cables.
func (c chance) wider(p *placement.Problem) placement.Problem {
	more := *p
	h := c.host("new")
	h.Resources["disk"] = int64(pick(c, 0, 40))
	more.Inventory.Hosts = append(slices.Clone(p.Inventory.Hosts), h)
	for range c.IntN(4) {
		to := pick(c, p.Inventory.Hosts...).Name
		if len(p.Inventory.Switches) > 0 && c.in(40) {
			to = pick(c, p.Inventory.Switches...).Name
		}
		extra := cable("new", to, pick[vsn.Rate](c, 20e6, 200e6))
		extra.Name, extra.Duplex = fmt.Sprint("more", len(more.Inventory.Cables)), pick(c, hosts.FullDuplex, hosts.HalfDuplex)
		more.Inventory.Cables = append(slices.Clone(more.Inventory.Cables), extra)
	}
	return more
}

// TestMoreHostsOfEachKind: of all kinds of problems, with one more host what had a plan has
// one, and for each criterion and each pair of them the optimum is no dearer: a placement
// that there was is there still, and costs the same.
func TestMoreHostsOfEachKind(t *testing.T) {
	n := share10(3000)
	yes, useful, cheaper, refused := 0, 0, 0, 0
	for seed := range n {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 10_004))}
		timed := seed%4 == 0
		p := c.family(timed)
		c.objective(&p)
		p.Inventory.Objective = goals()[seed%len(goals())]
		more := c.wider(&p)
		before := optimumOf(t, &p)
		_, err := bare(more, 2)
		var infeasible *placement.Infeasible
		if before == nil {
			if refused++; err == nil {
				useful++
			} else if !errors.As(err, &infeasible) {
				t.Errorf("problem %d: %v", seed, err)
			}
			continue
		}
		if yes++; err != nil {
			t.Fatalf("problem %d has a plan, and with one more host: %v", seed, err)
		}
		after := optimumOf(t, &more)
		if slices.Compare(after, before) > 0 {
			t.Errorf("problem %d, %v: the least was %v, and with one more host %v", seed, p.Inventory.Objective, before, after)
		}
		if slices.Compare(after, before) < 0 {
			cheaper++
		}
	}
	t.Logf("of %d with a plan %d cost less with one more host, of %d without %d have one", yes, cheaper, refused, useful)
	if yes < n/5 || cheaper < n/50 || useful < n/50 {
		t.Error("the draw has lost its edge")
	}
}
