package dimension

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// The rules, by the names that the proof has for them: headings of docs/theory.md.
const (
	ruleEndToEnd = "end-to-end"
	ruleRequest  = "request-stage"
	ruleLoad     = "link-load"
	ruleEDF      = "guest-edf"
	ruleFixed    = "guest-fixed-priority"
	ruleCPU      = "partitioned-edf"
)

// Refute looks for a proof that nothing which is left open can be chosen so that all
// tasks and deadlines hold, wherever VMs sit: conditions that every choice meets, in
// integers and fractions. It returns those that fail, the first of each kind; none
// says nothing. Need is what any choice takes at least, and so a true number.
func Refute(p *placement.Problem) []placement.Conflict {
	var out []placement.Conflict
	for i := range p.Networks {
		r := newRefuter(p, &p.Networks[i])
		for _, test := range []func() []placement.Conflict{r.periods, r.guests, r.messages, r.unbounded, r.ports, r.deadlines} {
			if out = append(out, test()...); len(out) > 0 {
				break
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	return totals(p)
}

// refuter is one network and what is easiest for it.
type refuter struct {
	p     *placement.Problem
	n     *vsn.Network
	ease  map[string]*ease
	comes map[string][]*vsn.Flow // flows that pass a VM
}

func newRefuter(p *placement.Problem, n *vsn.Network) *refuter {
	r := &refuter{p: p, n: n, ease: map[string]*ease{}, comes: map[string][]*vsn.Flow{}}
	for i := range n.VMs {
		e := easeOf(p, n, n.VMs[i].Name)
		r.ease[n.VMs[i].Name] = &e
	}
	for i := range n.Flows {
		for _, vm := range n.Flows[i].VMs() {
			r.comes[vm] = append(r.comes[vm], &n.Flows[i])
		}
	}
	return r
}

func (r *refuter) flow(f *vsn.Flow) string { return "flow " + r.n.Name + "/" + f.Name }

func (r *refuter) vm(name string) string { return "vm " + r.n.Name + "/" + name }

// periods finds periods that are given and in which no runtime may be chosen: one is
// no less than the grain of its host, nor than what the kernel takes.
func (r *refuter) periods() (out []placement.Conflict) {
	for i := range r.n.VMs {
		vm := &r.n.VMs[i]
		if g := vm.Reservation; g != nil && g.Runtime == 0 {
			e := r.ease[vm.Name]
			if have := e.supply(g).Runtime; have < e.budget() {
				out = append(out, placement.Conflict{Rule: ruleRequest, Subjects: []string{r.vm(vm.Name)}, Need: placement.Int(e.budget()), Have: placement.Int(have), Unit: "ns",
					Says: fmt.Sprintf("a runtime is no less than the host's grain, nor than the least that the kernel takes, %v, and of a period of %v a cpu may give %v", vsn.Duration(e.budget()), g.Period, vsn.Duration(have))})
			}
		}
	}
	return out
}

// promised tells whether a flow with a deadline passes a VM.
func (r *refuter) promised(vm string) bool {
	return slices.ContainsFunc(r.comes[vm], func(f *vsn.Flow) bool { return f.Deadline > 0 })
}

func (r *refuter) workAt(f *vsn.Flow, vm string) int64 { return max(1, int64(f.Work[vm])) }

// asked is the share of a vCPU that the messages of all flows take in the long run:
// each vCPU must be able to serve them (docs/theory.md, "request-stage").
func (r *refuter) asked(vm string) *big.Rat {
	out := new(big.Rat)
	for _, f := range r.comes[vm] {
		out.Add(out, big.NewRat(r.workAt(f, vm), int64(f.Every)))
	}
	return out
}

// messages finds VMs that are asked for more than a CPU, or their reservation, gives.
func (r *refuter) messages() (out []placement.Conflict) {
	for i := range r.n.VMs {
		vm := &r.n.VMs[i]
		if !r.promised(vm.Name) {
			continue
		}
		have, what := r.ease[vm.Name].share, "a cpu may give"
		if g := vm.Reservation; g != nil && g.Runtime > 0 {
			have, what = big.NewRat(int64(g.Runtime), int64(g.Period)), "its reservation gives"
		}
		need := r.asked(vm.Name)
		whole, tasks := new(big.Rat).Mul(have, ratOf(int64(vm.VCPUs))), tasksUse(vm)
		switch {
		case need.Cmp(have) > 0:
			out = append(out, conflict(ruleRequest, r.vm(vm.Name), need, have, "cpu", "the messages of flows that pass it ask for %s of a cpu, and %s %s", decimal(need), what, decimal(have)))
		case tasks.Sign() > 0 && tasks.Add(tasks, need).Cmp(whole) > 0:
			out = append(out, conflict(ruleRequest, r.vm(vm.Name), tasks, whole, "cpu", "its tasks and the messages of flows that pass it ask for %s cpus, and %s %s for each of %d vcpus", decimal(tasks), what, decimal(have), vm.VCPUs))
		}
	}
	return out
}

func tasksUse(vm *vsn.VM) *big.Rat {
	out := new(big.Rat)
	for _, t := range vm.Tasks {
		out.Add(out, big.NewRat(int64(t.WCET), int64(t.Period)))
	}
	return out
}

// unbounded finds flows that are held up without bound on the way, at a VM without a
// reservation or on a link without a rate that no deadline gives them, and come to a
// VM that a deadline depends on.
func (r *refuter) unbounded() (out []placement.Conflict) {
	for i := range r.n.Flows {
		f, why := &r.n.Flows[i], ""
		if f.Deadline > 0 {
			continue
		}
		for _, stage := range f.Path {
			for _, vm := range stage {
				if why != "" && r.promised(vm) {
					return append(out, placement.Conflict{Rule: ruleEndToEnd, Subjects: []string{r.promise(vm), r.flow(f)}, Need: placement.Inf(), Have: placement.Int(r.shortest(vm)), Unit: "ns",
						Says: fmt.Sprintf("the messages of %s come to vm %q arbitrarily late and close together, since %s: give it one, or %s a deadline", r.flow(f), vm, why, r.flow(f))})
				}
			}
			for _, vm := range stage {
				if v := r.n.VM(vm); why == "" && v.Reservation == nil && !openVM(r.n, v) {
					why = fmt.Sprintf("VM %q has no reservation", vm)
				}
			}
			for _, s := range f.Steps() {
				l := r.link(s)
				if why == "" && slices.Contains(stage, s.From) && l != nil && l.Rate == 0 && !openLink(r.n, l) {
					why = fmt.Sprintf("link %q has no rate", l.Name)
				}
			}
		}
	}
	return out
}

// promise names a flow with a deadline that passes a VM; shortest is its deadline.
func (r *refuter) promise(vm string) string { return r.flow(r.tightest(vm)) }

func (r *refuter) shortest(vm string) int64 { return int64(r.tightest(vm).Deadline) }

func (r *refuter) tightest(vm string) (out *vsn.Flow) {
	for _, f := range r.comes[vm] {
		if f.Deadline > 0 && (out == nil || f.Deadline < out.Deadline) {
			out = f
		}
	}
	return out
}

func (r *refuter) link(s vsn.Step) *vsn.Link {
	for i := range r.n.Links {
		if joins(&r.n.Links[i], s.From, s.To) {
			return &r.n.Links[i]
		}
	}
	return nil
}

// parted tells whether two VMs are to be on different hosts.
func (r *refuter) parted(a, b string) bool {
	return slices.ContainsFunc(r.n.Place, func(rule vsn.Rule) bool {
		return slices.Contains(rule.Apart, a) && slices.Contains(rule.Apart, b) || slices.Contains(rule.Spread, a) && slices.Contains(rule.Spread, b)
	})
}

// framed counts the frames of a message and their bytes at a port, where they are
// smallest: that is so where both VMs are on one host, unless they are parted.
func framed(message vsn.Size, parted bool) (frames, bytes int64) {
	framing := bounds.ClassFraming(placement.SegmentMTU)
	if parted {
		framing = bounds.CableFraming(placement.SegmentMTU-bounds.VXLANHeader, true)
	}
	frames, _ = framing.Frames(int64(message))
	bytes, _ = framing.Bytes(int64(message))
	return frames, bytes
}

// ports finds links with a rate over which flows come faster.
func (r *refuter) ports() (out []placement.Conflict) {
	for i := range r.n.Links {
		l := &r.n.Links[i]
		for _, from := range l.Between {
			load := new(big.Rat)
			for j := range r.n.Flows {
				f := &r.n.Flows[j]
				for _, s := range f.Steps() {
					if s.From == from && joins(l, s.From, s.To) {
						_, bytes := framed(f.Message, r.parted(l.Between[0], l.Between[1]))
						load.Add(load, new(big.Rat).Mul(big.NewRat(bytes, int64(f.Every)), ratOf(8e9)))
					}
				}
			}
			if have := ratOf(hosts.RoundRate(int64(l.Rate))); l.Rate > 0 && load.Cmp(have) > 0 {
				out = append(out, conflict(ruleLoad, "link "+r.n.Name+"/"+l.Name, load, have, "bit/s",
					"the flows over it from %q send %v with their headers, and it has %v", from, vsn.Rate(ceil(load)), l.Rate))
				break
			}
		}
	}
	return out
}

// deadlines finds flows that take longer than their deadline whatever is chosen.
func (r *refuter) deadlines() (out []placement.Conflict) {
	for i := range r.n.Flows {
		f := &r.n.Flows[i]
		if f.Deadline == 0 {
			continue
		}
		if w := r.walk(f); w.total > int64(f.Deadline) {
			says := fmt.Sprintf("%s takes %v or more whatever is chosen, each message alone and all VMs on one host as quick as any, and %v are allowed", r.flow(f), vsn.Duration(w.total), f.Deadline)
			if _, work := f.LeastTime(); work > f.Deadline {
				says = fmt.Sprintf("the work of %s alone is %v at full speed, %v or more in any reservation, and %v are allowed", r.flow(f), work, vsn.Duration(w.total), f.Deadline)
			}
			out = append(out, placement.Conflict{Rule: ruleEndToEnd, Subjects: []string{r.flow(f)}, Need: placement.Int(w.total), Have: placement.Int(int64(f.Deadline)), Unit: "ns", Says: says})
		}
	}
	return out
}

func conflict(rule, subject string, need, have *big.Rat, unit, says string, args ...any) placement.Conflict {
	return placement.Conflict{Rule: rule, Subjects: []string{subject}, Need: placement.FromBig(need), Have: placement.FromBig(have), Unit: unit, Says: fmt.Sprintf(says, args...)}
}

func decimal(r *big.Rat) string { return r.FloatString(4) }
