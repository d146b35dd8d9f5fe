package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/trace"
)

// optional is the value of a flag that may stand alone.
type optional string

func (o *optional) Set(text string) error { *o = optional(text); return nil }
func (o *optional) String() string {
	if o == nil {
		return ""
	}
	return string(*o)
}

// IsBoolFlag makes package flag set "true" where no value is given.
func (o *optional) IsBoolFlag() bool { return true }

// traceSuffix is how the name of a file ends that may stand after --trace-search without =.
const traceSuffix = ".jsonl"

func traceFlag() cli.Flag {
	return &cli.GenericFlag{Name: "trace-search", EnvVars: env("trace-search"), Value: new(optional),
		Usage: "show what was tried; with =`FILE` also write every step to it, as JSON Lines (- for standard output)"}
}

// tracer follows a search: it sums it up, and writes it where that is wanted.
type tracer struct {
	mu      sync.Mutex // a search that was left goes on
	closed  bool
	account trace.Account
	file    *os.File // nil: none
	out     *bufio.Writer
	lines   *json.Encoder
	err     error
}

// tracer is what --trace-search asks for, or nil.
func (t *terminal) tracer(c *cli.Context) (*tracer, error) {
	value, _ := c.Generic("trace-search").(*optional)
	var to *os.File
	switch name := value.String(); name {
	case "", "false":
		return nil, nil
	case "true":
		return &tracer{}, nil
	case "-":
		if c.String("output") == "-" || c.String("format") != "table" {
			return nil, badInput(errors.New("--trace-search=- and the plan cannot both go to standard output: name a file for one of them"))
		}
		to = t.out
	default:
		f, err := os.Create(name)
		if err != nil {
			return nil, badInput(err)
		}
		to = f
	}
	x := &tracer{file: to, out: bufio.NewWriter(to)}
	x.lines = json.NewEncoder(x.out)
	x.lines.SetEscapeHTML(false)
	return x, nil
}

// sink is told every step; nil: nobody follows.
func (x *tracer) sink() trace.Sink {
	if x == nil {
		return nil
	}
	return func(e *trace.Event) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.closed {
			return
		}
		x.account.Add(e)
		if x.lines != nil && x.err == nil {
			x.err = x.lines.Encode(e)
		}
	}
}

// closeTrace writes what is left, and the account: for people, before the plan.
func (t *terminal) closeTrace(x *tracer, format string) error {
	if x == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	out := t.out
	if x.out != nil {
		x.err = errors.Join(x.err, x.out.Flush())
		if x.file != t.out {
			x.err = errors.Join(x.err, x.file.Close())
		} else {
			out = t.err
		}
	}
	if format != "table" {
		out = t.err
	}
	var text bytes.Buffer
	traceTables(&text, &x.account)
	_, err := out.Write(text.Bytes())
	return errors.Join(x.err, err)
}

// traceTables prints what was tried.
func traceTables(out io.Writer, a *trace.Account) {
	fmt.Fprintf(out, "What was tried, %d steps in all; docs/trace.md says what each is.\n", a.Events)
	for i := range a.Steps {
		fmt.Fprintln(out, "  "+stepText(&a.Steps[i]))
	}
	if a.More > 0 {
		fmt.Fprintf(out, "  and %d more\n", a.More)
	}
	fmt.Fprintln(out)
	w := newTable("", "step", "times", "yes", "no", "unknown")
	for _, c := range a.Counts() {
		w.AppendRow([]any{c.Kind, c.Times, some(c.Yes), some(c.No), some(c.Unknown)})
	}
	render(out, w)
	w = newTable("", "depth", "seats", "routes", "failed", "jumped over")
	for _, d := range a.Depths() {
		w.AppendRow([]any{d.Depth, some(d.Seats), some(d.Routes), some(d.Fails), some(d.Jumps)})
	}
	render(out, w)
	w = newTable("", "vm", "no host for it", "times", "hosts")
	for _, r := range a.Refusals() {
		w.AppendRow([]any{strings.Join(r.VMs, " "), r.Why, r.Times, listed(r.Hosts, mostNamed)})
	}
	render(out, w)
	w = newTable("", "cut", "after", "met", "of", "because")
	for _, c := range a.Cuts() {
		w.AppendRow([]any{fmt.Sprintf("%d.%d", c.Search, c.Cut), fmt.Sprintf("%d nodes", c.Nodes), some(c.Met), listed(c.Blame, mostNamed), c.Why.Says})
	}
	render(out, w)
}

// mostNamed is how many names a cell has.
const mostNamed = 6

// some is a number of things, and nothing where there are none.
func some(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// listed is at most so many names.
func listed(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// stepText is a step of a search in one line.
func stepText(e *trace.Event) string {
	by := hosts.Objective(e.By)
	switch e.Kind {
	case trace.Search:
		return "search: " + e.What
	case trace.Refute:
		return "refuted: " + e.Why.String()
	case trace.Pass:
		return fmt.Sprintf("pass: %s, %d nodes", e.What, e.Quota)
	case trace.Stage:
		return fmt.Sprintf("criterion %s: %s", by, standText(e))
	case trace.Aim:
		limit := "any cost"
		if e.Limit != nil {
			limit = "at most " + costText(by, *e.Limit)
		}
		return fmt.Sprintf("looking for %s, %d nodes", limit, e.Quota)
	case trace.Better:
		return fmt.Sprintf("found after %d nodes: %s", e.Nodes, standText(e))
	case trace.Bound:
		return fmt.Sprintf("bound after %d nodes: %s", e.Nodes, standText(e))
	case trace.Free:
		return fmt.Sprintf("free: %s, %d nodes", cmp.Or(e.What, listed(e.VMs, 12)), e.Quota)
	case trace.End:
		return strings.TrimSuffix(fmt.Sprintf("%s after %d nodes: %s", e.Answer, e.Nodes, e.What), ": ")
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.What)
}

// standText is what is known of the criterion that is made least.
func standText(e *trace.Event) string {
	by, at := hosts.Objective(e.By), len(e.Bounds)-1
	text := "none has less than " + costText(by, e.Bounds[at])
	if at < len(e.Costs) {
		text = costText(by, e.Costs[at]) + ", " + text
	}
	return text
}
