package explain

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// stretches is how many times as long times may become, and rates as high.
const stretches = 200

// lowered is a number of the request made less: x is what is taken away of it.
func lowered(subject, field string, is int64, text func(int64) string) knob {
	k := number(placement.Change{Subject: subject, Field: field, Was: text(is)}, is, costsNumber, func(x int64) (int64, string) { return is - x, text(is - x) })
	k.sort += " less"
	k.less = func(int64) string { return text(k.step) }
	return k
}

// lowerMemory takes memory from a VM, which keeps an eighth of it: in steps that all
// that is left on a host is a multiple of, or a thousandth.
func lowerMemory(n *vsn.Network, vm *vsn.VM, step int64) knob {
	is := int64(vm.Memory)
	k := lowered("vm "+n.Name+"/"+vm.Name, "memory", is, func(x int64) string { return vsn.Size(x).String() })
	k.step, k.exact = step, true
	if coarse := is / 1000 / int64(vsn.MemoryGrain) * int64(vsn.MemoryGrain); k.step < coarse {
		k.step, k.exact = coarse, false
	}
	if is > int64(vsn.MemoryGrain) && k.step%int64(vsn.MemoryGrain) != 0 {
		k.step, k.exact = quotient(k.step, int64(vsn.MemoryGrain))*int64(vsn.MemoryGrain), false
	}
	return k.from(is, quotient(is, 8), func(x int64) string { return vsn.Size(x).String() })
}

// from has a knob take away what leaves multiples of its step, down to the least that
// is to stay.
func (k knob) from(is, stays int64, text func(int64) string) knob {
	if k.least = is % k.step; k.least == 0 {
		k.least = k.step
	}
	k.most = is - stays
	step := k.step
	k.less = func(int64) string { return text(step) }
	return k
}

func lowerResource(n *vsn.Network, vm *vsn.VM, name string) knob {
	k := lowered("vm "+n.Name+"/"+vm.Name, "resources."+name, vm.Resources[name], func(x int64) string { return fmt.Sprint(x) })
	k.exact, k.least, k.most = true, 1, vm.Resources[name]
	return k
}

// lowerRuntime takes processor time from a VM to which some is given.
func lowerRuntime(n *vsn.Network, vm *vsn.VM) knob {
	is := int64(vm.Reservation.Runtime)
	k := lowered("vm "+n.Name+"/"+vm.Name, "runtime", is, func(x int64) string { return vsn.Duration(x).String() })
	k.step = max(1000, int64(vm.Reservation.Period)/1000/1000*1000)
	return k.from(is, quotient(is, 8), func(x int64) string { return vsn.Duration(x).String() })
}

// lowerRate takes rate from a link; what its flows send stays in it, or nothing is
// found.
func lowerRate(n *vsn.Network, l *vsn.Link) knob {
	is := int64(l.Rate)
	k := lowered("link "+n.Name+"/"+l.Name, "rate", is, func(x int64) string { return vsn.Rate(x).String() })
	k.step = max(1, is/1000/int64(vsn.RateGrain)) * int64(vsn.RateGrain)
	return k.from(is, max(quotient(is, 8), int64(vsn.MinRate)), func(x int64) string { return vsn.Rate(x).String() })
}

// mostOfASort is how many VMs, or links, are asked to do with less: those that take
// most.
const mostOfASort = 6

