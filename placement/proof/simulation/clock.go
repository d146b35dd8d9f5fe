package simulation

import "container/heap"

// event is something that happens at a time; of those at one time the first made is
// the first that happens.
type event struct {
	at, order int64
	do        func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// clock is the time of a play, in ns, and what is to happen.
type clock struct {
	now  int64
	made int64
	heap events
}

// at has something happen at a time, now at the earliest.
func (c *clock) at(t int64, do func()) {
	c.made++
	heap.Push(&c.heap, event{max(t, c.now), c.made, do})
}

// run lets happen what is to happen while more says so.
func (c *clock) run(more func() bool) {
	for len(c.heap) > 0 && more() {
		e := heap.Pop(&c.heap).(event)
		c.now = e.at
		e.do()
	}
}
