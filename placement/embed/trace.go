package embed

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// traced reports whether somebody follows the search. What is told is put together only
// then.
func (s *search) traced() bool { return s.o.Trace != nil }

// tell adds to an event where the search is, and hands it on.
func (s *search) tell(e trace.Event) {
	e.Nodes, e.Depth = s.tally.Nodes, s.depth()
	s.o.Trace(&e)
}

func (o *Options) tell(e trace.Event) {
	if o.Trace != nil {
		o.Trace(&e)
	}
}

// tellRefuted tells of a search that ends before it begins.
func (o *Options) tellRefuted(conflicts []placement.Conflict) {
	for i := range conflicts {
		o.tell(trace.Event{Kind: trace.Refute, Why: &conflicts[i]})
	}
}

// groupVMs are the VMs of a group, by name.
func (m *model) groupVMs(g int32) []string {
	var out []string
	for _, v := range m.groups[g].vms {
		out = append(out, m.vms[v].network+"/"+m.vms[v].name)
	}
	return out
}

func (m *model) linkOf(l int32) string { return m.links[l].network + "/" + m.links[l].Name }

// tellVM tells which seat is decided next, and which hosts it can have.
func (s *search) tellVM(g int32, list []candidate) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.VM, VMs: s.m.groupVMs(g), Refused: s.refusedHosts(g, list)}
	for i, c := range list {
		if i == trace.MostListed {
			e.More = len(list) - i
			break
		}
		e.Hosts = append(e.Hosts, s.m.hosts[c.host].Name)
	}
	s.tell(e)
}

// Why a host is no candidate, where no rule of the proof says so.
const (
	whyReach = "reach" // no path with the rate of a link is left to it
	whyTwin  = "twin"  // one like it is on the list, and both are untouched
	whyFar   = "far"   // improvement looks at the nearest alone
)

// refusedHosts are the hosts that a group cannot have now, by reason.
func (s *search) refusedHosts(g int32, list []candidate) (out []trace.Refused) {
	listed := newBitset(len(s.m.hosts))
	for _, c := range list {
		listed.set(c.host)
	}
	place := map[string]int{}
	for h := range s.m.hosts {
		h := int32(h)
		if listed.has(h) {
			continue
		}
		why := s.whyNot(g, h)
		i, known := place[why]
		if !known {
			i, place[why] = len(out), len(out)
			out = append(out, trace.Refused{Why: why})
		}
		if len(out[i].Hosts) == trace.MostListed {
			out[i].More++
			continue
		}
		out[i].Hosts = append(out[i].Hosts, s.m.hosts[h].Name)
	}
	return out
}

// whyNot names the rule by which h is no candidate for g.
func (s *search) whyNot(g, h int32) string {
	switch short := s.lacking(g, h); {
	case !s.m.groups[g].domain.has(h) && s.m.groups[g].pinned != nil:
		return RulePinned
	case len(short) > 0:
		return short[0].Rule
	case !s.m.groups[g].domain.has(h):
		return RuleLabels
	case s.bunched(g, h) >= 0:
		return RuleSpread
	case s.domain[g].has(h) && s.twinListed(h):
		return whyTwin
	case s.domain[g].has(h) && s.standing != nil:
		return whyFar
	}
	return whyReach
}

// twinListed reports whether h was left out for a twin of it in this round.
func (s *search) twinListed(h int32) bool {
	return len(s.on[h]) == 0 && s.passing[h] == 0 && s.listed[s.m.hosts[h].twin] == s.round
}

// tellSeat tells of a host that is tried, and of what others lose by it.
func (s *search) tellSeat(g, h int32, before mark) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.Seat, VMs: s.m.groupVMs(g), Host: s.m.hosts[h].Name}
	place := map[int32]int{}
	for _, l := range s.lost[before.lost:] {
		i, known := place[l.group]
		if !known {
			i, place[l.group] = len(e.Struck), len(e.Struck)
			e.Struck = append(e.Struck, trace.Struck{VMs: s.m.groupVMs(l.group)})
		}
		e.Struck[i].Hosts = append(e.Struck[i].Hosts, s.m.hosts[l.host].Name)
	}
	s.tell(e)
}

func (s *search) tellStarved(u int32) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.Starved, VMs: s.m.groupVMs(u), Blame: s.blamed(s.fail)}
	if c, ok := s.closest(u); ok {
		e.Why = &c
	}
	s.tell(e)
}

// blamed names the decisions of a set.
func (s *search) blamed(reasons set) (out []string) {
	all := newSet(len(s.m.groups) + len(s.m.links))
	s.everything(-1, all)
	if len(s.m.groups)+len(s.m.links) > 1 && slices.Equal(reasons, all) {
		return []string{"everything"}
	}
	for g := range s.m.groups {
		if reasons.has(int32(g)) {
			out = append(out, s.m.groupName(int32(g)))
		}
	}
	for l := range s.m.links {
		if reasons.has(s.m.linkDecision(int32(l))) {
			out = append(out, s.m.linkName(int32(l)))
		}
	}
	return out
}

// tellLink tells which route is decided next.
func (s *search) tellLink(l int32) {
	if !s.traced() {
		return
	}
	a, b := s.ends(l)
	s.tell(trace.Event{Kind: trace.Link, Link: s.m.linkOf(l), Hosts: []string{s.m.nodes[a].name, s.m.nodes[b].name}})
}

func (s *search) tellRoute(l int32) {
	if !s.traced() {
		return
	}
	r := s.routeOf(l)
	s.tell(trace.Event{Kind: trace.Route, Link: s.m.linkOf(l), Path: r.Path, Cables: r.Cables})
}

