package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/canonical"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/vsn"
)

// naming gives everything of a problem another name. Names of one problem differ.
type naming map[string]string

// names draws them, so that their order is another one, too.
func (c chance) names(p *placement.Problem) naming {
	out, taken := naming{}, map[string]bool{}
	add := func(old string) {
		for out[old] == "" {
			if name := fmt.Sprintf("%c%d", 'a'+c.IntN(26), c.IntN(10_000)); !taken[name] {
				out[old], taken[name] = name, true
			}
		}
	}
	inv := &p.Inventory
	for i := range inv.Hosts {
		add(inv.Hosts[i].Name)
	}
	for i := range inv.Switches {
		add(inv.Switches[i].Name)
	}
	for i := range inv.Cables {
		add(inv.Cables[i].Name)
	}
	for i := range p.Networks {
		n := &p.Networks[i]
		add(n.Name)
		for _, vm := range n.VMs {
			add(vm.Name)
		}
		for _, l := range n.Links {
			add(l.Name)
		}
		for _, f := range n.Flows {
			add(f.Name)
		}
	}
	return out
}

func (n naming) all(names []string) (out []string) {
	for _, name := range names {
		out = append(out, n[name])
	}
	return out
}

func (n naming) seats(seats []placement.Seat) (out []placement.Seat) {
	for _, s := range seats {
		out = append(out, placement.Seat{Network: n[s.Network], VM: n[s.VM], Host: n[s.Host]})
	}
	return out
}

// problem is the same problem by other names, in the same order.
func (n naming) problem(p *placement.Problem) placement.Problem {
	out := *p
	inv := &out.Inventory
	inv.Hosts, inv.Switches, inv.Cables = slices.Clone(inv.Hosts), slices.Clone(inv.Switches), slices.Clone(inv.Cables)
	for i := range inv.Hosts {
		inv.Hosts[i].Name = n[inv.Hosts[i].Name]
	}
	for i := range inv.Switches {
		inv.Switches[i].Name = n[inv.Switches[i].Name]
	}
	for i := range inv.Cables {
		inv.Cables[i].Name, inv.Cables[i].Between = n[inv.Cables[i].Name], n.all(inv.Cables[i].Between)
	}
	out.Networks, out.Pins, out.Before = nil, n.seats(p.Pins), n.seats(p.Before)
	for i := range p.Networks {
		out.Networks = append(out.Networks, n.network(p.Networks[i]))
	}
	return out
}

func (n naming) network(in vsn.Network) vsn.Network {
	in.Name = n[in.Name]
	in.VMs, in.Links, in.Flows, in.Place = slices.Clone(in.VMs), slices.Clone(in.Links), slices.Clone(in.Flows), slices.Clone(in.Place)
	for i := range in.VMs {
		in.VMs[i].Name = n[in.VMs[i].Name]
	}
	for i := range in.Links {
		in.Links[i].Name, in.Links[i].Between = n[in.Links[i].Name], n.all(in.Links[i].Between)
	}
	for i := range in.Flows {
		f := &in.Flows[i]
		path, work := []vsn.Stage{}, map[string]vsn.Duration{}
		for _, stage := range f.Path {
			path = append(path, n.all(stage))
		}
		for vm, t := range f.Work {
			work[n[vm]] = t
		}
		f.Name, f.Path, f.Work = n[f.Name], path, work
	}
	for i := range in.Place {
		r := &in.Place[i]
		r.Apart, r.Together, r.Spread, r.VMs = n.all(r.Apart), n.all(r.Together), n.all(r.Spread), n.all(r.VMs)
	}
	return in
}

