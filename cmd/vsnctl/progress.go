package main

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
)

// progress tells of each change: on a terminal in one line that moves, elsewhere
// only of what fails.
func (t *terminal) progress(total int) hosts.Progress {
	moving := interactive(t.err)
	done := 0
	return func(c hosts.Change, finished bool, err error) {
		switch {
		case err != nil:
			if moving {
				fmt.Fprint(t.err, "\r\033[K")
			}
			fmt.Fprintf(t.err, "vsnctl: %v: %v\n", c, err)
		case !moving:
		case !finished:
			fmt.Fprintf(t.err, "\r\033[K[%d/%d] %v", done, total, c)
		default:
			if done++; done == total {
				fmt.Fprint(t.err, "\r\033[K")
			}
		}
	}
}
