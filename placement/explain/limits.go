package explain

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// kind is what sort of limit one is. Where several sets conflict, limits of the kinds
// that come first are the first to be left out.
type kind int

const (
	ofTasks     kind = iota // what the tasks of a VM ask for
	ofEvery                 // how often the messages of a flow come
	ofDeadline              // of a flow
	ofDelay                 // of a link
	ofTransit               // a host forwards nothing
	ofRate                  // of a cable
	ofResource              // of a host
	ofMemory                // of a host
	ofProcessor             // of a host: its CPUs, and what reservations may take of them
	ofPin                   // of a VM
	ofPlace                 // a rule of a network
	kinds                   // their number
)

// limit is one of the limits of a problem, by numbers.
type limit struct {
	kind     kind
	at       int    // of the host, the cable, the network, the pin
	item     int    // of the network: the rule, the VM, the flow, the link
	resource string // of the host
	also     []int  // other hosts, or cables, of which it is the same
}

// catalog is a problem and all its limits, in the order of their kinds.
type catalog struct {
	problem *placement.Problem
	stays   map[string]bool // networks of which nothing is changed
	limits  []limit
	coarse  bool // times are found to a hundredth, not to a thousandth
	threads int  // reservations there can be at most
	memory  int64
	counts  map[string]int64 // of each resource, what all VMs together want
}

func newCatalog(p *placement.Problem, stays map[string]bool) *catalog {
	c := &catalog{problem: p, stays: stays, counts: map[string]int64{}}
	for i := range p.Networks {
		c.addNetwork(i)
	}
	for i := range p.Pins {
		if stays[p.Pins[i].Network] {
			continue
		}
		c.limits = append(c.limits, limit{kind: ofPin, at: i})
	}
	resources := make([]string, 0, len(c.counts))
	for name, count := range c.counts {
		if count > 0 {
			resources = append(resources, name)
		}
	}
	sort.Strings(resources)
	wires := wiring(&p.Inventory)
	for i := range p.Inventory.Hosts {
		c.limits = append(c.limits, limit{kind: ofMemory, at: i}, limit{kind: ofProcessor, at: i})
		for _, name := range resources {
			c.limits = append(c.limits, limit{kind: ofResource, at: i, resource: name})
		}
		if !p.Inventory.Hosts[i].Transit && len(wires[p.Inventory.Hosts[i].Name]) > 1 {
			c.limits = append(c.limits, limit{kind: ofTransit, at: i})
		}
	}
	for i := range p.Inventory.Cables {
		c.limits = append(c.limits, limit{kind: ofRate, at: i})
	}
	if len(p.Inventory.Hosts)+len(p.Inventory.Cables) > mostSingle {
		c.group()
	}
	slices.SortStableFunc(c.limits, func(a, b limit) int { return int(a.kind - b.kind) })
	return c
}

// mostSingle is how many hosts and cables are looked at one by one. Of more, those with
// the same limit are one.
const mostSingle = 48

// group makes one limit of those of hosts, or of cables, that are the same.
func (c *catalog) group() {
	first := map[string]int{}
	var out []limit
	for _, l := range c.limits {
		key := ""
		switch l.kind {
		case ofMemory, ofProcessor, ofResource, ofTransit:
			h := &c.problem.Inventory.Hosts[l.at]
			d := c.describeHost(l, h)
			key = fmt.Sprint(d.Rule, d.Field, d.Is, h.CPUs, h.Emulator != nil)
		case ofRate:
			cable := &c.problem.Inventory.Cables[l.at]
			key = fmt.Sprint("rate", cable.Rate, cable.Share, cable.Half(), cable.Delay)
		}
		if at, known := first[key]; known && key != "" {
			out[at].also = append(out[at].also, l.at)
			continue
		}
		first[key] = len(out)
		out = append(out, l)
	}
	c.limits = out
}

// wiring is the cables of each host, as what they offer and to whom.
func wiring(inv *hosts.Inventory) map[string][]string {
	out := map[string][]string{}
	for i := range inv.Cables {
		c := &inv.Cables[i]
		for k, end := range c.Between {
			out[end] = append(out[end], fmt.Sprint(c.Between[1-k], c.Rate, c.Share, c.Delay, c.Half()))
		}
	}
	return out
}

