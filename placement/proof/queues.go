package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Class numbers that a queue may have: 0 is the qdisc itself, the lowest ones are
// for what belongs to no link, and 0xffff is HTB's own.
const (
	leastClass = 0x10
	mostClass  = 0xfffe
)

// queueAll checks that every link with a rate has its class, in both directions, at
// the sender's port and at each host's end of a cable on the way; no class beside
// those; no number twice at one place.
func (m *model) queueAll(given []placement.Queue) error {
	type number struct {
		host, at string
		class    int
	}
	numbers := map[number]bool{}
	for _, q := range given {
		key := queueAt{link: name{q.Network, q.Link}, from: q.From, to: q.To, host: q.Host, at: q.At}
		place := number{q.Host, q.At, q.Class}
		if q.At == placement.AtPort {
			place.at += " of " + q.Network + "/" + q.From
		}
		if _, twice := m.queues[key]; twice || numbers[place] || q.Class < leastClass || q.Class > mostClass {
			return broken(key.String(), "the queue, or its class %#x, is there twice or not in %#x..%#x", q.Class, leastClass, mostClass)
		}
		numbers[place] = true
		m.queues[key] = q
	}
	wanted := 0
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Links {
			found, err := m.linkQueues(n.Name, &n.Links[j])
			if err != nil {
				return err
			}
			wanted += found
		}
	}
	if wanted != len(given) {
		return broken("queues", "%d are wanted and %d given", wanted, len(given))
	}
	return nil
}

func (q queueAt) String() string {
	return fmt.Sprintf("queue %v %s>%s at %s of host %s", q.link, q.from, q.to, q.at, q.host)
}

// granting is what the classes of a link grant: rate in bit/s, burst in bytes.
type granting struct{ rate, burst int64 }

// linkQueues checks the classes of a link: where it asks for a rate, and where it
// leaves the rate to the planner and has classes, all grant the same.
func (m *model) linkQueues(network string, l *vsn.Link) (found int, err error) {
	link := name{network, l.Name}
	for _, d := range directions(l) {
		for _, at := range m.places(link, d) {
			q, ok := m.queues[at]
			if !ok {
				if l.Rate == 0 && found == 0 {
					return 0, nil // best effort; a class elsewhere is one too many
				}
				return 0, broken(at.String(), "it is missing")
			}
			if found == 0 {
				m.rates[link] = granting{q.RateBit, q.BurstBytes}
			}
			if why := m.unlike(l, q, m.rates[link]); why != "" {
				return 0, broken(at.String(), "rate %d bit/s, burst %d B, limit %d B: %s", q.RateBit, q.BurstBytes, q.LimitBytes, why)
			}
			found++
		}
	}
	return found, nil
}

// places are where a link has classes one way: the sender's port, and each host's
// end of a cable on the way.
func (m *model) places(link name, d direction) []queueAt {
	path, cables := m.along(link, d)
	places := []queueAt{{link, d.from, d.to, path[0], placement.AtPort}}
	for i, cable := range cables {
		if m.hosts[path[i]] != nil {
			places = append(places, queueAt{link, d.from, d.to, path[i], cable})
		}
	}
	return places
}

func (m *model) unlike(l *vsn.Link, q placement.Queue, all granting) string {
	switch {
	case l.Rate > 0 && q.RateBit != int64(l.Rate):
		return fmt.Sprintf("the link asks for %v", l.Rate)
	case q.RateBit <= 0 || q.BurstBytes <= 0 || q.RateBit != hosts.RoundRate(q.RateBit) || q.BurstBytes != hosts.RoundBurst(q.RateBit, q.BurstBytes):
		return "the kernel does not hold these numbers"
	case l.Burst > 0 && q.BurstBytes != hosts.RoundBurst(q.RateBit, int64(l.Burst)):
		return fmt.Sprintf("the link asks for a burst of %v", l.Burst)
	case q.RateBit != all.rate || q.BurstBytes != all.burst:
		return fmt.Sprintf("another class of the link grants %d bit/s and %d B", all.rate, all.burst)
	case q.LimitBytes < q.BurstBytes:
		return "the queue has no room for the burst"
	}
	return ""
}

// direction is one way over a link.
type direction struct {
	from, to string
	back     bool // against Between
}

func directions(l *vsn.Link) [2]direction {
	return [2]direction{{l.Between[0], l.Between[1], false}, {l.Between[1], l.Between[0], true}}
}

// along is the route of a link in the direction of d.
func (m *model) along(link name, d direction) (path, cables []string) {
	r := m.routes[link]
	if !d.back {
		return r.Path, r.Cables
	}
	return reversed(r.Path), reversed(r.Cables)
}

func reversed(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[len(list)-1-i] = s
	}
	return out
}
