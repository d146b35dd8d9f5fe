package hosts

import (
	"slices"
	"sort"
)

// Diff lists the changes that turn have into want, in the order in which they can
// be done: first what goes, downward, then what comes or changes, upward. An object
// that changes in place keeps what stands on it; one that cannot (a Domain, a
// Segment, a Port) is removed and made again with everything on it.
func Diff(want, have State) []Change {
	old, wanted := byKey(have), byKey(want)
	gone := map[Key]bool{}
	for k, o := range old {
		if n, ok := wanted[k]; !ok || (n != o && !inPlace(k.Kind())) {
			gone[k] = true
		}
	}
	spread(gone, old)

	var changes []Change
	present := have.Objects()
	for _, o := range slices.Backward(present) {
		if gone[o.Key()] {
			changes = append(changes, Change{Old: o})
		}
	}
	for _, n := range want.Objects() {
		switch o, ok := old[n.Key()]; {
		case !ok || gone[n.Key()]:
			changes = append(changes, Change{New: n})
		case o != n:
			changes = append(changes, Change{Old: o, New: n})
		}
	}
	return changes
}

// inPlace reports whether a kind can change while things stand on it.
func inPlace(k Kind) bool {
	return k == KindReservation || k == KindQueue || k == KindPromise || k == KindPartition
}

// spread adds to gone everything in all that stands on something gone, whatever
// the depth.
func spread(gone map[Key]bool, all map[Key]Object) {
	for grew := true; grew; {
		grew = false
		for k, o := range all {
			if !gone[k] && slices.ContainsFunc(o.On(), func(on Key) bool { return gone[on] }) {
				gone[k], grew = true, true
			}
		}
	}
}

func byKey(s State) map[Key]Object {
	m := map[Key]Object{}
	for _, o := range s.Objects() {
		m[o.Key()] = o
	}
	return m
}

// Of keeps what belongs to the networks named.
func (s State) Of(networks ...string) State {
	return s.filter(func(o Object) bool { return o.Owner() != "" && slices.Contains(networks, o.Owner()) })
}

// Networks are the owners of what is there, sorted.
func (s State) Networks() []string {
	seen := map[string]bool{}
	for _, o := range s.Objects() {
		if o.Owner() != "" {
			seen[o.Owner()] = true
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func (s State) filter(keep func(Object) bool) State {
	var out State
	for _, o := range s.Objects() {
		if keep(o) {
			out.Add(o)
		}
	}
	return out
}

// Replace is the whole state of a host once the networks named look like want: what
// others own stays as it is observed, and what networks share stays exactly as long
// as something stands on it.
func Replace(observed, want State, networks ...string) State {
	whole := observed.filter(func(o Object) bool { return o.Owner() != "" && !slices.Contains(networks, o.Owner()) })
	for _, o := range want.Objects() {
		if o.Owner() != "" {
			whole.Add(o)
		}
	}
	needed := map[Key]bool{}
	for _, o := range whole.Objects() {
		for _, on := range o.On() {
			needed[on] = true
		}
	}
	seen := map[Key]bool{}
	for _, o := range append(observed.Objects(), want.Objects()...) {
		if o.Owner() == "" && needed[o.Key()] && !seen[o.Key()] {
			seen[o.Key()] = true
			if p, ok := o.(Partition); ok {
				o = Partition{CPU: p.CPU}
			}
			whole.Add(o)
		}
	}
	return whole
}