func (c *catalog) addNetwork(at int) {
	n := &c.problem.Networks[at]
	for i := range n.VMs {
		vm := &n.VMs[i]
		c.threads += vm.VCPUs + 1
		c.memory += int64(vm.Memory)
		for name, count := range vm.Resources {
			c.counts[name] += count
		}
		if c.stays[n.Name] {
			continue
		}
		if len(vm.Tasks) > 0 {
			c.limits = append(c.limits, limit{kind: ofTasks, at: at, item: i})
		}
	}
	if c.stays[n.Name] {
		return
	}
	for i := range n.Place {
		c.limits = append(c.limits, limit{kind: ofPlace, at: at, item: i})
	}
	for i := range n.Links {
		if n.Links[i].Delay > 0 {
			c.limits = append(c.limits, limit{kind: ofDelay, at: at, item: i})
		}
	}
	for i := range n.Flows {
		if n.Flows[i].Deadline > 0 {
			c.limits = append(c.limits, limit{kind: ofDeadline, at: at, item: i})
		}
		c.limits = append(c.limits, limit{kind: ofEvery, at: at, item: i})
	}
}

// only is the problem with no other limits than those: what is left out is as
// generous as it can be, so that every placement there was is one still.
func (c *catalog) only(keep set) (*placement.Problem, error) {
	var gone []placement.Change
	for i, l := range c.limits {
		if !keep[i] && (l.kind == ofPlace || l.kind == ofPin) {
			d := c.describe(i)
			gone = append(gone, placement.Change{Subject: d.Subject, Field: d.Field})
		}
	}
	out, err := c.problem.Changed() // rules keep their numbers for the rest
	if err != nil {
		return nil, err
	}
	idle := c.idle(keep)
	for i, l := range c.limits {
		if keep[i] || idle && l.kind == ofProcessor {
			continue
		}
		if l.kind == ofProcessor && c.threads*len(l.also) > mostCPUs {
			return nil, errLarge
		}
		c.drop(out, l)
		for _, l.at = range l.also {
			c.drop(out, l)
		}
	}
	if idle {
		bestEffort(out)
	}
	return out.Changed(gone...)
}

// mostCPUs is how many CPUs a look may make up, so that processors are no limit.
const mostCPUs = 200_000

var errLarge = errors.New("too many CPUs would have to be made up")

// idle reports whether nothing that is kept depends on processor time, so that VMs need
// not ask for any.
func (c *catalog) idle(keep set) bool {
	for i, l := range c.limits {
		switch l.kind {
		case ofProcessor, ofTasks, ofDeadline, ofDelay:
			if keep[i] {
				return false
			}
		}
	}
	return len(c.stays) == 0
}

// bestEffort takes all reservations away.
func bestEffort(p *placement.Problem) {
	for i := range p.Networks {
		n := &p.Networks[i]
		n.Confidence, n.Active = 0, 0
		for j := range n.VMs {
			n.VMs[j].Reservation = nil
		}
	}
	for i := range p.Inventory.Hosts {
		p.Inventory.Hosts[i].Emulator = nil
	}
}

// drop makes one limit of a problem as generous as it can be; rules and pins are left
// to others.
func (c *catalog) drop(p *placement.Problem, l limit) {
	switch l.kind {
	case ofTasks:
		p.Networks[l.at].VMs[l.item].Tasks = nil
	case ofEvery:
		f := &p.Networks[l.at].Flows[l.item]
		f.Every = max(f.Every, vsn.MaxTime)
	case ofDeadline:
		p.Networks[l.at].Flows[l.item].Deadline = 0
	case ofDelay:
		p.Networks[l.at].Links[l.item].Delay = 0
	case ofTransit:
		p.Inventory.Hosts[l.at].Transit = true
	case ofRate:
		cable := &p.Inventory.Cables[l.at]
		cable.Rate, cable.Share = vsn.MaxRate, vsn.One
	case ofResource:
		h := &p.Inventory.Hosts[l.at]
		if h.Resources == nil {
			h.Resources = map[string]int64{}
		}
		h.Resources[l.resource] = max(h.Resources[l.resource], c.counts[l.resource])
	case ofMemory:
		h := &p.Inventory.Hosts[l.at]
		h.Memory = max(h.Memory, vsn.Size(c.memory))
	case ofProcessor:
		h := &p.Inventory.Hosts[l.at]
		if h.Share = vsn.One; len(c.stays) > 0 {
			c.add(h) // what runs there runs on CPUs that stay
			return
		}
		h.CPUs, h.Partition = hosts.CountedCPUs(c.threads), true
	}
}

