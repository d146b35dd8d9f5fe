package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
)

// errNotBacked is what deploy and status end with, asked by --backed, when a promise
// rests on what is not so, or not known, on this machine.
var errNotBacked = errors.New("not every promise is backed by this machine")

func backedFlag() cli.Flag {
	return &cli.BoolFlag{Name: "backed", EnvVars: env("backed"), Usage: "end with exit code 5 when a promise is not backed by the machine"}
}

// backing is what was found of the promises of a network.
type backing struct {
	Promises []hosts.FlowVerdict `json:"promises"`
	Rests    []hosts.Verdict     `json:"rests"`
}

// backingOf holds the machine against what a network rests on. Nothing is promised of
// a network of which nothing is there.
func backingOf(network string, before, after hosts.Observation) backing {
	if len(after.State.Of(network).Objects()) == 0 {
		return backing{Promises: []hosts.FlowVerdict{}, Rests: []hosts.Verdict{}}
	}
	v, ok := hosts.Verify(network, before, after)
	if !ok {
		lost := hosts.FlowVerdict{FlowPromise: hosts.FlowPromise{Flow: "all", On: []string{}}, Why: []string{"no domain says what it rests on: deploy it again"}}
		return backing{Promises: []hosts.FlowVerdict{lost}, Rests: []hosts.Verdict{}}
	}
	return backing{Promises: v.Flows, Rests: v.Rests}
}

func (b backing) all() bool { return hosts.Verification{Flows: b.Promises}.Backed() }

// promiseList prints a line for each promise of a network: what is promised, whether
// it is backed, and why not.
func (t *terminal) promiseList(network string, b backing) {
	for _, p := range b.Promises {
		fmt.Fprintf(t.out, "%s: promise %s: %s\n", network, promiseText(p), backedText(p))
	}
}

func promiseText(p hosts.FlowVerdict) string {
	switch {
	case p.BoundNs > 0 && p.DeadlineNs > 0:
		return fmt.Sprintf("%s, at most %s of %s", p.Flow, spanUp(p.BoundNs), spanNs(p.DeadlineNs))
	case p.BoundNs > 0:
		return fmt.Sprintf("%s, at most %s", p.Flow, spanUp(p.BoundNs))
	}
	return p.Flow
}

// spanUp is a time in whole microseconds for people, rounded up, against ourselves.
func spanUp(ns int64) string { return spanNs((ns + 999) / 1000 * 1000) }

func backedText(p hosts.FlowVerdict) string {
	if p.Backed {
		return "backed"
	}
	return "NOT BACKED: " + strings.Join(p.Why, "; ")
}

// marks of how an assumption stands, beside those of plan.
var marks = map[hosts.Standing]string{hosts.Holds: "+", hosts.Declared: "=", hosts.Unknown: "?", hosts.Fails: "-", hosts.Left: "-"}

// restsTable prints what was found of every assumption.
func (t *terminal) restsTable(network string, b backing) {
	if len(b.Rests) == 0 {
		return
	}
	fmt.Fprintf(t.out, "%s rests on (+ it is so, = declared, ? not known, - it is not so or left out):\n", network)
	w := newTable("", "", "what", "on", "found")
	for _, r := range b.Rests {
		found := r.Found
		if r.Standing == hosts.Declared {
			found = r.Says
		}
		w.AppendRow([]any{marks[r.Standing], r.Kind, r.Subject, found})
	}
	render(t.out, w)
}
