package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// everySeat answers by trying all seats and all simple paths: budgets, rules, and
// the least delays that Search prunes by, which without Accept are its constraints.
// It shares nothing with Search.
type everySeat struct {
	p    *placement.Problem
	n    *vsn.Network
	seat map[string]int
	over map[string][]string // cables of a link
	time map[string]int64    // of a link
}

func feasible(p *placement.Problem) bool {
	o := &everySeat{p, &p.Networks[0], map[string]int{}, map[string][]string{}, map[string]int64{}}
	return o.try(0)
}

func (o *everySeat) try(v int) bool {
	if v == len(o.n.VMs) {
		return o.rules(len(o.n.VMs)) && o.walk(0, nil, nil, 0)
	}
	for h := range o.p.Inventory.Hosts {
		o.seat[o.n.VMs[v].Name] = h
		if o.fits(v+1, h) && o.rules(v+1) && o.try(v+1) {
			return true
		}
	}
	delete(o.seat, o.n.VMs[v].Name)
	return false
}

func (o *everySeat) fits(placed, h int) bool {
	ho := &o.p.Inventory.Hosts[h]
	memory, gpus := vsn.Size(0), int64(0)
	sum, largest, share := new(big.Rat), new(big.Rat), new(big.Rat)
	add := func(runtime, period vsn.Duration, times int) {
		u := big.NewRat(int64(runtime), int64(period))
		if u.Cmp(largest) > 0 {
			largest.Set(u)
		}
		sum.Add(sum, u.Mul(u, big.NewRat(int64(times), 1)))
	}
	for _, vm := range o.n.VMs[:placed] {
		if o.seat[vm.Name] != h {
			continue
		}
		memory, gpus = memory+vm.Memory, gpus+vm.Resources["gpu"]
		if vm.Reservation != nil {
			add(vm.Reservation.Runtime, vm.Reservation.Period, vm.VCPUs)
		}
		if ho.Emulator != nil {
			add(ho.Emulator.Runtime, ho.Emulator.Period, 1)
		}
	}
	for range ho.CPUs {
		share.Add(share, ho.Share.Rat())
	}
	if largest.Cmp(ho.Share.Rat()) > 0 {
		return false
	}
	if !ho.Partition {
		sum.Add(sum, largest.Mul(largest, big.NewRat(int64(len(ho.CPUs)-1), 1)))
	}
	return memory <= ho.Memory && gpus <= ho.Resources["gpu"] && sum.Cmp(share) <= 0
}

func (o *everySeat) rules(placed int) bool {
	for _, r := range o.n.Place {
		for i, a := range slices.Concat(r.Apart, r.Together) {
			for _, b := range slices.Concat(r.Apart, r.Together)[:i] {
				ha, okA := o.seat[a]
				hb, okB := o.seat[b]
				if okA && okB && (ha == hb) == (len(r.Apart) > 0) {
					return false
				}
			}
		}
		for _, vm := range r.VMs {
			for label, value := range r.On {
				if h, ok := o.seat[vm]; ok && o.p.Inventory.Hosts[h].Labels[label] != value {
					return false
				}
			}
		}
	}
	return true
}

// walk extends the path of link l, which has come along nodes and cables.
func (o *everySeat) walk(l int, nodes, cables []string, time int64) bool {
	if l == len(o.n.Links) {
		return o.inTime()
	}
	inv, lk := &o.p.Inventory, &o.n.Links[l]
	if nodes == nil {
		h := &inv.Hosts[o.seat[lk.Between[0]]]
		return o.walk(l, []string{h.Name}, []string{}, int64(h.Delay))
	}
	at := nodes[len(nodes)-1]
	if at == inv.Hosts[o.seat[lk.Between[1]]].Name {
		if lk.Delay > 0 && time > int64(lk.Delay) {
			return false
		}
		o.over[lk.Name], o.time[lk.Name] = cables, time
		if o.walk(l+1, nil, nil, 0) {
			return true
		}
		delete(o.over, lk.Name)
		return false
	}
	if h := inv.Host(at); h != nil && !h.Transit && len(nodes) > 1 {
		return false
	}
	for _, c := range inv.Cables {
		k := slices.Index(c.Between, at)
		if k < 0 || slices.Contains(nodes, c.Between[1-k]) || !o.room(&c, lk.Rate) {
			continue
		}
		next := c.Between[1-k]
		delay := int64(c.Delay)
		if h := inv.Host(next); h != nil {
			delay += int64(h.Delay)
		}
		for _, s := range inv.Switches {
			if s.Name == next {
				delay += int64(s.Delay)
			}
		}
		if o.walk(l, append(slices.Clone(nodes), next), append(slices.Clone(cables), c.Name), time+delay) {
			return true
		}
	}
	return false
}

