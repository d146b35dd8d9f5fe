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
			out = append(out, Move{"reservations of vm " + s.Network + "/" + s.VM, then[key], now[key]})
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

// reservationsOf is what the threads of each VM have, and where: vCPUs in order, device
// threads last.
func reservationsOf(r *placement.Realization) map[[2]string][]string {
	out := map[[2]string][]string{}
	add := func(network, vm string, cpu int, runtime, period int64) {
		on := ""
		if cpu != hosts.AnyCPU {
			on = fmt.Sprintf(" on cpu %d", cpu)
		}
		out[[2]string{network, vm}] = append(out[[2]string{network, vm}], fmt.Sprintf("%v/%v%s", vsn.Duration(runtime), vsn.Duration(period), on))
	}
	for _, v := range r.Reservations {
		add(v.Network, v.VM, v.CPU, v.RuntimeNs, v.PeriodNs)
	}
	for _, e := range r.Emulators {
		add(e.Network, e.VM, e.CPU, e.RuntimeNs, e.PeriodNs)
	}
	return out
}
