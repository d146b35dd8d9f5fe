package realize

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// Class numbers at one place: below the first are the classes for what belongs to no
// link, and 0xffff is HTB's own.
const (
	firstClass = 0x10
	lastClass  = 0xfffe
)

// leastLimit is the least that a queue may hold, in bytes: one GSO packet, which is
// dropped as a whole.
const leastLimit = 64 << 10

// place is where classes are numbered: one sender's port, or a host's end of a
// cable.
type place struct{ host, at, sender string }

// queues gives every link with a rate a class in each direction: at the sender's
// port, and on each cable of its path whose sending end is a host.
func (ph *Phase) queues(e *placement.Embedding) ([]placement.Queue, error) {
	routes := map[[2]string]*placement.Route{}
	for i := range e.Routes {
		routes[[2]string{e.Routes[i].Network, e.Routes[i].Link}] = &e.Routes[i]
	}
	var out []placement.Queue
	add := func(q placement.Queue) { out = append(out, q) }
	for i := range ph.problem.Networks {
		n := &ph.problem.Networks[i]
		for j := range n.Links {
			l := &n.Links[j]
			r := routes[[2]string{n.Name, l.Name}]
			if l.Rate == 0 || r == nil {
				continue
			}
			for _, back := range []bool{false, true} {
				ph.direction(n, l, r, back, add)
			}
		}
	}
	return out, ph.number(out)
}

// number gives every queue a class: the one that it keeps, or the first that is free at
// its place.
func (ph *Phase) number(queues []placement.Queue) error {
	taken, next := map[classAt]bool{}, map[place]int{}
	for i := range queues {
		if q := &queues[i]; ph.keepQueue(q) {
			taken[classAt{at(q), q.Class}] = true
		}
	}
	for i := range queues {
		q := &queues[i]
		p := at(q)
		if q.Class != 0 {
			continue
		}
		for q.Class = firstClass + next[p]; taken[classAt{p, q.Class}] || ph.others != nil && ph.others.taken[classAt{p, q.Class}]; q.Class++ {
		}
		if next[p] = q.Class + 1 - firstClass; q.Class > lastClass {
			return fmt.Errorf("host %q, %s: its links are more than the %d classes of one qdisc: spread them over other hosts or cables", q.Host, q.At, lastClass-firstClass+1)
		}
	}
	return nil
}

// classAt is a class number at a place.
type classAt struct {
	place
	class int
}

func at(q *placement.Queue) place {
	p := place{host: q.Host, at: q.At}
	if q.At == placement.AtPort {
		p.sender = q.Network + "/" + q.From
	}
	return p
}

// direction gives a link its classes one way, in the order of the path.
func (ph *Phase) direction(n *vsn.Network, l *vsn.Link, r *placement.Route, back bool, add func(placement.Queue)) {
	q := placement.Queue{Network: n.Name, Link: l.Name, From: l.Between[0], To: l.Between[1], Host: r.Path[0], At: placement.AtPort, RateBit: hosts.RoundRate(int64(l.Rate)), BurstBytes: hosts.RoundBurst(hosts.RoundRate(int64(l.Rate)), int64(l.Burst))}
	last := len(r.Path) - 1
	if back {
		q.From, q.To, q.Host = q.To, q.From, r.Path[last]
	}
	q.LimitBytes = max(2*q.BurstBytes, leastLimit, messages(n, l, q.From, q.To))
	add(q)
	for i := range r.Cables {
		sender, cable := r.Path[i], r.Cables[i]
		if back {
			sender, cable = r.Path[last-i], r.Cables[last-1-i]
		}
		if ph.hosts[sender] == nil {
			continue // a switch has one queue for all, which is not ours
		}
		q.Host, q.At = sender, cable
		add(q)
	}
}

// messages is how many bytes of the declared flows may wait for a link one way:
// messages that were delayed before may come together, as many as are released
// within the deadline that the flow has, and one more.
func messages(n *vsn.Network, l *vsn.Link, from, to string) int64 {
	framing := bounds.CableFraming(placement.SegmentMTU-bounds.VXLANHeader, true)
	sum := int64(0)
	for i := range n.Flows {
		f := &n.Flows[i]
		for _, s := range f.Steps() {
			if s.From != from || s.To != to {
				continue
			}
			bytes, _ := framing.Bytes(int64(f.Message))
			together := 1 + f.Messages()
			if f.Every > 0 {
				together += int64((f.Deadline + f.Jitter) / f.Every)
			}
			if bytes > largestLimit/together || sum > largestLimit {
				return largestLimit
			}
			sum += together * bytes
		}
	}
	return sum
}

// largestLimit keeps sums of limits from wrapping.
const largestLimit = 1 << 50
