package realize

import (
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// Limits of Alternatives for one host: assignments of one thread to one CPU, and
// choices kept.
const (
	choiceNodes = 20_000
	mostChoices = 32
)

// Alternatives realizes an embedding in every way that can make a difference to the
// VMs that matter, until try returns true or most ways were tried. Reservations on
// one CPU delay one another, the more the more there are; so of all packings of a
// host those are tried in which no VM that matters could share its CPUs with fewer
// without another sharing with more. It reports whether these were all.
func (ph *Phase) Alternatives(e *placement.Embedding, matters func(placement.Seat) bool, most int, try func(*placement.Realization) bool) (all bool, err error) {
	first, err := ph.Realize(e)
	if err != nil {
		return false, err
	}
	on := map[string][]placement.Seat{}
	for _, seat := range e.Seats {
		on[seat.Host] = append(on[seat.Host], seat)
	}
	all = !ph.coupled(e.Seats) // a choice that is worse on one host may be what another needs
	var options []option
	for i := range ph.problem.Inventory.Hosts {
		h := &ph.problem.Inventory.Hosts[i]
		if !h.Partition || len(on[h.Name]) == 0 {
			continue
		}
		o, complete, err := ph.choices(h, on[h.Name], matters)
		if err != nil {
			return false, err
		}
		all = all && complete
		if len(o.cpus) > 0 {
			options = append(options, o)
		}
	}
	at := make([]int, len(options))
	for range most {
		r := *first
		r.Reservations, r.Emulators, r.Queues = slices.Clone(first.Reservations), slices.Clone(first.Emulators), slices.Clone(first.Queues)
		for i, o := range options {
			o.apply(&r, at[i])
		}
		if try(&r) {
			return true, nil
		}
		if !next(at, options) {
			return all, nil
		}
	}
	return false, nil
}

// option is the ways to pack one host: the CPU of each thread.
type option struct {
	threads []thread
	cpus    [][]int
}

// next counts at up to the next combination of options.
func next(at []int, options []option) bool {
	for i := range at {
		if at[i]++; at[i] < len(options[i].cpus) {
			return true
		}
		at[i] = 0
	}
	return false
}

func (o *option) apply(r *placement.Realization, k int) {
	for i, t := range o.threads {
		if t.vcpu < 0 {
			at := slices.IndexFunc(r.Emulators, func(e placement.Emulator) bool { return e.Network == t.seat.Network && e.VM == t.seat.VM })
			r.Emulators[at].CPU = o.cpus[k][i]
			continue
		}
		at := slices.IndexFunc(r.Reservations, func(v placement.Reservation) bool {
			return v.Network == t.seat.Network && v.VM == t.seat.VM && v.VCPU == t.vcpu
		})
		r.Reservations[at].CPU = o.cpus[k][i]
	}
}

// choice is one packing and what it makes of each VM that matters: the most threads
// that one of its vCPUs shares a CPU with, and those that its device threads do.
type choice struct {
	bins   []int
	shared []int
}

// choices goes through all packings of a host and keeps those that no other is at
// least as good as everywhere.
func (ph *Phase) choices(h *hosts.Host, seats []placement.Seat, matters func(placement.Seat) bool) (option, bool, error) {
	threads, err := ph.threads(h, seats)
	if err != nil || len(threads) == 0 {
		return option{}, true, err
	}
	important := make([]bool, len(seats))
	for i, seat := range seats {
		important[i] = matters(seat)
	}
	p := ph.packing(threads, h)
	p.reset()
	p.until = min(*p.spent+mostWork, mostSpent)
	c := &choosing{packing: p, important: important, nodes: choiceNodes, complete: true}
	c.search(0)
	out := option{threads: threads}
	for _, k := range c.best {
		cpus := make([]int, len(threads))
		for i, b := range k.bins {
			cpus[i] = p.cpus[b].id
		}
		out.cpus = append(out.cpus, cpus)
	}
	return out, c.complete && !p.vague, nil
}

type choosing struct {
	*packing
	important []bool // by VM of the host
	nodes     int
	best      []choice
	complete  bool
}

// search is packing.search without end: threads of different VMs are never taken for
// one another here, however alike. What is decided can only get worse, so that what
// is no better than a known choice is left at once.
func (c *choosing) search(depth int) {
	shared := c.shared()
	if slices.ContainsFunc(c.best, func(k choice) bool { return noWorse(k.shared, shared) }) {
		return
	}
	if depth == len(c.order) {
		c.keep(choice{slices.Clone(c.bin), shared})
		return
	}
	t := c.order[depth]
	for b := range c.cpus {
		if c.emptyBefore(b) || !c.allowed(t, b) {
			continue
		}
		if c.nodes--; c.nodes < 0 || *c.spent > c.until {
			c.complete = false
			return
		}
		c.put(t, b)
		c.search(depth + 1)
		c.take(t)
	}
}

// emptyBefore reports whether CPU b is empty and so is one before it of its share.
func (c *choosing) emptyBefore(b int) bool {
	if len(c.cpus[b].on) > 0 {
		return false
	}
	return slices.ContainsFunc(c.cpus[:b], func(o cpu) bool { return len(o.on) == 0 && o.exact.Cmp(c.cpus[b].exact) == 0 })
}

func (c *choosing) shared() []int {
	out := make([]int, 2*len(c.important))
	for b := range c.cpus {
		for _, t := range c.cpus[b].on {
			if th := &c.threads[t]; c.important[th.vm] {
				i := 2 * th.vm
				if th.vcpu < 0 {
					i++
				}
				out[i] = max(out[i], len(c.cpus[b].on)-1)
			}
		}
	}
	return out
}

func (c *choosing) keep(k choice) {
	c.best = slices.DeleteFunc(c.best, func(o choice) bool { return noWorse(k.shared, o.shared) })
	if len(c.best) == mostChoices {
		c.complete = false
		return
	}
	c.best = append(c.best, k)
}

func noWorse(a, b []int) bool {
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}
