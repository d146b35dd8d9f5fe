package solve

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
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/realize"
	"github.com/vsnctl/vsnctl/vsn"
)

// besideOracle answers as the oracle does, with some seats, routes and CPUs given.
type besideOracle struct {
	*oracle
	standing *Standing
	seated   []bool // of each VM
	routed   []bool // of each link
	cpus     map[[3]string]int
}

func newBesideOracle(p *placement.Problem, s *Standing) *besideOracle {
	o := &besideOracle{oracle: newOracle(p), standing: s, cpus: map[[3]string]int{}}
	o.seated, o.routed = make([]bool, len(o.vms)), make([]bool, len(o.links))
	for v, vm := range o.vms {
		if host := s.Embedding.Seat(p.Networks[vm.network].Name, vm.Name); host != "" {
			o.seated[v] = true
			o.seats[v] = slices.IndexFunc(p.Inventory.Hosts, func(h hosts.Host) bool { return h.Name == host })
		}
	}
	for l, lk := range o.links {
		for _, r := range s.Embedding.Routes {
			if r.Network == p.Networks[lk.network].Name && r.Link == lk.Name {
				o.routed[l], o.paths[l], o.routes[l] = true, r.Path, r.Cables
			}
		}
	}
	for _, r := range s.Realization.Reservations {
		o.cpus[[3]string{r.Network, r.VM, fmt.Sprint(r.VCPU)}] = r.CPU
	}
	for _, e := range s.Realization.Emulators {
		o.cpus[[3]string{e.Network, e.VM, "devices"}] = e.CPU
	}
	return o
}

func (o *besideOracle) place(v int) bool {
	switch {
	case v == len(o.vms):
		return o.keepsRules() && o.keepsBudgets() && o.link(0)
	case o.seated[v]:
		return o.place(v + 1)
	}
	for h := range o.p.Inventory.Hosts {
		o.seats[v] = h
		if o.place(v + 1) {
			return true
		}
	}
	return false
}

// keepsBudgets is keepsHosts with threads that have their CPUs.
func (o *besideOracle) keepsBudgets() bool {
	for h := range o.p.Inventory.Hosts {
		ho := &o.p.Inventory.Hosts[h]
		memory, gpus := int64(0), int64(0)
		var free []*big.Rat
		left := map[int]*big.Rat{}
		for _, c := range ho.CPUs {
			left[c.ID] = share(ho, c)
		}
		add := func(v int, key string, u *big.Rat) {
			cpu, given := o.cpus[[3]string{o.p.Networks[o.vms[v].network].Name, o.vms[v].Name, key}]
			if !given || !o.seated[v] || !ho.Partition {
				free = append(free, u)
				return
			}
			left[cpu].Sub(left[cpu], u)
		}
		for v, vm := range o.vms {
			if o.seats[v] != h {
				continue
			}
			memory += int64(vm.Memory)
			gpus += vm.Resources["gpu"]
			for k := range vm.VCPUs {
				if vm.Reservation != nil {
					add(v, fmt.Sprint(k), big.NewRat(int64(vm.Reservation.Runtime), int64(vm.Reservation.Period)))
				}
			}
			if ho.Emulator != nil {
				add(v, "devices", big.NewRat(int64(ho.Emulator.Runtime), int64(ho.Emulator.Period)))
			}
		}
		if memory > int64(ho.Memory) || gpus > ho.Resources["gpu"] {
			return false
		}
		if !ho.Partition && !schedulable(ho, free) || ho.Partition && !packs(left, free) {
			return false
		}
	}
	return true
}

func packs(left map[int]*big.Rat, us []*big.Rat) bool {
	if len(us) == 0 {
		for _, room := range left {
			if room.Sign() < 0 {
				return false
			}
		}
		return true
	}
	for _, room := range left {
		if us[0].Cmp(room) <= 0 {
			room.Sub(room, us[0])
			ok := packs(left, us[1:])
			room.Add(room, us[0])
			if ok {
				return true
			}
		}
	}
	return false
}

func (o *besideOracle) link(l int) bool {
	switch {
	case l == len(o.links):
		return o.keepsCables() && (o.holds == nil || o.tried > mostTried || o.holds(o.embedding()))
	case o.routed[l]:
		return o.link(l + 1)
	}
	from, to := o.p.Inventory.Hosts[o.seats[o.links[l].a]].Name, o.p.Inventory.Hosts[o.seats[o.links[l].b]].Name
	return o.walkOn(l, []string{from}, nil, to)
}

