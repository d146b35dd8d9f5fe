package realize

import (
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// keeping is what stays of a realization that there is: CPUs of reservations and numbers
// of classes.
type keeping struct {
	cpus   map[threadOn]int
	queues map[queueAt]placement.Queue
}

// threadOn is a reservation on a host; vcpu is -1 for device threads.
type threadOn struct {
	network, vm string
	vcpu        int
	host        string
}

// queueAt is one direction of a link at one place.
type queueAt struct{ network, link, from, to, host, at string }

func placeOf(q placement.Queue) queueAt {
	return queueAt{q.Network, q.Link, q.From, q.To, q.Host, q.At}
}

// Keep leaves reservations on their CPUs, as long as the VM is on the host that they
// name, and classes their numbers and lengths, where the link still passes. What else
// there is goes beside them.
func (ph *Phase) Keep(r *placement.Realization) {
	k := &keeping{cpus: map[threadOn]int{}, queues: map[queueAt]placement.Queue{}}
	for _, v := range r.Reservations {
		k.cpus[threadOn{v.Network, v.VM, v.VCPU, v.Host}] = v.CPU
	}
	for _, e := range r.Emulators {
		k.cpus[threadOn{e.Network, e.VM, -1, e.Host}] = e.CPU
	}
	for _, q := range r.Queues {
		k.queues[placeOf(q)] = q
	}
	ph.kept = k
}

// Suggest names CPUs that are known to serve: a packing of a host that the usual orders
// do not find is then not searched for. What stays is not asked about it.
func (ph *Phase) Suggest(reservations []placement.Reservation, emulators []placement.Emulator) {
	if ph.hints == nil {
		ph.hints = make(map[threadOn]int, len(reservations)+len(emulators))
	}
	for _, v := range reservations {
		ph.hints[threadOn{v.Network, v.VM, v.VCPU, v.Host}] = v.CPU
	}
	for _, e := range emulators {
		ph.hints[threadOn{e.Network, e.VM, -1, e.Host}] = e.CPU
	}
}

// Forget forgets what was suggested.
func (ph *Phase) Forget() { ph.hints = nil }

// suggested puts every thread on the CPU that was named for it, and reports whether
// that holds.
func (p *packing) suggested() bool {
	p.reset()
	for _, t := range p.order {
		th := &p.threads[t]
		b := slices.IndexFunc(p.cpus, func(c cpu) bool { return c.host == th.seat.Host && c.id == th.hint })
		if !th.hinted || b < 0 || !p.allowed(t, b) {
			return false
		}
		p.put(t, b)
	}
	return true
}

// stays is the CPU of h that a reservation keeps, if h has it.
func (ph *Phase) stays(h *hosts.Host, seat placement.Seat, vcpu int) (cpu int, stays bool) {
	if ph.kept == nil {
		return 0, false
	}
	cpu, stays = ph.kept.cpus[threadOn{seat.Network, seat.VM, vcpu, seat.Host}]
	if h.Partition {
		return cpu, stays && h.CPU(cpu) != nil
	}
	return cpu, stays && cpu == hosts.AnyCPU
}

// settle puts the threads that keep their CPUs on them.
func (p *packing) settle() {
	for t := range p.threads {
		th := &p.threads[t]
		if !th.stays {
			continue
		}
		for b := range p.cpus {
			if p.cpus[b].host == th.seat.Host && p.cpus[b].id == th.on {
				p.put(t, b)
			}
		}
	}
}

// keepQueue gives a queue the number and length that it keeps. One that asks for another
// rate keeps its number alone.
func (ph *Phase) keepQueue(q *placement.Queue) bool {
	if ph.kept == nil {
		return false
	}
	was, stays := ph.kept.queues[placeOf(*q)]
	if !stays {
		return false
	}
	q.Class = was.Class
	if was.RateBit == q.RateBit && was.BurstBytes == q.BurstBytes {
		q.LimitBytes = was.LimitBytes
	}
	return true
}
