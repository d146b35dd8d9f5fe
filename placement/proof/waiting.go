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
	for i, h := range p.hops {
		at := queueAt{p.link, p.from, p.to, h.tail, h.line.cable.Name}
		if q, shaped := ps.m.queues[at]; shaped {
			c := waitingClaim(at.String(), p.hop(i))
			if !c.Bound.IsInf() {
				c.Limit = placement.Int(q.LimitBytes)
			}
			out = append(out, c)
		}
	}
	return out
}

// buffer is the queue of a switch for a cable, which all links share.
type buffer struct {
	node, cable string
	line        *line
	waits       bounds.Hop
}

func (b *buffer) String() string { return fmt.Sprintf("switch %s at cable %s", b.node, b.cable) }

// buffers are those of all switches that links pass, in the order of first use. On a
// half-duplex cable only what comes from the switch waits there; what the other end
// sends delays it.
func (ps *paths) buffers() []*buffer {
	var out []*buffer
	at := map[string]*buffer{}
	for _, p := range ps.all {
		for i, h := range p.hops {
			if ps.m.switches[h.tail] == nil {
				continue
			}
			b := at[h.name]
			if b == nil {
				b = &buffer{node: h.tail, cable: h.line.cable.Name, line: h.line, waits: p.hop(i)}
				at[h.name] = b
				out = append(out, b)
			} else {
				b.waits.Own, b.waits.Burst = sum(b.waits.Own, p.rate), sum(b.waits.Burst, h.burst)
			}
		}
	}
	for _, b := range out {
		b.waits.Others, b.waits.Cross = b.line.rates-b.waits.Own, less(b.line.sum, b.waits.Burst)
	}
	return out
}

// switchClaims say how much may wait in each switch for a cable. No plan sets that, so
// that nothing limits it: bufferRests say that the switch has the room.
func (ps *paths) switchClaims() (out []placement.Claim) {
	for _, b := range ps.buffers() {
		out = append(out, waitingClaim(b.String(), b.waits))
	}
	return out
}

// bufferRests are the rooms that switches must have, which nobody is asked for.
func (ps *paths) bufferRests() (out []placement.Assumption) {
	for _, b := range ps.buffers() {
		if room := b.waits.Backlog(); room < bounds.Inf { // else no link over it has a bound
			out = append(out, placement.Assumption{Kind: hosts.RestBuffer, Subject: "cable " + b.cable, Value: room,
				Says: fmt.Sprintf("switch %s has room for %d B that wait for it", b.node, room)})
		}
	}
	return out
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
	add := func(name string, value int64) {
		c.Terms = append(c.Terms, placement.Term{Name: name, Value: number(value)})
	}
	add(termOwnBurst, h.Burst)
	add(termOwnRate, h.Own)
	add(termOtherBurst, h.Cross)
	add(termOtherRate, h.Others)
	add(termFrames, 2*h.Frame)
	add(termLine, h.Rate)
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
