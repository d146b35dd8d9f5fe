package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// worse changes one thing of a drawn plan so that no flow can be the better for it; "" if
// the plan has no such thing.
func worse(c chance, p *placement.Plan) string {
	n := &p.Problem.Networks[0]
	f := &n.Flows[c("flow", int64(len(n.Flows)))]
	switch kind := c("change", 11); kind {
	case 0:
		vms := f.VMs()
		vm := vms[c("vm", int64(len(vms)))]
		f.Work[vm] += vsn.Duration(c.between("us", 1, 5000)) * us
		return "more work of " + f.Name + " at " + vm
	case 1:
		f.Message += vsn.Size(c.between("bytes", 1, 4000))
		return "a larger message of " + f.Name
	case 2:
		f.Burst = f.Messages() + c.between("messages", 1, 3)
		return "a larger burst of " + f.Name
	case 3:
		f.Jitter += vsn.Duration(c.between("jitter us", 1, 50_000)) * us
		return "more jitter of " + f.Name
	case 4:
		f.Every -= vsn.Duration(c.between("every us", 1, int64(f.Every/us)/2)) * us
		return "a shorter interval of " + f.Name
	case 5:
		r := &p.Realization.Reservations[c("reservation", int64(len(p.Realization.Reservations)))]
		r.RuntimeNs = max(1024, r.RuntimeNs*c.between("% of runtime", 10, 99)/100)
		return fmt.Sprintf("a shorter runtime of %s/%d", r.VM, r.VCPU)
	case 6:
		return crowd(c, p)
	case 7:
		return longer(c, p, f)
	case 8:
		return farther(c, p)
	case 9:
		return slowerPort(c, p)
	}
	h := &p.Problem.Inventory.Hosts[c("host", int64(len(p.Problem.Inventory.Hosts)))]
	h.Delay += vsn.Duration(c.between("host us", 1, 500)) * us
	return "a longer time of " + h.Name
}

// crowd adds a VM that nothing passes on the CPU of another.
func crowd(c chance, p *placement.Plan) string {
	r := p.Realization.Reservations[c("reservation", int64(len(p.Realization.Reservations)))]
	addVM(p, r.Host, r.CPU, 1024, 20e6)
	return fmt.Sprintf("a reservation on the cpu of %s/%d", r.VM, r.VCPU)
}

func addVM(p *placement.Plan, host string, cpu int, runtime, period int64) string {
	n := &p.Problem.Networks[0]
	name := fmt.Sprintf("extra%d", len(n.VMs))
	n.VMs = append(n.VMs, vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20})
	p.Embedding.Seats = append(p.Embedding.Seats, placement.Seat{Network: "n", VM: name, Host: host})
	p.Realization.Reservations = append(p.Realization.Reservations, placement.Reservation{Network: "n", VM: name, Host: host, CPU: cpu, RuntimeNs: runtime, PeriodNs: period})
	if e := p.Problem.Inventory.Host(host).Emulator; e != nil {
		p.Realization.Emulators = append(p.Realization.Emulators, placement.Emulator{Network: "n", VM: name, Host: host, CPU: 23, RuntimeNs: int64(e.Runtime), PeriodNs: int64(e.Period)})
	}
	return name
}

// longer sends a flow on to a VM of its own, on the host of the last.
func longer(c chance, p *placement.Plan, f *vsn.Flow) string {
	n := &p.Problem.Networks[0]
	last := f.Path[len(f.Path)-1]
	host := p.Embedding.Seat("n", last[0])
	for _, vm := range last {
		if p.Embedding.Seat("n", vm) != host {
			return ""
		}
	}
	extra := addVM(p, host, 22, 5e6, 10e6)
	for _, vm := range last {
		l := vsn.Link{Name: vm + extra, Between: []string{vm, extra}, Rate: 10e6, Burst: 4000}
		n.Links = append(n.Links, l)
		p.Embedding.Routes = append(p.Embedding.Routes, placement.Route{Network: "n", Link: l.Name, Path: []string{host}})
		for _, d := range directions(&l) {
			p.Realization.Queues = append(p.Realization.Queues, placement.Queue{Network: "n", Link: l.Name, From: d.from, To: d.to, Host: host, At: placement.AtPort, Class: 0x10 + len(p.Realization.Queues),
				RateBit: 10e6, BurstBytes: hosts.RoundBurst(10e6, 4000), LimitBytes: 1 << 24})
		}
	}
	f.Path = append(f.Path, vsn.Stage{extra})
	f.Work[extra] = vsn.Duration(c.between("us of work", 0, 2000)) * us
	return "a vm more in the way of " + f.Name
}

