package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

func planCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "find a placement and prove that every deadline holds", ArgsUsage: "SPEC...", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Reads networks (kind: Network) from the SPEC files and plans them together on the
inventory (kind: Inventory): which VM on which host and CPU, which link along which
path. Nothing is started and no host is touched; neither root nor libvirt is needed.

  vsnctl plan -i hosts.yaml robot.yaml               a table for people
  vsnctl plan -i hosts.yaml -o robot.plan.json robot.yaml   and a file for deploy
  vsnctl plan --format json robot.yaml               the plan itself, for programs
  vsnctl plan --exact robot.yaml                     the best there is, or how far from it
  vsnctl plan --export robot.lp robot.yaml           the problem, for a solver of integer programs
  vsnctl plan --beside plan.json -o new.json call.yaml      beside what runs, which stays as it is
  vsnctl plan --beside plan.json --without pn3 -o new.json  what was on a lost host, placed anew
  vsnctl plan --trace-search robot.yaml              what was tried, and what was refused and why
  vsnctl plan --trace-search=steps.jsonl robot.yaml  and every step of it, as JSON Lines

A first Ctrl-C ends the search: the best plan so far is proved, written and marked as
interrupted, or there is none yet and the planner gives up. A second one ends at once.

Exit codes: ` + exitCodes,
		Flags: append(append(goalFlags(), besideFlags()...),
			inventoryFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, EnvVars: env("output"), Usage: "write the plan to `PLAN` (- for standard output)"},
			formatFlag("table"), seedFlag(), nodesFlag(), progressFlag(), traceFlag(), connectFlag(),
		),
		Action: func(c *cli.Context) error { return t.plan(c) },
	}
}

func seedFlag() cli.Flag {
	return &cli.Int64Flag{Name: "seed", Value: 1, EnvVars: env("seed"), Usage: "the same `NUMBER` gives the same plan, byte for byte"}
}

func nodesFlag() cli.Flag {
	return &cli.Int64Flag{Name: "nodes", EnvVars: env("nodes"), Usage: "explore at most `N` nodes of the search, then give up (0: the planner's own limit)"}
}

func (t *terminal) plan(c *cli.Context) error {
	format := c.String("format")
	if format != "table" && format != "json" && format != "yaml" {
		return badInput(fmt.Errorf("format %q: want table, json or yaml", format))
	}
	if c.Int64("nodes") < 0 {
		return badInput(fmt.Errorf("--nodes %d is negative", c.Int64("nodes")))
	}
	if err := checkProgress(c.String("progress")); err != nil {
		return err
	}
	ctx, cancel, err := limited(c)
	if err != nil {
		return err
	}
	defer cancel()
	c.Context = ctx
	if name := c.String("export"); name != "" {
		return t.export(c, name)
	}
	plan, err := t.solve(c, named(c.Args().Slice()))
	if err != nil {
		return t.refuse(format, err)
	}
	if name := c.String("output"); name != "" {
		if err := t.writeTo(name, func(w io.Writer) error { return placement.Write(w, plan) }); err != nil {
			return err
		}
		if name == "-" {
			return nil
		}
	}
	switch format {
	case "json":
		return placement.Write(t.out, plan)
	case "yaml":
		return t.print(format, plan)
	}
	var tables bytes.Buffer
	planTables(&tables, plan)
	_, err = t.out.Write(tables.Bytes())
	return err
}

// refuse prints a refusal for programs where they asked for one.
func (t *terminal) refuse(format string, err error) error {
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	var documents strict.Errors
	var advice unfit
	says := map[string]any{}
	switch {
	case errors.As(err, &infeasible):
		says["infeasible"] = infeasible
	case errors.As(err, &gaveUp):
		says["gaveUp"] = gaveUp
	case errors.As(err, &documents):
		bad := map[string]any{"errors": documents}
		if errors.As(err, &advice) && len(advice.remedies) > 0 {
			bad["remedies"] = advice.remedies
		}
		says["badInput"] = bad
	}
	if instead := (stuck{}); errors.As(err, &instead) {
		says["instead"] = instead
	}
	if format == "table" || len(says) == 0 {
		return err
	}
	return errors.Join(err, t.print(format, says))
}

// solve reads the documents and plans them.
func (t *terminal) solve(c *cli.Context, specs []documentSource) (*placement.Plan, error) {
	if name := c.String("edited"); name != "" {
		return t.edited(c, name)
	}
	if name := c.String("beside"); name != "" {
		return t.beside(c, name, specs)
	}
	if amends(c) {
		return nil, badInput(errors.New("--drop, --without and --allow-moves change a plan that runs: name it with --beside PLAN"))
	}
	problem, err := t.problem(c, specs)
	if err != nil {
		return nil, err
	}
	if c.Bool("exact") {
		return t.optimize(c, *problem)
	}
	return t.search(c, func(o solve.Options) (a answered) {
		a.plan, a.err = solve.Solve(c.Context, *problem, o)
		return a
	})
}

// problem reads the documents, and what the flags add to them.
func (t *terminal) problem(c *cli.Context, specs []documentSource) (*placement.Problem, error) {
	defer t.hurry(c.Context)()
	if len(specs) == 0 {
		return nil, badInput(errors.New("no SPEC file: name at least one, or - for standard input"))
	}
	networks, inventory, err := t.documents(append(named(inventories(c)), specs...))
	if err != nil {
		return nil, advised(c, networks, inventory, err)
	}
	if len(networks) == 0 {
		return nil, badInput(fmt.Errorf("%s: no document of kind Network", specs[0].name))
	}
	if inventory == nil {
		if inventory, err = t.probed(c.Context, c.String("connect")); err != nil {
			return nil, err
		}
	}
	problem := placement.Problem{Networks: networks, Inventory: *inventory}
	return &problem, t.goals(c, &problem)
}

// probed is the inventory of this machine alone.
func (t *terminal) probed(ctx context.Context, uri string) (*hosts.Inventory, error) {
	h, err := probeHost(ctx, uri)
	if err != nil {
		return nil, err
	}
	return &hosts.Inventory{Hosts: []hosts.Host{h}}, nil
}

// hurry ends the program a little after it was interrupted: reading does not look up,
// and has nothing to put back. Call what it returns when there is nothing to hurry any
// more.
func (t *terminal) hurry(ctx context.Context) (done func()) {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over:
		case <-time.After(patience):
			err := &placement.GaveUp{Why: "it was ended while the problem was read"}
			fmt.Fprintln(t.err, "vsnctl:", err)
			os.Exit(exitCode(err))
		}
	})
	return func() {
		stop()
		close(over)
	}
}
