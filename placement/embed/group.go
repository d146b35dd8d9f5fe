package embed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// addGroups joins what must sit together, and gives each group what its VMs need
// and the hosts that the rules on labels allow. Size is left to admit.
func (m *model) addGroups() error {
	leader, err := m.leaders()
	if err != nil {
		return err
	}
	number := map[int32]int32{}
	for v, l := range leader {
		g, ok := number[l]
		if !ok {
			g = int32(len(m.groups))
			number[l] = g
			m.groups = append(m.groups, m.newGroup())
		}
		m.vms[v].group = g
		m.join(&m.groups[g], int32(v))
	}
	for i := range m.links {
		l := &m.links[i]
		a, b := m.vms[l.ends[0]].group, m.vms[l.ends[1]].group
		for _, g := range slices.Compact([]int32{a, b}) {
			m.groups[g].links = append(m.groups[g].links, int32(i))
			m.groups[g].weight = plus(m.groups[g].weight, l.rate)
		}
	}
	m.size()
	if err := m.eachRule(m.constrain); err != nil {
		return err
	}
	return m.pin()
}

// leaders names, for each VM, the first of those that it must sit with.
func (m *model) leaders() ([]int32, error) {
	leader := make([]int32, len(m.vms))
	for i := range leader {
		leader[i] = int32(i)
	}
	find := func(v int32) int32 {
		for leader[v] != v {
			leader[v] = leader[leader[v]]
			v = leader[v]
		}
		return v
	}
	err := m.eachRule(func(r *vsn.Rule, vms []int32) {
		for i := 1; i < len(vms) && len(r.Together) > 0; i++ {
			a, b := find(vms[0]), find(vms[i])
			leader[max(a, b)] = min(a, b)
		}
	})
	for v := range leader {
		leader[v] = find(int32(v))
	}
	return leader, err
}

// size says how much each group takes of the mean host, of what it takes most of.
func (m *model) size() {
	n := int64(max(1, len(m.hosts)))
	memory, share := int64(0), int64(0)
	for h := range m.hosts {
		memory, share = plus(memory, m.hosts[h].memory/n), share+m.hosts[h].share.Hi/n
	}
	for g := range m.groups {
		m.groups[g].size = max(parts(m.groups[g].memory, memory), parts(m.groups[g].vcpus.Hi, share))
	}
}

// eachRule gives every rule of every network with the VMs that it names.
func (m *model) eachRule(visit func(r *vsn.Rule, vms []int32)) error {
	for i := range m.problem.Networks {
		n := &m.problem.Networks[i]
		for j := range n.Place {
			r := &n.Place[j]
			var vms []int32
			for _, name := range slices.Concat(r.Apart, r.Together, r.Spread, r.VMs) {
				v, err := m.vmOf(n.Name, name, fmt.Sprintf("place rule %d", j))
				if err != nil {
					return err
				}
				vms = append(vms, v)
			}
			visit(r, vms)
		}
	}
	return nil
}

func (m *model) newGroup() group {
	g := group{domain: newBitset(len(m.hosts))}
	for h := range m.hosts {
		g.domain.set(int32(h))
	}
	return g
}

func (m *model) join(g *group, v int32) {
	g.vms = append(g.vms, v)
	vm := &m.vms[v]
	g.part, g.odd = vm.part, vm.odd // rules keep together what is of one network
	g.memory = plus(g.memory, int64(vm.Memory))
	for _, r := range vm.reserved {
		u := m.scale.Of(int64(r.Runtime), int64(r.Period))
		g.vcpus = g.vcpus.Plus(u)
		g.largest = g.largest.Max(u)
	}
	for i, name := range m.resources {
		if count := vm.Resources[name]; count > 0 {
			if g.resources == nil {
				g.resources = make([]int64, len(m.resources))
			}
			g.resources[i] = plus(g.resources[i], count)
		}
	}
}

