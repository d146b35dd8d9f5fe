package realize

import "github.com/vsnctl/vsnctl/placement"

// Classes are the class numbers that are taken at cables. Those at a port are of no
// interest to other networks.
type Classes struct{ taken map[classAt]bool }

// NewClasses are those of some queues.
func NewClasses(queues []placement.Queue) *Classes {
	c := &Classes{map[classAt]bool{}}
	c.Take(queues)
	return c
}

// Take takes the numbers of some queues, and Free gives them back.
func (c *Classes) Take(queues []placement.Queue) {
	for i := range queues {
		if queues[i].At != placement.AtPort {
			c.taken[classAt{at(&queues[i]), queues[i].Class}] = true
		}
	}
}

// Free gives the numbers of some queues back.
func (c *Classes) Free(queues []placement.Queue) {
	for i := range queues {
		delete(c.taken, classAt{at(&queues[i]), queues[i].Class})
	}
}

// Queues gives the links of an embedding their classes, beside those that others have:
// all that Realize does where CPUs are known.
func (ph *Phase) Queues(e *placement.Embedding, others *Classes) ([]placement.Queue, error) {
	ph.others = others
	defer func() { ph.others = nil }()
	return ph.queues(e)
}
