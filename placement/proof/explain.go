package proof

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// Explain writes the derivation of what is promised about one thing as a person would
// write it down: each claim with the numbers that went in, how its bound comes from
// them, and its theorem. Of a flow, "network/flow", that is every stage, the sum, the
// deadline and the slack; of a VM, "network/vm", its tasks and what it takes of its
// host; of a link, host or cable every claim about it. The error says that nothing has
// that name.
func Explain(w io.Writer, p *placement.Plan, name string) error {
	e := &explanation{w: w, links: map[string]placement.Claim{}, said: map[string]bool{}}
	e.network, _, _ = strings.Cut(name, "/")
	subject := "flow " + name
	var chain, about, odds []placement.Claim
	for _, c := range p.Proof.Claims {
		if c.Rule == RuleLink {
			e.links[c.Subject] = c
		}
		switch {
		case c.Subject == subject || strings.HasPrefix(c.Subject, subject+" stage ") || strings.HasPrefix(c.Subject, subject+" at "):
			chain = append(chain, c)
		case c.Rule == RuleOdds && c.Subject == "network "+e.network:
			odds = append(odds, c)
		case concerns(c, name):
			about = append(about, c)
		}
	}
	switch {
	case len(chain) > 0:
		e.printf("Flow %s.\n", name)
		for _, c := range append(chain, odds...) {
			e.claim(c)
		}
	case len(about)+len(odds) > 0:
		e.printf("What is claimed about %s.\n", name)
		for _, c := range append(about, odds...) {
			e.claim(c)
		}
	default:
		return fmt.Errorf("no flow, vm, link, host or cable %q in the plan: it has %s", name, strings.Join(names(p), ", "))
	}
	return e.err
}

// concerns tells whether a claim is about a VM, link, host, cable or network of that
// name, by its subject or by what goes into its sum.
func concerns(c placement.Claim, name string) bool {
	if c.Rule == RuleCost || c.Rule == RuleLoad || c.Rule == RuleBacklog || strings.HasPrefix(c.Subject, "flow ") {
		return c.Rule != RuleCost && strings.HasPrefix(c.Subject, "queue "+name+" ")
	}
	of := strings.Fields(strings.Replace(c.Subject, "tasks of ", "tasks ", 1))
	if len(of) > 1 && (of[1] == name || strings.HasPrefix(of[1], name+"/vcpu")) {
		return true
	}
	return slices.ContainsFunc(c.Terms, func(t placement.Term) bool {
		return t.Name == name || strings.HasPrefix(t.Name, name+"/")
	})
}

// names are what can be explained: flows, VMs and links of the plan, hosts and cables.
func names(p *placement.Plan) []string {
	var out []string
	for _, n := range p.Problem.Networks {
		for _, f := range n.Flows {
			out = append(out, n.Name+"/"+f.Name)
		}
		for _, vm := range n.VMs {
			out = append(out, n.Name+"/"+vm.Name)
		}
		for _, l := range n.Links {
			out = append(out, n.Name+"/"+l.Name)
		}
	}
	for _, h := range p.Problem.Inventory.Hosts {
		out = append(out, h.Name)
	}
	for _, c := range p.Problem.Inventory.Cables {
		out = append(out, c.Name)
	}
	return out
}

type explanation struct {
	w       io.Writer
	network string
	links   map[string]placement.Claim
	said    map[string]bool // theorems that were written out
	err     error
}

func (e *explanation) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(e.w, format, args...); err != nil && e.err == nil {
		e.err = err
	}
}

