package explain

import (
	"fmt"
	"math/big"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// What a change costs, in thousandths, beside the part by which a number changes: what
// docs/refusals.md says.
const (
	costsNumber  = 0    // of the request
	costsRule    = 1000 // a rule or a pin left out, transit allowed
	costsMachine = 1000 // a number of the inventory, beside its part
	costsHost    = 2000 // each
	costsNetwork = 3000
)

// raising is the knobs that make one limit more generous, the first first.
func (c *catalog) raising(i int) (out []knob) {
	l := c.limits[i]
	d := c.describe(i)
	switch l.kind {
	case ofMemory:
		out = []knob{c.memoryOf(l, d)}
	case ofResource:
		out = []knob{c.resourceOf(l, d)}
	case ofProcessor:
		out = c.processorOf(l, d)
	case ofRate:
		out = []knob{c.rateOf(l, d)}
	case ofTransit:
		out = []knob{either(costsRule, placement.Change{Subject: d.Subject, Field: d.Field, To: "true", Was: "false"})}
	case ofPlace, ofPin:
		out = []knob{either(costsRule, placement.Change{Subject: d.Subject, Field: d.Field, Was: d.Is})}
	case ofDeadline:
		f := &c.problem.Networks[l.at].Flows[l.item]
		out = []knob{c.duration(d.Subject, d.Field, int64(f.Deadline), int64(f.Deadline)*stretches)}
	case ofDelay:
		out = []knob{c.duration(d.Subject, d.Field, int64(c.problem.Networks[l.at].Links[l.item].Delay), int64(vsn.MaxTime))}
	case ofEvery:
		f := &c.problem.Networks[l.at].Flows[l.item]
		out = []knob{c.duration(d.Subject, d.Field, int64(f.Every), int64(f.Every)*stretches)}
	case ofTasks:
		out = c.tasksOf(&c.problem.Networks[l.at], &c.problem.Networks[l.at].VMs[l.item])
	}
	for j := range out {
		out[j].limit = i
	}
	return out
}

// either is a change that is made or not.
func either(cost int64, change placement.Change) knob {
	return knob{sort: change.Subject[:3] + change.Field, field: change.Field, least: 1, step: 1, most: 1, exact: true, limit: -1,
		changes: func(int64) []placement.Change { return []placement.Change{change} },
		cost:    func(int64) int64 { return cost }}
}

// number is a knob that changes one field, from a number of it, to what to says.
func number(d placement.Change, from int64, costs int64, to func(int64) (value int64, says string)) knob {
	return knob{sort: d.Subject[:3] + d.Field, field: d.Field, step: 1, limit: -1,
		changes: func(x int64) []placement.Change {
			_, says := to(x)
			return []placement.Change{{Subject: d.Subject, Field: d.Field, To: says, Was: d.Was}}
		},
		shows: func(x int64) string { _, says := to(x); return says },
		cost:  func(x int64) int64 { value, _ := to(x); return costs + part(from, value) },
	}
}

// grid is the largest number of which all are multiples.
func grid(all ...int64) (out int64) {
	for _, v := range all {
		out = gcd(out, v)
	}
	return max(1, out)
}

// memoryOf raises the memory of a host, by what all that VMs can take of it is a
// multiple of.
func (c *catalog) memoryOf(l limit, d placement.Limit) knob {
	have := int64(c.problem.Inventory.Hosts[l.at].Memory)
	k := number(placement.Change{Subject: d.Subject, Field: d.Field, Was: d.Is}, have, costsMachine, func(x int64) (int64, string) { return x, vsn.Size(x).String() })
	k.step, k.exact = grid(c.sizes()...), true
	k.least, k.most = (have/k.step+1)*k.step, c.memory
	k.less = func(int64) string { return vsn.Size(k.step).String() }
	return k
}

func (c *catalog) sizes() (out []int64) {
	for i := range c.problem.Networks {
		for _, vm := range c.problem.Networks[i].VMs {
			out = append(out, int64(vm.Memory))
		}
	}
	return out
}

func (c *catalog) resourceOf(l limit, d placement.Limit) knob {
	have := c.problem.Inventory.Hosts[l.at].Resources[l.resource]
	k := number(placement.Change{Subject: d.Subject, Field: d.Field, Was: d.Is}, have, costsMachine, func(x int64) (int64, string) { return x, fmt.Sprint(x) })
	var all []int64
	for i := range c.problem.Networks {
		for _, vm := range c.problem.Networks[i].VMs {
			all = append(all, vm.Resources[l.resource])
		}
	}
	k.step, k.exact = grid(all...), true
	k.least, k.most = (have/k.step+1)*k.step, c.counts[l.resource]
	k.less = func(int64) string { return fmt.Sprint(k.step) }
	return k
}

// processorOf gives a host more CPUs like those it has, or more of each to reservations,
// up to what the kernel's own admission leaves them, or its CPUs root domains of their
// own.
func (c *catalog) processorOf(l limit, d placement.Limit) []knob {
	h := &c.problem.Inventory.Hosts[l.at]
	cpus := number(placement.Change{Subject: d.Subject, Field: "cpus", Was: fmt.Sprint(len(h.CPUs))}, int64(len(h.CPUs)), costsMachine, func(x int64) (int64, string) { return x, fmt.Sprint(x) })
	cpus.exact, cpus.least, cpus.most = true, int64(len(h.CPUs))+1, int64(min(len(h.CPUs)+c.threads, hosts.MaxCPUs))
	cpus.less = func(int64) string { return "1 cpu" }
	share := number(placement.Change{Subject: d.Subject, Field: "share", Was: h.Share.String()}, int64(h.Share), costsMachine, func(x int64) (int64, string) { return x, vsn.Share(x).String() })
	share.step = int64(vsn.One) / 100
	share.least, share.most = (int64(h.Share)/share.step+1)*share.step, int64(hosts.DefaultShare)
	share.less = func(int64) string { return "0.01" }
	share.shows = func(x int64) string { return "a share of " + vsn.Share(x).String() }
	cpus.shows = func(x int64) string { return fmt.Sprintf("%d cpus", x) }
	if h.Partition {
		return []knob{cpus, share}
	}
	// Global EDF takes more than the sum: with root domains of their own it may do.
	parted := placement.Change{Subject: d.Subject, Field: "partition", To: "true", Was: "false"}
	both := cpus
	both.least, both.field, both.sort = int64(len(h.CPUs)), "partition", either(0, parted).sort // at first without more
	both.shows = func(x int64) string { return fmt.Sprintf("%d cpus with partition: true", x) }
	both.changes = func(x int64) []placement.Change {
		if x == int64(len(h.CPUs)) {
			return []placement.Change{parted}
		}
		return append(cpus.changes(x), parted)
	}
	both.cost = func(x int64) int64 { return costsRule + cpus.cost(x)*min(1, x-int64(len(h.CPUs))) }
	both.less = func(x int64) string { return []string{"", "1 cpu"}[min(1, x-int64(len(h.CPUs)))] }
	return []knob{cpus, share, both}
}

// rateOf raises the rate of a cable: where nothing depends on time, by what all sums of
// rates of links are multiples of.
func (c *catalog) rateOf(l limit, d placement.Limit) knob {
	cable := &c.problem.Inventory.Cables[l.at]
	sum, step, timed := int64(0), int64(0), false
	for i := range c.problem.Networks {
		n := &c.problem.Networks[i]
		for j := range n.Links {
			sum, step = sum+int64(n.Links[j].Rate), gcd(step, int64(n.Links[j].Rate))
			timed = timed || n.Links[j].Delay > 0
		}
		for j := range n.Flows {
			timed = timed || n.Flows[j].Deadline > 0
		}
	}
	have := share(int64(cable.Rate), cable.Share)
	fine := int64(vsn.RateGrain) * max(1, have/1000/int64(vsn.RateGrain))
	if timed || step == 0 {
		step, sum = min(max(1, step), fine), max(sum, have*stretches)
	}
	// x is what links may take of the cable, not its rate.
	whole := func(x int64) int64 {
		r := new(big.Int).Mul(big.NewInt(x), big.NewInt(int64(vsn.One)))
		r.Add(r, big.NewInt(int64(cable.Share)-1)).Quo(r, big.NewInt(int64(cable.Share)))
		return quotient(min(r.Int64(), int64(vsn.MaxRate)), int64(vsn.RateGrain)) * int64(vsn.RateGrain)
	}
	k := number(placement.Change{Subject: d.Subject, Field: d.Field, Was: cable.Rate.String()}, int64(cable.Rate), costsMachine, func(x int64) (int64, string) { return whole(x), vsn.Rate(whole(x)).String() })
	k.step, k.exact = step, !timed
	k.least, k.most = (have/k.step+1)*k.step, min(sum, share(int64(vsn.MaxRate), cable.Share))
	k.less = func(x int64) string { return vsn.Rate(whole(x) - whole(x-k.step)).String() }
	return k
}

// share is what may be taken of a rate, rounded down.
func share(rate int64, of vsn.Share) int64 {
	out := new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(of)))
	return out.Quo(out, big.NewInt(int64(vsn.One))).Int64()
}

// duration is a time of the request, to a thousandth or, where every look takes long, a
// hundredth, and to 10 us.
func (c *catalog) duration(subject, field string, is, most int64) knob {
	k := number(placement.Change{Subject: subject, Field: field, Was: vsn.Duration(is).String()}, is, costsNumber, func(x int64) (int64, string) { return x, vsn.Duration(x).String() })
	k.step = max(10_000, is/1000/10_000*10_000)
	if c.coarse {
		k.step = max(10_000, is/100/10_000*10_000)
	}
	if field == "period" || field == "runtime" {
		k.step = max(1000, is/1000/1000*1000)
	}
	k.least, k.most = (is/k.step+1)*k.step, min(most, int64(vsn.MaxTime))
	k.less = func(int64) string { return vsn.Duration(k.step).String() }
	return k
}
