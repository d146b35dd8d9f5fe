package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

func probeCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "probe", Usage: "print an inventory of this machine", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Looks at this machine and prints it as an inventory with one host: edit it, add hosts,
switches and cables, and plan with it. Changes nothing; without root, what cannot be
read gets its default.

It measures how late the scheduler ends budgets (the grain) with a SCHED_DEADLINE thread
against nice hogs, one to three seconds, where nobody has a reservation. What the
kernel's configuration says is never made smaller by that, only larger. Comments say what
was seen, or why nothing could be measured. --measure=false leaves it out.

  vsnctl probe > hosts.yaml
  vsnctl plan -i hosts.yaml robot.yaml

Two things are yours to allow, since they concern the whole machine:
--partition lets CPUs with reservations become root domains of their own, which takes
them out of the kernel's load balancing; --emulator reserves CPU for the device threads
of every VM, so that bounds hold for what passes them, too.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", EnvVars: env("name"), Usage: "call the host `NAME` (none: its host name)"},
			&cli.BoolFlag{Name: "partition", EnvVars: env("partition"), Usage: "allow root domains of single CPUs (machine-wide effect)"},
			&cli.StringFlag{Name: "emulator", EnvVars: env("emulator"), Usage: "reserve `RUNTIME/PERIOD` for the device threads of each VM, as in 4ms/20ms"},
			&cli.StringFlag{Name: "frame-work", Value: "50us", EnvVars: env("frame-work"), Usage: "with --emulator: the most CPU `TIME` that one frame costs them"},
			&cli.BoolFlag{Name: "measure", Value: true, EnvVars: env("measure"), Usage: "measure the grain of the scheduler"},
			formatFlag("yaml"), connectFlag(),
		},
		Action: func(c *cli.Context) error { return t.probe(c) },
	}
}

func (t *terminal) probe(c *cli.Context) error {
	l := thisMachine(c.String("connect"))
	defer l.close()
	h, err := l.host(c.Context)
	if err != nil {
		return err
	}
	comment := "grain: not measured, as asked"
	if c.Bool("measure") {
		h.Grain, comment = l.measured(c.Context)
	}
	if c.String("name") != "" {
		h.Name = c.String("name")
	}
	h.Partition = c.Bool("partition")
	if pair := c.String("emulator"); pair != "" {
		if h.Emulator, err = parseEmulator(pair, c.String("frame-work")); err != nil {
			return badInput(err)
		}
	}
	inv := hosts.Inventory{Hosts: []hosts.Host{h}}
	if err := hosts.Validate(&inv).Err(); err != nil {
		return err
	}
	format := c.String("format")
	if format == "table" {
		format = "yaml"
	}
	if format == "yaml" {
		fmt.Fprintln(t.out, "#", comment)
	} else {
		fmt.Fprintln(t.err, "vsnctl:", comment)
	}
	return t.print(format, struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		hosts.Inventory
	}{vsn.APIVersion, hosts.KindInventory, inv})
}

func parseEmulator(pair, work string) (*hosts.Emulator, error) {
	var e hosts.Emulator
	runtime, period, _ := strings.Cut(pair, "/")
	for _, part := range []struct {
		into *vsn.Duration
		text string
	}{{&e.Runtime, runtime}, {&e.Period, period}, {&e.Work, work}} {
		if err := part.into.UnmarshalText([]byte(part.text)); err != nil {
			return nil, fmt.Errorf("--emulator %s --frame-work %s: %w", pair, work, err)
		}
	}
	return &e, nil
}
