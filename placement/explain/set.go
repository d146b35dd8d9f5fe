package explain

import "slices"

// set is which of the limits, by their numbers.
type set []bool

func (s set) clone() set { return slices.Clone(s) }

func (s set) without(i int) set {
	out := s.clone()
	out[i] = false
	return out
}

func (s set) and(t set) set {
	out := s.clone()
	for i := range out {
		out[i] = out[i] && t[i]
	}
	return out
}

func (s set) or(t set) set {
	out := s.clone()
	for i := range out {
		out[i] = out[i] || t[i]
	}
	return out
}

func (s set) minus(t set) set {
	out := s.clone()
	for i := range out {
		out[i] = out[i] && !t[i]
	}
	return out
}

func (s set) within(t set) bool {
	for i := range s {
		if s[i] && !t[i] {
			return false
		}
	}
	return true
}

func (s set) size() (n int) {
	for i := range s {
		if s[i] {
			n++
		}
	}
	return n
}

func (s set) list() (out []int) {
	for i := range s {
		if s[i] {
			out = append(out, i)
		}
	}
	return out
}

func everything(n int) set {
	out := make(set, n)
	for i := range out {
		out[i] = true
	}
	return out
}

func setOf(n int, of ...int) set {
	out := make(set, n)
	for _, i := range of {
		out[i] = true
	}
	return out
}

// known is what was answered about sets of limits: what is within a set that has a
// placement has one, too, and what holds a set that has none has none either.
type known struct{ yes, no []set }

func (k *known) of(s set) Verdict {
	for _, t := range k.yes {
		if s.within(t) {
			return Yes
		}
	}
	for _, t := range k.no {
		if t.within(s) {
			return No
		}
	}
	return Unknown
}

func (k *known) learn(s set, v Verdict) {
	switch v {
	case Yes:
		k.yes = append(k.yes, s)
	case No:
		k.no = append(k.no, s)
	}
}
