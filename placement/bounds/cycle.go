package bounds

import "slices"

// Cycle looks for a way from an element back over those before it to one that is
// on the way already, and returns the cycle in the order of sending; nil where there
// is none. Only elements that count are looked at; those in done, which it adds to, are
// on no cycle that was not found.
func Cycle[E comparable](from E, before func(E) []E, counts func(E) bool, done map[E]bool) []E {
	var way []E // each right behind the one that follows it
	var visit func(E) []E
	visit = func(e E) []E {
		if at := slices.Index(way, e); at >= 0 {
			found := slices.Clone(way[at:])
			slices.Reverse(found)
			return found
		}
		if done[e] || !counts(e) {
			return nil
		}
		done[e] = true
		way = append(way, e)
		for _, b := range before(e) {
			if found := visit(b); found != nil {
				return found
			}
		}
		way = way[:len(way)-1]
		return nil
	}
	return visit(from)
}
