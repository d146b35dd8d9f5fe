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
finds nothing to do. If anything fails, what was made is undone. In the end it holds the
machine against everything that the proof rests on, and says of each promise whether it is
backed, and if not, why; --backed makes that an error, which undoes nothing.

  vsnctl deploy robot.plan.json
  vsnctl deploy --dry-run -i hosts.yaml robot.yaml   what would be done

Where the inventory says partition: true, the CPUs with reservations leave the kernel's
load balancing, for the whole machine; destroy puts back what was there.

Exit codes: ` + exitCodes,
		Flags: []cli.Flag{
			inventoryFlag(), seedFlag(), nodesFlag(), connectFlag(), formatFlag("table"), backedFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, EnvVars: env("dry-run"), Usage: "print the changes and make none"},
			&cli.BoolFlag{Name: "replace", Usage: "allow changes that stop a running VM, or throw away what one has written to its disk"},
		},
		Action: func(c *cli.Context) error { return t.deploy(c) },
	}
}

func (t *terminal) deploy(c *cli.Context) error {
	if format := c.String("format"); format != "table" && format != "json" && format != "yaml" {
		return badInput(fmt.Errorf("format %q: want table, json or yaml", format))
	}
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
	m, release, err := exclusive(c)
	if err != nil {
		return err
	}
	defer release()
	want, before, err := compile(c.Context, m, plan, host, t)
	if err != nil {
		return err
	}
	networks := networkNames(plan)
	changes := hosts.Diff(hosts.Replace(before.State, want, networks...), before.State)
	if c.Bool("dry-run") {
		return t.listChanges(c.String("format"), changes)
	}
	if stops := stopped(changes); len(stops) > 0 && !c.Bool("replace") {
		return badInput(fmt.Errorf("this would stop and remake %s, disks included: allow it with --replace", strings.Join(stops, ", ")))
	}
	t.announce(changes)
	m.measureBefore(c.Context, before.Facts, want)
	made, err := hosts.Converge(c.Context, m, want, networks, t.progress(len(changes)))
	if err != nil {
		return err
	}
	after, err := m.Observe(c.Context)
	if err != nil {
		return fmt.Errorf("all is made, but whether the promises are backed is not known: %w", err)
	}
	return t.deployed(c, networks, made, before, after)
}

// measureBefore measures the grain, where reservations are to be made and no other is
// in the way, and notes it in what was observed before: a larger one than planned
// with takes the backing from what is promised. The caller holds the lock.
func (l local) measureBefore(ctx context.Context, before *hosts.Facts, want hosts.State) {
	if before == nil || len(want.Reservations) == 0 {
		return
	}
	if seen, err := l.linux.MeasureGrain(ctx); err == nil {
		before.Measured = (seen.Grain() + 999) / 1000 * 1000 // whole us, for people to read
	}
}

// deployment is what deploy prints for programs.
type deployment struct {
	Changes  []string            `json:"changes"`
	Networks []deploymentNetwork `json:"networks"`
}

type deploymentNetwork struct {
	Name string `json:"name"`
	// Before says that it was not deployed now, but is there: what came beside it may
	// have taken from what it rests on.
	Before bool `json:"before,omitempty"`
	backing
}

// deploymentOf says what was made, and what is backed of what was promised: for the
// networks deployed, and for others on the machine that lack something.
func deploymentOf(networks []string, made []hosts.Change, before, after hosts.Observation) (d deployment, backed bool) {
	d, backed = deployment{Changes: changeTexts(made), Networks: []deploymentNetwork{}}, true
	for _, name := range slices.Concat(networks, others(after.State, networks)) {
		n := deploymentNetwork{name, !slices.Contains(networks, name), backingOf(name, before, after)}
		backed = backed && n.all()
		if !n.Before || !n.all() {
			d.Networks = append(d.Networks, n)
		}
	}
	return d, backed
}

func (t *terminal) deployed(c *cli.Context, networks []string, made []hosts.Change, before, after hosts.Observation) error {
	d, backed := deploymentOf(networks, made, before, after)
	if c.String("format") != "table" {
		if err := t.print(c.String("format"), d); err != nil {
			return err
		}
	} else {
		t.deploymentText(networks, d)
	}
	if c.Bool("backed") && !backed {
		return errNotBacked
	}
	return nil
}

func (t *terminal) deploymentText(networks []string, d deployment) {
	names := strings.Join(networks, ", ")
	if len(d.Changes) == 0 {
		fmt.Fprintf(t.out, "%s: nothing to change, all is as planned\n", names)
	} else {
		fmt.Fprintf(t.out, "%s: deployed, %d changes\n", names, len(d.Changes))
	}
	for _, n := range d.Networks {
		t.restsTable(n.Name, n.backing)
	}
	for _, n := range d.Networks {
		t.promiseList(n.Name, n.backing)
	}
}

// others are the networks on the machine that are not among those named.
func others(s hosts.State, networks []string) []string {
	return slices.DeleteFunc(s.Networks(), func(n string) bool { return slices.Contains(networks, n) })
}

func changeTexts(changes []hosts.Change) []string {
	texts := make([]string, len(changes))
	for i, c := range changes {
		texts[i] = c.String()
	}
	return texts
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
			if len(inventories(c)) > 0 {
				return nil, badInput(fmt.Errorf("%s is a plan and has its inventory in it: leave -i away, or deploy the SPEC", name))
			}
			return faithful(name, data)
		}
		return t.uninterrupted(c, []documentSource{{name, data}})
	}
	return t.uninterrupted(c, named(c.Args().Slice()))
}

// uninterrupted plans documents, and takes nothing that was found before its time: who
// interrupts deploy does not want it to go on.
func (t *terminal) uninterrupted(c *cli.Context, specs []documentSource) (*placement.Plan, error) {
	plan, err := t.solve(c, specs)
	return plan, errors.Join(err, c.Context.Err())
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
func compile(ctx context.Context, m local, p *placement.Plan, h *hosts.Host, t *terminal) (want hosts.State, observed hosts.Observation, err error) {
	now := *h
	if err := m.Probe(ctx, &now); err != nil {
		return want, observed, err
	}
	if err := stale(h, &now); err != nil {
		return want, observed, err
	}
	if err := overbooked(p, h, now.Share); err != nil {
		return want, observed, badInput(err)
	}
	if observed, err = m.Observe(ctx); err != nil {
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
	return want, observed, crowded(h, observed.State, want, networkNames(p))
}

func (t *terminal) listChanges(format string, changes []hosts.Change) error {
	texts := changeTexts(changes)
	if format != "table" {
		return t.print(format, deployment{Changes: texts, Networks: []deploymentNetwork{}})
	}
	for _, text := range texts {
		fmt.Fprintln(t.out, text)
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
