package embed

import "slices"

// reached is the hops from host to host by cables that are wide enough when nothing is
// on them: no path that carries so much is shorter, whatever else is carried.
type reached struct {
	model  *model
	widths []int64              // budgets of cables, ascending: rates between two of them are alike
	known  map[[2]int64][]int32 // by width and host
	queue  []int32
}

// mostKnown bounds the memory for distances, in numbers.
const mostKnown = 16 << 20

func newReached(m *model) reached {
	r := reached{model: m, known: map[[2]int64][]int32{}}
	for c := range m.cables {
		r.widths = append(r.widths, m.cables[c].budget)
	}
	slices.Sort(r.widths)
	r.widths = slices.Compact(r.widths)
	return r
}

// from is the hops from host h to every node, -1 where there is no way.
func (r *reached) from(rate int64, h int32) []int32 {
	class, _ := slices.BinarySearch(r.widths, rate)
	key := [2]int64{int64(class), int64(h)}
	if d, ok := r.known[key]; ok {
		return d
	}
	if len(r.known)*len(r.model.nodes) > mostKnown {
		clear(r.known)
	}
	d := r.search(rate, h)
	r.known[key] = d
	return d
}

func (r *reached) hops(rate int64, a, b int32) int32 { return r.from(rate, a)[b] }

// search goes breadth first; hosts that do not forward are reached and not passed.
func (r *reached) search(rate int64, h int32) []int32 {
	distance := make([]int32, len(r.model.nodes))
	for i := range distance {
		distance[i] = -1
	}
	distance[h] = 0
	r.queue = append(r.queue[:0], h)
	for head := 0; head < len(r.queue); head++ {
		n := r.queue[head]
		if n != h && !r.model.nodes[n].forwards {
			continue
		}
		for _, a := range r.model.nodes[n].arcs {
			if distance[a.to] < 0 && r.model.cables[a.cable].budget >= rate {
				distance[a.to] = distance[n] + 1
				r.queue = append(r.queue, a.to)
			}
		}
	}
	return distance
}
