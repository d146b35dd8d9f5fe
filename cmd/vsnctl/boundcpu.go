package main

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement/bounds"
)

func boundSupply(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "supply", Usage: "what a reservation gives: the least in an interval, or the longest time to get an amount", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{bare("runtime", "processor `TIME` in every period"), bare("period", "the `PERIOD`"), bare("deadline", "given within `TIME` of the period's start (none: the period)"),
			bare("grain", "`TIME` at which the host enforces budgets (none: ideal)"),
			&cli.Int64Flag{Name: "others", EnvVars: env("bound-others"), Usage: "with a grain: `N` more reservations on the CPU"},
			bare("interval", "the least processor time in any window of this `LENGTH`"), bare("demand", "the longest time to get this much processor `TIME`"), formatFlag("table")},
		Action: func(c *cli.Context) error {
			n, err := numbers(c, []string{"runtime", "period"}, "deadline", "grain", "interval", "demand")
			if err != nil {
				return err
			}
			if (n["interval"] == nil) == (n["demand"] == nil) {
				return badInput(errors.New("want --interval or --demand, one of them"))
			}
			if err := possible(n); err != nil {
				return badInput(err)
			}
			zero := new(big.Rat)
			or := func(name string) *big.Rat {
				if n[name] != nil {
					return n[name]
				}
				return zero
			}
			ints, den, err := bounds.Scale(n["runtime"], n["period"], or("deadline"), or("grain"), or("interval"), or("demand"))
			if err != nil {
				return badInput(err)
			}
			s := bounds.Supply{Runtime: ints[0], Period: ints[1], Deadline: ints[2], Grain: ints[3], Others: c.Int64("others")}
			if err := s.Validate(); err != nil {
				return badInput(unscaleWords(err, den))
			}
			if n["interval"] != nil {
				return t.result(c, unscaled(s.SBF(ints[4]), den))
			}
			time, _ := s.Time(ints[5])
			return t.result(c, unscaled(time, den))
		},
	}
}

// possible tells whether a processor can give what a reservation says, in the numbers
// that were given.
func possible(n map[string]*big.Rat) error {
	within := "period"
	if d := n["deadline"]; d != nil && d.Sign() > 0 {
		if within = "deadline"; d.Cmp(n["period"]) > 0 {
			return fmt.Errorf("--deadline %s exceeds --period %s", d.RatString(), n["period"].RatString())
		}
	}
	switch {
	case n["runtime"].Sign() == 0:
		return errors.New("--runtime must be more than 0")
	case n["runtime"].Cmp(n[within]) > 0:
		return fmt.Errorf("--runtime %s exceeds --%s %s: no processor can give it", n["runtime"].RatString(), within, n[within].RatString())
	}
	return nil
}

// unscaleWords adds the denominator where an error speaks of scaled integers.
func unscaleWords(err error, den int64) error {
	if den == 1 {
		return err
	}
	return fmt.Errorf("%w (all numbers times %d)", err, den)
}

func boundInterface(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "interface", Usage: "the least budget of a period that carries tasks", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{&cli.StringFlag{Name: "scheduler", Value: "edf", EnvVars: env("bound-scheduler"), Usage: "of the guest: `edf`, rm (rate monotonic) or dm (deadline monotonic)"},
			bare("period", "of the reservation"), tasksFlag("`C/T[/D]`, may be repeated"), formatFlag("table")},
		Action: func(c *cli.Context) error {
			n, err := numbers(c, []string{"period"})
			if err != nil {
				return err
			}
			tasks, ints, den, err := scaledTasks(c, n["period"])
			if err != nil {
				return err
			}
			if ints[0] == 0 {
				return badInput(errors.New("--period must be more than 0"))
			}
			if slices.ContainsFunc(tasks, tooLate) {
				return t.result(c, nil)
			}
			least, err := leastRuntime(c.String("scheduler"), tasks, ints[0])
			if errors.Is(err, bounds.ErrInfeasible) {
				return t.result(c, nil)
			}
			if err != nil {
				return badInput(unscaleWords(err, den))
			}
			return t.result(c, least.Quo(least, new(big.Rat).SetInt64(den)))
		},
	}
}

// tooLate tells whether a task asks for more than its deadline is long: no budget
// suffices, not even the whole CPU.
func tooLate(t bounds.Task) bool {
	d := t.Deadline
	if d == 0 {
		d = t.Period
	}
	return t.Cost > d
}

func leastRuntime(scheduler string, tasks []bounds.Task, period int64) (*big.Rat, error) {
	switch scheduler {
	case "edf":
		return bounds.LeastRuntimeEDF(tasks, period)
	case "rm":
		return bounds.LeastRuntimeFixed(bounds.RateMonotonic(tasks), period)
	case "dm":
		return bounds.LeastRuntimeFixed(bounds.DeadlineMonotonic(tasks), period)
	}
	return nil, fmt.Errorf("scheduler %q: want edf, rm or dm", scheduler)
}

func boundRTA(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "rta", Usage: "response times under fixed priority, the first task the highest", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{tasksFlag("`C/T[/D]` in order of priority, may be repeated"), bare("runtime", "of a reserved CPU: processor `TIME` in every period (none: the whole CPU)"),
			bare("period", "of the reservation"), bare("deadline", "of the reservation"), formatFlag("table")},
		Action: func(c *cli.Context) error {
			n, err := numbers(c, nil, "runtime", "period", "deadline")
			if err != nil {
				return err
			}
			if (n["runtime"] == nil) != (n["period"] == nil) || n["deadline"] != nil && n["period"] == nil {
				return badInput(errors.New("--runtime and --period belong together, and --deadline to both"))
			}
			more := []*big.Rat{}
			if n["runtime"] != nil {
				if err := possible(n); err != nil {
					return badInput(err)
				}
				more = append(more, n["runtime"], n["period"])
				if n["deadline"] != nil {
					more = append(more, n["deadline"])
				}
			}
			tasks, ints, den, err := scaledTasks(c, more...)
			if err != nil {
				return err
			}
			s := bounds.Dedicated
			if len(ints) > 0 {
				s = bounds.Supply{Runtime: ints[0], Period: ints[1]}
				if len(ints) > 2 {
					s.Deadline = ints[2]
				}
			}
			if err := s.Validate(); err != nil {
				return badInput(unscaleWords(err, den))
			}
			for i := range tasks { // a response is as long as it is, whatever the deadline
				tasks[i].Deadline = 0
			}
			var out []*big.Rat
			for _, r := range bounds.ResponseTimes(tasks, s) {
				out = append(out, unscaled(r, den))
			}
			return t.results(c, out)
		},
	}
}
