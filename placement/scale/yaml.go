package scale

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// WriteNetworks writes networks as people do, one line for each thing.
func WriteNetworks(to io.Writer, networks []vsn.Network) error {
	w := bufio.NewWriter(to)
	for i := range networks {
		n := &networks[i]
		fmt.Fprintf(w, "---\napiVersion: %s\nkind: %s\nname: %s\nvms:\n", vsn.APIVersion, vsn.KindNetwork, n.Name)
		for _, v := range n.VMs {
			fmt.Fprintf(w, "  - {name: %s, vcpus: %d, memory: %v, reservation: {runtime: %v, period: %v}}\n", v.Name, v.VCPUs, v.Memory, v.Reservation.Runtime, v.Reservation.Period)
		}
		fmt.Fprint(w, "links:\n")
		for _, l := range n.Links {
			fmt.Fprintf(w, "  - {name: %s, between: [%s], rate: %v, burst: %v}\n", l.Name, strings.Join(l.Between, ", "), l.Rate, l.Burst)
		}
		fmt.Fprint(w, "flows:\n")
		for _, f := range n.Flows {
			var path, work []string
			for _, stage := range f.Path {
				path = append(path, stage[0])
			}
			for _, vm := range slices.Sorted(maps.Keys(f.Work)) {
				work = append(work, fmt.Sprintf("%s: %v", vm, f.Work[vm]))
			}
			fmt.Fprintf(w, "  - {name: %s, path: [%s], message: %v, every: %v, work: {%s}, deadline: %v}\n",
				f.Name, strings.Join(path, ", "), f.Message, f.Every, strings.Join(work, ", "), f.Deadline)
		}
		writeRules(w, n.Place)
	}
	return w.Flush()
}

func writeRules(w io.Writer, rules []vsn.Rule) {
	if len(rules) > 0 {
		fmt.Fprint(w, "place:\n")
	}
	for _, r := range rules {
		if len(r.Spread) > 0 {
			fmt.Fprintf(w, "  - {spread: [%s], over: %s}\n", strings.Join(r.Spread, ", "), r.Over)
		} else {
			fmt.Fprintf(w, "  - {apart: [%s]}\n", strings.Join(r.Apart, ", "))
		}
	}
}

// WriteInventory writes the inventory of a tree likewise.
func WriteInventory(to io.Writer, inv *hosts.Inventory) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "apiVersion: %s\nkind: %s\nhosts:\n", vsn.APIVersion, hosts.KindInventory)
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		fmt.Fprintf(w, "  - {name: %s, address: %q, labels: {rack: %s, pod: %s}, cpus: %d, share: %v, grain: %v, memory: %v, delay: %v, partition: %t, accel: %s}\n",
			h.Name, h.Address, h.Labels["rack"], h.Labels["pod"], len(h.CPUs), h.Share, h.Grain, h.Memory, h.Delay, h.Partition, h.Accel)
	}
	fmt.Fprint(w, "switches:\n")
	for _, s := range inv.Switches {
		fmt.Fprintf(w, "  - {name: %s, delay: %v}\n", s.Name, s.Delay)
	}
	fmt.Fprint(w, "cables:\n")
	for i := range inv.Cables {
		c := &inv.Cables[i]
		fmt.Fprintf(w, "  - {name: %s, between: [%s], rate: %v, share: %v, delay: %v}\n", c.Name, strings.Join(c.Between, ", "), c.Rate, c.Share, c.Delay)
	}
	return w.Flush()
}
