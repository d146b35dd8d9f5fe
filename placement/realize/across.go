package realize

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// ruleOdds is the rule of docs/theory.md for networks with a confidence.
const ruleOdds = "probabilistic"

// across looks at the networks that sit on several hosts: a confidence is one for all
// CPUs of a network. Where the packings of the hosts, each good by itself, are not good
// together, the hosts concerned are packed together.
func (ph *Phase) across(used []*hosts.Host, all []threadAt, seats []placement.Seat) error {
	if ph.odds == nil {
		return nil
	}
	p := ph.packed(all, used)
	var short []int
	for n := range ph.problem.Networks {
		if p.odds.confidence[n] < vsn.One && !p.confident(n) {
			short = append(short, n)
		}
	}
	if len(short) == 0 {
		return nil
	}
	var on []*hosts.Host
	for _, h := range used {
		if ph.concerned(short, seats)[h.Name] {
			on = append(on, h)
		}
	}
	var some []placement.Seat
	for _, seat := range seats {
		if slices.ContainsFunc(on, func(h *hosts.Host) bool { return h.Name == seat.Host }) {
			some = append(some, seat)
		}
	}
	threads, err := ph.threadsOn(on, some)
	if err != nil {
		return err
	}
	p = ph.packing(threads, on...)
	switch bins, known := p.spread(); {
	case !known:
		return unknown(on...)
	case bins == nil:
		return ph.cutAcross(on, some)
	}
	for i, t := range threads {
		for k := range all {
			if all[k].seat == t.seat && all[k].vcpu == t.vcpu {
				all[k].cpu = p.cpus[p.bin[i]].id
			}
		}
	}
	return nil
}

// Together tells, as Admit does, whether the networks on host h that sit on other hosts
// as well can be content on all of them.
func (ph *Phase) Together(h *hosts.Host, seats []placement.Seat) error {
	if !ph.coupled(seats) {
		return nil
	}
	var here []int
	for _, seat := range seats {
		n := ph.network[seat.Network]
		if seat.Host == h.Name && ph.odds.confidence[n] < vsn.One && !slices.Contains(here, n) {
			here = append(here, n)
		}
	}
	concerned := ph.concerned(here, seats)
	if len(concerned) < 2 {
		return nil
	}
	on := map[string][]placement.Seat{}
	var some []placement.Seat
	for _, seat := range seats {
		if concerned[seat.Host] {
			on[seat.Host] = append(on[seat.Host], seat)
			some = append(some, seat)
		}
	}
	used, all, err := ph.assignAll(on)
	if err != nil {
		return err
	}
	return ph.across(used, all, some)
}

// packed is a packing that is given.
func (ph *Phase) packed(all []threadAt, on []*hosts.Host) *packing {
	threads := make([]thread, len(all))
	for i := range all {
		threads[i] = all[i].thread
	}
	p := ph.packing(threads, on...)
	p.reset()
	for i, t := range all {
		if t.stays {
			continue
		}
		p.put(i, slices.IndexFunc(p.cpus, func(c cpu) bool { return c.host == t.seat.Host && c.id == t.cpu }))
	}
	return p
}

// concerned is the hosts of some networks, of the networks that share those hosts and
// are content with less than certainty, and so on.
func (ph *Phase) concerned(networks []int, seats []placement.Seat) map[string]bool {
	in := map[int]bool{}
	for _, n := range networks {
		in[n] = true
	}
	on := map[string]bool{}
	for {
		size := len(in) + len(on)
		for _, seat := range seats {
			n := ph.network[seat.Network]
			if in[n] {
				on[seat.Host] = true
			}
			if on[seat.Host] && ph.odds.confidence[n] < vsn.One {
				in[n] = true
			}
		}
		if len(in)+len(on) == size {
			return on
		}
	}
}

// coupled reports whether a network that is content with less than certainty sits on
// several hosts, so that the CPUs of one host matter on another.
func (ph *Phase) coupled(seats []placement.Seat) bool {
	if ph.odds == nil {
		return false
	}
	host := map[string]string{}
	for _, seat := range seats {
		if ph.odds.confidence[ph.network[seat.Network]] == vsn.One {
			continue
		}
		if h, known := host[seat.Network]; known && h != seat.Host {
			return true
		}
		host[seat.Network] = seat.Host
	}
	return false
}

