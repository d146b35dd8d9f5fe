package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

func destroyCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "destroy", Usage: "remove networks and everything that was made for them", ArgsUsage: "NAME...", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Stops the VMs of the networks named and removes their domains, reservations, root
domains, bridges and queues; also what a deploy that was killed has left. What belongs to
others is not touched. Nothing there is not an error.`,
		Flags: []cli.Flag{
			connectFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, EnvVars: env("dry-run"), Usage: "print the changes and make none"},
			&cli.BoolFlag{Name: "all", Usage: "every network on this machine (no environment variable: it would make any destroy one of all)"},
		},
		Action: func(c *cli.Context) error { return t.destroy(c) },
	}
}

func (t *terminal) destroy(c *cli.Context) error {
	names := c.Args().Slice()
	if len(names) == 0 && !c.Bool("all") {
		return badInput(errors.New("no NAME: vsnctl status lists the networks, --all means every one"))
	}
	if len(names) > 0 && c.Bool("all") {
		return badInput(errors.New("--all and a NAME: want one of them"))
	}
	for _, n := range names {
		if err := vsn.CheckName(n); err != nil {
			return badInput(fmt.Errorf("network %q: %w", n, err))
		}
	}
	m, release, err := exclusive(c)
	if err != nil {
		return err
	}
	defer release()
	o, err := m.Observe(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("all") {
		names = o.State.Networks()
	}
	changes := hosts.Diff(hosts.Replace(o.State, hosts.State{}, names...), o.State)
	if c.Bool("dry-run") {
		return t.listChanges("table", changes)
	}
	made, err := hosts.Converge(c.Context, m, hosts.State{}, names, t.progress(len(changes)))
	if err != nil {
		return err
	}
	if len(made) == 0 {
		_, err = fmt.Fprintf(t.out, "%s: nothing is there\n", strings.Join(names, ", "))
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: destroyed, %d changes\n", strings.Join(names, ", "), len(made))
	return err
}
