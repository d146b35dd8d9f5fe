package solve

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	// mostPlanned is how many times a refused problem may be planned with changes, in all.
	mostPlanned = 90
	// trialNodes is the part of the nodes that one of them may spend.
	trialNodes = 20
	// mostRemedies is how many are shown.
	mostRemedies = 3
	// stretches is how many times as long times may become, and rates as high.
	stretches = 200
)

// remedies looks for the least change of a refused problem with which there is a
// plan, of each kind that may help.
type remedies struct {
	ctx     context.Context
	problem *placement.Problem
	o       Options
	planned int
}

// knob is one kind of change, by one number: more of it is easier.
type knob struct {
	least int64 // what may do
	step  int64 // how finely the number is found
	most  int64
	unit  func(int64) string
	turn  func(int64) []placement.Change
	says  func(int64) string // nil: the changes are few
	last  bool               // of no interest where another remedy was found
}

// remedied puts remedies to the first conflict of a refusal that is about times or
// rates.
func remedied(ctx context.Context, p *placement.Problem, o Options, err error) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	r := &remedies{ctx: ctx, problem: p, o: o.aside(Remedying)}
	r.o.Trace = nil
	var no *placement.Infeasible
	var gaveUp *placement.GaveUp
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &no):
		c := &no.Conflicts[0]
		c.Remedies = r.find(no.Conflicts)
	case errors.As(err, &gaveUp) && gaveUp.Nodes == 0 && gaveUp.Nearest != nil:
		gaveUp.Nearest.Remedies = r.find([]placement.Conflict{*gaveUp.Nearest})
	}
}

func (r *remedies) find(conflicts []placement.Conflict) (out []placement.Remedy) {
	for _, k := range r.knobs(conflicts) {
		if len(out) == mostRemedies || k.last && len(out) > 0 {
			break
		}
		if x, ok := r.leastOf(k); ok {
			remedy := placement.Remedy{Changes: k.turn(x), Step: k.unit(k.step)}
			if k.says != nil {
				remedy.Says = k.says(x)
			}
			out = append(out, remedy)
		}
	}
	return out
}

// plans tells whether there is a plan with a knob turned to x.
func (r *remedies) plans(k knob, x int64, o Options) bool {
	if r.planned++; r.planned > mostPlanned {
		return false
	}
	p, err := r.problem.Changed(k.turn(x)...)
	if err != nil {
		return false
	}
	_, err = answer(r.ctx, p, o, false)
	return err == nil
}

// leastOf is the least number, in steps from the least that may do, with which there
// is a plan: with a step less there is none. It gallops up and divides in halves.
func (r *remedies) leastOf(k knob) (int64, bool) {
	quick := r.o
	quick.Nodes = max(1000, quick.Nodes/trialNodes)
	if k.least > k.most || !r.plans(k, k.most, quick) {
		return 0, false
	}
	low, high := int64(-1), int64(0) // steps: fails, and does
	for stride := max(1, k.least/k.step/16); ; stride *= 2 {
		if k.least+high*k.step >= k.most {
			high = (k.most - k.least) / k.step
			break
		}
		if r.plans(k, k.least+high*k.step, quick) {
			break
		}
		low, high = high, high+stride
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; r.plans(k, k.least+middle*k.step, quick) {
			high = middle
		} else {
			low = middle
		}
	}
	// The quick look may have missed a plan, though what it found is one.
	for range 8 {
		if high == 0 || !r.plans(k, k.least+(high-1)*k.step, r.o) {
			break
		}
		high--
	}
	x := k.least + high*k.step
	return x, r.planned < mostPlanned && r.plans(k, x, r.o)
}

// knobs are the kinds of change that may help against conflicts, the first first.
func (r *remedies) knobs(conflicts []placement.Conflict) []knob {
	c := conflicts[0]
	if _, of, _ := strings.Cut(c.Subjects[0], " "); r.o.Standing.has(strings.Split(of, "/")[0]) {
		return nil // what runs stays as it was asked
	}
	if key, ok := keyOf(c.Subjects[0], "flow "); ok && !(c.Need.IsInf() && len(c.Subjects) > 1) {
		return r.forFlow(key, conflicts)
	}
	if key, ok := keyOf(c.Subjects[0], "link "); ok {
		return r.forLink(key, c)
	}
	if key, ok := keyOf(c.Subjects[0], "queue "); ok {
		return r.forLink(key, c)
	}
	switch key, ok := keyOf(c.Subjects[0], "vm "); c.Rule {
	case proof.RuleRequest, proof.RuleGuestEDF, proof.RuleGuestFixed:
		if ok {
			return r.forVM(key, c)
		}
	case proof.RuleEDF, proof.RuleGFB:
		return r.forAll()
	}
	return nil
}

