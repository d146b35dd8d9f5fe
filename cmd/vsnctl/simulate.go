package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/study"
)

func simulateCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "simulate", Usage: "decide a trace of requests as they come", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Reads requests from a trace, JSON Lines in any order:

  {"id": 7, "at": 12.5, "for": 300, "network": {"apiVersion": "vsnctl/v1", "kind": "Network", ...}}

Each network is decided when it comes, "at" seconds, beside those that run, without
knowledge of the later ones, and leaves "for" seconds later if it was accepted. Decisions
are JSON Lines: {"id", "accepted", "seats": {vm: host}, "routes": {link: [nodes]}} or
"reason". All of them are replayed by an auditor of its own before the program ends.

Budgets are kept as in a plan. Of a link's delay what cables, hosts and switches take is
held against the limit, half of which, at most 1ms, is left for queues. No deadline is proved: a flow with one is bad input, plan is for that.

  vsnctl simulate -i hosts.yaml --trace trace.jsonl                 the summary
  vsnctl simulate -i hosts.yaml --trace trace.jsonl -o out.jsonl --effort 1ms
  vsnctl simulate -i hosts.yaml --trace trace.jsonl --effort 20000  the same bytes everywhere

Exit codes: ` + exitCodes,
		Flags: []cli.Flag{
			inventoryFlag(),
			&cli.StringFlag{Name: "trace", EnvVars: env("trace"), Usage: "read requests from `TRACE` (- for standard input)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, EnvVars: env("output"), Usage: "write decisions to `DECISIONS` (- for standard output)"},
			&cli.StringFlag{Name: "effort", Value: "10ms", EnvVars: env("effort"), Usage: "`WORK` of the mean decision: a time, or a number of nodes of the search; what easy requests leave hard ones may take"},
			&cli.BoolFlag{Name: "greedy", EnvVars: env("greedy"), Usage: "accept whatever fits; else, where more is asked for than there is, what earns little for what it takes is refused"},
			seedFlag(), formatFlag("table"),
		},
		Action: func(c *cli.Context) error { return t.simulate(c) },
	}
}

func (t *terminal) simulate(c *cli.Context) error {
	format := c.String("format")
	switch {
	case format != "table" && format != "json" && format != "yaml":
		return badInput(fmt.Errorf("format %q: want table, json or yaml", format))
	case c.Args().Present():
		return badInput(fmt.Errorf("argument %q: the trace goes after --trace", c.Args().First()))
	case c.String("trace") == "":
		return badInput(errors.New("no --trace: name a file of requests, or - for standard input"))
	}
	effort, err := readEffort(c.String("effort"))
	if err != nil {
		return badInput(err)
	}
	inventory, requests, err := t.trace(c)
	if err != nil {
		return err
	}
	clock := &stopwatch{Effort: effort}
	decisions, lines, err := decided(c.Context, inventory, requests, study.Options{Seed: c.Int64("seed"), Effort: clock, Selective: !c.Bool("greedy")})
	if err != nil {
		return err
	}
	out := t.out
	if name := c.String("output"); name != "" {
		if err := t.writeFile(name, lines); err != nil {
			return err
		}
		if name == "-" {
			out = t.err
		}
	}
	summary := study.Summarize(inventory, requests, decisions)
	if format != "table" {
		return (&terminal{out: out}).print(format, map[string]any{"summary": summary, "decisions": clock.summary()})
	}
	var tables bytes.Buffer
	simulateTables(&tables, &summary, clock)
	_, err = out.Write(tables.Bytes())
	return err
}

// decided runs a trace and audits what came of it, which lines has as JSON Lines.
func decided(ctx context.Context, inventory *hosts.Inventory, requests []study.Request, o study.Options) (decisions []study.Decision, lines []byte, err error) {
	decisions = make([]study.Decision, len(requests))
	err = study.Run(ctx, inventory, requests, o, func(which int, d *study.Decision) error {
		decisions[which] = *d
		line, err := json.Marshal(d)
		lines = append(append(lines, line...), '\n')
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if err := study.Audit(inventory, requests, decisions); err != nil {
		return nil, nil, fmt.Errorf("a fault of this program: the audit of the decisions: %w", err)
	}
	return decisions, lines, nil
}

// trace reads what is there and what is asked for.
func (t *terminal) trace(c *cli.Context) (*hosts.Inventory, []study.Request, error) {
	networks, inventory, err := t.documents(named(c.StringSlice("inventory")))
	switch {
	case err != nil:
		return nil, nil, err
	case inventory == nil:
		return nil, nil, badInput(errors.New("no inventory: name a file with -i"))
	case len(networks) > 0:
		return nil, nil, badInput(fmt.Errorf("network %q: simulate takes networks from the trace alone", networks[0].Name))
	}
	data, err := t.readFile(c.String("trace"))
	if err != nil {
		return nil, nil, badInput(err)
	}
	requests, err := study.ReadTrace(c.String("trace"), data)
	if err != nil {
		return nil, nil, badInput(err)
	}
	return inventory, requests, nil
}

func simulateTables(out io.Writer, s *study.Summary, clock *stopwatch) {
	w := newTable("", "requests", "accepted", "acceptance", "revenue/cost", "revenue/s")
	w.AppendRow([]any{s.Requests, s.Accepted, fmt.Sprintf("%.3f", s.Acceptance), fmt.Sprintf("%.3f", s.LRC), fmt.Sprintf("%.1f", s.LAR)})
	render(out, w)
	w = newTable("", "from", "networks", "cpus", "cables")
	for _, u := range s.Use {
		w.AppendRow([]any{fmt.Sprintf("%.0fs", u.From), fmt.Sprintf("%.1f", u.Networks), fmt.Sprintf("%.1f%%", 100*u.CPU), fmt.Sprintf("%.1f%%", 100*u.Cables)})
	}
	render(out, w)
	d := clock.summary()
	w = newTable("", "decision", "mean", "median", "99 %", "most", "nodes")
	w.AppendRow([]any{"time", fmt.Sprintf("%.2fms", d.Mean), fmt.Sprintf("%.2fms", d.Half), fmt.Sprintf("%.2fms", d.P99), fmt.Sprintf("%.2fms", d.Most), d.Nodes})
	render(out, w)
}