func (o *everySeat) room(c *hosts.Cable, rate vsn.Rate) bool {
	for name, cables := range o.over {
		if slices.Contains(cables, c.Name) {
			rate += o.n.Link(name).Rate
		}
	}
	return int64(rate)*int64(vsn.One) <= int64(c.Rate)*int64(c.Share) // small numbers
}

func (o *everySeat) inTime() bool {
	for _, f := range o.n.Flows {
		sum := int64(0)
		for k, vm := range f.VMs() {
			sum += int64(f.Work[vm])
			for _, l := range o.n.Links {
				if k > 0 && slices.Contains(l.Between, vm) && slices.Contains(l.Between, f.VMs()[k-1]) {
					sum += o.time[l.Name]
				}
			}
		}
		if f.Deadline > 0 && sum > int64(f.Deadline) {
			return false
		}
	}
	return true
}

type chance struct{ *rand.Rand }

func (c chance) in(percent int) bool { return c.IntN(100) < percent }

func pick[T any](c chance, of ...T) T { return of[c.IntN(len(of))] }

// seats draws problems where room and rules decide: sizes that nearly fill the
// hosts, and many rules.
func (c chance) seats() placement.Problem {
	var p placement.Problem
	like, room, wide := c.in(60), vsn.Size(0), c.in(50)
	for i := range 2 + c.IntN(3) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1 + c.IntN(3)), Share: vsn.One * 9 / 10, Memory: vsn.Size(4 + c.IntN(6)), Resources: map[string]int64{"gpu": int64(1 + c.IntN(2))}, Partition: c.in(50)}
		if wide {
			h.CPUs = hosts.CountedCPUs(8)
		}
		if c.in(30) {
			h.Emulator = &hosts.Emulator{Runtime: 1, Period: pick[vsn.Duration](c, 10, 20, 1000003)}
		}
		if like && i > 0 {
			h = p.Inventory.Hosts[0]
			h.Name = fmt.Sprintf("h%d", i)
		}
		h.Labels = map[string]string{"site": pick(c, "x", "y")}
		room += h.Memory
		p.Inventory.Hosts = append(p.Inventory.Hosts, h)
	}
	n := vsn.Network{Name: "n"}
	var names []string
	for i := 0; room > 0 && i < 8; i++ {
		v := vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1 + c.IntN(4)/3, Memory: min(room, vsn.Size(1+c.IntN(5))), Resources: map[string]int64{"gpu": int64(c.IntN(8) / 7)}}
		room -= v.Memory + vsn.Size(c.IntN(5)/4)
		if c.in(60) {
			v.Reservation = c.reservation()
		}
		names = append(names, v.Name)
		n.VMs = append(n.VMs, v)
	}
	for range c.IntN(6) {
		perm := c.Perm(len(names))
		a, b, last := names[perm[0]], names[perm[1]], names[perm[len(perm)-1]]
		rule := pick(c, vsn.Rule{Apart: []string{a, b}}, vsn.Rule{Apart: []string{a, b}}, vsn.Rule{Together: []string{a, b}}, vsn.Rule{VMs: []string{a}, On: map[string]string{"site": "x"}})
		if len(names) > 2 && c.in(20) {
			rule = vsn.Rule{Apart: []string{a, b, last}}
		}
		n.Place = append(n.Place, rule)
	}
	p.Networks = []vsn.Network{n}
	return p
}

// reservation has sums that meet a share exactly, or miss it by less than any fixed
// denominator shows.
func (c chance) reservation() *vsn.Reservation {
	grid := pick[vsn.Duration](c, 1, 1, 1000003, 7000003, 1e12+39, 1e12+61)
	r := &vsn.Reservation{Runtime: vsn.Duration(1+c.IntN(4)) * grid, Period: 10 * grid}
	if grid > 1e12 && c.in(40) {
		r.Runtime++
	}
	return r
}