func (o *besideOracle) walkOn(l int, nodes, cables []string, to string) bool {
	at := nodes[len(nodes)-1]
	if at == to {
		o.paths[l], o.routes[l] = nodes, cables
		if o.keepsCables() && o.link(l+1) {
			return true
		}
		o.routes[l] = nil
		return false
	}
	if h := o.p.Inventory.Host(at); len(nodes) > 1 && h != nil && !h.Transit {
		return false
	}
	for _, c := range o.p.Inventory.Cables {
		for k, end := range c.Between {
			next := c.Between[1-k]
			if end == at && !slices.Contains(nodes, next) && o.walkOn(l, append(slices.Clone(nodes), next), append(slices.Clone(cables), c.Name), to) {
				return true
			}
		}
	}
	o.routes[l] = nil
	return false
}

// onCPUsLeft asks the proof about all CPUs for what has none, with queues that are long
// enough.
func (o *besideOracle) onCPUsLeft(e *placement.Embedding) bool {
	ph := realize.New(o.p, 0)
	ph.Keep(&o.standing.Realization)
	r, err := ph.Realize(e)
	if err != nil {
		return false
	}
	for i := range r.Queues {
		r.Queues[i].LimitBytes = 1 << 40
	}
	type choice struct {
		cpu  *int
		host *hosts.Host
		u    *big.Rat
	}
	var free []choice
	left := map[[2]string]*big.Rat{}
	for i := range o.p.Inventory.Hosts {
		h := &o.p.Inventory.Hosts[i]
		for _, c := range h.CPUs {
			left[[2]string{h.Name, fmt.Sprint(c.ID)}] = share(h, c)
		}
	}
	add := func(network, vm, key, host string, cpu *int, q, p int64) {
		h, u := o.p.Inventory.Host(host), big.NewRat(q, p)
		if !h.Partition {
			return
		}
		if _, given := o.cpus[[3]string{network, vm, key}]; given && o.standing.Embedding.Seat(network, vm) != "" {
			room := left[[2]string{host, fmt.Sprint(*cpu)}]
			room.Sub(room, u)
			return
		}
		free = append(free, choice{cpu, h, u})
	}
	for i := range r.Reservations {
		v := &r.Reservations[i]
		add(v.Network, v.VM, fmt.Sprint(v.VCPU), v.Host, &v.CPU, v.RuntimeNs, v.PeriodNs)
	}
	for i := range r.Emulators {
		v := &r.Emulators[i]
		add(v.Network, v.VM, "devices", v.Host, &v.CPU, v.RuntimeNs, v.PeriodNs)
	}
	var try func(i int) bool
	try = func(i int) bool {
		if o.tried > mostTried {
			return true
		}
		if i == len(free) {
			o.tried++
			claims, err := proof.Prove(o.p, e, r)
			return err == nil && len(proof.Failing(claims)) == 0
		}
		for _, c := range free[i].host.CPUs {
			room := left[[2]string{free[i].host.Name, fmt.Sprint(c.ID)}]
			if free[i].u.Cmp(room) > 0 {
				continue
			}
			room.Sub(room, free[i].u)
			*free[i].cpu = c.ID
			ok := try(i + 1)
			room.Add(room, free[i].u)
			if ok {
				return true
			}
		}
		return false
	}
	return try(0)
}

// unchanged reports what of a plan has changed that was to stay.
func unchanged(s *Standing, running, now *placement.Plan) error {
	for _, seat := range s.Embedding.Seats {
		if host := now.Embedding.Seat(seat.Network, seat.VM); host != seat.Host {
			return fmt.Errorf("%v is on %s now", seat, host)
		}
	}
	for _, r := range s.Embedding.Routes {
		if !slices.ContainsFunc(now.Embedding.Routes, func(o placement.Route) bool {
			return o.Network == r.Network && o.Link == r.Link && slices.Equal(o.Path, r.Path) && slices.Equal(o.Cables, r.Cables)
		}) {
			return fmt.Errorf("%v has another route", r)
		}
	}
	for _, r := range running.Realization.Reservations {
		if s.Embedding.Seat(r.Network, r.VM) != "" && !slices.Contains(now.Realization.Reservations, r) {
			return fmt.Errorf("%v is gone", r)
		}
	}
	for _, e := range running.Realization.Emulators {
		if s.Embedding.Seat(e.Network, e.VM) != "" && !slices.Contains(now.Realization.Emulators, e) {
			return fmt.Errorf("%v is gone", e)
		}
	}
	routed := map[[2]string]bool{}
	for _, r := range s.Embedding.Routes {
		routed[[2]string{r.Network, r.Link}] = true
	}
	for _, q := range running.Realization.Queues {
		if routed[[2]string{q.Network, q.Link}] && !slices.ContainsFunc(now.Realization.Queues, func(o placement.Queue) bool {
			longer := o.LimitBytes >= q.LimitBytes
			o.LimitBytes = q.LimitBytes
			return o == q && longer
		}) {
			return fmt.Errorf("%v is gone", q)
		}
	}
	return nil
}