// lowering is the knobs that ask for less of what a set of limits is about.
func (c *catalog) lowering(about map[kind]bool, resources map[string]bool) (out []knob) {
	take := func(all []knob, size func(k knob) int64) {
		slices.SortStableFunc(all, func(a, b knob) int { return cmp.Compare(size(b), size(a)) })
		out = append(out, all[:min(len(all), mostOfASort)]...)
	}
	all := c.sizes()
	for i := range c.problem.Inventory.Hosts {
		all = append(all, int64(c.problem.Inventory.Hosts[i].Memory))
	}
	step := grid(all...)
	var memories, counts, runtimes, rates []knob
	for i := range c.problem.Networks {
		n := &c.problem.Networks[i]
		if c.stays[n.Name] {
			continue
		}
		for j := range n.VMs {
			vm := &n.VMs[j]
			if about[ofMemory] && vm.Memory > 1 {
				memories = append(memories, lowerMemory(n, vm, step))
			}
			for _, name := range sorted(vm.Resources) {
				if resources[name] && vm.Resources[name] > 0 {
					counts = append(counts, lowerResource(n, vm, name))
				}
			}
			if r := vm.Reservation; about[ofProcessor] && r != nil && r.Runtime > 8*vsn.MinRuntime {
				runtimes = append(runtimes, lowerRuntime(n, vm))
			}
		}
		for j := range n.Links {
			if about[ofRate] && n.Links[j].Rate > 8*vsn.MinRate {
				rates = append(rates, lowerRate(n, &n.Links[j]))
			}
		}
	}
	for _, all := range [][]knob{memories, counts, runtimes, rates} {
		take(all, func(k knob) int64 { return k.most })
	}
	return out
}

func sorted(m map[string]int64) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// without leaves out a network, where there are several and what conflicts is about more
// than one, or there is only one of those that matter.
func (e *explanation) without() (out []knob) {
	if len(e.all.Networks)-len(e.Stays) < 2 {
		return nil
	}
	news := e.Problem.Networks[len(e.Stays):] // what stays comes first
	for _, n := range news[:min(len(news), mostOfASort)] {
		k := either(costsNetwork, placement.Change{Subject: "network " + n.Name})
		k.all = true
		out = append(out, k)
	}
	return out
}

// The knobs of times and rates, for a flow that is late, a link that is too slow and a
// VM that has too little.

// forFlow: the deadlines of all that miss theirs, the rates of its links and the
// runtimes of its VMs that are given, and all deadlines. Its own deadline is a limit.
func (c *catalog) forFlow(key [2]string, conflicts []placement.Conflict) (out []knob) {
	n := c.network(key[0])
	f := flowOf(n, key[1])
	if f == nil || f.Deadline == 0 {
		return nil
	}
	if len(conflicts) > 1 {
		out = append(out, missing(conflicts))
	}
	for i := range n.Links {
		if l := &n.Links[i]; l.Rate > 0 && slices.ContainsFunc(f.Steps(), func(s vsn.Step) bool { return joins(l, s.From, s.To) }) {
			out = append(out, raiseRate(n, l, int64(l.Rate)))
		}
	}
	for _, vm := range f.VMs() {
		out = append(out, c.raiseRuntime(n, n.VM(vm))...)
	}
	return append(out, c.forAll())
}

// missing is the deadlines of several flows, each in proportion to what it needs.
func missing(conflicts []placement.Conflict) knob {
	var all []placement.Change
	for _, c := range conflicts {
		if !c.Need.IsInf() && c.Rule == "end-to-end" {
			all = append(all, placement.Change{Subject: c.Subjects[0], Field: "deadline", To: vsn.Duration(ceilOf(c.Need)).String()})
		}
	}
	if len(all) < 2 {
		return knob{least: 1} // its own deadline is a limit
	}
	k := stretch(all, "")
	k.least, k.says = 1000, nil
	return k
}

// forLink: its rate, and its own deadline.
func (c *catalog) forLink(key [2]string, conflict placement.Conflict) (out []knob) {
	n := c.network(key[0])
	if n == nil || n.Link(key[1]) == nil {
		return nil
	}
	l := n.Link(key[1])
	if conflict.Rule == "link-delay" && l.Delay > 0 {
		out = append(out, c.duration("link "+key[0]+"/"+key[1], "delay", int64(l.Delay), int64(vsn.MaxTime)))
	}
	if l.Rate > 0 {
		least := int64(l.Rate)
		if conflict.Unit == "bit/s" && !conflict.Need.IsInf() {
			least = max(least, ceilOf(conflict.Need))
		}
		out = append(out, raiseRate(n, l, least))
	}
	return out
}

