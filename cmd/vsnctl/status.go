package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
)

func statusCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show what runs, what it really gets, and how it differs from the plan", ArgsUsage: "[NAME...]", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Looks at the machine twice, an interval apart: each reservation as the kernel reports it
and the CPU time that its thread got in between, each link's class and what it sent. What
was deployed is kept with the domains themselves; where something differs from it, that is
drift, and the exit code is 5. So is what the promises rest on: each promise is shown as
backed or not, by what the machine shows now, and --backed makes that exit code 5, too.`,
		Flags: []cli.Flag{
			formatFlag("table", "o"), connectFlag(), backedFlag(),
			&cli.DurationFlag{Name: "interval", Value: time.Second, EnvVars: env("interval"), Usage: "measure over this `TIME`; 0 does not measure"},
		},
		Action: func(c *cli.Context) error { return t.status(c) },
	}
}

// report is what status prints, as a table or as json.
type report struct {
	Networks []networkReport `json:"networks"`
}

type networkReport struct {
	Name         string              `json:"name"`
	VMs          []vmReport          `json:"vms"`
	Reservations []reservationReport `json:"reservations"`
	Queues       []queueReport       `json:"queues"`
	Drift        []string            `json:"drift"`
	backing
}

type vmReport struct {
	VM      string      `json:"vm"`
	Domain  string      `json:"domain"`
	Running bool        `json:"running"`
	Accel   hosts.Accel `json:"accel"`
	VCPUs   int         `json:"vcpus"`
	Memory  int64       `json:"memoryBytes"`
}

type reservationReport struct {
	VM        string   `json:"vm"`
	Thread    string   `json:"thread"`
	CPU       int      `json:"cpu"`
	RuntimeNs int64    `json:"runtimeNs"`
	PeriodNs  int64    `json:"periodNs"`
	Promised  float64  `json:"promised"`           // share of a CPU
	Measured  *float64 `json:"measured,omitempty"` // share of a CPU over the interval
}

type queueReport struct {
	Link       string   `json:"link"`
	From       string   `json:"from"`
	To         string   `json:"to"`
	RateBit    int64    `json:"rateBit"`
	BurstBytes int64    `json:"burstBytes"`
	Measured   *float64 `json:"measuredBit,omitempty"` // bit/s over the interval
	Bytes      int64    `json:"bytes"`
	Packets    int64    `json:"packets"`
	Drops      int64    `json:"drops"`
	Backlog    int64    `json:"backlogBytes"`
}

func (t *terminal) status(c *cli.Context) error {
	format := c.String("format")
	if format != "table" && format != "json" && format != "yaml" {
		return badInput(fmt.Errorf("format %q: want table, json or yaml", format))
	}
	if c.Duration("interval") < 0 {
		return badInput(errors.New("a negative interval"))
	}
	m := thisMachine(c.String("connect"))
	defer m.close()
	before, after, err := twice(c.Context, m, c.Duration("interval"))
	if err != nil {
		return err
	}
	names := c.Args().Slice()
	if len(names) == 0 {
		names = after.State.Networks()
	}
	r := report{Networks: []networkReport{}}
	drift, backed := false, true
	for _, name := range names {
		n := reportOn(name, before, after)
		drift, backed = drift || len(n.Drift) > 0, backed && n.all()
		r.Networks = append(r.Networks, n)
	}
	if format != "table" {
		err = t.print(format, r)
	} else {
		t.statusTables(r)
	}
	switch {
	case err != nil:
		return err
	case drift:
		return errDrift
	case c.Bool("backed") && !backed:
		return errNotBacked
	}
	return nil
}

// twice observes at both ends of the interval.
func twice(ctx context.Context, m hosts.Machine, interval time.Duration) (before, after hosts.Observation, err error) {
	if before, err = m.Observe(ctx); err != nil || interval == 0 {
		return before, before, err
	}
	select {
	case <-ctx.Done():
		return before, after, ctx.Err()
	case <-time.After(interval):
	}
	after, err = m.Observe(ctx)
	return before, after, err
}

func reportOn(name string, before, after hosts.Observation) networkReport {
	s := after.State.Of(name)
	n := networkReport{Name: name, VMs: []vmReport{}, Reservations: []reservationReport{}, Queues: []queueReport{}, Drift: driftOf(name, after.State), backing: backingOf(name, before, after)}
	for _, d := range s.Domains {
		running := slices.Contains(s.Powers, hosts.Power{Network: name, VM: d.VM})
		n.VMs = append(n.VMs, vmReport{d.VM, d.Name, running, d.Accel, d.VCPUs, d.Memory})
	}
	for _, r := range s.Reservations {
		rr := reservationReport{VM: r.VM, Thread: r.Thread, CPU: r.CPU, RuntimeNs: r.RuntimeNs, PeriodNs: r.PeriodNs}
		if r.PeriodNs > 0 {
			rr.Promised = float64(r.RuntimeNs) / float64(r.PeriodNs)
		}
		rr.Measured = perSecond(before, after, r.Key(), 1e-9, func(m hosts.Meter) int64 { return m.CPUNs })
		n.Reservations = append(n.Reservations, rr)
	}
	for _, q := range s.Queues {
		m := after.Meters[q.Key()]
		qr := queueReport{Link: q.Link, From: q.VM, To: q.To, RateBit: q.RateBit, BurstBytes: q.BurstBytes, Bytes: m.Bytes, Packets: m.Packets, Drops: m.Drops, Backlog: m.Backlog}
		qr.Measured = perSecond(before, after, q.Key(), 8, func(m hosts.Meter) int64 { return m.Bytes })
		n.Queues = append(n.Queues, qr)
	}
	return n
}

// perSecond is how fast a counter grew between two observations, times scale; nil
// where it was not seen twice.
func perSecond(before, after hosts.Observation, key hosts.Key, scale float64, counter func(hosts.Meter) int64) *float64 {
	a, seenA := before.Meters[key]
	b, seenB := after.Meters[key]
	if !seenA || !seenB || b.ClockNs <= a.ClockNs {
		return nil
	}
	rate := float64(counter(b)-counter(a)) / float64(b.ClockNs-a.ClockNs) * 1e9 * scale
	return &rate
}

// driftOf says how a network differs from what was deployed of it.
func driftOf(name string, observed hosts.State) []string {
	want, known := observed.Wanted(name)
	if !known {
		if len(observed.Of(name).Objects()) == 0 {
			return []string{"nothing of it is on this machine"}
		}
		return []string{"no domain says what was deployed: a deploy was cut short, or all vms are gone; vsnctl destroy " + name + " removes the rest"}
	}
	drift := []string{}
	for _, c := range hosts.Diff(hosts.Replace(observed, want, name), observed) {
		switch {
		case c.Old == nil:
			drift = append(drift, fmt.Sprintf("missing: %v", c.New))
		case c.New == nil:
			drift = append(drift, fmt.Sprintf("not wanted: %v", c.Old))
		default:
			drift = append(drift, fmt.Sprintf("is %v, wanted %v", c.Old, c.New))
		}
	}
	return drift
}