// farther puts a switch into a cable.
func farther(c chance, p *placement.Plan) string {
	inv := &p.Problem.Inventory
	at := c("cable", int64(len(inv.Cables)))
	whole := inv.Cables[at]
	second := whole
	node := fmt.Sprintf("sx%d", len(inv.Switches))
	second.Name, second.Between = whole.Name+node, []string{node, whole.Between[1]}
	inv.Cables[at].Between = []string{whole.Between[0], node}
	inv.Cables = append(inv.Cables, second)
	inv.Switches = append(inv.Switches, hosts.Switch{Name: node, Delay: vsn.Duration(c("delay us", 20)) * us})
	used := false
	for i := range p.Embedding.Routes {
		r := &p.Embedding.Routes[i]
		k := slices.Index(r.Cables, whole.Name)
		if k < 0 {
			continue
		}
		used = true
		names := []string{whole.Name, second.Name}
		if r.Path[k] != whole.Between[0] {
			names = []string{second.Name, whole.Name}
		}
		r.Cables = slices.Replace(slices.Clone(r.Cables), k, k+1, names...)
		r.Path = slices.Insert(slices.Clone(r.Path), k+1, node)
	}
	if !used {
		return ""
	}
	return "a switch in the way of " + whole.Name
}

// slowerPort lowers the rate of a link inside a host: on a cable it would also send
// less in the way of others, and of its own.
func slowerPort(c chance, p *placement.Plan) string {
	n := &p.Problem.Networks[0]
	if len(n.Links) == 0 {
		return ""
	}
	l := &n.Links[c("link", int64(len(n.Links)))]
	for _, r := range p.Embedding.Routes {
		if r.Link == l.Name && len(r.Cables) > 0 {
			return ""
		}
	}
	burst := int64(0)
	for i := range p.Realization.Queues {
		if q := &p.Realization.Queues[i]; q.Link == l.Name {
			burst = q.BurstBytes
		}
	}
	l.Rate = vsn.Rate(hosts.RoundRate(int64(l.Rate) * c.between("% of rate", 20, 99) / 100))
	l.Burst = vsn.Size(hosts.RoundBurst(int64(l.Rate), burst))
	for hosts.RoundBurst(int64(l.Rate), int64(l.Burst)) > burst && l.Burst > 0 {
		l.Burst--
	}
	for i := range p.Realization.Queues {
		if q := &p.Realization.Queues[i]; q.Link == l.Name {
			q.RateBit, q.BurstBytes = int64(l.Rate), hosts.RoundBurst(int64(l.Rate), int64(l.Burst))
		}
	}
	return "a lower rate of " + l.Name
}

// promises are the bounds of all flows, links and tasks of a plan, without what did not
// settle on a cycle within the rounds that there are, nor what depends on that.
func promises(t *rapid.T, p *placement.Plan) map[string]placement.Rat {
	proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]placement.Rat{}
	for _, c := range proof.Claims {
		derived := slices.Contains([]string{RuleStages, RuleBacklog, RuleWaiting}, c.Rule)
		if c.Bound.IsInf() && (derived || strings.HasSuffix(c.Why, "do not settle")) {
			continue
		}
		switch c.Rule {
		case RuleEndToEnd, RuleStages, RuleLink, RuleGuestFixed, RuleGuestEDF, RuleBacklog, RuleWaiting:
			out[c.Rule+" of "+c.Subject] = c.Bound
		}
	}
	return out
}

// TestDrawnMonotone: what asks for more, or gives less, never makes a bound less
// (docs/theory.md, end-to-end). The planner's cuts rest on that.
func TestDrawnMonotone(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := chance(func(what string, n int64) int64 { return rapid.Int64Range(0, n-1).Draw(t, what) })
		p := drawPlan(c)
		before := promises(t, p)
		for range 4 {
			what := worse(c, p)
			after := promises(t, p)
			for _, subject := range slices.Sorted(maps.Keys(before)) {
				was := before[subject]
				now, still := after[subject]
				if !still { // of a switch that is not at the end of that cable any more, or unsettled
					continue
				}
				if now.Cmp(was) < 0 {
					t.Fatalf("%s: %s falls from %v to %v", what, subject, was, now)
				} else if now.Cmp(was) > 0 {
					kind, _, _ := strings.Cut(what, " of ")
					seen[kind]++
				}
			}
			before = after
		}
	})
	if t.Log(seen); len(seen) < 6 {
		t.Error("hardly any change made a bound grow: the test does not see what it is for")
	}
}
