package main

import (
	"errors"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// unfit are documents that read well and ask for what cannot be, and the least changes
// with which the planner finds a plan.
type unfit struct {
	strict.Errors
	remedies []placement.Remedy
}

func (e unfit) Unwrap() error { return e.Errors }

func (e unfit) Error() string {
	text := e.Errors.Error()
	for _, r := range e.remedies {
		text += "\n" + r.String()
	}
	return text
}

// advised adds to the errors of documents, where all that is wrong is that they ask for
// what cannot be, the least changes with which the planner finds a plan.
func advised(c *cli.Context, networks []vsn.Network, inventory *hosts.Inventory, err error) error {
	var errs strict.Errors
	if !errors.As(err, &errs) || !errs.Unfit() || inventory == nil {
		return err
	}
	_, no := solve.Solve(c.Context, placement.Problem{Networks: networks, Inventory: *inventory}, solve.Options{Seed: c.Int64("seed"), Nodes: c.Int64("nodes")})
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	var remedies []placement.Remedy
	switch {
	case errors.As(no, &infeasible):
		remedies = infeasible.Remedies
	case errors.As(no, &gaveUp):
		remedies = gaveUp.Remedies
	}
	return unfit{errs, remedies}
}