// answer is a plan by other names, sorted.
func (n naming) answer(plan *placement.Plan) string {
	var out []string
	for _, s := range n.seats(plan.Embedding.Seats) {
		out = append(out, fmt.Sprint("seat ", s))
	}
	for _, r := range plan.Embedding.Routes {
		path, cables := n.all(r.Path), n.all(r.Cables)
		if path[0] > path[len(path)-1] {
			slices.Reverse(path)
			slices.Reverse(cables)
		}
		out = append(out, fmt.Sprint("route ", n[r.Network], n[r.Link], path, cables))
	}
	for _, r := range plan.Realization.Reservations {
		r.Network, r.VM, r.Host = n[r.Network], n[r.VM], n[r.Host]
		out = append(out, fmt.Sprint("reservation ", r))
	}
	for _, e := range plan.Realization.Emulators {
		e.Network, e.VM, e.Host = n[e.Network], n[e.VM], n[e.Host]
		out = append(out, fmt.Sprint("emulator ", e))
	}
	for _, q := range plan.Realization.Queues {
		q.Network, q.Link, q.From, q.To, q.Host = n[q.Network], n[q.Link], n[q.From], n[q.To], n[q.Host]
		if q.At != placement.AtPort {
			q.At = n[q.At]
		}
		out = append(out, fmt.Sprint("queue ", q))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// shuffled is the same problem in another order.
func (c chance) shuffled(p *placement.Problem) placement.Problem {
	out := *p
	inv := &out.Inventory
	inv.Hosts, inv.Switches, inv.Cables = mixed(c, inv.Hosts), mixed(c, inv.Switches), mixed(c, inv.Cables)
	for i := range inv.Cables {
		inv.Cables[i].Between = mixed(c, inv.Cables[i].Between)
	}
	out.Pins, out.Before, out.Networks = mixed(c, p.Pins), mixed(c, p.Before), mixed(c, p.Networks)
	for i := range out.Networks {
		n := &out.Networks[i]
		n.VMs, n.Links, n.Flows, n.Place = mixed(c, n.VMs), mixed(c, n.Links), mixed(c, n.Flows), mixed(c, n.Place)
		for j := range n.Links {
			n.Links[j].Between = mixed(c, n.Links[j].Between)
		}
		for j := range n.Flows {
			n.Flows[j].Path = slices.Clone(n.Flows[j].Path)
			for k := range n.Flows[j].Path {
				n.Flows[j].Path[k] = mixed(c, n.Flows[j].Path[k])
			}
		}
		for j := range n.Place {
			r := &n.Place[j]
			r.Apart, r.Together, r.Spread, r.VMs = mixed(c, r.Apart), mixed(c, r.Together), mixed(c, r.Spread), mixed(c, r.VMs)
		}
	}
	return out
}

func mixed[S ~[]T, T any](c chance, list S) S {
	list = slices.Clone(list)
	c.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// places are names that say where things are in canonical order.
func places(p *placement.Problem) naming {
	out := naming{}
	q := canonical.Of(p).Problem()
	for i := range q.Inventory.Hosts {
		out[q.Inventory.Hosts[i].Name] = fmt.Sprint("host", i)
	}
	for i := range q.Inventory.Switches {
		out[q.Inventory.Switches[i].Name] = fmt.Sprint("switch", i)
	}
	for i := range q.Inventory.Cables {
		out[q.Inventory.Cables[i].Name] = fmt.Sprint("cable", i)
	}
	for i := range q.Networks {
		n := &q.Networks[i]
		out[n.Name] = fmt.Sprint("network", i)
		for j := range n.VMs {
			out[n.VMs[j].Name] = fmt.Sprintf("vm%d.%d", i, j)
		}
		for j := range n.Links {
			out[n.Links[j].Name] = fmt.Sprintf("link%d.%d", i, j)
		}
		for j := range n.Flows {
			out[n.Flows[j].Name] = fmt.Sprintf("flow%d.%d", i, j)
		}
	}
	return out
}

// unlike gives the VMs, links and flows of different networks different names, so that a
// naming can be one for all.
func unlike(p *placement.Problem) placement.Problem {
	out := *p
	out.Networks = nil
	for i := range p.Networks {
		n := &p.Networks[i]
		own := naming{n.Name: n.Name}
		for _, vm := range n.VMs {
			own[vm.Name] = vm.Name + "of" + n.Name
		}
		for _, l := range n.Links {
			own[l.Name] = l.Name + "of" + n.Name
		}
		for _, f := range n.Flows {
			own[f.Name] = f.Name + "of" + n.Name
		}
		out.Networks = append(out.Networks, own.network(*n))
	}
	out.Pins, out.Before = slices.Clone(p.Pins), slices.Clone(p.Before)
	for _, seats := range [][]placement.Seat{out.Pins, out.Before} {
		for i := range seats {
			seats[i].VM += "of" + seats[i].Network
		}
	}
	return out
}

// alike makes all hosts twins, on two switches, and asks for some network twice.
func (c chance) alike(p *placement.Problem) {
	inv := &p.Inventory
	inv.Switches, inv.Cables = []hosts.Switch{{Name: "left"}, {Name: "right"}}, nil
	for len(inv.Hosts) < 4 {
		inv.Hosts = append(inv.Hosts, inv.Hosts[0])
	}
	for i := range inv.Hosts {
		inv.Hosts[i] = inv.Hosts[0]
		inv.Hosts[i].Name = fmt.Sprintf("h%d", i)
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", i), Between: []string{inv.Hosts[i].Name, inv.Switches[i%2].Name}, Rate: 1e9, Share: vsn.One})
	}
	inv.Cables = append(inv.Cables, hosts.Cable{Name: "between", Between: []string{"left", "right"}, Rate: 1e9, Share: vsn.One})
	again := p.Networks[0]
	again.Name = "again"
	p.Networks = append(p.Networks, again)
}

// TestOtherNamesAndOrder: by other names and in another order a problem has the same
// answer: the same plan up to names, or a refusal of the same kind.
func TestOtherNamesAndOrder(t *testing.T) {
	same, symmetric, refused := 0, 0, 0
	n := share10(3000)
	for seed := range n {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 10_003))}
		drawn := c.family(seed%3 == 0)
		if seed%4 == 0 {
			c.alike(&drawn)
		}
		if seed%2 == 0 {
			c.objective(&drawn)
		}
		p := unlike(&drawn)
		names := c.names(&p)
		other := names.problem(&p)
		other = c.shuffled(&other)
		a, first := plannedAs(&p, seed%4 == 1)
		b, second := plannedAs(&other, seed%4 == 1)
		if kindOf(first) != kindOf(second) {
			t.Fatalf("problem %d: %v, and by other names %v", seed, first, second)
		}
		if first != nil {
			refused++
			continue
		}
		if x, y := objective.Costs(&p, &a.Embedding, &a.Realization), objective.Costs(&other, &b.Embedding, &b.Realization); !slices.Equal(objective.Values(x), objective.Values(y)) {
			t.Errorf("problem %d: it costs %v, and by other names %v", seed, objective.Values(x), objective.Values(y))
		}
		kept := naming{}
		for _, name := range names {
			kept[name] = name
		}
		if names.answer(a) == kept.answer(b) {
			same++
			continue
		}
		// Twins stand for one another: then it is by their places that the two are the same.
		symmetric++
		x, y := places(&p).answer(a), places(&other).answer(b)
		if canonical.Of(&p).Unique() || x != y {
			text, _ := json.Marshal(p)
			t.Fatalf("problem %d, unique %v:\n%s\n\n%s\n%s", seed, canonical.Of(&p).Unique(), x, y, text)
		}
	}
	t.Logf("%d of %d plans are the same, %d but for twins; %d refusals", same, n, symmetric, refused)
	if same < n/4 || refused < n/5 || symmetric < n/100 {
		t.Error("the draw has lost its edge")
	}
}

