package construct

// index finds hosts with room: a tree over all hosts, in the order in which they are to
// be filled, that has of each budget the most that is free below. A search for the next
// host with enough of everything looks at a number of nodes that grows with the
// logarithm of the hosts, as long as one budget is the scarce one.
type index struct {
	dims   int32
	leaves int32   // a power of two
	most   []int64 // of tree node i, at i*dims; the root is 1, the leaves are the last half
}

func newIndex(hosts, dims int32) *index {
	x := &index{dims: dims, leaves: 1}
	for x.leaves < hosts {
		x.leaves *= 2
	}
	x.most = make([]int64, 2*x.leaves*dims)
	for i := range x.most {
		x.most[i] = -1
	}
	return x
}

// leaf is what is free at a place of the order.
func (x *index) leaf(at int32) []int64 {
	return x.most[(x.leaves+at)*x.dims:][:x.dims]
}

// changed brings the nodes above a leaf up to date.
func (x *index) changed(at int32) {
	for i := (x.leaves + at) / 2; i >= 1; i /= 2 {
		x.join(i)
	}
}

// build brings all nodes up to date.
func (x *index) build() {
	for i := x.leaves - 1; i >= 1; i-- {
		x.join(i)
	}
}

func (x *index) join(i int32) {
	at, a, b := x.most[i*x.dims:][:x.dims], x.most[2*i*x.dims:][:x.dims], x.most[(2*i+1)*x.dims:][:x.dims]
	for k := range at {
		at[k] = max(a[k], b[k])
	}
}

// first is the first place from a place on where all that is needed is free, or -1.
func (x *index) first(from int32, need []int64) int32 {
	if from >= x.leaves {
		return -1
	}
	return x.below(1, 0, x.leaves, from, need)
}

// below is first, among the places lo to hi, which are those below node i.
func (x *index) below(i, lo, hi, from int32, need []int64) int32 {
	if hi <= from || !covers(x.most[i*x.dims:][:x.dims], need) {
		return -1
	}
	if hi-lo == 1 {
		return lo
	}
	if at := x.below(2*i, lo, (lo+hi)/2, from, need); at >= 0 {
		return at
	}
	return x.below(2*i+1, (lo+hi)/2, hi, from, need)
}

func covers(free, need []int64) bool {
	for k, n := range need {
		if free[k] < n {
			return false
		}
	}
	return true
}
