package embed

// set is a set of decisions, by their number: of groups first, then of links. It
// holds why something failed: whatever keeps these decisions fails again.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int32)      { s[i>>6] |= 1 << (i & 63) }
func (s set) drop(i int32)     { s[i>>6] &^= 1 << (i & 63) }
func (s set) has(i int32) bool { return s[i>>6]&(1<<(i&63)) != 0 }

func (s set) clear() {
	for i := range s {
		s[i] = 0
	}
}

func (s set) union(o set) {
	for i := range s {
		s[i] |= o[i]
	}
}
