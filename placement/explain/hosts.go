package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// mostHosts is how many more hosts are thought of, and mostModels of how many models.
const (
	mostHosts  = 16
	mostModels = 4
)

// moreHosts is more hosts like one that there is, of each model, those that offer
// least first.
func (c *catalog) moreHosts() (out []knob) {
	inv := &c.problem.Inventory
	seen, wires := map[string]bool{}, wiring(inv)
	var models []int
	for i := range inv.Hosts {
		if key := model(inv.Hosts[i], wires[inv.Hosts[i].Name]); !seen[key] {
			seen[key] = true
			models = append(models, i)
		}
	}
	slices.SortStableFunc(models, func(a, b int) int {
		x, y := &inv.Hosts[a], &inv.Hosts[b]
		return cmp.Or(cmp.Compare(len(x.CPUs), len(y.CPUs)), cmp.Compare(x.Memory, y.Memory), cmp.Compare(counted(x.Resources), counted(y.Resources)))
	})
	for _, i := range models[:min(len(models), mostModels)] {
		subject := "host " + inv.Hosts[i].Name
		k := number(placement.Change{Subject: subject, Field: "like"}, 0, 0, func(x int64) (int64, string) { return x, fmt.Sprint(x) })
		k.least, k.most, k.exact = 1, mostHosts, true
		k.cost = func(x int64) int64 { return costsHost * x }
		k.less = func(x int64) string { return []string{"", "one host"}[min(x-1, 1)] }
		out = append(out, k)
	}
	return out
}

func counted(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// model is what hosts have in common that offer the same at the same place.
func model(h hosts.Host, wires []string) string {
	name := h.Name
	h.Name, h.Address = "", ""
	data, err := json.Marshal(h)
	if err != nil {
		return name
	}
	slices.Sort(wires)
	return string(data) + strings.Join(wires, ";")
}