func (r *remedies) network(name string) *vsn.Network {
	for i := range r.problem.Networks {
		if r.problem.Networks[i].Name == name {
			return &r.problem.Networks[i]
		}
	}
	return nil
}

// forFlow: its deadline; those of all that miss theirs, and all, in proportion; the
// rates of its links and the runtimes of its VMs that are given.
func (r *remedies) forFlow(key dimension.Key, conflicts []placement.Conflict) (out []knob) {
	n := r.network(key[0])
	f := flowOf(n, key[1])
	if f == nil || f.Deadline == 0 {
		return nil
	}
	least := int64(f.Deadline)
	if need := conflicts[0].Need; !need.IsInf() && len(dimension.Refute(r.problem)) > 0 {
		least = max(least, ceilOf(need))
	}
	if len(conflicts) == 1 {
		out = append(out, r.duration("flow "+key[0]+"/"+key[1], "deadline", least, int64(f.Deadline)*stretches))
	} else {
		out = append(out, missing(conflicts))
	}
	for i := range n.Links {
		if l := &n.Links[i]; l.Rate > 0 && slices.ContainsFunc(f.Steps(), func(s vsn.Step) bool { return joins(l, s.From, s.To) }) {
			out = append(out, r.rate(n, l, int64(l.Rate)))
		}
	}
	for _, vm := range f.VMs() {
		out = append(out, r.runtime(n, n.VM(vm))...)
	}
	return append(out, r.forAll()...)
}

// missing is the deadlines of several flows, each in proportion to what it needs.
func missing(conflicts []placement.Conflict) knob {
	var all []placement.Change
	for _, c := range conflicts {
		if !c.Need.IsInf() && c.Rule == proof.RuleEndToEnd {
			all = append(all, placement.Change{Subject: c.Subjects[0], Field: "deadline", To: vsn.Duration(ceilOf(c.Need)).String()})
		}
	}
	k := stretch(all, "")
	k.least, k.says = 1000, nil
	return k
}

// forLink: its rate, and its own deadline.
func (r *remedies) forLink(key dimension.Key, c placement.Conflict) (out []knob) {
	n := r.network(key[0])
	if n == nil || n.Link(key[1]) == nil {
		return nil
	}
	l := n.Link(key[1])
	if c.Rule == proof.RuleLink && l.Delay > 0 {
		out = append(out, r.duration("link "+key[0]+"/"+key[1], "delay", int64(l.Delay), int64(vsn.MaxTime)))
	}
	if l.Rate > 0 {
		least := int64(l.Rate)
		if c.Unit == "bit/s" && !c.Need.IsInf() {
			least = max(least, ceilOf(c.Need))
		}
		out = append(out, r.rate(n, l, least))
	}
	return out
}

// forVM: more vCPUs for its tasks, their periods and deadlines longer, messages that
// come less often, its runtime or period where they are given.
func (r *remedies) forVM(key dimension.Key, c placement.Conflict) (out []knob) {
	n := r.network(key[0])
	if n == nil || n.VM(key[1]) == nil {
		return nil
	}
	vm := n.VM(key[1])
	if k := len(vm.Tasks); k > vm.VCPUs {
		out = append(out, knob{least: int64(vm.VCPUs) + 1, step: 1, most: int64(min(k, vsn.MaxVCPUs)), unit: func(x int64) string { return fmt.Sprint(x) },
			turn: func(x int64) []placement.Change {
				return []placement.Change{{Subject: c.Subjects[0], Field: "vcpus", To: fmt.Sprint(x)}}
			}})
	}
	out = append(out, r.runtime(n, vm)...)
	if g := vm.Reservation; g != nil && g.Runtime == 0 {
		k := r.duration(c.Subjects[0], "period", int64(g.Period), 0)
		if c.Unit == "ns" && !c.Need.IsInf() { // the share of it that gives a grain
			k.least = max(k.least, ceilOf(placement.FromBig(c.Need.Big().Quo(c.Need.Big(), c.Have.Big().Quo(c.Have.Big(), ratOf(int64(g.Period)))))))
		}
		k.least = (k.least + k.step - 1) / k.step * k.step
		k.most = min(2*k.least, int64(vsn.MaxPeriod)) // much longer, and deadlines are missed
		out = append(out, k)
	}
	if len(vm.Tasks) > 0 {
		out = append(out, r.tasks(n, vm))
	}
	return append(out, r.stretched(func(n *vsn.Network, f *vsn.Flow) []placement.Change {
		if n.Name != key[0] || !f.Passes(key[1]) {
			return nil
		}
		return []placement.Change{{Subject: "flow " + n.Name + "/" + f.Name, Field: "every", To: f.Every.String()}}
	}, "the interval of every flow that passes "+c.Subjects[0]))
}

