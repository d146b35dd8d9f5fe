package proof

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// classClaims: what may wait in each class of a path at a host's end of a cable fits
// it, so that nothing is dropped there. Where there is no bound the link has none
// either, and its claim says why.
func (ps *paths) classClaims(p *path) (out []placement.Claim) {
	for i := range p.hops {
		q := p.hops[i].class
		if q == nil {
			continue
		}
		c := waitingClaim(queueAt{p.link, p.from, p.to, q.Host, q.At}.String(), ps.hop(p, i))
		if !c.Bound.IsInf() {
			c.Limit = placement.Int(q.LimitBytes)
		}
		out = append(out, c)
	}
	return out
}

// buffer is the queue of a switch for a cable, which all links share: how much may wait
// in it, which no plan sets, so that nothing limits it, and that the switch has the
// room, which nobody is asked for.
type buffer struct {
	end    *end
	waits  bounds.Hop
	claims []placement.Claim
	rests  []placement.Assumption
}

func (b *buffer) String() string {
	return fmt.Sprintf("switch %s at cable %s", b.end.tail, b.end.cable.Name)
}

// buffersOf are those of the switches that send on a line. On a half-duplex cable only
// what comes from the switch waits there; what the other end sends delays it.
func (ps *paths) buffersOf(l *line) (out [2]*buffer) {
	for _, u := range l.users {
		p := ps.of(u)
		h := &p.hops[u.hop]
		if !h.forwards {
			continue
		}
		at := 0
		if h.cable.Between[0] != h.tail {
			at = 1
		}
		if b := out[at]; b == nil {
			out[at] = &buffer{end: h.end, waits: ps.hop(p, int(u.hop))}
		} else {
			b.waits.Own, b.waits.Burst = sum(b.waits.Own, p.rate), sum(b.waits.Burst, h.burst)
		}
	}
	for _, b := range out {
		if b == nil {
			continue
		}
		b.waits.Others, b.waits.Cross = l.rates-b.waits.Own, less(l.sum, b.waits.Burst)
		b.claims = []placement.Claim{waitingClaim(b.String(), b.waits)}
		if room := b.waits.Backlog(); room < bounds.Inf { // else no link over it has a bound
			b.rests = []placement.Assumption{{Kind: hosts.RestBuffer, Subject: "cable " + b.end.cable.Name, Value: room,
				Says: fmt.Sprintf("switch %s has room for %d B that wait for it", b.end.tail, room)}}
		}
	}
	return out
}

// eachBuffer visits the buffers of all lines in the order of first use.
func (ps *paths) eachBuffer(visit func(*buffer)) {
	seen := make([][2]bool, len(ps.lines))
	ps.m.networks(func(p *part) {
		for _, path := range p.paths {
			for i := range path.hops {
				e := path.hops[i].end
				if !e.forwards {
					continue
				}
				at := 0
				if e.cable.Between[0] != e.tail {
					at = 1
				}
				if !seen[e.at][at] {
					seen[e.at][at] = true
					visit(ps.lines[e.at].buffers[at])
				}
			}
		}
	})
}

// Names of the terms of what waits before a line.
const (
	termOwnBurst   = "at once B"
	termOwnRate    = "rate bit/s"
	termOtherBurst = "others at once B"
	termOtherRate  = "others bit/s"
	termFrames     = "two frames B"
	termLine       = "cable bit/s"
)

// waitingClaim says how much waits before a line, without a limit.
func waitingClaim(subject string, h bounds.Hop) placement.Claim {
	c := placement.Claim{Subject: subject, Rule: RuleWaiting, Unit: "B", Bound: number(h.Backlog()), Limit: placement.Inf()}
	c.Terms = []placement.Term{{Name: termOwnBurst, Value: number(h.Burst)}, {Name: termOwnRate, Value: number(h.Own)},
		{Name: termOtherBurst, Value: number(h.Cross)}, {Name: termOtherRate, Value: number(h.Others)},
		{Name: termFrames, Value: number(2 * h.Frame)}, {Name: termLine, Value: number(h.Rate)}}
	return c
}

// waitingWorking writes a claim's formula with its numbers.
func waitingWorking(c placement.Claim) string {
	var v [6]int64
	for i, name := range []string{termOwnBurst, termOwnRate, termOtherBurst, termFrames, termLine, termOtherRate} {
		var ok bool
		if v[i], ok = whole(c, name); !ok {
			return ""
		}
	}
	return fmt.Sprintf("%d B + %d bit/s (%d B + %d B) / (%d - %d bit/s)", v[0], v[1], v[2], v[3], v[4], v[5])
}