// tellFail tells that all of a decision failed, or, where it is not to blame, that the
// search goes back over it.
func (s *search) tellFail(kind trace.Kind, g, l int32) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: kind, Blame: s.blamed(s.fail)}
	if g >= 0 {
		e.VMs = s.m.groupVMs(g)
	} else {
		e.Link = s.m.linkOf(l)
	}
	s.tell(e)
}

// tellMet tells of the cut that a decision would complete; s.fail has its decisions.
func (s *search) tellMet(number int) {
	if s.traced() {
		s.tell(trace.Event{Kind: trace.Met, Cut: number, Blame: s.blamed(s.fail)})
	}
}

// tellAsked tells of a question and its answer.
func (s *search) tellAsked(e trace.Event, err error) {
	if !s.traced() {
		return
	}
	var cut *placement.Cut
	var gaveUp *placement.GaveUp
	switch e.Answer = trace.No; {
	case err == nil:
		e.Answer = trace.Yes
	case errors.As(err, &cut):
		e.Why = &cut.Conflict
	case errors.As(err, &gaveUp):
		e.Answer, e.Why = trace.Unknown, gaveUp.Nearest
	}
	s.tell(e)
}

// tellCut tells of a cut that was learned; s.fail has its decisions.
func (s *search) tellCut(c *placement.Cut, h int32) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.Cut, Cut: s.cuts.made, Why: &c.Conflict, Blame: s.blamed(s.fail)}
	if h >= 0 {
		e.What = "for every host with the same CPUs"
	}
	s.tell(e)
}

// tellAdmit tells what phase two answers about a host.
func (s *search) tellAdmit(h int32, err error) {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.Admit, Host: s.m.hosts[h].Name}
	for _, seat := range s.seatsOn(h) {
		e.VMs = append(e.VMs, seat.Network+"/"+seat.VM)
	}
	s.tellAsked(e, err)
}

// tellPass tells how the pass that begins looks for placements.
func (s *search) tellPass() {
	if !s.traced() {
		return
	}
	what := "all paths of a link"
	if s.pass.paths > 0 {
		what = fmt.Sprintf("%d paths of a link at most", s.pass.paths)
	}
	if s.pass.largestFirst {
		what += ", the largest first"
	}
	s.tell(trace.Event{Kind: trace.Pass, What: what, Quota: s.pass.nodes - s.tally.Nodes})
}

// tellEnd tells how a pass, or the search for less than a limit, has ended.
func (s *search) tellEnd() {
	if !s.traced() {
		return
	}
	e := trace.Event{Kind: trace.End, Answer: trace.Exhausted}
	switch {
	case s.found != nil:
		e.Answer = trace.Found
	case s.stopped || s.err != nil:
		e.Answer = trace.Stopped
	case s.truncated:
		e.What = "something was left out"
	}
	s.tell(e)
}

// tellLate tells that a flow cannot be in time over the routes so far, which take least.
func (s *search) tellLate(flow int32, least int64, reasons set) {
	if s.traced() {
		fl := &s.m.flows[flow]
		limit := int64(fl.Deadline)
		s.tell(trace.Event{Kind: trace.Late, About: "flow " + fl.network + "/" + fl.Name, Least: &least, Limit: &limit, Blame: s.blamed(reasons)})
	}
}

// tellPorts tells that links of so much rate leave a host, whose cables cannot carry them.
func (b *best) tellPorts(h int32, need int64) {
	if b.traced() {
		b.tell(trace.Event{Kind: trace.Ports, Host: b.m.hosts[h].Name, Least: &need, Limit: &b.offered[h]})
	}
}

// tellEnd is that of search, for one that may have been left for want of patience.
func (b *best) tellEnd() {
	switch {
	case !b.traced():
	case b.least():
		b.tell(trace.Event{Kind: trace.End, Answer: trace.Found})
	case b.hasty && !b.stopped:
		b.tell(trace.Event{Kind: trace.End, Answer: trace.Stopped, What: "the routes of some seats took too long"})
	default:
		b.search.tellEnd()
	}
}

// tellPrune tells by which criterion nothing below can cost less than the limit.
func (b *best) tellPrune() {
	if !b.traced() {
		return
	}
	for i := range b.stage + 1 {
		if least := b.lowest(i); least > b.limits[i] {
			limit := b.limits[i]
			b.tell(trace.Event{Kind: trace.Prune, By: string(b.by[i]), Least: &least, Limit: &limit})
			return
		}
	}
}

// tellStage tells of the criterion that is made less, and of what is known of it.
func (b *best) tellStage(kind trace.Kind) {
	if b.traced() {
		b.tell(trace.Event{Kind: kind, By: string(b.by[b.stage]), Costs: slices.Clone(b.costs), Bounds: slices.Clone(b.bounds[:b.stage+1])})
	}
}

// tellAim tells of a search for what costs no more than the limit.
func (b *best) tellAim(quota int64) {
	if !b.traced() {
		return
	}
	e := trace.Event{Kind: trace.Aim, By: string(b.by[b.stage]), Quota: quota}
	if limit := b.limits[b.stage]; limit < math.MaxInt64-1 {
		e.Limit = &limit
	}
	b.tell(e)
}

// tellFree tells which groups may move: none for all of them.
func (b *best) tellFree(free []int32, quota int64) {
	if !b.traced() {
		return
	}
	e := trace.Event{Kind: trace.Free, Quota: quota}
	if len(free) == 0 {
		e.What = "everything"
	}
	for _, g := range free {
		e.VMs = append(e.VMs, b.m.groupVMs(g)...)
	}
	b.tell(e)
}
