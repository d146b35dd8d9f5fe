package explain

import (
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

const (
	// mostPairs is how many remedies of two changes are looked for.
	mostPairs = 3
	// mostSecond is how many second changes are tried with each first.
	mostSecond = 8
)

// pairs looks for two changes that do together what no single one does: where two
// things are wrong at once. The first makes a limit of the core as generous as it
// can be; what conflicts then is another core, of which the second is to help.
func (e *explanation) pairs() (out []placement.Remedy) {
	if e.core == nil {
		return nil
	}
	all := everything(len(e.catalog.limits))
	for _, i := range e.core.list() {
		for _, first := range e.catalog.raising(i) {
			if first.least > first.most || len(out) == mostPairs {
				continue
			}
			second := e.seconds(all.without(i))
			for _, k := range second[:min(len(second), mostSecond)] {
				if r, ok := e.pair(first, k); ok && !slices.ContainsFunc(out, func(o placement.Remedy) bool { return same(o, r) }) {
					out = append(out, r)
					if len(out) == mostPairs {
						break
					}
				}
			}
		}
	}
	return out
}

// same reports whether two remedies change the same things.
func same(a, b placement.Remedy) bool {
	return len(a.Changes) == len(b.Changes) && !slices.ContainsFunc(a.Changes, func(c placement.Change) bool {
		return !slices.ContainsFunc(b.Changes, func(d placement.Change) bool { return c.Subject == d.Subject && c.Field == d.Field })
	})
}

// seconds is the knobs that may help against what conflicts beside a limit that is left
// out.
func (e *explanation) seconds(rest set) (out []knob) {
	if e.ask(rest, false) != No {
		return nil
	}
	core := e.quick(make(set, len(rest)), false, e.narrow(rest))
	about, resources := map[kind]bool{}, map[string]bool{}
	for _, i := range core.list() {
		l := e.catalog.limits[i]
		about[l.kind] = true
		if l.kind == ofResource {
			resources[l.resource] = true
		}
		out = append(out, e.catalog.raising(i)...)
	}
	out = append(out, e.catalog.lowering(about, resources)...)
	return slices.DeleteFunc(out, func(k knob) bool { return k.least > k.most })
}

// pair finds the least of the second change with all of the first, and then the least of
// the first with that.
func (e *explanation) pair(first, second knob) (placement.Remedy, bool) {
	most := first.changes(first.at((first.most - first.least) / first.step))
	beside := func(x int64) []placement.Change { return append(slices.Clone(most), second.changes(x)...) }
	y, ok, _ := least(second, e.trial(e.Problem, beside))
	if !ok {
		return placement.Remedy{}, false
	}
	with := func(x int64) []placement.Change { return append(first.changes(x), second.changes(y)...) }
	x, ok, before := least(first, e.trial(e.Problem, with))
	if v, _ := e.trial(e.Problem, with)(x, true); !ok || v != Yes {
		return placement.Remedy{}, false
	}
	if !e.confirmed(with(x)) {
		return placement.Remedy{}, false
	}
	out := placement.Remedy{Changes: with(x), Cost: first.cost(x) + second.cost(y)}
	if first.less != nil && before != Yes && x > first.least {
		out.Step = first.less(x) + " of the first"
	}
	return out, true
}

// mostTogether is how many changes one remedy may have.
const mostTogether = 6

// chain looks for changes that do together what no two do: as long as something
// conflicts, the limit of it that costs least is made as generous as it can be. Then,
// from the last to the first, each of the changes is made as small as it can be beside
// the others.
func (e *explanation) chain() []placement.Remedy {
	if e.core == nil {
		return nil
	}
	kept := everything(len(e.catalog.limits))
	var knobs []knob
	for core := e.core; ; core = e.quick(make(set, len(kept)), false, e.narrow(kept)) {
		k, ok := e.easiest(core)
		if !ok || len(knobs) == mostTogether {
			return nil
		}
		knobs = append(knobs, k)
		kept = kept.without(k.limit)
		if v := e.ask(kept, false); v == Yes {
			break
		} else if v == Unknown {
			return nil
		}
	}
	at := make([]int64, len(knobs))
	for i, k := range knobs {
		at[i] = k.at((k.most - k.least) / k.step)
	}
	for i := len(knobs) - 1; i >= 0; i-- {
		turned := func(x int64) (out []placement.Change) {
			for j, k := range knobs {
				if j == i {
					out = append(out, k.changes(x)...)
				} else {
					out = append(out, k.changes(at[j])...)
				}
			}
			return out
		}
		x, ok, _ := least(knobs[i], e.trial(e.Problem, turned))
		if !ok {
			return nil
		}
		if at[i] = x; i == 0 {
			if v, _ := e.trial(e.Problem, turned)(x, true); v != Yes {
				return nil
			}
		}
	}
	var out placement.Remedy
	for i, k := range knobs {
		out.Changes, out.Cost = append(out.Changes, k.changes(at[i])...), out.Cost+k.cost(at[i])
	}
	if !e.confirmed(out.Changes) {
		return nil
	}
	return []placement.Remedy{out}
}

// easiest is the knob of a limit of a core that costs least when turned all the way.
func (e *explanation) easiest(core set) (best knob, ok bool) {
	cost := func(k knob) int64 { return k.cost(k.most) }
	for _, i := range core.list() {
		for _, k := range e.catalog.raising(i) {
			if k.least <= k.most && (!ok || cost(k) < cost(best)) {
				best, ok = k, true
			}
		}
	}
	return best, ok
}
