package explain

import (
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// ask tells whether the problem with these limits alone has a placement.
func (e *explanation) ask(s set, whole bool) Verdict {
	if v := e.known.of(s); v != Unknown {
		return v
	}
	if e.spent() {
		return Unknown
	}
	p, err := e.catalog.only(s)
	if err != nil {
		return Unknown
	}
	v := e.planner.Plan(p, whole).Verdict
	e.known.learn(s, v)
	return v
}

// find looks for a set of limits that conflict and of which none can be spared, and
// then, where that is cheap, for one of the fewest.
func (e *explanation) find() {
	all := everything(len(e.catalog.limits))
	e.known.learn(all, No)
	narrow := e.narrow(all)
	core := e.quick(make(set, len(all)), false, narrow)
	if core.size() == 0 || e.ask(core, true) != No {
		return // nothing that could be left out helps
	}
	e.core = e.least(core)
	e.fewer()
	if !e.Open {
		e.need()
	}
}

// narrow leaves out kinds of limits that the conflict is not about: all that the
// refusal does not speak of at once, if that will do, and otherwise one by one.
func (e *explanation) narrow(s set) set {
	about := e.aboutKinds()
	drop := func(s set, of func(kind) bool) set {
		rest := s.clone()
		for i, l := range e.catalog.limits {
			rest[i] = rest[i] && !of(l.kind)
		}
		if rest.size() < s.size() && e.ask(rest, false) == No {
			return rest
		}
		return s
	}
	mentioned := make(set, len(s))
	for i := range s {
		mentioned[i] = s[i] && e.mentions(i)
	}
	if mentioned.size() > 0 && e.ask(mentioned, false) == No {
		return mentioned
	}
	if out := drop(s, func(k kind) bool { return !slices.Contains(about, k) }); out.size() < s.size() {
		s = out
	}
	for k := range kinds {
		s = drop(s, func(of kind) bool { return of == k })
	}
	return s
}

// aboutKinds is the kinds of limits that the first conflict of the refusal speaks of,
// and those that can be behind any.
func (e *explanation) aboutKinds() []kind {
	of := map[string][]kind{
		"memory": {ofMemory}, "resource": {ofResource}, "partitioned-edf": {ofProcessor}, "gfb": {ofProcessor},
		"cable-rate": {ofRate, ofTransit}, "end-to-end": {ofDeadline}, "link-delay": {ofDelay, ofRate}, "link-load": {ofEvery},
		"request-stage": {ofDeadline, ofEvery, ofTasks}, "guest-edf": {ofTasks}, "guest-fixed-priority": {ofTasks},
	}
	out := []kind{ofPlace, ofPin}
	for _, c := range e.Conflicts[:min(1, len(e.Conflicts))] {
		out = append(out, of[c.Rule]...)
	}
	return out
}

// quick is QuickXplain (Junker, QUICKXPLAIN: Preferred Explanations and Relaxations
// for Over-Constrained Problems, AAAI 2004): of the limits s, which conflict together
// with base, as few as conflict with it. Changed says that base has grown since it was
// last asked about. What is not known counts as no conflict, so that what comes out is
// one, though it may hold more than it must.
func (e *explanation) quick(base set, changed bool, s set) set {
	if changed && e.ask(base, false) == No {
		return make(set, len(s))
	}
	list := s.list()
	if len(list) <= 1 {
		return s
	}
	first, second := setOf(len(s), list[:len(list)/2]...), setOf(len(s), list[len(list)/2:]...)
	of2 := e.quick(base.or(first), true, second)
	of1 := e.quick(base.or(of2), of2.size() > 0, first)
	return of1.or(of2)
}

// least leaves out one limit of a set after the other, for good where the others
// still conflict: a deletion filter. It notes those without which the others are known
// not to.
func (e *explanation) least(core set) set {
	e.spared = make(set, len(core))
	for _, i := range core.list() {
		switch e.ask(core.without(i), true) {
		case No:
			core = core.without(i)
		case Yes:
			e.spared[i] = true
		}
	}
	e.spared = e.spared.and(core)
	return core
}

// fewer looks for a set of fewer limits that conflict, or for a proof that there is
// none: whatever has a placement misses a limit of every set that conflicts, so that a
// least set of limits that meets all that such problems miss is either in conflict,
// and then there is none of fewer, or shows another problem that has a placement
// (Ignatiev, Previti, Liffiton, Marques-Silva, Smallest MUS Extraction with Minimal
// Hitting Set Dualization, CP 2015).
func (e *explanation) fewer() {
	n := len(e.core)
	var missed []set
	for _, s := range e.known.yes {
		missed = append(missed, everything(n).minus(s))
	}
	for range mostHit {
		hit := hitting(missed, e.core.size()-1, n)
		if hit == nil {
			e.fewest = true
			return
		}
		switch e.ask(hit, false) {
		case Unknown:
			return
		case No:
			e.core, e.spared, e.fewest = hit, hit, true // no set of fewer limits conflicts: none can be spared
			return
		}
		missed = append(missed, everything(n).minus(e.widest(hit)))
	}
}

// mostHit is how many sets are tried on the way to one of the fewest limits.
const mostHit = 200

// widest adds limits to a set that has a placement for as long as it has one.
func (e *explanation) widest(s set) set {
	for _, i := range everything(len(s)).minus(s).list() {
		if more := s.or(setOf(len(s), i)); e.ask(more, false) == Yes {
			s = more
		}
	}
	return s
}

// hitting is a set of the fewest numbers below n, and of no more than most, that has one
// of each of the sets; nil where there is none. It is the first in the order of the
// numbers.
func hitting(sets []set, most, n int) set {
	var search func(chosen set, room int) set
	search = func(chosen set, room int) set {
		var open set
		for _, s := range sets {
			if s.and(chosen).size() == 0 && (open == nil || s.size() < open.size()) {
				open = s
			}
		}
		switch {
		case open == nil:
			return chosen
		case room == 0:
			return nil
		}
		for _, i := range open.list() {
			if out := search(chosen.or(setOf(n, i)), room-1); out != nil {
				return out
			}
		}
		return nil
	}
	for room := range most + 1 {
		if out := search(make(set, n), room); out != nil {
			return out
		}
	}
	return nil
}

// need finds, for each limit of the core that is a number, the least with which the core
// conflicts no more.
func (e *explanation) need() {
	e.needs = map[int]need{}
	base, err := e.catalog.only(e.core)
	if err != nil {
		return
	}
	for _, i := range e.core.list() {
		for _, k := range e.catalog.raising(i) {
			if k.shows == nil {
				continue
			}
			if x, ok, before := least(k, e.trial(base, k.changes)); ok && before == No {
				e.needs[i] = need{k.sort, x, k.shows(x)}
				break
			}
		}
	}
}

// need is what a limit needs at least, as its knob counts and as a document says it.
type need struct {
	sort string
	x    int64 // with a step less the core conflicts: proved
	says string
}

// trial plans a problem with a knob turned. Need is what the answer says that the one
// number that was changed would have to be, if it says that: a guess.
type trial func(x int64, whole bool) (v Verdict, need int64)

func (e *explanation) trial(p *placement.Problem, changes func(int64) []placement.Change) trial {
	taken := map[int64]bool{} // planned with all the work that a plan may take
	return func(x int64, whole bool) (Verdict, int64) {
		if taken[x] {
			return Yes, 0
		}
		if e.spent() {
			return Unknown, 0
		}
		changed, err := p.Changed(changes(x)...)
		if err != nil {
			return Unknown, 0
		}
		a := e.planner.Plan(changed, whole)
		taken[x] = whole && a.Verdict == Yes
		return a.Verdict, guess(x, changes(x), a.Conflicts)
	}
}

// guess is the deadline, memory or count that a conflict asks for, if it is such a one
// that was changed to x.
func guess(x int64, changes []placement.Change, conflicts []placement.Conflict) int64 {
	if len(changes) != 1 {
		return 0
	}
	field, _, _ := strings.Cut(changes[0].Field, ".")
	for _, c := range conflicts {
		switch {
		case c.Need.IsInf():
		case field == "deadline" && c.Rule == "end-to-end" && c.Subjects[0] == changes[0].Subject:
			return ceilOf(c.Need)
		case (field == c.Rule || field == c.Rule+"s") && strings.HasPrefix(c.Subjects[0], "all hosts"):
			return x + ceilOf(c.Need) - ceilOf(c.Have)
		case (field == c.Rule || field == c.Rule+"s") && strings.HasPrefix(c.Subjects[0], "host "):
			return ceilOf(c.Need)
		}
	}
	return 0
}
