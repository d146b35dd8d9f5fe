package solve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Amendment is what is to change about a plan that runs.
type Amendment struct {
	Networks  []vsn.Network    // come beside those that run
	Drop      []string         // networks that go
	Without   []string         // hosts, switches and cables that are lost
	Inventory *hosts.Inventory // in the place of the one that was planned with; nil: that
}

// Amend is the problem of a running plan with changes, and what stays as it is when
// that is planned (Options.Standing): all but what is dropped, and what was on, or went
// over, what is lost. A network that runs and comes again must be the same; it stays.
// Pins to what is lost, and of what is dropped, are gone.
func Amend(running *placement.Plan, a Amendment) (*placement.Problem, *Standing, error) {
	old := &running.Problem
	inv := &old.Inventory
	if a.Inventory != nil {
		inv = a.Inventory
	}
	left, err := lose(inv, &old.Inventory, a.Without)
	if err != nil {
		return nil, nil, err
	}
	networks, err := remaining(old.Networks, a.Drop)
	if err != nil {
		return nil, nil, err
	}
	if err := present(running, networks, left, a.Without); err != nil {
		return nil, nil, err
	}
	standing := stand(running, networks, left)
	number := map[string]int{}
	for i := range networks {
		number[networks[i].Name] = i
	}
	for i := range a.Networks {
		n := &a.Networks[i]
		at, runs := number[n.Name]
		switch {
		case !runs:
			number[n.Name] = len(networks)
			networks = append(networks, *n)
		case !same(n, &networks[at]):
			return nil, nil, fmt.Errorf("network %q runs already, and is another than the one that is to come: give it another name, leave it away to keep what runs, or drop it (--drop %s) and it is planned anew", n.Name, n.Name)
		}
	}
	p := &placement.Problem{Networks: networks, Inventory: *left}
	there := newIndex(left).nodes
	for _, pin := range old.Pins {
		if _, ok := there[pin.Host]; ok && standing.has(pin.Network) {
			p.Pins = append(p.Pins, pin)
		}
	}
	if slices.Contains(left.Objective, hosts.LeastMoved) {
		p.Before = running.Embedding.Seats
	}
	return p, standing, nil
}

// remaining are the networks that are not dropped.
func remaining(networks []vsn.Network, drop []string) (out []vsn.Network, err error) {
	for _, name := range drop {
		if !slices.ContainsFunc(networks, func(n vsn.Network) bool { return n.Name == name }) {
			return nil, fmt.Errorf("network %q is to be dropped, and does not run: %s", name, strings.Join(names(networks), ", "))
		}
	}
	for _, n := range networks {
		if !slices.Contains(drop, n.Name) {
			out = append(out, n)
		}
	}
	return out, nil
}

func names(networks []vsn.Network) (out []string) {
	for i := range networks {
		out = append(out, networks[i].Name)
	}
	return out
}

// same reports whether two networks ask for the same.
func same(a, b *vsn.Network) bool {
	x, err := json.Marshal(a)
	y, other := json.Marshal(b)
	return err == nil && other == nil && string(x) == string(y)
}

// lose is an inventory without some nodes and cables, which are known there or to the
// inventory before, and without the cables of those nodes.
func lose(inv, before *hosts.Inventory, names []string) (*hosts.Inventory, error) {
	lost := map[string]bool{}
	for _, name := range names {
		if !knows(inv, name) && !knows(before, name) {
			return nil, fmt.Errorf("%q is to be done without, and there is no host, switch or cable of that name", name)
		}
		lost[name] = true
	}
	if len(lost) == 0 {
		return inv, nil
	}
	out := &hosts.Inventory{Objective: inv.Objective}
	for _, h := range inv.Hosts {
		if !lost[h.Name] {
			out.Hosts = append(out.Hosts, h)
		}
	}
	for _, s := range inv.Switches {
		if !lost[s.Name] {
			out.Switches = append(out.Switches, s)
		}
	}
	for _, c := range inv.Cables {
		if !lost[c.Name] && !slices.ContainsFunc(c.Between, func(end string) bool { return lost[end] }) {
			out.Cables = append(out.Cables, c)
		}
	}
	if len(out.Hosts) == 0 {
		return nil, fmt.Errorf("without %s no host is left", strings.Join(names, ", "))
	}
	return out, nil
}

func knows(inv *hosts.Inventory, name string) bool {
	return inv.Host(name) != nil || inv.Cable(name) != nil || slices.ContainsFunc(inv.Switches, func(s hosts.Switch) bool { return s.Name == name })
}

// present wants what the networks use to be in the inventory, or named as lost: what a
// file forgets is not moved away from unasked.
func present(running *placement.Plan, networks []vsn.Network, inv *hosts.Inventory, lost []string) error {
	x := newIndex(inv)
	runs := map[string]bool{}
	for i := range networks {
		runs[networks[i].Name] = true
	}
	missing := func(kind, name, user string) error {
		return fmt.Errorf("%s %q, which %s of the running plan uses, is not in the inventory: if it is lost, say so (--without %s), and what was there is placed anew", kind, name, user, name)
	}
	known := func(nodes []string, user string) error {
		for _, name := range nodes {
			if _, there := x.nodes[name]; !there && !slices.Contains(lost, name) {
				return missing("node", name, user)
			}
		}
		return nil
	}
	for _, s := range running.Embedding.Seats {
		if runs[s.Network] {
			if err := known([]string{s.Host}, "vm "+s.Network+"/"+s.VM); err != nil {
				return err
			}
		}
	}
	for _, r := range running.Embedding.Routes {
		if !runs[r.Network] {
			continue
		}
		user := "link " + r.Network + "/" + r.Link
		if err := known(r.Path, user); err != nil {
			return err
		}
		for i, name := range r.Cables {
			c, there := x.cables[name]
			ends := r.Path[i : i+2]
			switch {
			case there && !between(&inv.Cables[c], ends[0], ends[1]):
				return fmt.Errorf("cable %q, which %s of the running plan uses, does not join %s and %s in this inventory: what runs cannot stay as it is", name, user, ends[0], ends[1])
			case !there && !slices.Contains(lost, name) && !slices.Contains(lost, ends[0]) && !slices.Contains(lost, ends[1]):
				return missing("cable", name, user)
			}
		}
	}
	return nil
}