func (e *explanation) claim(c placement.Claim) {
	switch c.Rule {
	case RuleEndToEnd:
		e.verdict(c)
		return
	case RuleOdds:
		if c.Unit == "cpu" {
			e.overbooked(c)
		} else {
			e.odds(c)
		}
		return
	case RuleStages, RuleTandem:
		e.printf("\nThe whole, by %s:\n", c.Rule)
		e.theorem(c.Rule)
		e.sum(c)
		return
	}
	e.printf("\n%s, by %s:\n", strings.TrimPrefix(c.Subject, "flow "), c.Rule)
	e.theorem(c.Rule)
	e.by(c)
	if sums(c) {
		e.sum(c)
	} else {
		e.terms(c)
	}
	if !c.Limit.IsInf() {
		e.printf("    %-40s %s\n", "limit", inUnit(c.Unit, c.Limit))
	}
}

func (e *explanation) theorem(rule string) {
	if e.said[rule] {
		return
	}
	e.said[rule] = true
	for line := range strings.Lines(theorems[rule]) {
		e.printf("    | %s\n", strings.TrimSpace(line))
	}
}

// by says which rule a bound was taken from, and why there is none.
func (e *explanation) by(c placement.Claim) {
	if c.By != "" {
		e.printf("    the least, by %s:\n", c.By)
		e.theorem(c.By)
	}
	if c.Why != "" {
		e.printf("    no bound, because %s\n", c.Why)
	}
}

// terms writes what went in, how the bound comes from it, and the bound.
func (e *explanation) terms(c placement.Claim) {
	for _, t := range c.Terms {
		e.printf("    %-40s %s\n", t.Name, quantity(c, t))
	}
	if !c.Bound.IsInf() {
		for _, line := range asking(c) {
			e.printf("    %s\n", line)
		}
	}
	if how := working(c); how != "" {
		e.printf("    %s\n", how)
	}
	e.printf("    %-40s %s\n", "bound", inUnit(c.Unit, c.Bound))
}

// sums tells whether the terms of a claim add up to its bound.
func sums(c placement.Claim) bool {
	sum := placement.Int(0)
	for _, t := range c.Terms {
		sum = sum.Add(t.Value)
	}
	return len(c.Terms) > 0 && sum.Cmp(c.Bound) == 0 && c.Rule != RuleShaper && c.Rule != RuleJoin
}

// sum writes terms that add up to a bound, ways over links taken apart.
func (e *explanation) sum(c placement.Claim) {
	for _, t := range c.Terms {
		e.printf("    %16s  %s\n", inUnit(c.Unit, t.Value), t.Name)
		if link, ok := e.link(t.Name); ok && c.Rule == RuleStages && len(link.Terms) > 1 {
			e.theorem(RuleLink)
			e.printf("                        by %s\n", link.By)
			e.theorem(link.By)
			for _, part := range link.Terms {
				e.printf("                        = %s  %s\n", inUnit(link.Unit, part.Value), part.Name)
			}
		}
	}
	e.printf("    ----------------\n    %16s  in all\n", inUnit(c.Unit, c.Bound))
}

// verdict holds the lesser of the bounds against the deadline.
func (e *explanation) verdict(c placement.Claim) {
	e.printf("\nEvery bound of the whole holds, so the least does, by %s", c.Rule)
	if c.By != "" {
		e.printf(", that of %s", c.By)
	}
	e.printf(":\n    %16s  the bound\n", inUnit(c.Unit, c.Bound))
	if c.Why != "" {
		e.printf("There is none, because %s.\n", c.Why)
	}
	if c.Limit.IsInf() {
		e.printf("No deadline was asked for.\n")
		return
	}
	e.printf("    %16s  the deadline\n", inUnit(c.Unit, c.Limit))
	if !c.Holds() {
		e.printf("The deadline does not hold.\n")
		return
	}
	slack := c.Limit.Big()
	e.printf("    %16s  the slack: the deadline holds.\n", inUnit(c.Unit, placement.FromBig(slack.Sub(slack, c.Bound.Big()))))
}

// link finds the claim behind a term "link NAME from>to".
func (e *explanation) link(term string) (placement.Claim, bool) {
	name, ok := strings.CutPrefix(term, "link ")
	if !ok {
		return placement.Claim{}, false
	}
	c, ok := e.links["link "+e.network+"/"+name]
	return c, ok
}