// paths draws problems where rates and delays of cables decide.
func (c chance) paths() placement.Problem {
	var p placement.Problem
	inv := &p.Inventory
	var nodes []string
	like := c.in(40)
	transit := c.in(50)
	for i := range 2 + c.IntN(3) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: vsn.Size(1 + c.IntN(2)), Delay: vsn.Duration(c.IntN(2)), Transit: transit}
		if like {
			h.Memory, h.Delay = 1, 1
		} else {
			h.Transit = c.in(50)
		}
		inv.Hosts = append(inv.Hosts, h)
		nodes = append(nodes, h.Name)
	}
	for i := range c.IntN(3) {
		s := hosts.Switch{Name: fmt.Sprintf("s%d", i), Delay: vsn.Duration(c.IntN(3))}
		inv.Switches = append(inv.Switches, s)
		nodes = append(nodes, s.Name)
	}
	c.cables(inv, nodes, like && len(inv.Switches) > 0)
	n := vsn.Network{Name: "n"}
	for i := range min(len(inv.Hosts)+c.IntN(2), 2+c.IntN(3)) {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("v%d", i), VCPUs: 1, Memory: 1, Reservation: &vsn.Reservation{Runtime: 1, Period: 100}})
		for j := range i {
			if !c.in(65) {
				continue
			}
			l := vsn.Link{Name: fmt.Sprintf("l%d%d", j, i), Between: []string{n.VMs[j].Name, n.VMs[i].Name}, Rate: vsn.Rate(c.IntN(6))}
			if c.in(25) {
				l.Delay = vsn.Duration(1 + c.IntN(9))
			}
			if c.in(40) {
				n.Flows = append(n.Flows, vsn.Flow{Name: "f" + l.Name, Path: singles(l.Between), Every: 1, Work: map[string]vsn.Duration{l.Between[0]: 1}, Deadline: vsn.Duration(2 + c.IntN(9))})
			}
			n.Links = append(n.Links, l)
		}
	}
	if len(n.Links) > 1 && n.Links[0].Between[1] == n.Links[1].Between[0] {
		n.Flows = append(n.Flows, vsn.Flow{Name: "long", Path: singles(append(slices.Clone(n.Links[0].Between), n.Links[1].Between[1])), Every: 1, Deadline: vsn.Duration(4 + c.IntN(14))})
	}
	p.Networks = []vsn.Network{n}
	return p
}

