package proof

import (
	"fmt"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// rests are the assumptions of the proof: those that deploy makes so or looks at
// (Backed), and those that nobody can.
func (d *derivation) rests() []placement.Assumption {
	var out []placement.Assumption
	for _, h := range d.hosts {
		if h != nil {
			out = append(out, h.rests...)
		}
	}
	flows := 0
	d.networks(func(p *part) {
		flows += len(p.Flows)
		out = append(out, p.rateRests()...)
	})
	out = append(out, d.networkRests()...)
	if flows > 0 {
		out = append(out, placement.Assumption{Kind: hosts.RestFlows, Subject: "flows", Says: "messages keep to their size, interval and work, and nothing else loads their vms and links"})
	}
	used := false
	var half []placement.Assumption
	for i := range d.inventory.Cables {
		if !d.passed(i) {
			continue
		}
		used = true
		if c := &d.inventory.Cables[i]; c.Half() {
			half = append(half, placement.Assumption{Kind: hosts.RestDuplex, Subject: "cable " + c.Name,
				Says: "half duplex: it idles only when neither end has a frame, and of its rate the two directions of a link together take no more than the link's"})
		}
	}
	if used {
		out = append(out, placement.Assumption{Kind: hosts.RestCables, Subject: "cables", Says: "only the links of this plan send over the cables, each through its class, which may borrow what others leave, framing counted"})
	}
	out = append(out, half...)
	d.paths.eachBuffer(func(b *buffer) { out = append(out, b.rests...) })
	return out
}

// rateRests name the links without a rate.
func (p *part) rateRests() []placement.Assumption {
	var out []placement.Assumption
	for j := range p.links {
		if !p.links[j].shaped {
			out = append(out, placement.Assumption{Kind: hosts.RestNoRate, Subject: "link " + p.links[j].name.String(),
				Says: fmt.Sprintf("it has no rate: its bound counts the way alone, and it shares %d bit/s with all else that has none", int64(placement.RestRate))})
		}
	}
	return out
}

// networkRests are what promises of less than certainty rest on.
func (m *model) networkRests() []placement.Assumption {
	var out []placement.Assumption
	var odds []string
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		active, confidence := n.Odds()
		if n.Confidence == 0 {
			continue
		}
		odds = append(odds, fmt.Sprintf("%s %v", n.Name, active))
		if confidence < vsn.One {
			out = append(out, placement.Assumption{Kind: hosts.RestConfidence, Subject: "network " + n.Name, Value: int64(confidence),
				Says: fmt.Sprintf("while it is active, all its bounds hold with a probability of at least %v, and not always", confidence)})
		}
	}
	if len(odds) == 0 {
		return nil
	}
	out = append(out, placement.Assumption{Kind: hosts.RestActive, Subject: "networks",
		Says: fmt.Sprintf("they are active independently of one another, each as a whole, with these probabilities: %s; the others always", strings.Join(odds, ", "))})
	for _, d := range m.overbooked() {
		out = append(out, placement.Assumption{Kind: hosts.RestOverbooked, Subject: d.subject,
			Says: fmt.Sprintf("with all networks active it is asked for %v of %v; while it is asked for more than it has, and until it has caught up, nothing is promised there; the kernel's own admission may refuse to hold all these reservations at once", d.need, placement.FromBig(d.Limit))})
	}
	return out
}

func (m *model) vmRests(host int) []placement.Assumption {
	var out []placement.Assumption
	for _, g := range m.at[host] {
		vm := m.vm(g)
		if len(vm.reservations) == 0 {
			out = append(out, placement.Assumption{Kind: hosts.RestBestEffort, Subject: "vm " + vm.name.String(), Says: "it is best effort: no promise is made for it"})
		}
		if len(vm.Tasks) > 0 {
			out = append(out, placement.Assumption{Kind: hosts.RestTasks, Subject: "vm " + vm.name.String(),
				Says: fmt.Sprintf("its guest runs each task on the vcpu of the plan, by %s, and before any message", vm.GuestScheduler)})
		}
	}
	return out
}

// resting collects the assumptions about one host.
type resting struct {
	host *hosts.Host
	out  []placement.Assumption
}

// looked adds one that deploy looks at, where the host is the machine it runs on.
func (r *resting) looked(kind hosts.Rest, value int64, format string, args ...any) {
	r.out = append(r.out, placement.Assumption{Kind: kind, Subject: "host " + r.host.Name, Says: fmt.Sprintf(format, args...), Value: value, Backed: r.host.Local()})
}

// said adds one that no machine can be asked.
func (r *resting) said(kind hosts.Rest, format string, args ...any) {
	r.out = append(r.out, placement.Assumption{Kind: kind, Subject: "host " + r.host.Name, Says: fmt.Sprintf(format, args...)})
}

func (m *model) hostRests(host int) []placement.Assumption {
	h := &m.inventory.Hosts[host]
	r := &resting{host: h}
	if share, any := m.largestShare(host); any {
		r.cpus(share)
	}
	if h.Emulator != nil {
		r.looked(hosts.RestDevice, 0, "the device threads of each vm hold %v every %v", h.Emulator.Runtime, h.Emulator.Period)
		r.said(hosts.RestFrameWork, "one frame costs them at most %v, frames are passed on in order, and no vcpu that waits for its next turn holds qemu's lock", h.Emulator.Work)
	} else {
		r.said(hosts.RestDeviceSpare, "device threads run best effort: what they take is in no bound")
	}
	r.looked(hosts.RestClass, 0, "every link with a rate has its class at the sender's port")
	r.said(hosts.RestBridge, "bridges and interrupts take at most %v a frame", h.Delay)
	return r.out
}

// cpus are what the reservations of a host rest on.
func (r *resting) cpus(share vsn.Share) {
	h := r.host
	if h.Partition {
		r.looked(hosts.RestRootDomain, 0, "every cpu with a reservation is a root domain of its own, so that the kernel's own admission is exact")
	} else {
		r.looked(hosts.RestOneDomain, 0, "all cpus are one root domain")
	}
	r.looked(hosts.RestAlone, 0, "no deadline task runs there that the plan has not counted")
	r.looked(hosts.RestReservation, 0, "every vcpu holds the reservation of the plan")
	r.looked(hosts.RestAdmission, int64(share), "the kernel admits reservations, and grants them up to %v of each cpu", share)
	if h.Grain > 0 {
		r.looked(hosts.RestGrain, int64(h.Grain), "the scheduler enforces budgets every %v, and the curve for that, fitted to measurements, holds", h.Grain)
	} else {
		r.looked(hosts.RestGrain, 0, "the scheduler enforces budgets exactly")
	}
	r.looked(hosts.RestSpeed, 0, "cpus run as fast as where work was measured")
	r.looked(hosts.RestSteal, 0, "no outer hypervisor takes cpu time away")
	r.said(hosts.RestOrder, "guests work on messages in the order in which they come, each on one vcpu from begin to end, and no vcpu without work while a message waits")
}

// largestShare is the most that reservations may take of a CPU that has some; false
// where none has.
func (m *model) largestShare(host int) (most vsn.Share, any bool) {
	h, count := &m.inventory.Hosts[host], m.sharing[host]
	for i, cpu := range h.CPUs {
		if count[i]+count[len(h.CPUs)] > 0 {
			most, any = max(most, h.ShareOf(cpu)), true
		}
	}
	return most, any
}
