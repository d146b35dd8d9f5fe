package strict

import (
	"sync"
	"sync/atomic"
)

// Documents are parsed ahead of where they are read, by several goroutines: parsing
// takes most of the time. A tree takes some fifty times its text, so that only so many
// may wait to be read.
const (
	parsers  = 4
	mostOpen = 64
)

// opened is a document that was parsed, and what is wrong with its text.
type opened struct {
	there bool
	errs  Errors
}

// openAll parses documents. next gives them in their order, with what is wrong added to
// errs, and reports whether each is there; stop ends what is not waited for any more.
func openAll(all []*source) (next func(errs *Errors) (*source, bool), stop func()) {
	at := 0
	take := func(o opened, errs *Errors) (*source, bool) {
		src := all[at]
		at++
		errs.addAll(o.errs)
		src.sink = errs
		return src, o.there
	}
	if len(all) < 2 {
		return func(errs *Errors) (*source, bool) { return take(all[at].opened(), errs) }, func() {}
	}
	done := make([]chan opened, len(all))
	for i := range done {
		done[i] = make(chan opened, 1)
	}
	room := make(chan struct{}, mostOpen)
	ended := make(chan struct{})
	var turn atomic.Int64
	for range parsers {
		go func() {
			for {
				// Who has room takes the next in turn: the first that is waited for always has it.
				select {
				case room <- struct{}{}:
				case <-ended:
					return
				}
				i := int(turn.Add(1)) - 1
				if i >= len(all) {
					return
				}
				done[i] <- all[i].opened()
			}
		}()
	}
	next = func(errs *Errors) (*source, bool) {
		o := <-done[at]
		<-room
		return take(o, errs)
	}
	return next, sync.OnceFunc(func() { close(ended) })
}

// opened is open with a sink of its own.
func (s *source) opened() (o opened) {
	s.sink = &o.errs
	o.there = s.open()
	return o
}
