package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
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

A first Ctrl-C ends the trace: the decisions so far are audited, written and summed up.

Exit codes: ` + exitCodes,
		Flags: []cli.Flag{
			inventoryFlag(),
			&cli.StringFlag{Name: "trace", EnvVars: env("trace"), Usage: "read requests from `TRACE` (- for standard input)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, EnvVars: env("output"), Usage: "write decisions to `DECISIONS` (- for standard output)"},
			&cli.StringFlag{Name: "effort", Value: "10ms", EnvVars: env("effort"), Usage: "`WORK` of the mean decision: a time, or a number of nodes of the search; what easy requests leave hard ones may take"},
			&cli.BoolFlag{Name: "greedy", EnvVars: env("greedy"), Usage: "accept whatever fits; else, while many find no place, what fits only over long detours is refused"},
			seedFlag(), formatFlag("table"), progressFlag(),
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
	if err := checkProgress(c.String("progress")); err != nil {
		return err
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
	asked := len(requests)
	requests, decisions, lines, err := t.decided(c, inventory, requests, study.Options{Seed: c.Int64("seed"), Effort: clock, Thrifty: !c.Bool("greedy")})
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
		says := map[string]any{"summary": summary, "decisions": clock.summary()}
		if len(requests) < asked {
			says["interrupted"] = map[string]int{"decided": len(requests), "of": asked}
		}
		return (&terminal{out: out}).print(format, says)
	}
	var tables bytes.Buffer
	if len(requests) < asked {
		fmt.Fprintf(&tables, "Interrupted: %d of %d requests were decided, and all that follows is of these alone.\n\n", len(requests), asked)
	}
	simulateTables(&tables, &summary, clock)
	_, err = out.Write(tables.Bytes())
	return err
}

// decided runs a trace, or the beginning of it that it comes to before it is interrupted,
// and audits what came of it, which lines has as JSON Lines.
func (t *terminal) decided(c *cli.Context, inventory *hosts.Inventory, requests []study.Request, o study.Options) (asked []study.Request, decisions []study.Decision, lines []byte, err error) {
	decisions = make([]study.Decision, len(requests))
	done := make([]bool, len(requests))
	w := &tracing{began: time.Now(), of: len(requests)}
	end := t.live(c.String("progress"), func() string { return w.line(time.Now()) })
	err = study.Run(c.Context, inventory, requests, o, func(which int, d *study.Decision) error {
		decisions[which], done[which] = *d, true
		w.count(d.Accepted)
		line, err := json.Marshal(d)
		lines = append(append(lines, line...), '\n')
		return err
	})
	end()
	switch {
	case err != nil && errors.Is(err, c.Context.Err()):
		if requests, decisions, err = only(done, requests, decisions); err != nil {
			return nil, nil, nil, err
		}
		t.words("vsnctl: interrupted: what was decided so far is audited; once more ends at once, with nothing written")
	case err != nil:
		return nil, nil, nil, err
	}
	if err := study.Audit(inventory, requests, decisions); err != nil {
		return nil, nil, nil, fmt.Errorf("a fault of this program: the audit of the decisions: %w", err)
	}
	return requests, decisions, lines, nil
}

// only is the requests that were decided, in their order, and the decisions.
func only(done []bool, requests []study.Request, decisions []study.Decision) (some []study.Request, of []study.Decision, err error) {
	for i := range requests {
		if done[i] {
			some, of = append(some, requests[i]), append(of, decisions[i])
		}
	}
	if len(some) == 0 && len(requests) > 0 {
		err = &placement.GaveUp{Why: "it was interrupted before the first decision"}
	}
	return some, of, err
}

// tracing is how far a trace is.
type tracing struct {
	began             time.Time
	of                int
	decided, accepted atomic.Int64
}

func (w *tracing) count(accepted bool) {
	if accepted {
		w.accepted.Add(1)
	}
	w.decided.Add(1)
}

func (w *tracing) line(now time.Time) string {
	n, took, left := w.decided.Load(), now.Sub(w.began), ""
	if n > 0 {
		left = "about " + brief(time.Duration(float64(took)*float64(int64(w.of)-n)/float64(n))) + " left"
	}
	return joined(fmt.Sprintf("%d of %d requests decided", n, w.of), brief(took), left, fmt.Sprintf("%d accepted", w.accepted.Load()))
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
