package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
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
	networks, inventory, err := t.documents(named(c.StringSlice("inventory")))
	switch {
	case err != nil:
		return err
	case inventory == nil:
		return badInput(errors.New("no inventory: name a file with -i"))
	case len(networks) > 0:
		return badInput(fmt.Errorf("network %q: simulate takes networks from the trace alone", networks[0].Name))
	}
	data, err := t.readFile(c.String("trace"))
	if err != nil {
		return badInput(err)
	}
	requests, err := study.ReadTrace(c.String("trace"), data)
	if err != nil {
		return badInput(err)
	}
	decisions, clock := make([]study.Decision, len(requests)), &stopwatch{Effort: effort}
	var lines bytes.Buffer
	err = study.Run(c.Context, inventory, requests, study.Options{Seed: c.Int64("seed"), Effort: clock, Selective: !c.Bool("greedy")}, func(which int, d *study.Decision) error {
		decisions[which] = *d
		line, err := json.Marshal(d)
		lines.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	if err := study.Audit(inventory, requests, decisions); err != nil {
		return fmt.Errorf("a fault of this program: the audit of the decisions: %w", err)
	}
	out := io.Writer(t.out)
	if name := c.String("output"); name != "" {
		if err := t.writeFile(name, lines.Bytes()); err != nil {
			return err
		}
		if name == "-" {
			out = t.err
		}
	}
	summary := study.Summarize(inventory, requests, decisions)
	if format != "table" {
		return (&terminal{out: t.out}).print(format, map[string]any{"summary": summary, "decisions": clock.summary()})
	}
	var tables bytes.Buffer
	simulateTables(&tables, &summary, clock)
	_, err = out.Write(tables.Bytes())
	return err
}

// readEffort is the meaning of --effort.
func readEffort(text string) (study.Effort, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return study.NewBank(n), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf("effort %q: want a time such as 10ms, or a number of nodes above 0", text)
	}
	return &timeBank{mean: d, speed: firstSpeed}, nil
}

// timeBank is an effort in time: nodes by the speed that was seen so far.
type timeBank struct {
	mean, balance time.Duration
	speed         float64 // nodes a nanosecond
	since         time.Time
}

const (
	firstSpeed = 1e-3 // a slow machine's, until it is known
	memory     = 0.05 // of the last decision in the speed
)

func (b *timeBank) Allow() (mean, most int64) {
	b.balance += b.mean
	b.since = time.Now()
	return int64(b.speed * float64(b.mean)), int64(b.speed * float64(b.balance))
}

func (b *timeBank) Spend(nodes int64) {
	took := time.Since(b.since)
	b.balance -= took
	if nodes > 0 && took > 0 {
		// Longer decisions say more.
		weight := memory * min(1, float64(took)/float64(b.mean))
		b.speed = 1 / (1/b.speed*(1-weight) + weight*float64(took)/float64(nodes))
	}
}

// stopwatch is an effort that remembers how long decisions took.
type stopwatch struct {
	study.Effort
	since time.Time
	took  []time.Duration
	nodes int64
}

func (s *stopwatch) Allow() (mean, most int64) {
	mean, most = s.Effort.Allow()
	s.since = time.Now()
	return mean, most
}

func (s *stopwatch) Spend(nodes int64) {
	s.took = append(s.took, time.Since(s.since))
	s.nodes += nodes
	s.Effort.Spend(nodes)
}

// decisionTimes are those of all decisions, in milliseconds.
type decisionTimes struct {
	Mean  float64 `json:"meanMs"`
	Half  float64 `json:"medianMs"`
	P99   float64 `json:"p99Ms"`
	Most  float64 `json:"mostMs"`
	Nodes int64   `json:"nodes"` // explored by the mean decision
}

func (s *stopwatch) summary() decisionTimes {
	if len(s.took) == 0 {
		return decisionTimes{}
	}
	took := slices.Sorted(slices.Values(s.took))
	sum := time.Duration(0)
	for _, d := range took {
		sum += d
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	n := len(took)
	return decisionTimes{ms(sum / time.Duration(n)), ms(took[n/2]), ms(took[n*99/100]), ms(took[n-1]), s.nodes / int64(n)}
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
