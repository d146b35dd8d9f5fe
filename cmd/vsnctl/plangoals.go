package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/milp"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn"
)

// goalFlags say what a plan is to cost little of, and what is decided by hand.
func goalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "objective", EnvVars: env("objective"),
			Usage: "make least, the first `LIST` item first: bandwidth, hosts, balance, moves (default: the inventory's, or bandwidth,hosts)"},
		&cli.StringSliceFlag{Name: "pin", EnvVars: env("pin"), Usage: "put a VM on a host, as in `NETWORK/VM=HOST` (may be repeated)"},
		&cli.StringFlag{Name: "edited", EnvVars: env("edited"), Usage: "use the hosts of `PLAN`, a plan that was changed by hand, and its paths where they hold; takes the place of SPEC"},
		&cli.BoolFlag{Name: "exact", EnvVars: env("exact"), Usage: "go on until no plan costs less, or print how much less one may cost"},
		&cli.StringFlag{Name: "export", EnvVars: env("export"), Usage: "write the problem to `FILE` as an integer program in LP format (- for standard output), and plan nothing"},
		&cli.DurationFlag{Name: "time-limit", EnvVars: env("time-limit"), Usage: "search no longer than `DURATION`; with --exact the best plan so far is printed"},
		&cli.StringFlag{Name: "before", EnvVars: env("before"), Usage: "count moves from the hosts that `PLAN` has; moves are made least first unless the objective says otherwise"},
	}
}

// errEdited is how not to use --edited.
var errEdited = errors.New("--edited names a plan, which has its own problem: leave SPEC, --inventory, --pin and --exact away")

// edited plans what a plan that was changed by hand says of hosts and paths.
func (t *terminal) edited(c *cli.Context, name string) (*placement.Plan, error) {
	if c.Args().Present() || c.IsSet("inventory") || c.IsSet("pin") || c.Bool("exact") {
		return nil, badInput(errEdited)
	}
	data, err := t.readFile(name)
	if err != nil {
		return nil, badInput(err)
	}
	p, err := decodePlan(name, data)
	if err != nil {
		return nil, err
	}
	p.Problem.Pins = nil
	if err := t.goals(c, &p.Problem); err != nil {
		return nil, err
	}
	if err := seated(name, p); err != nil {
		return nil, badInput(err)
	}
	return t.search(c, func(o solve.Options) (a answered) {
		var kept bool
		if a.plan, kept, a.err = solve.Edited(c.Context, p.Problem, p.Embedding, o); a.err == nil && !kept {
			a.said = name + ": the hosts are kept, the paths are chosen anew"
		}
		return a
	})
}

// seated wants one seat for every VM, on a host that is there.
func seated(name string, p *placement.Plan) error {
	seats := map[[2]string]bool{}
	for _, s := range p.Embedding.Seats {
		key := [2]string{s.Network, s.VM}
		i := slices.IndexFunc(p.Problem.Networks, func(n vsn.Network) bool { return n.Name == s.Network })
		switch {
		case i < 0 || p.Problem.Networks[i].VM(s.VM) == nil:
			return fmt.Errorf("%s: embedding: seat of %s/%s: there is no such vm", name, s.Network, s.VM)
		case seats[key]:
			return fmt.Errorf("%s: embedding: vm %s/%s has two seats", name, s.Network, s.VM)
		case p.Problem.Inventory.Host(s.Host) == nil:
			return fmt.Errorf("%s: embedding: vm %s/%s is on %q, and there is no such host", name, s.Network, s.VM, s.Host)
		}
		seats[key] = true
	}
	return nil
}

// optimize plans until nothing costs less, and says how near that is.
func (t *terminal) optimize(c *cli.Context, p placement.Problem) (*placement.Plan, error) {
	return t.search(c, func(o solve.Options) (a answered) {
		var near solve.Optimality
		if a.plan, near, a.err = solve.Exact(c.Context, p, o); a.err == nil {
			a.said = nearness(near)
		}
		return a
	})
}

// nearness says whether a plan is the best there is, or how much better one may be.
func nearness(near solve.Optimality) string {
	for i, by := range near.By {
		cost, bound := near.Costs[i], near.Bounds[i]
		if bound < cost {
			return fmt.Sprintf("the best plan so far, not proved to be the best there is: %s %s, and none has less than %s (gap %.2f%%): %s",
				by, costText(by, cost), costText(by, bound), 100*float64(cost-bound)/float64(cost), near.Why)
		}
	}
	return fmt.Sprintf("optimal: no plan costs less (%d decisions)", near.Nodes)
}

