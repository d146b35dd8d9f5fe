package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// Class numbers that a queue may have: 0 is the qdisc itself, the lowest ones are
// for what belongs to no link, and 0xffff is HTB's own.
const (
	leastClass = 0x10
	mostClass  = 0xfffe
)

// queueAt is the place of a queue: one direction of a link at a host's port or cable.
type queueAt struct {
	link     name
	from, to string
	host, at string
}

func (q queueAt) String() string {
	return fmt.Sprintf("queue %v %s>%s at %s of host %s", q.link, q.from, q.to, q.at, q.host)
}

// queueAll checks that every link with a rate has its class, in both directions, at
// the sender's port and at each host's end of a cable on the way; no class beside
// those; no number twice at one port (classes says so of cables). It lays the paths.
func (p *part) queueAll(s *site) error {
	type number struct {
		from  string
		class int
	}
	numbers := map[number]bool{}
	queues := make(map[queueAt]*placement.Queue, len(p.given.queues))
	for i := range p.given.queues {
		q := &p.given.queues[i]
		key := queueAt{name{q.Network, q.Link}, q.From, q.To, q.Host, q.At}
		port := number{q.From, q.Class}
		if queues[key] != nil || q.At == placement.AtPort && numbers[port] || q.Class < leastClass || q.Class > mostClass {
			return classTwice(key, q.Class)
		}
		if q.At == placement.AtPort {
			numbers[port] = true
		}
		queues[key] = q
	}
	p.lay(s, queues)
	wanted := 0
	for j := range p.links {
		found, err := p.linkQueues(j, queues)
		if err != nil {
			return err
		}
		wanted += found
	}
	if wanted != len(p.given.queues) {
		return broken("queues of network "+p.Name, "%d are wanted and %d given", wanted, len(p.given.queues))
	}
	for i, path := range p.paths {
		path.grant(p.links[i/2].shaped, p.links[i/2].granting)
	}
	return nil
}

func classTwice(key queueAt, class int) error {
	return broken(key.String(), "the queue, or its class %#x, is there twice or not in %#x..%#x", class, leastClass, mostClass)
}

// granting is what the classes of a link grant: rate in bit/s, burst in bytes.
type granting struct{ rate, burst int64 }

// linkQueues checks the classes of a link: where it asks for a rate, and where it
// leaves the rate to the planner and has classes, all grant the same.
func (p *part) linkQueues(j int, queues map[queueAt]*placement.Queue) (found int, err error) {
	l := &p.links[j]
	for _, path := range p.paths[2*j : 2*j+2] {
		for _, at := range path.places() {
			q := queues[at]
			if q == nil {
				if l.Rate == 0 && found == 0 {
					return 0, nil // best effort; a class elsewhere is one too many
				}
				return 0, broken(at.String(), "it is missing")
			}
			if found == 0 {
				l.shaped, l.granting = true, granting{q.RateBit, q.BurstBytes}
			}
			if why := unlike(l.Link, q, l.granting); why != "" {
				return 0, broken(at.String(), "rate %d bit/s, burst %d B, limit %d B: %s", q.RateBit, q.BurstBytes, q.LimitBytes, why)
			}
			found++
		}
	}
	return found, nil
}

// places are where a path has classes: the sender's port, and each host's end of a
// cable on the way.
func (p *path) places() []queueAt {
	places := []queueAt{{p.link, p.from, p.to, p.home, placement.AtPort}}
	for i := range p.hops {
		if e := p.hops[i].end; !e.forwards {
			places = append(places, queueAt{p.link, p.from, p.to, e.tail, e.cable.Name})
		}
	}
	return places
}

func unlike(l *vsn.Link, q *placement.Queue, all granting) string {
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

// lay makes the two paths of each link, with the classes on their way.
func (p *part) lay(s *site, queues map[queueAt]*placement.Queue) {
	p.paths = make([]*path, 0, 2*len(p.links))
	for j := range p.links {
		l := &p.links[j]
		hops := make([]hop, 2*len(l.route.Cables))
		there := p.along(s, l, l.Between[0], l.Between[1], hops[:len(hops)/2:len(hops)/2])
		back := p.along(s, l, l.Between[1], l.Between[0], hops[len(hops)/2:])
		for i, cable := range l.route.Cables {
			there.hops[i].end = s.end(cable, l.route.Path[i])
			back.hops[len(back.hops)-1-i].end = s.end(cable, l.route.Path[i+1])
		}
		for _, path := range []*path{there, back} {
			path.port = queues[queueAt{path.link, path.from, path.to, path.home, placement.AtPort}]
			for i := range path.hops {
				if e := path.hops[i].end; !e.forwards {
					path.hops[i].class = queues[queueAt{path.link, path.from, path.to, e.tail, e.cable.Name}]
				}
			}
		}
		p.paths = append(p.paths, there, back)
	}
	if len(p.Flows) > 0 {
		p.from = make(map[ends]int, len(p.paths))
		for i, path := range p.paths {
			p.from[ends{path.from, path.to}] = i
		}
	}
}

// along is a link in one direction, its hops still to be filled in.
func (p *part) along(s *site, l *routed, from, to string, hops []hop) *path {
	out := &path{link: l.name, from: from, to: to, spec: l.Link, hops: hops, frame: placement.SegmentMTU + bounds.EthernetFrame}
	first, last := l.route.Path[0], l.route.Path[len(l.route.Path)-1]
	if from == l.Between[1] {
		first, last = last, first
	}
	out.home, out.arrival = first, int64(s.host(last).Delay)
	if len(hops) > 0 {
		out.frame = tunnelMTU + bounds.EthernetWire + bounds.VXLANHeader
	}
	return out
}

// grant sets what the path's classes let out. A link without a rate shares the class for
// the rest at its sender's port: more than that class lets out cannot load a cable.
func (p *path) grant(shaped bool, g granting) {
	if !shaped {
		g = granting{placement.RestRate, placement.RestBurst}
	}
	// HTB lets a class send while it has any tokens at all, so that a frame may exceed
	// the burst (net/sched/sch_htb.c, htb_class_mode).
	p.rate, p.burst = g.rate, sum(g.burst, p.frame)
}
