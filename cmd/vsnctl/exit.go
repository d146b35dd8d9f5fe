package main

import (
	"context"
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

const exitCodes = `0 done, 1 failed, 2 bad input, 3 infeasible (with the first budget
that fails, need and have), 4 gave up (a placement may exist), 5 drift (what runs is not
what was deployed) or, asked by --backed, a promise that is not backed, 130 ended at once
by a second Ctrl-C.`

// signalled is added to the number of the second signal, which ends the program.
const signalled = 128

// inputError is an error of whoever called: a flag, a file, a document.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

func badInput(err error) error { return inputError{err} }

// errDrift is what status ends with when something is not as deployed.
var errDrift = errors.New("drift: what runs is not what was deployed")

// exitCode is the only place where errors become exit codes.
func exitCode(err error) int {
	var input inputError
	var documents strict.Errors
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	var broken *proof.Broken
	switch {
	case err == nil:
		return 0
	case errors.As(err, &infeasible):
		return 3
	case errors.As(err, &gaveUp):
		return 4
	case errors.Is(err, errDrift), errors.Is(err, errNotBacked):
		return 5
	case errors.As(err, &input), errors.As(err, &documents), errors.As(err, &broken):
		return 2
	}
	return 1
}

// words is what a person reads of an error.
func words(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted: " + err.Error()
	}
	return err.Error()
}
