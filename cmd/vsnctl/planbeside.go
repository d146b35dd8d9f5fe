package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn"
)

// besideFlags say what runs already, and what is to change about it.
func besideFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "beside", EnvVars: env("beside"), Usage: "plan beside the networks of `PLAN`, which stay as they are: hosts, paths, CPUs, classes; the answer is one plan with all of them"},
		&cli.StringSliceFlag{Name: "drop", Usage: "with --beside, leave `NETWORK` of that plan out (may be repeated)"},
		&cli.StringSliceFlag{Name: "without", Usage: "with --beside, do without the host, switch or cable `NAME`, which is lost: what was there is placed anew (may be repeated)"},
		&cli.BoolFlag{Name: "allow-moves", Usage: "with --beside, move what runs where nothing else will do, as little as can be"},
	}
}

// amends reports whether a flag is there that only --beside gives a meaning to.
func amends(c *cli.Context) bool {
	return len(c.StringSlice("drop")) > 0 || len(c.StringSlice("without")) > 0 || c.Bool("allow-moves")
}

// beside plans what is to change about a plan that runs.
func (t *terminal) beside(c *cli.Context, name string, specs []documentSource) (*placement.Plan, error) {
	if c.IsSet("edited") {
		return nil, badInput(errors.New("--beside and --edited both name a plan: use one of them"))
	}
	running, problem, standing, err := t.amended(c, name, specs)
	if err != nil {
		return nil, err
	}
	plan, err := t.search(c, func(o solve.Options) (a answered) {
		o.Standing = standing
		if c.Bool("exact") {
			var near solve.Optimality
			if a.plan, near, a.err = solve.Exact(c.Context, *problem, o); a.err == nil {
				a.said = nearness(near)
			}
		} else {
			a.plan, a.err = solve.Solve(c.Context, *problem, o)
		}
		if a.err != nil && c.Context.Err() == nil {
			a.plan, a.err = otherwise(c, *problem, o, running, a.err)
		}
		return a
	})
	if err == nil {
		t.tellMoves(running, plan)
	}
	return plan, err
}

// amended reads the plan that runs and the documents of what is to come.
func (t *terminal) amended(c *cli.Context, name string, specs []documentSource) (*placement.Plan, *placement.Problem, *solve.Standing, error) {
	defer t.hurry(c.Context)()
	if len(specs) == 0 && len(inventories(c)) == 0 && !amends(c) {
		return nil, nil, nil, badInput(errors.New("--beside alone changes nothing: name a SPEC to add, --drop NETWORK, --without NAME for what is lost, or another inventory with -i"))
	}
	running, err := t.running(name)
	if err != nil {
		return nil, nil, nil, err
	}
	a := solve.Amendment{Drop: c.StringSlice("drop"), Without: c.StringSlice("without")}
	if a.Networks, a.Inventory, err = t.documents(append(named(inventories(c)), specs...)); err != nil {
		return nil, nil, nil, err
	}
	problem, standing, err := solve.Amend(running, a)
	if err != nil {
		return nil, nil, nil, badInput(fmt.Errorf("%s: %w", name, err))
	}
	if err := validProblem(name, &placement.Plan{Problem: *problem}); err != nil {
		return nil, nil, nil, err
	}
	return running, problem, standing, t.goals(c, problem)
}

// running reads a plan that is not to have changed since it was proved.
func (t *terminal) running(name string) (*placement.Plan, error) {
	data, err := t.readFile(name)
	if err != nil {
		return nil, badInput(err)
	}
	p, err := decodePlan(name, data)
	if err != nil {
		return nil, err
	}
	if err := p.Sealed(); err != nil {
		return nil, badInput(fmt.Errorf("%s: %w: it is not the plan of what runs (vsnctl plan --edited plans what was changed by hand)", name, err))
	}
	return p, nil
}

// stuck is a refusal of what was to be planned beside what stays, and what else would do.
type stuck struct {
	error
	Moves []solve.Move `json:"moves,omitempty"` // with --allow-moves
	Drop  []string     `json:"drop,omitempty"`  // without these networks, which run
	Leave []string     `json:"leave,omitempty"` // and without these, which were to come
	// Untried says that what else would do was not looked for, so much runs.
	Untried bool `json:"untried,omitempty"`
}

func (s stuck) Unwrap() error { return s.error }

