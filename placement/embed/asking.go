package embed

import (
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// seatWorks checks what forward checking does not: that all other groups keep a
// host, the cuts, and phase two. If not, it leaves the reason in s.fail.
func (s *search) seatWorks(g, h int32) bool {
	if u := s.starved; u >= 0 {
		s.fail.clear()
		s.explainDomain(u, s.fail)
		s.tellStarved(u)
		s.nearest.noHost(s, u)
		return false
	}
	if s.cuts.hit(s, g, s.fail) || s.cuts.hitOn(s, g, h, s.fail) {
		return false
	}
	if s.o.Admit != nil {
		err := s.o.Admit(s.m.hosts[h].Host, s.seatsOn(h))
		s.tellAdmit(h, err)
		if err != nil {
			s.refused(err, h)
			return false
		}
	}
	if s.o.Together != nil && s.m.odd {
		err := s.o.Together(s.m.hosts[h].Host, s.seatsSoFar())
		s.tellAsked(trace.Event{Kind: trace.Together}, err)
		if err != nil {
			s.refused(err, -1)
			return false
		}
	}
	return true
}

// seatsSoFar is the seats on all hosts.
func (s *state) seatsSoFar() (out []placement.Seat) {
	for h := range s.m.hosts {
		out = append(out, s.seatsOn(int32(h))...)
	}
	return out
}

// refused turns an answer other than yes into s.fail; h is the host it is about,
// or -1 for the whole embedding.
func (s *search) refused(err error, h int32) {
	s.fail.clear()
	var cut *placement.Cut
	var gaveUp *placement.GaveUp
	switch {
	case errors.As(err, &cut):
		s.tally.Cuts++
		s.nearest.offer(s.depth(), cut.Conflict)
		s.err = s.cuts.learn(s, cut, h, s.fail)
		s.tellCut(cut, h)
	case errors.As(err, &gaveUp):
		s.truncated, s.unknown = true, gaveUp.Why
		s.everything(h, s.fail)
	default:
		s.err = err
	}
}

// everything is the decisions about a host, or all there are.
func (s *search) everything(h int32, reasons set) {
	if h >= 0 {
		for _, g := range s.on[h] {
			reasons.add(g)
		}
		return
	}
	for g := range s.m.groups {
		reasons.add(int32(g))
	}
	for l := range s.m.links {
		reasons.add(s.m.linkDecision(int32(l)))
	}
}

// whole asks about a complete embedding.
func (s *search) whole() {
	e := s.embedding()
	// Judging one costs about as much as making its decisions.
	s.tally.Nodes += int64(s.m.parts())
	if s.o.Accept != nil {
		err := s.o.Accept(e)
		s.tellAsked(trace.Event{Kind: trace.Accept}, err)
		if err != nil {
			s.pay()
			s.refused(err, -1)
			return
		}
	}
	s.found = e
}

// pay counts what those who were asked have done to refuse.
func (s *search) pay() {
	if s.o.Toll != nil {
		s.tally.Nodes += s.o.Toll()
	}
}

// condemned asks Judge about the link, and about each flow that its route completes,
// if they have been in a cut. On a no the reason is in s.fail.
func (s *search) condemned(l int32) bool {
	if s.o.Judge == nil {
		return false
	}
	if lk := &s.m.links[l]; lk.hard && s.refuses([]int32{l}, lk.ends[:], s.m.linkName(l)) {
		return true
	}
	for _, i := range s.m.links[l].flows {
		fl := &s.m.flows[i]
		whole := func(o int32) bool { return s.route[o] != nil }
		if fl.hard && len(fl.links) == len(fl.steps) && all(fl.links, whole) && s.refuses(fl.links, fl.vms, "flow "+fl.network+"/"+fl.Name) {
			return true
		}
	}
	return false
}

func (s *search) refuses(links, vms []int32, subject string) bool {
	s.tally.Nodes += judging
	err := s.o.Judge(s.part(vms, links), subject)
	s.tellAsked(trace.Event{Kind: trace.Judge, About: subject}, err)
	if err != nil {
		s.pay()
		s.refused(err, -1)
		return true
	}
	return false
}
