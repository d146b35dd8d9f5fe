package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/vsn"
)

// goalFlags say what a plan is to cost little of, and what is decided by hand.
func goalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "objective", EnvVars: env("objective"),
			Usage: "make least, the first `LIST` item first: bandwidth, hosts, balance, moves (default: the inventory's, or bandwidth,hosts)"},
		&cli.StringSliceFlag{Name: "pin", EnvVars: env("pin"), Usage: "put a VM on a host, as in `NETWORK/VM=HOST` (may be repeated)"},
		&cli.StringFlag{Name: "before", EnvVars: env("before"), Usage: "count moves from the hosts that `PLAN` has; moves are made least first unless the objective says otherwise"},
	}
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

var errEdited = errors.New("an edited plan names its own problem: leave SPEC, --inventory, --pin and --before away")
