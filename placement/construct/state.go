package construct

import "slices"

// State is what is taken of a substrate and what is free. It is the one record of a
// simulation; a search takes and gives back on it and leaves it as it was.
type State struct {
	sub      *Substrate
	free     []int64   // of each cable, bit/s
	adjacent []int64   // of each node: the sum of free over its cables
	room     []int64   // as Substrate.room
	idle     []int64   // of each domain, billionths of a CPU
	spare    []int64   // of each host: the sum of idle
	granted  [][]int64 // of each domain of several CPUs: the utilizations there, ascending
}

// NewState is a substrate of which all is free.
func NewState(s *Substrate) *State {
	st := &State{sub: s, free: make([]int64, len(s.cables)), adjacent: make([]int64, len(s.names)), room: slices.Clone(s.room),
		idle: make([]int64, len(s.domain)), spare: make([]int64, s.hosts), granted: make([][]int64, len(s.domain))}
	for c := range s.cables {
		st.carry(int32(c), -s.cables[c].budget)
	}
	for d := range s.domain {
		st.idle[d] = s.domain[d].share
		st.spare[s.hostOf[d]] += s.domain[d].share
	}
	return st
}

// carry takes rate of a cable, or gives it back where it is negative.
func (st *State) carry(c int32, rate int64) {
	st.free[c] -= rate
	ends := &st.sub.cables[c].ends
	st.adjacent[ends[0]] -= rate
	st.adjacent[ends[1]] -= rate
}

// holds reports whether host h has room for the memory and the counts of a seat, and
// idle time for its reservations as far as sums tell, and CPUs for the largest of them.
func (st *State) holds(s *seat, h int32) bool {
	room := st.room[h*st.sub.dims:][:len(s.room)]
	for k, need := range s.room {
		if need > room[k] {
			return false
		}
	}
	if s.cpu+st.sub.emulator[h]*int64(len(s.vms)) > st.spare[h] {
		return false
	}
	top := s.top()
	lack := int64(s.tops)
	for d := st.sub.domains[h]; lack > 0 && d < st.sub.domains[h+1]; d++ {
		idle := st.idle[d]
		if idle < top {
			continue
		}
		if lack--; lack > 0 && idle >= 2*top {
			lack -= idle/top - 1
		}
	}
	return lack <= 0
}

// top is the largest reservation of a seat.
func (s *seat) top() int64 {
	if len(s.vcpus) == 0 {
		return 0
	}
	return s.vcpus[0]
}

// sit takes what a seat needs of host h, the reservations on the domains that bins
// tells, in the order of the vCPUs, then of the VMs for their device threads. It
// reports whether there is room, and takes nothing where there is none. vCPUs share a
// CPU only where it cannot be otherwise: a guest expects them to run at the same time.
func (st *State) sit(s *seat, h int32, bins []int32) ([]int32, bool) {
	if !st.holds(s, h) {
		return bins[:0], false
	}
	bins, ok := st.pack(s, h, bins[:0], true)
	if !ok && len(s.vcpus) > 1 {
		bins, ok = st.pack(s, h, bins[:0], false)
	}
	if !ok {
		return bins, false
	}
	for k, need := range s.room {
		st.room[h*st.sub.dims+int32(k)] -= need
	}
	return bins, true
}

// pack grants the reservations of a seat, the largest first; all or none.
func (st *State) pack(s *seat, h int32, bins []int32, apart bool) ([]int32, bool) {
	for i := range s.threads(st.sub, h) {
		u := s.thread(st.sub, h, i)
		taken := bins
		if !apart || i >= len(s.vcpus) {
			taken = nil
		}
		d := st.bin(h, u, taken)
		if d < 0 {
			st.unbin(s, h, bins)
			return bins[:0], false
		}
		st.grant(d, u)
		bins = append(bins, d)
	}
	return bins, true
}

// leave gives back what sit took.
func (st *State) leave(s *seat, h int32, bins []int32) {
	for k, need := range s.room {
		st.room[h*st.sub.dims+int32(k)] += need
	}
	st.unbin(s, h, bins)
}

func (st *State) unbin(s *seat, h int32, bins []int32) {
	for i := len(bins) - 1; i >= 0; i-- {
		st.revoke(bins[i], s.thread(st.sub, h, i))
	}
}

// threads counts the reservations that a seat needs on host h.
func (s *seat) threads(sub *Substrate, h int32) int {
	if sub.emulator[h] > 0 {
		return len(s.vcpus) + len(s.vms)
	}
	return len(s.vcpus)
}

func (s *seat) thread(sub *Substrate, h int32, i int) int64 {
	if i < len(s.vcpus) {
		return s.vcpus[i]
	}
	return sub.emulator[h]
}

// bin is the domain of host h with the least idle time that suffices: what is left in
// one piece serves more who come later. CPUs in taken are left out. -1: there is none.
func (st *State) bin(h int32, u int64, taken []int32) int32 {
	best, left := int32(-1), int64(0)
	from, to := st.sub.domains[h], st.sub.domains[h+1]
	for d := from; d < to; d++ {
		if st.sub.domain[d].cpus == 1 && slices.Contains(taken, d) {
			continue
		}
		if after := st.idle[d] - u; after >= 0 && (best < 0 || after < left) && st.global(d, u) {
			best, left = d, after
		}
	}
	return best
}

// global is the test of Goossens, Funk and Baruah for one more reservation on a domain
// of several CPUs: sum U + (m-1) Umax within the shares.
func (st *State) global(d int32, u int64) bool {
	m := st.sub.domain[d].cpus
	if m == 1 {
		return true
	}
	most := u
	if g := st.granted[d]; len(g) > 0 {
		most = max(most, g[len(g)-1])
	}
	return (m-1)*most <= st.idle[d]-u
}

func (st *State) grant(d int32, u int64) {
	st.idle[d] -= u
	st.spare[st.sub.hostOf[d]] -= u
	if st.sub.domain[d].cpus > 1 {
		at, _ := slices.BinarySearch(st.granted[d], u)
		st.granted[d] = slices.Insert(st.granted[d], at, u)
	}
}

func (st *State) revoke(d int32, u int64) {
	st.idle[d] += u
	st.spare[st.sub.hostOf[d]] += u
	if st.sub.domain[d].cpus > 1 {
		at, _ := slices.BinarySearch(st.granted[d], u)
		st.granted[d] = slices.Delete(st.granted[d], at, at+1)
	}
}
