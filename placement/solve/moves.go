package solve

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// Move is a part of a plan that runs and is to be otherwise: the host of a VM, the
// reservations that it has on the host on which it stays, or the nodes on the way of a
// link.
type Move struct {
	Subject string   `json:"subject"` // "vm net/name", "reservations of vm net/name", "link net/name"
	From    []string `json:"from"`
	To      []string `json:"to"`
}

// Moves lists what is elsewhere in one plan than in another before it. What only one of
// them has is no move.
func Moves(before, after *placement.Plan) (out []Move) {
	type vm [2]string
	was, stays := map[vm]string{}, map[vm]bool{}
	for _, s := range before.Embedding.Seats {
		was[vm{s.Network, s.VM}] = s.Host
	}
	for _, s := range after.Embedding.Seats {
		switch host, ran := was[vm{s.Network, s.VM}]; {
		case ran && host != s.Host:
			out = append(out, Move{"vm " + s.Network + "/" + s.VM, []string{host}, []string{s.Host}})
		case ran:
			stays[vm{s.Network, s.VM}] = true
		}
	}
	then, now := reservationsOf(&before.Realization), reservationsOf(&after.Realization)
	for _, s := range after.Embedding.Seats {
		if key := (vm{s.Network, s.VM}); stays[key] && !slices.Equal(then[key], now[key]) {
			out = append(out, Move{"reservations of vm " + s.Network + "/" + s.VM, texts(then[key]), texts(now[key])})
		}
	}
	routes := map[vm]*placement.Route{}
	for i := range before.Embedding.Routes {
		r := &before.Embedding.Routes[i]
		routes[vm{r.Network, r.Link}] = r
	}
	for i := range after.Embedding.Routes {
		r := &after.Embedding.Routes[i]
		if then := routes[vm{r.Network, r.Link}]; then != nil && (!slices.Equal(then.Path, r.Path) || !slices.Equal(then.Cables, r.Cables)) {
			out = append(out, Move{"link " + r.Network + "/" + r.Link, then.Path, r.Path})
		}
	}
	return out
}

// reserved is a reservation on a CPU.
type reserved struct {
	cpu             int
	runtime, period int64
}

// reservationsOf is what the threads of each VM have, and where: vCPUs in order, device
// threads last.
func reservationsOf(r *placement.Realization) map[[2]string][]reserved {
	out := make(map[[2]string][]reserved, len(r.Reservations))
	for _, v := range r.Reservations {
		out[[2]string{v.Network, v.VM}] = append(out[[2]string{v.Network, v.VM}], reserved{v.CPU, v.RuntimeNs, v.PeriodNs})
	}
	for _, e := range r.Emulators {
		out[[2]string{e.Network, e.VM}] = append(out[[2]string{e.Network, e.VM}], reserved{e.CPU, e.RuntimeNs, e.PeriodNs})
	}
	return out
}

func texts(list []reserved) (out []string) {
	for _, r := range list {
		text := fmt.Sprintf("%v/%v", vsn.Duration(r.runtime), vsn.Duration(r.period))
		if r.cpu != hosts.AnyCPU {
			text += fmt.Sprintf(" on cpu %d", r.cpu)
		}
		out = append(out, text)
	}
	return out
}

// of is a plan with the answers of some networks alone.
func of(p *placement.Plan, networks []string) *placement.Plan {
	some := map[string]bool{}
	for _, name := range networks {
		some[name] = true
	}
	out := &placement.Plan{}
	for i := range p.Embedding.Seats {
		if s := &p.Embedding.Seats[i]; some[s.Network] {
			out.Embedding.Seats = append(out.Embedding.Seats, *s)
		}
	}
	for i := range p.Embedding.Routes {
		if r := &p.Embedding.Routes[i]; some[r.Network] {
			out.Embedding.Routes = append(out.Embedding.Routes, *r)
		}
	}
	out.Realization = realized(&p.Realization, some)
	return out
}