func (c chance) cables(inv *hosts.Inventory, nodes []string, like bool) {
	add := func(a, b string, rate vsn.Rate, delay vsn.Duration) {
		inv.Cables = append(inv.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", len(inv.Cables)), Between: []string{a, b}, Rate: rate, Share: vsn.One, Delay: delay})
	}
	if like { // every host on every switch, alike
		for _, s := range inv.Switches {
			rate, delay := vsn.Rate(3+c.IntN(7)), vsn.Duration(c.IntN(3))
			for _, h := range inv.Hosts {
				add(h.Name, s.Name, rate, delay)
			}
		}
		if odd := &inv.Cables[c.IntN(len(inv.Cables))]; c.in(60) { // all but one
			odd.Rate, odd.Delay = odd.Rate+vsn.Rate(c.IntN(3)), odd.Delay+vsn.Duration(c.IntN(2))
		}
		return
	}
	for range len(nodes) + c.IntN(len(nodes)+1) {
		a, b := c.IntN(len(nodes)), c.IntN(len(nodes)-1)
		if b >= a {
			b++
		}
		add(nodes[a], nodes[b], vsn.Rate(2+c.IntN(7)), vsn.Duration(c.IntN(4)))
	}
}

func TestSearchAgreesWithTryingEverything(t *testing.T) {
	for _, kind := range []struct {
		name     string
		problems int
		draw     func(chance) placement.Problem
	}{{"seats", 2500, chance.seats}, {"paths", 1500, chance.paths}} {
		t.Run(kind.name, func(t *testing.T) {
			yes, searched, problems := 0, 0, kind.problems
			for seed := range uint64(problems) {
				p := kind.draw(chance{rand.New(rand.NewPCG(seed, 11))})
				want := feasible(&p)
				_, tally, err := Search(context.Background(), &p, Options{Seed: int64(seed), Nodes: 1_000_000})
				var infeasible *placement.Infeasible
				if err != nil && !errors.As(err, &infeasible) || want != (err == nil) {
					text, _ := json.Marshal(p)
					t.Fatalf("problem %d: %v, and trying everything says %v\n%s", seed, err, want, text)
				}
				if err == nil {
					yes++
				} else if c := infeasible.Conflicts[0]; c.Need.Cmp(c.Have) <= 0 || c.Says == "" {
					t.Fatalf("problem %d: %v is no conflict", seed, c)
				} else if tally.Nodes > 0 {
					searched++
				}
			}
			t.Logf("of %d problems %d are feasible, %d were refuted by search", problems, yes, searched)
			if yes < problems/5 || searched < problems/50 {
				t.Error("the draw has lost its edge")
			}
		})
	}
}

// A link whose first paths all lead nowhere: six cables, and only the narrow one
// leaves room for the other links. The passes that try few paths must not take
// their failure for a no.
func TestAllPathsAreTriedInTheEnd(t *testing.T) {
	vm := func(name string) vsn.VM { return vsn.VM{Name: name, VCPUs: 1, Memory: 1} }
	p := placement.Problem{Inventory: hosts.Inventory{Hosts: []hosts.Host{
		{Name: "a", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Labels: map[string]string{"is": "a"}},
		{Name: "b", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Labels: map[string]string{"is": "b"}}}}}
	n := vsn.Network{Name: "n"}
	link := func(a, b string, rate vsn.Rate) {
		n.Links = append(n.Links, vsn.Link{Name: a + b, Between: []string{a, b}, Rate: rate})
	}
	cable := func(rate vsn.Rate) {
		p.Inventory.Cables = append(p.Inventory.Cables, hosts.Cable{Name: fmt.Sprintf("c%d", len(p.Inventory.Cables)), Between: []string{"a", "b"}, Rate: rate, Share: vsn.One})
	}
	for i := range fewPaths + 1 {
		x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
		n.VMs = append(n.VMs, vm(x), vm(y))
		n.Place = append(n.Place, vsn.Rule{VMs: []string{x}, On: map[string]string{"is": "a"}}, vsn.Rule{VMs: []string{y}, On: map[string]string{"is": "b"}})
		link(x, y, 20)
		cable(20)
	}
	n.VMs = append(n.VMs, vm("p"), vm("q"), vm("r"))
	n.Place = append(n.Place, vsn.Rule{VMs: []string{"p", "r"}, On: map[string]string{"is": "a"}}, vsn.Rule{VMs: []string{"q"}, On: map[string]string{"is": "b"}})
	link("p", "r", 1000) // weight, so that p and q come first
	link("p", "q", 10)
	cable(10)
	for i := range p.Inventory.Hosts {
		p.Inventory.Hosts[i].Memory = 100
	}
	p.Networks = []vsn.Network{n}
	e, tally, err := Search(context.Background(), &p, Options{Nodes: 100_000})
	if err != nil {
		t.Fatalf("after %d nodes: %v", tally.Nodes, err)
	}
	for _, r := range e.Routes {
		if r.Link == "pq" && r.Cables[0] != "c5" {
			t.Errorf("p-q goes over %v", r.Cables)
		}
	}
}

// Twins are alike only while nothing sits on them or passes through them.
func TestTwinsAreUntouched(t *testing.T) {
	var p placement.Problem
	p.Inventory.Switches = []hosts.Switch{{Name: "s"}, {Name: "t"}}
	for _, name := range []string{"a", "b", "c", "d"} {
		p.Inventory.Hosts = append(p.Inventory.Hosts, hosts.Host{Name: name, CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 9, Transit: true})
		for _, s := range []string{"s", "t"} {
			p.Inventory.Cables = append(p.Inventory.Cables, hosts.Cable{Name: name + s, Between: []string{name, s}, Rate: 100, Share: vsn.One})
		}
	}
	p.Networks = []vsn.Network{{Name: "n", VMs: []vsn.VM{{Name: "x", VCPUs: 1}, {Name: "y", VCPUs: 1}}, Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1}}}}
	m, err := newModel(&p, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSearch(context.Background(), m, Options{})
	list := func() (out []int32) {
		f := s.frame(0)
		s.candidatesFor(1, f)
		for _, c := range f.candidates {
			out = append(out, c.host)
		}
		slices.Sort(out)
		return out
	}
	if got := list(); !slices.Equal(got, []int32{0}) {
		t.Errorf("untouched: %v, want one of four", got)
	}
	s.take(0, 0)
	if got := list(); !slices.Equal(got, []int32{0, 1}) {
		t.Errorf("with x on a: %v, want a and one other", got)
	}
	s.carry(0, &route{nodes: []int32{0, 4, 2, 5}})
	if got := list(); !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("with a route through c: %v, want a, c and one other", got)
	}
}

func TestBudgetRoundsDown(t *testing.T) {
	for _, c := range []struct {
		rate  vsn.Rate
		share vsn.Share
		want  int64
	}{{1e9, vsn.One * 95 / 100, 950e6}, {7, vsn.One / 2, 3}, {1, vsn.One - 1, 0}, {1 << 61, vsn.One, 1 << 61}, {1 << 61, 999_999_999, 2305843006907850942}, {0, vsn.One, 0}} {
		if got := Budget(&hosts.Cable{Rate: c.rate, Share: c.share}); got != c.want {
			t.Errorf("%v of %v: %d, want %d", c.share, c.rate, got, c.want)
		}
	}
}

// singles is a path without forks.
func singles(vms []string) []vsn.Stage {
	var path []vsn.Stage
	for _, vm := range vms {
		path = append(path, vsn.Stage{vm})
	}
	return path
}
