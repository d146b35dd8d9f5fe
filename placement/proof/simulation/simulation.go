// Package simulation plays what a plan describes: servers that give processor time,
// guests, device threads, ports, cables, and messages that pass them. It is for tests
// and benchmarks of placement/proof, and shares neither code nor formula with it or
// with placement/bounds: it knows what each element does, not how long that takes.
//
// A play is one behaviour among those that the proof speaks of, drawn by a seed. It
// is a proof of nothing; but what it sees is possible, and a bound that is less is
// wrong. Start at Play.
package simulation

import (
	"fmt"
	"math/rand/v2"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Supply is how reservations give their time.
type Supply int

// The kinds of supply.
const (
	Spiteful  Supply = iota // mostly the worst there is, whenever work comes
	Anywhere                // the budget somewhere in each period, whether there is work or not
	Scheduled               // constant bandwidth servers under earliest deadline first, with others that always run
)

// Options of a play.
type Options struct {
	Seed    uint64
	Horizon int64 // ns in which messages are released
	Supply  Supply
	// Aligned has all come at once, again and again, and late together, where the
	// models allow it; else all comes at random.
	Aligned bool
}

// Result is the longest that was seen, ns; by the subjects of the proof's claims where it
// has one.
type Result struct {
	Flows   map[string]int64 // "flow n/f": from a release until all is done
	Stages  map[string]int64 // "flow n/f: work at v"
	Links   map[string]int64 // "link n/l a>b": of any frame, from port to tap
	Ports   map[string]int64 // "queue n/l a>b": bytes that waited at once
	Waits   map[string]int64 // "queue n/l a>b at c of host h", "switch s at cable c": the same before cables
	Tasks   map[string]int64 // "tasks of n/v/vcpu0 t1": response
	Late    map[string]int64 // "tasks of n/v/vcpu0": by how much any missed its deadline
	Done    int              // messages
	Waiting int              // messages that were not done in ten more horizons
}

type name struct{ network, of string }

func (n name) String() string { return n.network + "/" + n.of }

// play is a plan at work.
type play struct {
	Options
	clock
	random   *rand.Rand
	problem  *placement.Problem
	answer   *placement.Embedding
	real     *placement.Realization
	hosts    map[name]*hosts.Host // of VMs
	inside   int                  // messages under way
	result   Result
	stations map[string]*station
	links    map[[2]name]*way // by ends
	lines    map[[2]string]*line
	waits    map[string]*int64 // the most bytes before each cable
	cpus     map[string]*cpu
	comes    map[name][]*source // what may wait for something to come to a VM
	keen     float64
	full     bool // work is never less than what is declared
}

// Play plays a plan. The plan must be an answer to its problem.
func Play(p *placement.Problem, e *placement.Embedding, r *placement.Realization, o Options) Result {
	random := rand.New(rand.NewPCG(o.Seed, 1))
	w := &play{Options: o, random: random, problem: p, answer: e, real: r, hosts: map[name]*hosts.Host{},
		result:   Result{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, 0, 0},
		waits:    map[string]*int64{},
		stations: map[string]*station{}, links: map[[2]name]*way{}, lines: map[[2]string]*line{}, cpus: map[string]*cpu{}, comes: map[name][]*source{},
		keen: 1 - random.Float64()*random.Float64(), full: o.Aligned || random.IntN(2) == 0}
	for _, s := range e.Seats {
		for i := range p.Inventory.Hosts {
			if p.Inventory.Hosts[i].Name == s.Host {
				w.hosts[name{s.Network, s.VM}] = &p.Inventory.Hosts[i]
			}
		}
	}
	for i := range p.Networks {
		w.network(&p.Networks[i])
	}
	w.occupy()
	w.run(func() bool { return w.now <= o.Horizon || w.inside > 0 && w.now <= 11*o.Horizon })
	w.result.Waiting = w.inside
	for _, l := range w.links {
		w.result.Ports[l.subject] = max(w.result.Ports[l.subject], l.port.most)
	}
	for subject, most := range w.waits {
		w.result.Waits[subject] = *most
	}
	return w.result
}

func (w *play) network(n *vsn.Network) {
	for i := range n.VMs {
		w.guest(n, &n.VMs[i])
	}
	for i := range n.Links {
		l := &n.Links[i]
		w.link(n, l, l.Between[0], l.Between[1], false)
		w.link(n, l, l.Between[1], l.Between[0], true)
	}
	for i := range n.Flows {
		w.flow(n, &n.Flows[i])
	}
}

// reserve gives a processor the supply of a reservation.
func (w *play) reserve(p *processor, host *hosts.Host, on int, runtime, period int64) {
	kind := w.Supply
	if on == hosts.AnyCPU && kind == Scheduled {
		kind = Anywhere // a play of global scheduling would need its own proof
	}
	if runtime < int64(host.Grain) {
		kind = Scheduled // the model is what the scheduler does with it
	}
	b := budgetOf(runtime, period, int64(host.Grain), w.beside(host.Name, on))
	switch kind {
	case Spiteful:
		p.supply = &spite{budget: b, p: p, random: w.random, often: w.keen}
	case Anywhere:
		s := &periodic{budget: b, p: p, random: w.random}
		p.supply = s
		s.begin()
	case Scheduled:
		key := fmt.Sprintf("%s cpu %d", host.Name, on)
		if w.cpus[key] == nil {
			w.cpus[key] = &cpu{clock: &w.clock, grain: int64(host.Grain)}
			if host.Grain > 0 {
				w.cpus[key].phase = w.random.Int64N(int64(host.Grain))
			}
		}
		s := w.cpus[key].add(runtime, period, p.turn)
		p.supply = s
		if p.endless = w.random.IntN(2) == 0; p.endless {
			p.wants = true
			// It has always run: some part of a period is over.
			s.deadline = 1 + w.random.Int64N(period)
			s.left = s.deadline * runtime / period
			w.at(0, s.busy)
		}
	}
}

// beside is how many other reservations are on a CPU.
func (w *play) beside(host string, on int) int64 {
	count := int64(-1)
	for _, r := range w.real.Reservations {
		if r.Host == host && r.CPU == on {
			count++
		}
	}
	for _, e := range w.real.Emulators {
		if e.Host == host && e.CPU == on {
			count++
		}
	}
	return count
}

// occupy fills CPUs that enforce budgets exactly with one more reservation that
// always runs: earliest deadline first carries any up to all of the CPU.
func (w *play) occupy() {
	for _, key := range sortedKeys(w.cpus) {
		c := w.cpus[key]
		if c.grain > 0 {
			continue
		}
		const unit = 1 << 20
		free := int64(unit)
		for _, s := range c.servers {
			free -= (s.q*unit + s.p - 1) / s.p
		}
		period := 1_000_000 * (1 + w.random.Int64N(50))
		if q := free * period / unit; q > 0 {
			s := c.add(q, period, func(bool) {})
			w.at(w.random.Int64N(period), s.busy)
		}
	}
}

// guest is a VM: its virtual CPUs with their tasks, and the messages before them.
func (w *play) guest(n *vsn.Network, vm *vsn.VM) {
	key := name{n.Name, vm.Name}
	s := &station{early: w.random.IntN(2) == 0}
	s.came = func() {
		for _, waits := range w.comes[key] {
			waits.join()
		}
	}
	w.stations["vm "+key.String()] = s
	for _, r := range w.real.Reservations {
		if r.Network != n.Name || r.VM != vm.Name {
			continue
		}
		p := &processor{clock: &w.clock}
		w.reserve(p, w.hosts[key], r.CPU, r.RuntimeNs, r.PeriodNs)
		s.processors = append(s.processors, p)
	}
	w.tasks(n, vm, s)
	e := w.hosts[key].Emulator
	if e == nil {
		return
	}
	for _, r := range w.real.Emulators {
		if r.Network == n.Name && r.VM == vm.Name {
			p := &processor{clock: &w.clock}
			w.reserve(p, w.hosts[key], r.CPU, r.RuntimeNs, r.PeriodNs)
			w.stations["devices "+key.String()] = &station{processors: []*processor{p}}
		}
	}
}

func see(in map[string]int64, subject string, value int64) { in[subject] = max(in[subject], value) }