// amended compares the planner with the oracle on one amendment.
func amended(running *placement.Plan, a Amendment, timed bool) (feasible bool, err error) {
	p, standing, err := Amend(running, a)
	if err != nil {
		return false, err
	}
	o := newBesideOracle(p, standing)
	if timed {
		o.holds = o.onCPUsLeft
	}
	want := o.place(0)
	if want && timed && o.tried > mostTried {
		return false, errTooMany
	}
	plan, err := answer(context.Background(), p, Options{Seed: 1, Nodes: DefaultNodes, Standing: standing}, true)
	var infeasible *placement.Infeasible
	switch {
	case err == nil && !want:
		return want, errors.New("planned, and the oracle finds no placement")
	case err == nil:
		if err := proof.Check(plan); err != nil {
			return want, fmt.Errorf("check: %w", err)
		}
		return want, errors.Join(audit(plan), unchanged(standing, running, plan))
	case !errors.As(err, &infeasible):
		return want, fmt.Errorf("neither yes nor no (the oracle says %v): %w", want, err)
	case want:
		return want, fmt.Errorf("the oracle finds %+v, the planner: %w", *o.embedding(), err)
	}
	return want, trueNumbers(infeasible)
}

// compareAmended draws plans that run, and changes of them.
func compareAmended(t *testing.T, problems, maxHosts, maxVMs int, timed bool, draw func(c chance, running *placement.Plan) Amendment) {
	yes, no, skipped := 0, 0, 0
	for seed := range problems {
		c := chance{rand.New(rand.NewPCG(uint64(seed), 77+uint64(maxVMs)))}
		p := c.problem(maxHosts, maxVMs, timed)
		running, err := bare(p, 1)
		if err != nil {
			continue
		}
		a := draw(c, running)
		feasible, err := amended(running, a, timed)
		switch {
		case errors.Is(err, errTooMany):
			skipped++
		case err != nil:
			text, _ := json.Marshal(running)
			more, _ := json.Marshal(a)
			t.Fatalf("problem %d: %v\n%s\n%s", seed, err, text, more)
		case feasible:
			yes++
		default:
			no++
		}
	}
	t.Logf("%d feasible, %d not, %d were too many for the oracle", yes, no, skipped)
	if skipped > (yes+no)/10+1 {
		t.Errorf("the oracle left out %d of %d problems", skipped, yes+no+skipped)
	}
	if yes < (yes+no)/6 || no < (yes+no)/6 {
		t.Errorf("%d yes and %d no: the draw has lost its edge", yes, no)
	}
}

// another is a network more.
func another(timed bool) func(c chance, running *placement.Plan) Amendment {
	return func(c chance, running *placement.Plan) Amendment {
		return Amendment{Networks: []vsn.Network{c.network("new", 1+c.IntN(2), timed)}}
	}
}

func TestBesideAgreesWithBruteForce(t *testing.T) {
	compareAmended(t, drawn(2400), 4, 3, false, another(false))
}

func TestBesideAgreesWithBruteForceOnTime(t *testing.T) {
	compareAmended(t, drawn(600), 3, 2, true, another(true))
}

// lost is a host with VMs on it, or a cable or switch that is used, that is lost.
func lost(c chance, running *placement.Plan) Amendment {
	var names []string
	for _, s := range running.Embedding.Seats {
		names = append(names, s.Host)
	}
	for _, r := range running.Embedding.Routes {
		names = append(names, r.Cables...)
	}
	name := names[c.IntN(len(names))]
	if hosts := running.Problem.Inventory.Hosts; len(hosts) == 1 && hosts[0].Name == name {
		return Amendment{}
	}
	return Amendment{Without: []string{name}}
}

func TestLossAgreesWithBruteForce(t *testing.T) {
	compareAmended(t, drawn(2400), 4, 4, false, lost)
}

func TestLossAgreesWithBruteForceOnTime(t *testing.T) {
	compareAmended(t, drawn(600), 3, 3, true, lost)
}