func (s stuck) Error() string {
	text := s.error.Error()
	if len(s.Moves) > 0 {
		text += fmt.Sprintf("\nwith --allow-moves there is a plan that moves %s", movesText(s.Moves))
	}
	if s.Untried {
		text += "\nwhether it helps that something moves was not looked at, so much runs: --allow-moves does"
	}
	if len(s.Drop)+len(s.Leave) > 0 {
		text += "\nthere is a plan without " + someOf(slices.Concat(s.Drop, s.Leave))
		if len(s.Drop) > 0 {
			text += ": " + dropFlags(s.Drop)
		}
	}
	return text
}

// drop says without which networks there is a plan, if that leaves anything of what was
// asked for.
func (s *stuck) drop(networks []string, running *placement.Plan, p *placement.Problem) {
	for _, name := range networks {
		if slices.ContainsFunc(running.Problem.Networks, func(n vsn.Network) bool { return n.Name == name }) {
			s.Drop = append(s.Drop, name)
		} else {
			s.Leave = append(s.Leave, name)
		}
	}
	if len(networks) == len(p.Networks) || len(s.Drop) == 0 && len(s.Leave) == len(p.Networks)-len(running.Problem.Networks) {
		s.Drop, s.Leave = nil, nil
	}
}

func dropFlags(names []string) string {
	flags := make([]string, len(names))
	for i, n := range names {
		flags[i] = "--drop " + n
	}
	return strings.Join(flags, " ")
}

// otherwise looks, what was asked for being refused, for what else would do: that some
// of what runs moves, which is taken if that is allowed, or that a network goes.
func otherwise(c *cli.Context, p placement.Problem, o solve.Options, running *placement.Plan, no error) (*placement.Plan, error) {
	var infeasible *placement.Infeasible
	var gaveUp *placement.GaveUp
	if !errors.As(no, &infeasible) && !errors.As(no, &gaveUp) {
		return nil, no
	}
	if len(p.Networks) > mostTriedInstead && !c.Bool("allow-moves") {
		return nil, stuck{error: no, Untried: true}
	}
	quiet := o
	quiet.Found = nil
	plan, _, err := solve.Rearrange(c.Context, p, quiet)
	if err == nil && c.Bool("allow-moves") {
		return plan, nil
	}
	out := stuck{error: no}
	if err == nil {
		out.Moves = solve.Moves(running, plan)
	}
	if c.Context.Err() == nil {
		out.drop(solve.Unplaced(c.Context, p, quiet), running, &p)
	}
	return nil, out
}

// mostTriedInstead is of how many networks something else is looked for unasked.
const mostTriedInstead = 200

// mostListed bounds what is said in one line.
const mostListed = 8

func someOf(names []string) string {
	if len(names) > mostListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), len(names)-mostListed)
	}
	return strings.Join(names, ", ")
}

func movesText(moves []solve.Move) string {
	texts := make([]string, len(moves))
	for i, m := range moves {
		texts[i] = moveText(m)
	}
	return someOf(texts)
}

func moveText(m solve.Move) string {
	between := " "
	if strings.HasPrefix(m.Subject, "reservations ") {
		between = ", "
	}
	return fmt.Sprintf("%s from %s to %s", m.Subject, strings.Join(m.From, between), strings.Join(m.To, between))
}

// tellMoves says what of what ran is elsewhere now.
func (t *terminal) tellMoves(running, plan *placement.Plan) {
	for _, m := range solve.Moves(running, plan) {
		t.words("vsnctl: moves: " + moveText(m))
	}
	machines := map[string]bool{}
	for i := range plan.Problem.Inventory.Hosts {
		machines[plan.Problem.Inventory.Hosts[i].Name] = true
	}
	there := map[[2]string]bool{}
	for _, s := range plan.Embedding.Seats {
		there[[2]string{s.Network, s.VM}] = true
	}
	for _, pin := range running.Problem.Pins {
		if !machines[pin.Host] && there[[2]string{pin.Network, pin.VM}] {
			t.words(fmt.Sprintf("vsnctl: vm %s/%s was pinned to %s: the pin is gone with the host", pin.Network, pin.VM, pin.Host))
		}
	}
	longer := map[placement.Queue]int64{}
	for _, q := range running.Realization.Queues {
		key := q
		key.LimitBytes = 0
		longer[key] = q.LimitBytes
	}
	for _, q := range plan.Realization.Queues {
		key := q
		key.LimitBytes = 0
		if was, ran := longer[key]; ran && q.LimitBytes > was && q.At == placement.AtPort {
			t.words(fmt.Sprintf("vsnctl: the queue of link %s/%s from %s gets longer, in place: %d to %d bytes", q.Network, q.Link, q.From, was, q.LimitBytes))
		}
	}
}
