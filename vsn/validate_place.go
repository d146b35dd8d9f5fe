package vsn

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// groups joins VMs that must share a host (union-find without ranks: networks are
// small and paths are halved).
type groups map[string]string

func (g groups) of(vm string) string {
	for g[vm] != "" && g[vm] != vm {
		vm = g[vm]
	}
	return vm
}

func (g groups) join(a, b string) {
	if a, b = g.of(a), g.of(b); a != b {
		g[b] = a
	}
}

func (c *network) checkPlace() {
	together := groups{}
	for i := range c.Place {
		r := &c.Place[i]
		at := c.at.Key("place").Item(i, "")
		c.checkRule(r, at)
		for _, vm := range r.Together {
			together.join(r.Together[0], vm)
		}
	}
	c.checkApart(together)
	c.checkOn(together)
}

// checkRule looks at one rule by itself.
func (c *network) checkRule(r *Rule, at strict.Position) {
	forms := 0
	for key, vms := range map[string][]string{"apart": r.Apart, "together": r.Together, "spread": r.Spread, "vms": r.VMs} {
		if vms != nil || at.Has(key) {
			forms++
		}
	}
	if forms != 1 {
		at.Failf("want exactly one of apart, together, spread with over, and vms with on")
	}
	c.checkMembers(r.Apart, 2, at.Key("apart"))
	c.checkMembers(r.Together, 2, at.Key("together"))
	c.checkMembers(r.Spread, 2, at.Key("spread"))
	c.checkMembers(r.VMs, 1, at.Key("vms"))
	c.checkOver(r, at)
	hasVMs, hasOn := len(r.VMs) > 0 || at.Has("vms"), len(r.On) > 0 || at.Has("on")
	switch {
	case hasVMs && !hasOn:
		at.Failf("vms needs on: the labels of the hosts to use")
	case hasOn && !hasVMs && forms > 0:
		at.Key("on").Failf("goes with vms only")
	case hasOn && len(r.On) == 0:
		at.Key("on").Failf("is empty: name a label")
	}
	CheckLabels(at.Key("on"), r.On)
}

// checkOver wants a label to spread over, and only then.
func (c *network) checkOver(r *Rule, at strict.Position) {
	hasSpread, hasOver := len(r.Spread) > 0 || at.Has("spread"), r.Over != "" || at.Has("over")
	switch {
	case hasSpread && !hasOver:
		at.Failf("spread needs over: the label of which no two of the hosts have the same value")
	case hasOver && !hasSpread:
		at.Key("over").Failf("goes with spread only")
	case hasOver:
		check(at.Key("over"), CheckName(r.Over))
	}
}

func (c *network) checkMembers(vms []string, least int, at strict.Position) {
	if (vms != nil || at.Given()) && len(vms) < least {
		at.Failf("names %d VMs, at least %d are needed", len(vms), least)
	}
	seen := map[string]bool{}
	for k, vm := range vms {
		if c.checkKnown(at.Item(k, ""), vm) && seen[vm] {
			at.Item(k, "").Failf("VM %q is named twice", vm)
		}
		seen[vm] = true
	}
}

// checkApart finds VMs that are to be on one host and on two.
func (c *network) checkApart(together groups) {
	for i := range c.Place {
		for key, vms := range map[string][]string{"apart": c.Place[i].Apart, "spread": c.Place[i].Spread} {
			seen := map[string]string{}
			for k, vm := range vms {
				group := together.of(vm)
				if other, clash := seen[group]; clash && other != vm {
					c.at.Key("place").Item(i, "").Key(key).Item(k, "").Failf(
						"%q and %q are to be apart here, and together by other rules", other, vm)
				}
				seen[group] = vm
			}
		}
	}
}

// checkOn finds VMs of one host that are to be on hosts with different values of
// one label: a host has one.
func (c *network) checkOn(together groups) {
	type want struct{ group, label string }
	type have struct{ vm, value string }
	wanted := map[want]have{}
	for i := range c.Place {
		r := &c.Place[i]
		for _, vm := range r.VMs {
			for _, label := range slices.Sorted(maps.Keys(r.On)) {
				w := want{together.of(vm), label}
				if h, ok := wanted[w]; ok && h.value != r.On[label] {
					other := "by another rule"
					if h.vm != vm {
						other = fmt.Sprintf("and %q, on the same host,", h.vm)
					}
					c.at.Key("place").Item(i, "").Key("on").Key(label).Failf(
						"%q is to be on %s=%s here, %s on %s=%s", vm, label, r.On[label], other, label, h.value)
					continue
				}
				wanted[w] = have{vm, r.On[label]}
			}
		}
	}
}
