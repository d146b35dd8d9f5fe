package embed

import (
	"cmp"
	"slices"
)

type candidate struct {
	host    int32
	cost    int64 // rate times hops towards the seated neighbours
	strange bool  // its network, not always active, sits elsewhere
	opens   bool  // the host carries nothing yet
	loaded  int64 // 1024ths of its tightest budget
	shuffle uint64
}

// candidatesFor lists the hosts that g can have now, best first. Of untouched
// twins only the first is listed.
func (s *search) candidatesFor(g int32, f *frame) {
	f.candidates = f.candidates[:0]
	s.round++
	s.costs(g, f)
	for h := range s.m.hosts {
		h := int32(h)
		if !s.domain[g].has(h) || f.cost[h] < 0 {
			continue
		}
		if !s.doubled(h) {
			f.candidates = append(f.candidates, candidate{h, f.cost[h], s.strange(g, h), len(s.on[h]) == 0, s.loaded(g, h), shuffle(s.o.Seed, int64(g), int64(h))})
		}
	}
	slices.SortFunc(f.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), order(a.strange, b.strange), order(a.opens, b.opens), cmp.Compare(a.loaded, b.loaded), cmp.Compare(a.shuffle, b.shuffle), cmp.Compare(a.host, b.host))
	})
}

// doubled reports whether a host is untouched and an untouched twin of it was listed in
// this round.
func (s *search) doubled(h int32) bool {
	if len(s.on[h]) > 0 || s.passing[h] > 0 {
		return false
	}
	twin := s.m.hosts[h].twin
	if s.listed[twin] == s.round {
		return true
	}
	s.listed[twin] = s.round
	return false
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// shuffle is a number that looks random and is not: splitmix64 of its arguments.
func shuffle(seed, a, b int64) uint64 {
	z := uint64(seed)*0x9e3779b97f4a7c15 + uint64(a)*0xbf58476d1ce4e5b9 + uint64(b)*0x94d049bb133111eb
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// costs is, for each host, the rate times hops of g's links to seated neighbours,
// or -1 where a neighbour is out of reach. What is out of reach because of other
// links is added to the reasons of the frame.
func (s *search) costs(g int32, f *frame) {
	f.cost = append(f.cost[:0], make([]int64, len(s.m.hosts))...)
	for _, l := range s.m.groups[g].links {
		lk := &s.m.links[l]
		other := s.m.vms[lk.ends[0]].group
		if other == g {
			other = s.m.vms[lk.ends[1]].group
		}
		if other == g || s.seat[other] < 0 {
			continue
		}
		s.reach.from(s, s.seat[other], lk.rate)
		missing := false
		for h := range f.cost {
			d := s.reach.distance[h]
			switch {
			case d < 0:
				missing = missing || s.domain[g].has(int32(h))
				f.cost[h] = -1
			case f.cost[h] >= 0:
				f.cost[h] += int64(d) * (lk.rate>>16 + 1)
			}
		}
		if missing {
			f.reasons.add(other)
			s.explainReach(lk.rate, f.reasons)
			s.nearest.outOfReach(s, g, l)
		}
	}
}
