package placement

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// endToEnd is the rule of the claim that holds a flow's bound (placement/proof).
const endToEnd = "end-to-end"

// ground is what the promises of a network stand on: what the proof rests on, as far
// as it concerns the network, what each flow needs of it, and the reservations on this
// host, all of those planned together, that the proof has counted.
func (p *Plan) ground(n *vsn.Network, together hosts.State) hosts.Ground {
	var g hosts.Ground
	needed := map[string]bool{}
	for i := range n.Flows {
		f := p.flowPromise(n, &n.Flows[i])
		for _, subject := range f.On {
			needed[subject] = true
		}
		g.Flows = append(g.Flows, f)
	}
	whole := p.allOf(n)
	if len(g.Flows) == 0 {
		g.Flows = []hosts.FlowPromise{{Flow: "reservations and rates", On: whole}}
	}
	for _, a := range p.Proof.Rests {
		if needed[a.Subject] || slices.Contains(whole, a.Subject) {
			g.Rests = append(g.Rests, a)
		}
	}
	for _, r := range together.Reservations {
		if r.Network != n.Name {
			g.Beside = append(g.Beside, r)
		}
	}
	return g
}

// allOf are the subjects of everything that a network has.
func (p *Plan) allOf(n *vsn.Network) []string {
	var all subjects
	for _, vm := range n.VMs {
		all.vm(p, n.Name, vm.Name)
	}
	for _, l := range n.Links {
		all.link(p, n.Name, &l)
	}
	return all
}

func (p *Plan) flowPromise(n *vsn.Network, f *vsn.Flow) hosts.FlowPromise {
	on := subjects{"flows"}
	for _, vm := range f.VMs() {
		on.vm(p, n.Name, vm)
	}
	for _, step := range f.Steps() {
		for i := range n.Links {
			if l := &n.Links[i]; slices.Contains(l.Between, step.From) && slices.Contains(l.Between, step.To) {
				on.link(p, n.Name, l)
			}
		}
	}
	out := hosts.FlowPromise{Flow: f.Name, DeadlineNs: int64(f.Deadline), On: on}
	for _, c := range p.Proof.Claims {
		if c.Rule == endToEnd && c.Subject == "flow "+n.Name+"/"+f.Name && !c.Bound.IsInf() {
			whole, rest := new(big.Int).QuoRem(c.Bound.Big().Num(), c.Bound.Big().Denom(), new(big.Int))
			out.BoundNs = whole.Int64() + int64(rest.Sign())
		}
	}
	return out
}

// subjects are those of assumptions, each once.
type subjects []string

func (s *subjects) add(subject string) {
	if !slices.Contains(*s, subject) {
		*s = append(*s, subject)
	}
}

func (s *subjects) vm(p *Plan, network, vm string) {
	s.add(fmt.Sprintf("vm %s/%s", network, vm))
	s.add("host " + p.Embedding.Seat(network, vm))
	if !slices.ContainsFunc(p.Problem.Networks, func(n vsn.Network) bool { return n.Confidence != 0 }) {
		return
	}
	s.add("networks")
	s.add("network " + network)
	for _, r := range p.Realization.Reservations {
		if r.Network == network && r.VM == vm {
			s.cpu(r.Host, r.CPU)
		}
	}
	for _, e := range p.Realization.Emulators {
		if e.Network == network && e.VM == vm {
			s.cpu(e.Host, e.CPU)
		}
	}
}

func (s *subjects) cpu(host string, cpu int) {
	if cpu == hosts.AnyCPU {
		s.add("host " + host + " cpus")
		return
	}
	s.add(fmt.Sprintf("host %s cpu %d", host, cpu))
}

// link adds a link, and where it leaves its host the cables and the hosts on its way.
func (s *subjects) link(p *Plan, network string, l *vsn.Link) {
	s.add(fmt.Sprintf("link %s/%s", network, l.Name))
	for _, r := range p.Embedding.Routes {
		if r.Network != network || r.Link != l.Name {
			continue
		}
		for _, node := range r.Path {
			if p.Problem.Inventory.Host(node) != nil {
				s.add("host " + node)
			}
		}
		for _, cable := range r.Cables {
			s.add("cables")
			s.add("cable " + cable)
		}
	}
}