// forVM: more vCPUs for its tasks, their periods and deadlines longer, messages that
// come less often, its runtime or period where they are given.
func (c *catalog) forVM(key [2]string, conflict placement.Conflict) (out []knob) {
	n := c.network(key[0])
	if n == nil || n.VM(key[1]) == nil {
		return nil
	}
	vm := n.VM(key[1])
	subject := "vm " + key[0] + "/" + key[1]
	if k := len(vm.Tasks); k > vm.VCPUs {
		more := number(placement.Change{Subject: subject, Field: "vcpus", Was: fmt.Sprint(vm.VCPUs)}, int64(vm.VCPUs), costsNumber, func(x int64) (int64, string) { return x, fmt.Sprint(x) })
		more.least, more.most = int64(vm.VCPUs)+1, int64(min(k, vsn.MaxVCPUs))
		more.less = func(int64) string { return "1" }
		out = append(out, more)
	}
	out = append(out, c.raiseRuntime(n, vm)...)
	if g := vm.Reservation; g != nil && g.Runtime == 0 {
		k := c.duration(subject, "period", int64(g.Period), int64(vsn.MaxPeriod))
		if conflict.Unit == "ns" && !conflict.Need.IsInf() { // the share of it that gives a grain
			share := conflict.Have.Big()
			share.Quo(share, ratOf(int64(g.Period)))
			k.least = max(k.least, quotient(ceilOf(placement.FromBig(share.Quo(conflict.Need.Big(), share))), k.step)*k.step)
		}
		k.most = min(2*k.least, int64(vsn.MaxPeriod)) // much longer, and deadlines are missed
		out = append(out, k)
	}
	if len(vm.Tasks) > 0 {
		out = append(out, tasks(n, vm))
	}
	return append(out, c.stretched(func(n *vsn.Network, f *vsn.Flow) []placement.Change {
		if n.Name != key[0] || !f.Passes(key[1]) {
			return nil
		}
		return []placement.Change{{Subject: "flow " + n.Name + "/" + f.Name, Field: "every", To: f.Every.String()}}
	}, "the interval of every flow that passes "+subject))
}

// tasksOf makes room for the tasks of a VM.
func (c *catalog) tasksOf(n *vsn.Network, vm *vsn.VM) []knob { return []knob{tasks(n, vm)} }

// forAll: all deadlines in proportion.
func (c *catalog) forAll() knob {
	k := c.stretched(func(n *vsn.Network, f *vsn.Flow) []placement.Change {
		if f.Deadline == 0 {
			return nil
		}
		return []placement.Change{{Subject: "flow " + n.Name + "/" + f.Name, Field: "deadline", To: f.Deadline.String()}}
	}, "every deadline")
	k.last = true
	return k
}

// tasks stretches the periods and deadlines of the tasks of a VM.
func tasks(n *vsn.Network, vm *vsn.VM) knob {
	var of []placement.Change
	for _, t := range vm.Tasks {
		subject := fmt.Sprintf("task %s/%s/%s", n.Name, vm.Name, t.Name)
		of = append(of, placement.Change{Subject: subject, Field: "period", To: t.Period.String()})
		if t.Deadline > 0 {
			of = append(of, placement.Change{Subject: subject, Field: "deadline", To: t.Deadline.String()})
		}
	}
	return stretch(of, fmt.Sprintf("every period and deadline of the tasks of vm %s/%s", n.Name, vm.Name))
}

// stretched makes durations of flows longer, all in proportion.
func (c *catalog) stretched(of func(*vsn.Network, *vsn.Flow) []placement.Change, what string) knob {
	var all []placement.Change
	for i := range c.problem.Networks {
		n := &c.problem.Networks[i]
		for j := range n.Flows {
			if c.stays[n.Name] {
				break
			}
			all = append(all, of(n, &n.Flows[j])...)
		}
	}
	return stretch(all, what)
}