// TestOpenOtherNamesAndOrder: where reservations and rates are the planner's choice, too,
// names and order choose nothing.
func TestOpenOtherNamesAndOrder(t *testing.T) {
	planned := 0
	for seed := range share10(200) {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 21))}
		p := c.tiny()
		names := c.names(&p)
		other := names.problem(&p)
		other = c.shuffled(&other)
		a, first := plannedAs(&p, false)
		b, second := plannedAs(&other, false)
		if kindOf(first) != kindOf(second) {
			t.Fatalf("problem %d: %v, and by other names %v", seed, first, second)
		}
		if first != nil {
			continue
		}
		planned++
		if x, y := places(&p).answer(a), places(&other).answer(b); x != y {
			t.Fatalf("problem %d:\n%s\n\n%s", seed, x, y)
		}
	}
	if planned < share10(200)/20 {
		t.Errorf("only %d are planned", planned)
	}
}

func plannedAs(p *placement.Problem, exact bool) (*placement.Plan, error) {
	if exact {
		plan, _, err := Exact(context.Background(), *p, Options{Seed: 3})
		return plan, err
	}
	o, q := Options{Seed: 3, Nodes: DefaultNodes}, *p // as Solve, without remedies
	back := inOrder(&q, &o)
	plan, err := answer(context.Background(), &q, o, true)
	if err == nil {
		err = back(plan)
	}
	return plan, err
}

func kindOf(err error) string {
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case err == nil:
		return "yes"
	case errors.As(err, &infeasible):
		return "no: " + infeasible.Conflicts[0].Rule
	case errors.As(err, &gaveUp):
		return "gave up"
	}
	return err.Error()
}