// forAll: all deadlines in proportion.
func (r *remedies) forAll() []knob {
	k := r.stretched(func(n *vsn.Network, f *vsn.Flow) []placement.Change {
		if f.Deadline == 0 {
			return nil
		}
		return []placement.Change{{Subject: "flow " + n.Name + "/" + f.Name, Field: "deadline", To: f.Deadline.String()}}
	}, "every deadline")
	k.last = true
	return []knob{k}
}

// tasks stretches the periods and deadlines of the tasks of a VM.
func (r *remedies) tasks(n *vsn.Network, vm *vsn.VM) knob {
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
func (r *remedies) stretched(of func(*vsn.Network, *vsn.Flow) []placement.Change, what string) knob {
	var all []placement.Change
	for i := range r.problem.Networks {
		n := &r.problem.Networks[i]
		for j := range n.Flows {
			if !r.o.Standing.has(n.Name) {
				all = append(all, of(n, &n.Flows[j])...)
			}
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
	k := knob{least: 1001, step: 1, most: 1000 * stretches, unit: factor,
		says: func(x int64) string { return fmt.Sprintf("%s %s times as long", what, factor(x)) },
		turn: func(x int64) []placement.Change {
			out := slices.Clone(of)
			for i := range out {
				var d vsn.Duration
				if d.UnmarshalText([]byte(out[i].To)) == nil {
					whole, rest := d/1000, d%1000 // no overflow: at most a day, and a thousand times as long
					out[i].To = ((whole*vsn.Duration(x) + (rest*vsn.Duration(x)+999)/1000 + 999) / 1000 * 1000).String()
				}
			}
			return out
		}}
	if len(of) == 1 {
		var one vsn.Duration
		if one.UnmarshalText([]byte(of[0].To)) == nil {
			k.says, k.unit = nil, func(x int64) string { return (one / 1000 * vsn.Duration(x)).String() }
		}
	}
	return k
}

// duration is a time to a thousandth, or 10 us.
func (r *remedies) duration(subject, field string, least, most int64) knob {
	step := max(10_000, least/1000/10_000*10_000)
	if field == "period" {
		step = max(1000, least/1000/1000*1000)
	}
	return knob{least: (least + step - 1) / step * step, step: step, most: min(most, int64(vsn.MaxTime)), unit: func(x int64) string { return vsn.Duration(x).String() },
		turn: func(x int64) []placement.Change {
			return []placement.Change{{Subject: subject, Field: field, To: vsn.Duration(x).String()}}
		}}
}

// runtime is that of a VM to which one is given; none otherwise.
func (r *remedies) runtime(n *vsn.Network, vm *vsn.VM) []knob {
	g := vm.Reservation
	if g == nil || g.Runtime == 0 {
		return nil
	}
	k := r.duration("vm "+n.Name+"/"+vm.Name, "runtime", int64(g.Runtime), int64(g.Period))
	k.step = max(1000, int64(g.Period)/1000/1000*1000)
	k.least, k.most = int64(g.Runtime)+k.step, 0
	for _, h := range r.problem.Inventory.Hosts {
		for _, c := range h.CPUs {
			k.most = max(k.most, int64(float64(g.Period)*float64(h.ShareOf(c))/float64(vsn.One))/1000*1000)
		}
	}
	return []knob{k}
}

// rate is that of a link, to a thousandth.
func (r *remedies) rate(n *vsn.Network, l *vsn.Link, least int64) knob {
	step := max(int64(vsn.RateGrain), least/1000/8*8)
	return knob{least: (least + step - 1) / step * step, step: step, most: min(int64(vsn.MaxRate), least*stretches), unit: func(x int64) string { return vsn.Rate(x).String() },
		turn: func(x int64) []placement.Change {
			return []placement.Change{{Subject: "link " + n.Name + "/" + l.Name, Field: "rate", To: vsn.Rate(x).String()}}
		}}
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
