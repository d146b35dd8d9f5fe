package main

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

// boundCommand gives the arithmetic of the proofs to the shell.
func boundCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "bound", Usage: "the arithmetic of the proofs, for the shell", OnUsageError: usageError, HideHelpCommand: true,
		Description: `Computes worst cases with the functions that the proofs use. Numbers are plain (5, 0.25,
7/50), in any unit that is the same throughout a call; results are exact: 16, 39/14, or
inf where there is no bound.

  vsnctl bound supply --runtime 3 --period 5 --interval 12
  vsnctl bound supply --runtime 3 --period 5 --demand 4
  vsnctl bound interface --scheduler edf --period 10 --task 7/50 --task 9/75
  vsnctl bound rta --task 1/4 --task 1/5 --task 3/9
  vsnctl bound net FILE --flow NAME --analysis best --mux fifo
  vsnctl bound share --cap 0.5 --level-cap 0.75 --request 0.1 --request 0.3`,
		Subcommands: []*cli.Command{boundSupply(t), boundInterface(t), boundRTA(t), boundNet(t), boundShare(t)},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return badInput(fmt.Errorf("bound %q: want supply, interface, rta, net or share", c.Args().First()))
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// bare is a flag that takes a plain number.
func bare(name, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: usage, EnvVars: env("bound-" + name)}
}

func tasksFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "task", Usage: usage, EnvVars: env("bound-task")}
}

// rational reads a plain number: digits with a point, or a fraction; not negative.
func rational(name, text string) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > 40 || r.Sign() < 0 || strings.ContainsAny(text, "eExXpPbBoO_") {
		return nil, badInput(fmt.Errorf("%s %q: want a number from 0, as in 5, 0.25 or 7/50", name, text))
	}
	return r, nil
}

// numbers reads several flags; those not given are nil, unless they are needed.
func numbers(c *cli.Context, needed []string, optional ...string) (map[string]*big.Rat, error) {
	out := map[string]*big.Rat{}
	for i, name := range append(append([]string{}, needed...), optional...) {
		if !c.IsSet(name) {
			if i < len(needed) {
				return nil, badInput(fmt.Errorf("--%s is needed", name))
			}
			continue
		}
		r, err := rational("--"+name, c.String(name))
		if err != nil {
			return nil, err
		}
		if name == "deadline" && r.Sign() == 0 {
			return nil, badInput(errors.New("--deadline must be more than 0; leave it out for the period"))
		}
		out[name] = r
	}
	return out, nil
}

// taskParts reads C/T or C/T/D, each part a decimal.
func taskParts(text string) ([]*big.Rat, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, badInput(fmt.Errorf("--task %q: want COST/PERIOD or COST/PERIOD/DEADLINE", text))
	}
	var out []*big.Rat
	for _, p := range parts {
		r, err := rational("--task "+text+":", p)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// scaledTasks reads the tasks and further numbers over one common denominator.
func scaledTasks(c *cli.Context, more ...*big.Rat) (tasks []bounds.Task, ints []int64, den int64, err error) {
	if len(c.StringSlice("task")) == 0 {
		return nil, nil, 0, badInput(errors.New("--task is needed, at least one"))
	}
	all := more
	lengths := []int{}
	for _, text := range c.StringSlice("task") {
		parts, err := taskParts(text)
		if err != nil {
			return nil, nil, 0, err
		}
		all, lengths = append(all, parts...), append(lengths, len(parts))
	}
	ints, den, err = bounds.Scale(all...)
	if err != nil {
		return nil, nil, 0, badInput(err)
	}
	at := len(more)
	for i, n := range lengths {
		task := bounds.Task{Cost: ints[at], Period: ints[at+1]}
		if n == 3 {
			if task.Deadline = ints[at+2]; task.Deadline == 0 {
				return nil, nil, 0, badInput(fmt.Errorf("--task %q: the deadline must be more than 0; leave it out for the period", c.StringSlice("task")[i]))
			}
		}
		at += n
		if err := task.Validate(); err != nil && task.Cost == 0 || task.Period == 0 {
			return nil, nil, 0, badInput(fmt.Errorf("--task %q: cost and period must be more than 0", c.StringSlice("task")[i]))
		}
		tasks = append(tasks, task)
	}
	return tasks, ints[:len(more)], den, nil
}

// unscaled is an integer result over the common denominator; nil for no bound.
func unscaled(v, den int64) *big.Rat {
	if v == bounds.Inf {
		return nil
	}
	return big.NewRat(v, den)
}

func (t *terminal) result(c *cli.Context, r *big.Rat) error {
	if format := c.String("format"); format != "table" {
		return t.print(format, map[string]string{"result": bounds.FormatRat(r)})
	}
	_, err := fmt.Fprintln(t.out, bounds.FormatRat(r))
	return err
}

func (t *terminal) results(c *cli.Context, list []*big.Rat) error {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = bounds.FormatRat(r)
	}
	if format := c.String("format"); format != "table" {
		return t.print(format, map[string][]string{"results": texts})
	}
	_, err := fmt.Fprintln(t.out, strings.Join(texts, " "))
	return err
}
