package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
)

func checkCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "prove a plan again, without the planner", ArgsUsage: "PLAN", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Derives every claim of the plan again, from its problem, embedding and realization
alone, by code that shares nothing with the planner, and compares. Names the first
claim that does not hold. Any change to a plan, to any number of it, is found.

Exit codes: ` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "explain", EnvVars: env("explain"), Usage: "write down what is claimed about `NAME`, a flow, vm or link (NETWORK/NAME), host or cable: each number, each theorem by name"},
			formatFlag("table"),
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return badInput(errors.New("want one PLAN file, or - for standard input"))
			}
			name := c.Args().First()
			data, err := t.readFile(name)
			if err != nil {
				return badInput(err)
			}
			p, err := decodePlan(name, data)
			if err != nil {
				return err
			}
			err = holds(p, data)
			if format := c.String("format"); format != "table" && c.String("explain") != "" {
				return badInput(errors.New("--explain is text: leave --format away"))
			} else if format != "table" {
				return errors.Join(err, t.print(format, checkResult(err, len(p.Proof.Claims))))
			}
			if err != nil {
				return fmt.Errorf("the plan does not hold: %w", err)
			}
			if name := c.String("explain"); name != "" {
				if err := proof.Explain(t.out, p, name); err != nil {
					return badInput(err)
				}
				return nil
			}
			_, err = fmt.Fprintf(t.out, "the plan holds: %d claims derived again, all as it says\n", len(p.Proof.Claims))
			return err
		},
	}
}

// holds proves a plan again, and that it is all that its file says. The error is a
// *proof.Broken.
func holds(p *placement.Plan, file []byte) error {
	if err := proof.Check(p); err != nil {
		return err
	}
	if unlike := placement.Faithful(file, p); unlike != nil {
		return &proof.Broken{Subject: "plan", Rule: proof.RuleStructure, Says: unlike.Error()}
	}
	return nil
}

func checkResult(err error, claims int) map[string]any {
	var b *proof.Broken
	if errors.As(err, &b) {
		return map[string]any{"holds": false, "subject": b.Subject, "rule": b.Rule, "says": b.Says}
	}
	return map[string]any{"holds": err == nil, "claims": claims}
}