// stretch is by thousandths; times are rounded up to a microsecond.
func stretch(of []placement.Change, what string) knob {
	if len(of) == 0 {
		return knob{least: 1}
	}
	factor := func(x int64) string { return fmt.Sprintf("%d.%03d", x/1000, x%1000) }
	k := knob{sort: "stretch " + of[0].Subject[:3] + of[0].Field, field: of[0].Field, least: 1001, step: 1, most: 1000 * stretches, limit: -1,
		less: func(int64) string { return factor(1) },
		cost: func(x int64) int64 { return costsNumber + int64(len(of))*part(1000, x) },
		says: func(x int64) string { return fmt.Sprintf("%s %s times as long", what, factor(x)) },
		changes: func(x int64) []placement.Change {
			out := slices.Clone(of)
			for i := range out {
				var d vsn.Duration
				if out[i].Was = out[i].To; d.UnmarshalText([]byte(out[i].To)) == nil {
					whole, rest := d/1000, d%1000 // no overflow: at most a day, and a thousand times as long
					out[i].To = ((whole*vsn.Duration(x) + (rest*vsn.Duration(x)+999)/1000 + 999) / 1000 * 1000).String()
				}
			}
			return out
		}}
	if len(of) == 1 {
		var one vsn.Duration
		if one.UnmarshalText([]byte(of[0].To)) == nil {
			k.says, k.less = nil, func(int64) string { return (one / 1000).String() }
		}
	}
	return k
}

// raiseRuntime is that of a VM to which one is given; none otherwise.
func (c *catalog) raiseRuntime(n *vsn.Network, vm *vsn.VM) []knob {
	g := vm.Reservation
	if g == nil || g.Runtime == 0 {
		return nil
	}
	k := c.duration("vm "+n.Name+"/"+vm.Name, "runtime", int64(g.Runtime), int64(g.Period))
	k.step = max(1000, int64(g.Period)/1000/1000*1000)
	k.least, k.most = int64(g.Runtime)+k.step, 0
	for _, h := range c.problem.Inventory.Hosts {
		for _, cpu := range h.CPUs {
			k.most = max(k.most, int64(float64(g.Period)*float64(h.ShareOf(cpu))/float64(vsn.One))/1000*1000)
		}
	}
	k.less = func(int64) string { return vsn.Duration(k.step).String() }
	return []knob{k}
}

// raiseRate is the rate of a link, to a thousandth.
func raiseRate(n *vsn.Network, l *vsn.Link, least int64) knob {
	is := int64(l.Rate)
	k := number(placement.Change{Subject: "link " + n.Name + "/" + l.Name, Field: "rate", Was: l.Rate.String()}, is, costsNumber, func(x int64) (int64, string) { return x, vsn.Rate(x).String() })
	k.step = max(int64(vsn.RateGrain), least/1000/8*8)
	k.least, k.most = quotient(least, k.step)*k.step, min(int64(vsn.MaxRate), least*stretches)
	if k.least == is {
		k.least += k.step
	}
	k.less = func(int64) string { return vsn.Rate(k.step).String() }
	return k
}

func (c *catalog) network(name string) *vsn.Network {
	for i := range c.problem.Networks {
		if c.problem.Networks[i].Name == name && !c.stays[name] {
			return &c.problem.Networks[i]
		}
	}
	return nil
}

func flowOf(n *vsn.Network, name string) *vsn.Flow {
	if n == nil {
		return nil
	}
	for i := range n.Flows {
		if n.Flows[i].Name == name {
			return &n.Flows[i]
		}
	}
	return nil
}

func joins(l *vsn.Link, a, b string) bool {
	return l.Between[0] == a && l.Between[1] == b || l.Between[0] == b && l.Between[1] == a
}

func ratOf(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }

// ceilOf is a finite number rounded up, within what durations and rates are.
func ceilOf(v placement.Rat) int64 {
	r := v.Big()
	num, den := r.Num(), r.Denom()
	num.Add(num, den).Sub(num, big.NewInt(1)).Quo(num, den)
	if !num.IsInt64() {
		return int64(vsn.MaxRate)
	}
	return num.Int64()
}