// threadsOn is threads for several hosts.
func (ph *Phase) threadsOn(on []*hosts.Host, seats []placement.Seat) (out []thread, err error) {
	first := 0
	for _, h := range on {
		var here []placement.Seat
		for _, seat := range seats {
			if seat.Host == h.Name {
				here = append(here, seat)
			}
		}
		threads, err := ph.threads(h, here)
		if err != nil {
			return nil, err
		}
		for i := range threads {
			threads[i].vm += first
		}
		first += len(here)
		out = append(out, threads...)
	}
	return out, nil
}

// cutAcross is cut for several hosts.
func (ph *Phase) cutAcross(on []*hosts.Host, seats []placement.Seat) error {
	core := slices.Clone(seats)
	for i := 0; i < len(core); {
		rest := slices.Delete(slices.Clone(core), i, i+1)
		threads, err := ph.threadsOn(on, rest)
		if err != nil {
			return err
		}
		if fits, known := ph.fit(threads, on...); known && !fits {
			core = rest
			continue
		}
		i++
	}
	var names []string
	for _, seat := range core {
		names = append(names, "vm "+seat.Network+"/"+seat.VM)
	}
	threads, err := ph.threadsOn(on, core)
	if err != nil {
		return err
	}
	conflict, ok := ph.oddConflict(names, threads, on...)
	if !ok {
		return fmt.Errorf("the vms %v fit every host that they sit on and not all of them together, and no network lacks confidence: this is a fault of this program", names)
	}
	return &placement.Cut{Seats: core, Conflict: conflict}
}

// oddConflict is the first network that is not as sure of its processor time as it asks
// to be when each host is packed as suits it best. ok is false where there is none, or
// where not even a single network is content with less than certainty.
func (ph *Phase) oddConflict(subjects []string, threads []thread, on ...*hosts.Host) (c placement.Conflict, ok bool) {
	if ph.odds == nil {
		return c, false
	}
	p := ph.packing(threads, on...)
	p.reset()
	for _, h := range on {
		var here []thread
		var at []int
		for i, t := range threads {
			if t.seat.Host == h.Name {
				here, at = append(here, t), append(at, i)
			}
		}
		alone := ph.packing(here, h)
		bins, _ := alone.pack(false)
		for i, t := range at {
			if p.threads[t].stays {
				continue
			}
			best := alone.cpus[0].id
			if bins != nil {
				best = alone.cpus[bins[i]].id
			}
			p.put(t, slices.IndexFunc(p.cpus, func(c cpu) bool { return c.host == h.Name && c.id == best }))
		}
	}
	for n := range ph.problem.Networks {
		var all []int
		for b := range p.cpus {
			if slices.ContainsFunc(p.cpus[b].on, func(t int) bool { return p.threads[t].network == n }) {
				all = append(all, b)
			}
		}
		have, _ := p.exactly(n, all)
		want := p.odds.confidence[n].Rat()
		if have.Cmp(want) >= 0 || have.Sign() == 0 || p.odds.confidence[n] == vsn.One {
			continue
		}
		name := ph.problem.Networks[n].Name
		return placement.Conflict{Rule: ruleOdds, Subjects: append([]string{"network " + name}, subjects...), Need: placement.FromBig(want), Have: placement.FromBig(have), Unit: "probability",
			Says: fmt.Sprintf("while network %q is active, it has its processor time with a probability of %s, and asks for %v; no choice of cpus holds for all", name, decimal(have), p.odds.confidence[n])}, true
	}
	return c, false
}

// decimal is a probability with up to nine digits, rounded down.
func decimal(p *big.Rat) string {
	const digits = 1_000_000_000
	whole := new(big.Int).Mul(p.Num(), big.NewInt(digits))
	return vsn.Share(whole.Div(whole, p.Denom()).Int64()).String()
}
