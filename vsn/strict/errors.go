package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong in one place of a file.
type Error struct {
	File string `json:"file,omitempty"` // "" for values that came from no file
	Line int    `json:"line,omitempty"` // from 1; 0 without a file
	Path string `json:"path,omitempty"` // the object: `vm "camera": reservation.runtime`
	Msg  string `json:"message"`
	// Unfit: it reads well and asks for what cannot be, so that a planner may know the
	// least change with which it can.
	Unfit bool `json:"-"`
}

func (e Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors are all that is wrong, sorted by file and line.
type Errors []Error

// Error has a line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Err is e as an error, and nil when there is none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Unfit reports whether all that is wrong is that too much is asked.
func (e Errors) Unfit() bool {
	return len(e) > 0 && !slices.ContainsFunc(e, func(one Error) bool { return !one.Unfit })
}

// Unwrap lets errors.As find each Error.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

func (e *Errors) full() bool { return len(*e) > MaxErrors }

func (e *Errors) add(err Error) {
	if e.full() {
		return
	}
	if len(*e) == MaxErrors {
		err = Error{File: err.File, Line: err.Line, Msg: fmt.Sprintf("more than %d errors: the rest is not shown", MaxErrors)}
	}
	*e = append(*e, err)
}

func (e *Errors) addAll(all Errors) {
	for _, err := range all {
		e.add(err)
	}
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}