// add gives a host a whole CPU more for each reservation, and all of those it has.
func (c *catalog) add(h *hosts.Host) {
	next := 0
	for i := range h.CPUs {
		h.CPUs[i].Share, next = vsn.One, max(next, h.CPUs[i].ID+1)
	}
	for range c.threads {
		h.CPUs, next = append(h.CPUs, hosts.CPU{ID: next}), next+1
	}
}

// describe is a limit in words.
func (c *catalog) describe(i int) placement.Limit {
	out := c.words(c.limits[i])
	out.Also = len(c.limits[i].also)
	return out
}

func (c *catalog) words(l limit) placement.Limit {
	p := c.problem
	network := func() *vsn.Network { return &p.Networks[l.at] }
	switch l.kind {
	case ofTasks:
		vm := &network().VMs[l.item]
		rule := "guest-edf"
		if vm.GuestScheduler == vsn.GuestFixed {
			rule = "guest-fixed-priority"
		}
		return placement.Limit{Rule: rule, Subject: "vm " + network().Name + "/" + vm.Name, Field: "tasks", Is: fmt.Sprintf("%d of them in time", len(vm.Tasks))}
	case ofEvery:
		f := &network().Flows[l.item]
		return placement.Limit{Rule: "link-load", Subject: "flow " + network().Name + "/" + f.Name, Field: "every", Is: f.Every.String()}
	case ofDeadline:
		f := &network().Flows[l.item]
		return placement.Limit{Rule: "end-to-end", Subject: "flow " + network().Name + "/" + f.Name, Field: "deadline", Is: f.Deadline.String()}
	case ofDelay:
		k := &network().Links[l.item]
		return placement.Limit{Rule: "link-delay", Subject: "link " + network().Name + "/" + k.Name, Field: "delay", Is: k.Delay.String()}
	case ofPlace:
		rule, says := ruleWords(&network().Place[l.item])
		return placement.Limit{Rule: rule, Subject: "network " + network().Name, Field: fmt.Sprintf("place[%d]", l.item), Is: says}
	case ofPin:
		pin := p.Pins[l.at]
		return placement.Limit{Rule: "pinned", Subject: "vm " + pin.Network + "/" + pin.VM, Field: "pin", Is: pin.Host}
	case ofRate:
		cable := &p.Inventory.Cables[l.at]
		is := cable.Rate.String()
		if cable.Share != vsn.One {
			is = fmt.Sprintf("%s, of which links may take %s", is, cable.Share)
		}
		return placement.Limit{Rule: "cable-rate", Subject: "cable " + cable.Name, Field: "rate", Is: is}
	}
	return c.describeHost(l, &p.Inventory.Hosts[l.at])
}

func (c *catalog) describeHost(l limit, h *hosts.Host) placement.Limit {
	out := placement.Limit{Subject: "host " + h.Name}
	switch l.kind {
	case ofMemory:
		out.Rule, out.Field, out.Is = "memory", "memory", h.Memory.String()
	case ofResource:
		out.Rule, out.Field, out.Is = "resource", "resources."+l.resource, fmt.Sprint(h.Resources[l.resource])
	case ofTransit:
		out.Rule, out.Field, out.Is = "structure", "transit", "false"
	case ofProcessor:
		out.Rule, out.Field = "partitioned-edf", "cpus"
		if !h.Partition {
			out.Rule = "gfb"
		}
		out.Is = fmt.Sprintf("%d, of which reservations may take %s", len(h.CPUs), sharesOf(h))
	}
	return out
}

// sharesOf says what reservations may take of the CPUs of a host.
func sharesOf(h *hosts.Host) string {
	var each []string
	for _, c := range h.CPUs {
		if share := h.ShareOf(c).String(); !slices.Contains(each, share) {
			each = append(each, share)
		}
	}
	if len(each) == 1 {
		return each[0] + " each"
	}
	return strings.Join(each, " or ")
}

func ruleWords(r *vsn.Rule) (rule, says string) {
	switch {
	case len(r.Apart) > 0:
		return "apart", "apart " + strings.Join(r.Apart, ", ")
	case len(r.Together) > 0:
		return "together", "together " + strings.Join(r.Together, ", ")
	case len(r.Spread) > 0:
		return "spread", fmt.Sprintf("spread %s over %s", strings.Join(r.Spread, ", "), r.Over)
	}
	var labels []string
	for label, value := range r.On {
		labels = append(labels, label+" "+value)
	}
	sort.Strings(labels)
	return "labels", fmt.Sprintf("%s on %s", strings.Join(r.VMs, ", "), strings.Join(labels, ", "))
}
