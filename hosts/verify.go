package hosts

import (
	"fmt"
	"slices"
	"strings"
)

// Standing is what a look at a machine says of an assumption.
type Standing string

const (
	Holds    Standing = "holds"    // the machine was looked at, and it is so
	Declared Standing = "declared" // for whoever wrote request and inventory to keep
	Unknown  Standing = "unknown"  // the machine cannot tell
	Fails    Standing = "fails"    // the machine was looked at, and it is not so
	Left     Standing = "left"     // the bound leaves it out
)

// backs reports whether a promise may stand on it.
func (s Standing) backs() bool { return s == Holds || s == Declared }

// Verdict is an assumption and how it stands.
type Verdict struct {
	Assumption
	Standing Standing `json:"standing"`
	Found    string   `json:"found"`
}

// FlowVerdict is the promise of a flow: Backed where everything that it rests on
// holds, or is declared. Why names the rest.
type FlowVerdict struct {
	FlowPromise
	Backed bool     `json:"backed"`
	Why    []string `json:"why,omitempty"`
}

// Verification holds a machine against what the promises of a network rest on.
type Verification struct {
	Rests []Verdict     `json:"rests"`
	Flows []FlowVerdict `json:"flows"`
}

// Backed reports whether every promise is.
func (v Verification) Backed() bool {
	return !slices.ContainsFunc(v.Flows, func(f FlowVerdict) bool { return !f.Backed })
}

// Verify looks at what two observations of a machine, the second the later, say of
// every assumption that was kept with the domains of a network; false where none was
// kept. Time that a hypervisor took is that between the two.
func Verify(network string, before, after Observation) (Verification, bool) {
	want, ground, ok := after.State.kept(network)
	if !ok || len(ground.Rests) == 0 {
		return Verification{}, false
	}
	l := look{network: network, want: want, beside: ground.Beside, before: before, after: after, state: after.State.Objects()}
	v := Verification{Rests: []Verdict{}, Flows: []FlowVerdict{}}
	for _, a := range ground.Rests {
		standing, found := l.at(a)
		v.Rests = append(v.Rests, Verdict{a, standing, found})
	}
	for _, f := range ground.Flows {
		v.Flows = append(v.Flows, v.flow(f))
	}
	return v, true
}

func (v Verification) flow(f FlowPromise) FlowVerdict {
	out := FlowVerdict{FlowPromise: f, Backed: true}
	for _, r := range v.Rests {
		if !slices.Contains(f.On, r.Subject) || r.Standing.backs() {
			continue
		}
		out.Backed = false
		out.Why = append(out.Why, fmt.Sprintf("%s: %s: %s", r.Subject, r.Kind, r.Found))
	}
	return out
}

// look is a machine held against one network.
type look struct {
	network       string
	want          State
	beside        []Reservation
	before, after Observation
	state         []Object
}

// at looks at one assumption. A kind that is not known is one of a newer program's.
func (l *look) at(a Assumption) (Standing, string) {
	switch a.Kind {
	case RestOrder, RestTasks, RestFrameWork, RestBridge, RestFlows, RestCables, RestDuplex, RestBuffer, RestActive, RestConfidence:
		return Declared, "no machine can tell"
	case RestBestEffort, RestDeviceSpare, RestNoRate, RestOverbooked:
		return Left, a.Says
	}
	if !a.Backed {
		return Unknown, "it is not on this machine"
	}
	switch a.Kind {
	case RestRootDomain:
		return l.rootDomains()
	case RestReservation:
		return l.there(l.reservations(false))
	case RestDevice:
		return l.there(l.reservations(true))
	case RestClass:
		return l.there(l.classes())
	}
	if l.after.Facts == nil {
		return Unknown, "the machine tells no facts"
	}
	return l.facts(a, l.after.Facts)
}

func (l *look) facts(a Assumption, f *Facts) (Standing, string) {
	switch a.Kind {
	case RestOneDomain:
		return l.oneDomain(f)
	case RestAlone:
		return l.alone(f)
	case RestAdmission:
		return admission(a, f)
	case RestGrain:
		return l.grain(a, f)
	case RestSpeed:
		return speed(f)
	case RestSteal:
		return l.steal(f)
	}
	return Unknown, "this program does not know how to look"
}

// cpus are those on which the network has reservations; nil means all.
func (l *look) cpus() []int {
	var cpus []int
	for _, r := range l.want.Reservations {
		if r.CPU == AnyCPU {
			return nil
		}
		if !slices.Contains(cpus, r.CPU) {
			cpus = append(cpus, r.CPU)
		}
	}
	slices.Sort(cpus)
	return cpus
}

func (l *look) rootDomains() (Standing, string) {
	var wrong []string
	cpus := l.cpus()
	for _, cpu := range cpus {
		switch i := slices.IndexFunc(l.after.State.Partitions, func(p Partition) bool { return p.CPU == cpu }); {
		case i < 0:
			wrong = append(wrong, fmt.Sprintf("cpu %d has no root domain of its own", cpu))
		case l.after.State.Partitions[i].Joined:
			wrong = append(wrong, fmt.Sprintf("the root domain of cpu %d is joined with others", cpu))
		}
	}
	return verdict(wrong, fmt.Sprintf("cpus %s have one each", list(cpus)))
}

func verdict(wrong []string, right string) (Standing, string) {
	if len(wrong) > 0 {
		return Fails, strings.Join(wrong, "; ")
	}
	return Holds, right
}

