package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
)

func deployCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "deploy", Usage: "make a plan so: start the VMs with their reservations and shaped links", ArgsUsage: "PLAN | SPEC...", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Takes a plan as written by vsnctl plan -o, or plans the SPEC files first. Checks the
proof, looks at the machine, compares, makes what differs, and looks again. A second run
finds nothing to do. If anything fails, what was made is undone.

  vsnctl deploy robot.plan.json
  vsnctl deploy --dry-run -i hosts.yaml robot.yaml   what would be done

Where the inventory says partition: true, the CPUs with reservations leave the kernel's
load balancing, for the whole machine; destroy puts back what was there.

Exit codes: ` + exitCodes,
		Flags: []cli.Flag{
			inventoryFlag(), seedFlag(), nodesFlag(), connectFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, EnvVars: env("dry-run"), Usage: "print the changes and make none"},
			&cli.BoolFlag{Name: "replace", Usage: "allow changes that stop a running VM, or throw away what one has written to its disk"},
		},
		Action: func(c *cli.Context) error { return t.deploy(c) },
	}
}

func (t *terminal) deploy(c *cli.Context) error {
	plan, err := t.planOrSpecs(c)
	if err != nil {
		return err
	}
	if err := proof.Check(plan); err != nil {
		return fmt.Errorf("the plan does not hold: %w", err)
	}
	host, err := localHost(plan)
	if err != nil {
		return badInput(err)
	}
	if !root() && !c.Bool("dry-run") {
		return errors.New("deploy changes the kernel's schedulers and queues: run it as root")
	}
	m := thisMachine(c.String("connect"))
	defer m.close()
	unlock, err := m.lock(c.Context)
	if err != nil {
		return err
	}
	defer unlock()
	want, observed, err := compile(c.Context, m, plan, host, t)
	if err != nil {
		return err
	}
	networks := networkNames(plan)
	changes := hosts.Diff(hosts.Replace(observed, want, networks...), observed)
	if c.Bool("dry-run") {
		return t.listChanges(changes)
	}
	if stops := stopped(changes); len(stops) > 0 && !c.Bool("replace") {
		return badInput(fmt.Errorf("this would stop and remake %s, disks included: allow it with --replace", strings.Join(stops, ", ")))
	}
	t.announce(changes)
	made, err := hosts.Converge(c.Context, m, want, networks, t.progress(len(changes)))
	if err != nil {
		return err
	}
	return t.deployed(networks, len(made))
}

func (t *terminal) deployed(networks []string, made int) error {
	names := strings.Join(networks, ", ")
	if made == 0 {
		_, err := fmt.Fprintf(t.out, "%s: nothing to change, all is as planned\n", names)
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s: deployed, %d changes\n", names, made)
	return err
}

// planOrSpecs reads the one plan file, or plans the documents.
func (t *terminal) planOrSpecs(c *cli.Context) (*placement.Plan, error) {
	if c.NArg() == 1 {
		name := c.Args().First()
		data, err := t.readFile(name)
		if err != nil {
			return nil, badInput(err)
		}
		if isPlan(data) {
			if len(c.StringSlice("inventory")) > 0 {
				return nil, badInput(fmt.Errorf("%s is a plan and has its inventory in it: leave -i away, or deploy the SPEC", name))
			}
			return decodePlan(name, data)
		}
		return t.solve(c, []documentSource{{name, data}})
	}
	return t.solve(c, named(c.Args().Slice()))
}

// localHost is the one host of the plan, this machine.
func localHost(p *placement.Plan) (*hosts.Host, error) {
	used := map[string]bool{}
	for _, s := range p.Embedding.Seats {
		used[s.Host] = true
	}
	var found *hosts.Host
	for i := range p.Problem.Inventory.Hosts {
		h := &p.Problem.Inventory.Hosts[i]
		switch {
		case !used[h.Name]:
		case !h.Local():
			return nil, fmt.Errorf("host %q is at %s, and this version deploys to this machine only (a host without an address)", h.Name, h.Address)
		case found != nil:
			return nil, fmt.Errorf("hosts %q and %q both have no address, and only one can be this machine", found.Name, h.Name)
		default:
			found = h
		}
	}
	if found == nil {
		return nil, errors.New("the plan has no vms")
	}
	return found, nil
}

func networkNames(p *placement.Plan) []string {
	var names []string
	for _, n := range p.Problem.Networks {
		names = append(names, n.Name)
	}
	return names
}

// compile looks at the machine, decides again whether the plan fits what is there
// now, and says what the machine shall carry.
func compile(ctx context.Context, m local, p *placement.Plan, h *hosts.Host, t *terminal) (want, observed hosts.State, err error) {
	now := *h
	if err := m.Probe(ctx, &now); err != nil {
		return want, observed, err
	}
	if err := stale(h, &now); err != nil {
		return want, observed, err
	}
	o, err := m.Observe(ctx)
	if err != nil {
		return want, observed, err
	}
	accel, warning, err := m.kvm.Resolve(h.Accel)
	if err != nil {
		return want, observed, fmt.Errorf("host %q: %w", h.Name, err)
	}
	if warning != "" {
		fmt.Fprintf(t.err, "vsnctl: host %q: %s\n", h.Name, warning)
	}
	if want, err = placement.Compile(p, h.Name, accel); err != nil {
		return want, observed, badInput(err)
	}
	return want, o.State, crowded(h, o.State, want, networkNames(p))
}

func (t *terminal) listChanges(changes []hosts.Change) error {
	for _, c := range changes {
		fmt.Fprintln(t.out, c)
	}
	_, err := fmt.Fprintf(t.out, "%d changes\n", len(changes))
	return err
}

// stopped names the VMs that changes would stop, or whose disk they would make anew,
// those that are only to go because they are not wanted any more included.
func stopped(changes []hosts.Change) []string {
	var names []string
	add := func(network, vm string) {
		if name := network + "/" + vm; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range changes {
		if c.New != nil {
			continue
		}
		switch o := c.Old.(type) {
		case hosts.Power:
			add(o.Network, o.VM)
		case hosts.Domain:
			if o.Overlay != "" {
				add(o.Network, o.VM)
			}
		}
	}
	return names
}

// announce says, before it is done, what concerns more than the networks deployed.
func (t *terminal) announce(changes []hosts.Change) {
	var cpus []string
	for _, c := range changes {
		if p, ok := c.New.(hosts.Partition); ok && c.Old == nil {
			cpus = append(cpus, fmt.Sprint(p.CPU))
		}
	}
	if len(cpus) > 0 {
		fmt.Fprintf(t.err, "vsnctl: cpus %s become root domains of their own: the whole machine's load balancing changes; destroy puts it back\n", strings.Join(cpus, ", "))
	}
}