func (m *model) constrain(r *vsn.Rule, vms []int32) {
	switch {
	case len(r.Apart) > 0:
		for i, v := range vms {
			for _, w := range vms[:i] {
				m.part(m.vms[v].group, m.vms[w].group)
			}
		}
	case len(r.Spread) > 0:
		m.spread(r, vms)
	case len(r.Together) == 0:
		for h := range m.hosts {
			if carries(m.hosts[h].Host, r.On) {
				continue
			}
			for _, v := range vms {
				m.groups[m.vms[v].group].domain.unset(int32(h))
			}
		}
	}
}

func (m *model) part(a, b int32) {
	if a == b {
		m.groups[a].torn = true
		return
	}
	if !slices.Contains(m.groups[a].apart, b) {
		m.groups[a].apart = append(m.groups[a].apart, b)
		m.groups[b].apart = append(m.groups[b].apart, a)
	}
}

func carries(h *hosts.Host, labels map[string]string) bool {
	for label, value := range labels {
		if have, ok := h.Labels[label]; !ok || have != value {
			return false
		}
	}
	return true
}

// addClasses numbers the hosts that are alike. Twins are alike in all that a plan
// can depend on, and hang on the same nodes by the same cables: what fails on one
// of two untouched twins fails on the other. Hosts of one pack number are alike in
// what phase two looks at when it packs CPUs.
func (m *model) addClasses() {
	twins, packs := map[string]int32{}, map[string]int32{}
	asked := m.labelsAsked()
	named := m.hostsNamed()
	alike := map[string]int32{}
	for h := range m.hosts {
		m.hosts[h].alike = number(alike, m.alikeKey(int32(h), asked, named))
		if named[m.hosts[h].Name] {
			m.hosts[h].twin = number(twins, fmt.Sprintf("only %d", h))
			m.hosts[h].pack = number(packs, packKey(m.hosts[h].Host))
			continue
		}
		m.hosts[h].twin = number(twins, m.twinKey(int32(h), asked))
		m.hosts[h].pack = number(packs, packKey(m.hosts[h].Host))
	}
}

// labelsAsked lists the labels that some rule looks at, sorted.
func (m *model) labelsAsked() (out []string) {
	for i := range m.problem.Networks {
		for _, r := range m.problem.Networks[i].Place {
			for label := range r.On {
				out = append(out, label)
			}
			if r.Over != "" {
				out = append(out, r.Over)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func number(known map[string]int32, key string) int32 {
	n, ok := known[key]
	if !ok {
		n = int32(len(known))
		known[key] = n
	}
	return n
}

func packKey(h *hosts.Host) string {
	var shares []string
	for _, cpu := range h.CPUs {
		shares = append(shares, h.ShareOf(cpu).String())
	}
	slices.Sort(shares)
	return fmt.Sprint(h.Partition, h.Emulator != nil, h.Emulator, shares)
}

// alikeKey is what decides which groups a host can carry.
func (m *model) alikeKey(h int32, asked []string, named map[string]bool) string {
	ho := &m.hosts[h]
	if named[ho.Name] {
		return fmt.Sprintf("only %d", h)
	}
	key := packKey(ho.Host) + fmt.Sprint(ho.memory, ho.resources)
	for _, label := range asked {
		value, ok := ho.Labels[label]
		key += fmt.Sprintf(" %t%q", ok, value)
	}
	return key
}

func (m *model) twinKey(h int32, asked []string) string {
	var b strings.Builder
	plain := *m.hosts[h].Host
	plain.Name, plain.Address, plain.Labels = "", "", nil
	data, err := json.Marshal(plain)
	if err != nil {
		return fmt.Sprintf("only %d", h)
	}
	b.Write(data)
	for _, label := range asked {
		value, ok := m.hosts[h].Labels[label]
		fmt.Fprintf(&b, " %t%q", ok, value)
	}
	var cables []string
	for _, a := range m.nodes[h].arcs {
		if int(a.to) < len(m.hosts) {
			return fmt.Sprintf("only %d", h) // a cable from host to host: which twin has which is not looked into
		}
		c := &m.problem.Inventory.Cables[a.cable]
		cables = append(cables, fmt.Sprint(a.to, c.Rate, c.Share, c.Delay, c.Half()))
	}
	slices.Sort(cables)
	return b.String() + strings.Join(cables, ";")
}