// export writes the problem for an outside solver.
func (t *terminal) export(c *cli.Context, name string) error {
	if c.IsSet("output") || c.IsSet("edited") || c.IsSet("beside") || c.Bool("exact") {
		return badInput(errors.New("--export plans nothing: leave --output, --edited, --beside and --exact away"))
	}
	defer t.hurry(c.Context)()
	problem, err := t.problem(c, named(c.Args().Slice()))
	if err != nil {
		return err
	}
	if solve.Chooses(problem) {
		return badInput(errors.New("the networks leave reservations or rates to the planner, and a linear program has no choice of them: give runtime and period to every VM on a flow with a deadline or with tasks, and a rate to every link of such a flow"))
	}
	var program bytes.Buffer
	if err := milp.Write(&program, problem); err != nil {
		return badInput(err)
	}
	return t.writeFile(name, program.Bytes())
}

// limited is the context of a search with a time limit.
func limited(c *cli.Context) (context.Context, context.CancelFunc, error) {
	limit := c.Duration("time-limit")
	switch {
	case limit < 0:
		return nil, nil, badInput(fmt.Errorf("--time-limit %v is negative", limit))
	case limit == 0:
		return c.Context, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(c.Context, limit)
	return ctx, cancel, nil
}

// goals puts into the problem what the flags say.
func (t *terminal) goals(c *cli.Context, p *placement.Problem) error {
	if text := c.String("objective"); text != "" {
		list, err := parseObjective(text)
		if err != nil {
			return badInput(err)
		}
		p.Inventory.Objective = list
	}
	for _, text := range c.StringSlice("pin") {
		pin, err := parsePin(text, p)
		if err != nil {
			return badInput(err)
		}
		p.Pins = append(p.Pins, pin)
	}
	name := c.String("before")
	if name == "" {
		return nil
	}
	data, err := t.readFile(name)
	if err != nil {
		return badInput(err)
	}
	before, err := decodePlan(name, data)
	if err != nil {
		return err
	}
	p.Before = before.Embedding.Seats
	if len(p.Inventory.Objective) == 0 {
		p.Inventory.Objective = append([]hosts.Objective{hosts.LeastMoved}, objective.Default()...)
	}
	return nil
}

func parseObjective(text string) (list []hosts.Objective, err error) {
	for _, word := range strings.Split(text, ",") {
		o := hosts.Objective(strings.TrimSpace(word))
		if !slices.Contains(hosts.Objectives(), o) {
			return nil, fmt.Errorf("--objective %s: %q is none of bandwidth, hosts, balance, moves", text, o)
		}
		if slices.Contains(list, o) {
			return nil, fmt.Errorf("--objective %s: %s is there twice", text, o)
		}
		list = append(list, o)
	}
	return list, nil
}

// parsePin reads NETWORK/VM=HOST and wants all three to be there.
func parsePin(text string, p *placement.Problem) (placement.Seat, error) {
	who, host, ok := strings.Cut(text, "=")
	network, vm, both := strings.Cut(who, "/")
	pin := placement.Seat{Network: network, VM: vm, Host: host}
	if !ok || !both {
		return pin, fmt.Errorf("--pin %q: want NETWORK/VM=HOST", text)
	}
	i := slices.IndexFunc(p.Networks, func(n vsn.Network) bool { return n.Name == network })
	switch {
	case i < 0:
		return pin, fmt.Errorf("--pin %s: no SPEC has a network %q", text, network)
	case p.Networks[i].VM(vm) == nil:
		return pin, fmt.Errorf("--pin %s: network %q has no vm %q", text, network, vm)
	case p.Inventory.Host(host) == nil:
		return pin, fmt.Errorf("--pin %s: the inventory has no host %q", text, host)
	case p.Pin(network, vm) != "":
		return pin, fmt.Errorf("--pin %s: the vm is pinned to %s already", text, p.Pin(network, vm))
	}
	return pin, nil
}

// objectiveLine says what a plan costs, criterion by criterion.
func objectiveLine(out io.Writer, p *placement.Plan) error {
	var parts []string
	for _, c := range objective.Costs(&p.Problem, &p.Embedding, &p.Realization) {
		parts = append(parts, string(c.By)+" "+costText(c.By, c.Value))
	}
	_, err := fmt.Fprintf(out, "Objective, the first counts first: %s\n", strings.Join(parts, ", "))
	return err
}

func costText(by hosts.Objective, value int64) string {
	switch by {
	case hosts.LeastBandwidth:
		return vsn.Rate(value).String() + " x hops"
	case hosts.Balance:
		return fmt.Sprintf("%.4f%%", float64(value)*100/objective.Million)
	}
	return fmt.Sprint(value)
}
