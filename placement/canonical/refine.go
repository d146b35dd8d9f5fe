package canonical

import (
	"cmp"
	"slices"
)

// partition is the objects in cells: order has the objects cell by cell, and a cell is
// told by where it begins there. What is done with cells depends on where they begin and
// on sums of roles alone, never on the number of an object.
type partition struct {
	g       *graph
	order   []int32
	at      []int32 // where an object is in order
	cell    []int32 // the cell of an object
	size    []int32 // by cell
	queue   []int32 // cells by which others are still to be split
	queued  []bool  // by cell
	mixed   []bool  // by cell: its objects are not in the order in which they were given
	sum     []hash  // of an object: over its edges into the splitter
	reached []int32 // objects with a sum
	parts   []int32 // of the cell that is split
}

// order refines the objects until every cell holds one: the place of each, and whether
// one was set apart that could have been another.
func (g *graph) order() (places []int32, chosen bool) {
	n := len(g.content)
	p := &partition{g: g, order: make([]int32, n), at: make([]int32, n), cell: make([]int32, n), size: make([]int32, n), queued: make([]bool, n), mixed: make([]bool, n), sum: g.content, reached: make([]int32, n)}
	if n == 0 {
		return nil, false
	}
	for v := range p.order {
		p.order[v], p.at[v], p.reached[v] = int32(v), int32(v), int32(v)
	}
	p.size[0] = int32(n)
	p.push(0)
	p.splitReached()
	p.sum = make([]hash, n)
	p.refine()
	for c := range n {
		for p.size[c] > 1 {
			chosen = true
			p.setApart(int32(c))
			p.refine()
		}
	}
	return p.at, chosen
}

// setApart gives one object of a cell, the last of those that were given, a cell of its
// own at its end.
func (p *partition) setApart(c int32) {
	end := c + p.size[c] - 1
	if p.mixed[c] {
		last := c
		for i := c; i <= end; i++ {
			if p.order[i] > p.order[last] {
				last = i
			}
		}
		p.swap(last, end)
	}
	p.size[c], p.size[end], p.cell[p.order[end]] = p.size[c]-1, 1, end
	p.push(end)
}

func (p *partition) swap(i, j int32) {
	p.order[i], p.order[j] = p.order[j], p.order[i]
	p.at[p.order[i]], p.at[p.order[j]] = i, j
}

func (p *partition) push(c int32) {
	if !p.queued[c] {
		p.queued[c] = true
		p.queue = append(p.queue, c)
	}
}

// refine splits cells by how their objects are related to each cell in the queue.
func (p *partition) refine() {
	for len(p.queue) > 0 {
		c := p.queue[0]
		p.queue = p.queue[1:]
		p.queued[c] = false
		p.reached = p.reached[:0]
		for _, v := range p.order[c : c+p.size[c]] {
			for _, e := range p.g.edges[p.g.first[v]:p.g.first[v+1]] {
				if p.sum[e.to] == 0 {
					p.reached = append(p.reached, e.to)
				}
				p.sum[e.to] += e.role
			}
		}
		p.splitReached()
		for _, v := range p.reached {
			p.sum[v] = 0
		}
	}
}

// splitReached splits the cells of all that was reached, in the order of cells, by the
// sums: what was not reached comes first, then the least.
func (p *partition) splitReached() {
	slices.SortFunc(p.reached, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.cell[a], p.cell[b]), cmp.Compare(p.sum[a], p.sum[b]), cmp.Compare(a, b))
	})
	p.reached = slices.Compact(p.reached) // a sum may have been 0 on the way
	for i := 0; i < len(p.reached); {
		c, from := p.cell[p.reached[i]], i
		for i < len(p.reached) && p.cell[p.reached[i]] == c {
			i++
		}
		if p.size[c] > 1 {
			p.split(c, p.reached[from:i])
		}
	}
}

// split moves what was reached of a cell to its end and divides it there by the sums. All
// parts but the largest, or all if the cell was to split others itself, are to split
// others.
func (p *partition) split(c int32, reached []int32) {
	size, rest := p.size[c], p.size[c]-int32(len(reached))
	if rest == 0 && p.sum[reached[0]] == p.sum[reached[len(reached)-1]] {
		return
	}
	for i := len(reached) - 1; i >= 0; i-- {
		p.swap(p.at[reached[i]], c+rest+int32(i))
	}
	parts := p.parts[:0]
	if rest > 0 {
		p.mixed[c] = true
		parts = append(parts, c)
	}
	for i, v := range reached {
		at := c + rest + int32(i)
		if i == 0 || p.sum[v] != p.sum[reached[i-1]] {
			parts = append(parts, at)
			p.mixed[at] = false
		}
		p.cell[v] = parts[len(parts)-1]
	}
	largest, whole := c, p.queued[c]
	for i, b := range parts {
		end := c + size
		if i+1 < len(parts) {
			end = parts[i+1]
		}
		if p.size[b] = end - b; p.size[b] > p.size[largest] {
			largest = b
		}
	}
	for _, b := range parts {
		if whole || b != largest {
			p.push(b)
		}
	}
	p.parts = parts
}