func list(cpus []int) string {
	text := make([]string, len(cpus))
	for i, c := range cpus {
		text[i] = fmt.Sprint(c)
	}
	return strings.Join(text, ",")
}

// reservations wanted, those of vCPUs or those of device threads.
func (l *look) reservations(device bool) []Object {
	var out []Object
	for _, r := range l.want.Reservations {
		if (r.Thread == "emulator") == device {
			out = append(out, r)
		}
	}
	return out
}

func (l *look) classes() []Object {
	return append(sorted(l.want.Ports), sorted(l.want.Queues)...)
}

// there reports whether the machine carries the objects, with these numbers.
func (l *look) there(want []Object) (Standing, string) {
	var wrong []string
	for _, o := range want {
		i := slices.IndexFunc(l.state, func(have Object) bool { return have.Key() == o.Key() })
		switch {
		case i < 0:
			wrong = append(wrong, fmt.Sprintf("missing: %v", o))
		case l.state[i] != o:
			wrong = append(wrong, fmt.Sprintf("is %v, wanted %v", l.state[i], o))
		}
	}
	return verdict(wrong, fmt.Sprintf("%d of %d are there", len(want), len(want)))
}

func (l *look) oneDomain(f *Facts) (Standing, string) {
	var wrong []string
	for _, p := range l.after.State.Partitions {
		wrong = append(wrong, fmt.Sprintf("cpu %d has a root domain of its own", p.CPU))
	}
	if f.Split != "" {
		wrong = append(wrong, f.Split)
	}
	return verdict(wrong, "nothing divides the cpus")
}

// alone: the supply of a reservation comes a grain later for each other one on its
// CPU, and the proof has counted those of its own plan only.
func (l *look) alone(f *Facts) (Standing, string) {
	cpus := l.cpus()
	on := func(others ...int) bool {
		return cpus == nil || slices.ContainsFunc(others, func(c int) bool { return c == AnyCPU || slices.Contains(cpus, c) })
	}
	var wrong []string
	for _, r := range l.after.State.Reservations {
		if r.Network != l.network && !slices.Contains(l.beside, r) && on(r.CPU) {
			wrong = append(wrong, fmt.Sprintf("%v is there too, and was not planned with it", r))
		}
	}
	for _, t := range f.Foreign {
		if on(t.CPUs...) {
			wrong = append(wrong, fmt.Sprintf("process %d (%s) has a SCHED_DEADLINE thread on cpus %s", t.PID, t.Process, list(t.CPUs)))
		}
	}
	return verdict(wrong, "no other has SCHED_DEADLINE there")
}

func admission(a Assumption, f *Facts) (Standing, string) {
	switch {
	case f.Unlimited:
		return Fails, "kernel.sched_rt_runtime_us is -1: the kernel admits whatever is asked"
	case int64(f.Share) < a.Value:
		return Fails, fmt.Sprintf("it grants %v of each cpu", f.Share)
	}
	return Holds, fmt.Sprintf("it grants %v of each cpu", f.Share)
}

func (l *look) grain(a Assumption, f *Facts) (Standing, string) {
	measured := f.Measured
	if measured == 0 && l.before.Facts != nil {
		measured = l.before.Facts.Measured
	}
	switch {
	case int64(f.Grain) > a.Value:
		return Fails, fmt.Sprintf("it is %v", f.Grain)
	case int64(measured) > a.Value:
		return Fails, fmt.Sprintf("%v was measured", measured)
	case f.GrainFrom == "" && measured == 0:
		return Unknown, fmt.Sprintf("neither CONFIG_HZ nor HRTICK_DL can be read: %v is the usual value", f.Grain)
	case f.GrainFrom == "":
		return Holds, fmt.Sprintf("%v was measured", measured)
	case measured > 0:
		return Holds, fmt.Sprintf("%v by %s; %v was measured", f.Grain, f.GrainFrom, measured)
	}
	return Holds, fmt.Sprintf("%v by %s", f.Grain, f.GrainFrom)
}

// speed: work is given in processor time, as it was measured on a core that nobody
// shared, at full frequency.
func speed(f *Facts) (Standing, string) {
	switch {
	case len(f.Governors) > 0:
		return Fails, fmt.Sprintf("frequency governor %s lowers it", strings.Join(f.Governors, ", "))
	case f.SMT:
		return Unknown, "cpus share cores (SMT): they are slower where work was measured beside an idle sibling"
	}
	return Holds, "no frequency scaling, no shared cores"
}

// steal: on a virtual machine the counters can show that time was taken, never that
// none will be.
func (l *look) steal(f *Facts) (Standing, string) {
	took, over := int64(0), int64(0)
	if b := l.before.Facts; b != nil {
		over = f.ClockNs - b.ClockNs
		cpus := l.cpus()
		for cpu, ns := range f.StealNs {
			if cpus == nil || slices.Contains(cpus, cpu) {
				took += max(0, ns-b.StealNs[cpu])
			}
		}
	}
	seen := fmt.Sprintf("%d ms taken in %.1f s", took/1e6, float64(over)/1e9)
	switch {
	case took > 0:
		return Fails, seen
	case f.Hypervisor != "":
		return Unknown, fmt.Sprintf("this machine runs on %s, which may take time at any moment: %s", f.Hypervisor, seen)
	}
	return Holds, "no hypervisor runs this machine: " + seen
}
