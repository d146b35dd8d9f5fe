package proof

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// Again derives the proof of another answer, of the same problem or of a changed one:
// networks more or less or changed, VMs and links elsewhere, hosts, switches and cables
// less. It finds what has changed by itself, and derives what is claimed of that, of the
// hosts and cables that it is or was on, and of all links and flows whose bounds move
// with it; all other claims are kept. Where that is not worth while, with hosts or cables
// more or changed, networks in another order, delays that go round a cycle or have no
// bound, all is derived. Its proof is what Prove gives, claim by claim, and so are its
// errors.
func (d *Derivation) Again(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*Derivation, error) {
	if c := d.change(p, e, r); c != nil {
		return &Derivation{c.derivation}, nil
	}
	return Derive(p, e, r)
}

// change is a derivation in the making from another. What it writes to it has copied.
type change struct {
	*derivation
	old     *derivation
	fresh   map[int32]bool           // slots of networks that are new, changed or gone
	hosts   map[int]bool             // that they are or were on
	lines   map[int32]bool           // that they use or used
	settled map[int32]bool           // lines that were added up again
	moved   map[int32]map[int32]bool // paths with other numbers, by slot and path
}

// change is nil where all has to be derived.
func (d *derivation) change(p *placement.Problem, e *placement.Embedding, r *placement.Realization) *change {
	if d.paths.ring || d.paths.open || d.relaxed {
		return nil
	}
	gone, ok := d.less(&p.Inventory)
	if !ok {
		return nil
	}
	m := *d.model
	m.problem, m.embedding, m.realization = p, e, r
	c := &change{old: d, derivation: &derivation{model: &m}, fresh: map[int32]bool{}, hosts: map[int]bool{}, lines: map[int32]bool{}, settled: map[int32]bool{}, moved: map[int32]map[int32]bool{}}
	if !c.renew() {
		return nil
	}
	c.resettle()
	if c.on(gone) || !c.reline() || m.pins() != nil || !c.rederive() {
		return nil
	}
	return c
}

// less finds the nodes and cables of the first inventory that another has not; false
// where that has others, or in another order.
func (d *derivation) less(inv *hosts.Inventory) (gone map[string]bool, ok bool) {
	was := d.inventory
	gone = map[string]bool{}
	ok = fewer(was.Hosts, inv.Hosts, func(h *hosts.Host) { gone[h.Name] = true }) &&
		fewer(was.Switches, inv.Switches, func(s *hosts.Switch) { gone[s.Name] = true }) &&
		fewer(was.Cables, inv.Cables, func(c *hosts.Cable) { gone["cable "+c.Name] = true })
	return gone, ok
}

// fewer reports whether now is was without some, which it names.
func fewer[T any](was, now []T, gone func(*T)) bool {
	if len(was) == len(now) && (len(was) == 0 || &was[0] == &now[0]) {
		return true
	}
	k := 0
	for i := range was {
		if k < len(now) && alikeValues(&was[i], &now[k]) {
			k++
		} else {
			gone(&was[i])
		}
	}
	return k == len(now)
}

// alikeValues reports whether two structs are equal, quickly where one is a copy of the
// other.
func alikeValues[T any](a, b *T) bool {
	if a == b {
		return true
	}
	v, w := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range v.NumField() {
		x, y := v.Field(i), w.Field(i)
		switch x.Kind() {
		case reflect.Slice, reflect.Map:
			if x.Len() == y.Len() && x.Pointer() == y.Pointer() {
				continue
			}
			if !reflect.DeepEqual(x.Interface(), y.Interface()) {
				return false
			}
		case reflect.Pointer:
			if x.Pointer() != y.Pointer() && !reflect.DeepEqual(x.Interface(), y.Interface()) {
				return false
			}
		default:
			if !x.Equal(y) {
				return false
			}
		}
	}
	return true
}

// renew takes what is as it was, and looks at the rest; false where that is no answer, or
// networks come in another order.
func (c *change) renew() bool {
	m := c.model
	all := m.problem.Networks
	at := make(map[string]int32, len(all))
	for i := range all {
		at[all[i].Name] = int32(i)
	}
	answers, err := m.divide(at)
	if err != nil || len(at) != len(all) {
		return false
	}
	same := make([]bool, len(all))
	each(len(all), func(i int) {
		slot, there := c.old.slots[all[i].Name]
		same[i] = there && alikeValues(c.old.parts[slot].Network, &all[i]) && c.old.parts[slot].given.equal(&answers[i])
	})
	m.parts, m.slots, m.order = slices.Clone(m.parts), at, make([]int32, len(all))
	last := int32(-1)
	for i := range all {
		slot, there := c.old.slots[all[i].Name]
		if !there {
			slot = int32(len(m.parts))
			m.parts = append(m.parts, nil)
		}
		at[all[i].Name], m.order[i] = slot, slot
		if same[i] {
			if c.old.place[slot] < last {
				return false
			}
			last = c.old.place[slot]
			continue
		}
		c.fresh[slot] = true
		if validNetwork(&all[i]) != nil {
			return false
		}
		if m.parts[slot], err = m.newPart(&all[i], answers[i]); err != nil {
			return false
		}
	}
	for network, slot := range c.old.slots {
		if _, still := at[network]; !still {
			c.fresh[slot], m.parts[slot] = true, nil
		}
	}
	m.place = make([]int32, len(m.parts))
	for i, slot := range m.order {
		m.place[slot] = int32(i)
	}
	return true
}

func (a *answer) equal(b *answer) bool {
	return equal(a.seats, b.seats) && equal(a.reservations, b.reservations) && equal(a.emulators, b.emulators) && equal(a.queues, b.queues) && equal(a.tasks, b.tasks) &&
		slices.EqualFunc(a.routes, b.routes, func(x, y placement.Route) bool {
			return x.Network == y.Network && x.Link == y.Link && equal(x.Path, y.Path) && equal(x.Cables, y.Cables)
		})
}

func equal[T comparable](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// both visits the fresh networks, as they were and as they are.
func (c *change) both(visit func(slot int32, p *part, now bool)) {
	for _, slot := range slices.Sorted(maps.Keys(c.fresh)) {
		if int(slot) < len(c.old.parts) && c.old.parts[slot] != nil {
			visit(slot, c.old.parts[slot], false)
		}
		if p := c.parts[slot]; p != nil {
			visit(slot, p, true)
		}
	}
}

// resettle moves the fresh VMs on the hosts and counts reservations there again.
func (c *change) resettle() {
	m := c.model
	m.at, m.sharing = slices.Clone(m.at), slices.Clone(m.sharing)
	come := map[int][]guest{}
	c.both(func(slot int32, p *part, now bool) {
		for j := range p.vms {
			h := p.vms[j].hostAt
			c.hosts[h] = true
			if now {
				come[h] = append(come[h], guest{slot, int32(j)})
			}
		}
	})
	for h := range c.hosts {
		var stay []guest
		for _, g := range m.at[h] {
			if !c.fresh[g.slot] {
				stay = append(stay, g)
			}
		}
		m.at[h] = append(stay, come[h]...)
		slices.SortFunc(m.at[h], func(a, b guest) int {
			return cmp.Or(cmp.Compare(m.place[a.slot], m.place[b.slot]), cmp.Compare(a.vm, b.vm))
		})
		m.share(h)
	}
}

// on reports whether anything is on what is not there any more.
func (c *change) on(gone map[string]bool) bool {
	if len(gone) == 0 {
		return false
	}
	on := false
	for i := range c.inventory.Hosts {
		on = on || gone[c.inventory.Hosts[i].Name] && len(c.at[i]) > 0
	}
	c.networks(func(p *part) {
		for j := range p.links {
			r := p.links[j].route
			for _, node := range r.Path {
				on = on || gone[node]
			}
			for _, cable := range r.Cables {
				on = on || gone["cable "+cable]
			}
		}
	})
	return on
}

// rederive derives what is claimed of what has changed; false where classes of the same
// number meet.
func (c *change) rederive() bool {
	d := c.derivation
	d.hosts, d.cables = slices.Clone(c.old.hosts), slices.Clone(c.old.cables)
	d.nets = append(slices.Clone(c.old.nets), make([]*netPiece, len(d.parts)-len(c.old.nets))...)
	touched := slices.Sorted(maps.Keys(c.hosts))
	each(len(touched), func(i int) { d.deriveHost(touched[i]) })
	lines := slices.Sorted(maps.Keys(c.settled))
	if eachOrFail(len(lines), func(i int) error { return d.deriveLine(int(lines[i])) }) != nil {
		return false
	}
	cables := map[int]bool{}
	for id := range c.lines {
		cables[int(id/2)] = true
	}
	for i := range cables {
		d.deriveCable(i)
	}
	c.rederiveNets(touched)
	d.once = append(d.networkClaims(), d.pinClaims()...)
	return true
}

// rederiveNets derives what is claimed of fresh networks, of paths that moved, and of
// flows beside those or beside fresh VMs.
func (c *change) rederiveNets(touched []int) {
	d := c.derivation
	beside := map[int32]bool{}
	for slot := range c.moved {
		beside[slot] = true
	}
	for _, h := range touched {
		for _, g := range d.at[h] {
			beside[g.slot] = true
		}
	}
	for slot := range c.fresh {
		beside[slot] = true
	}
	slots := slices.Sorted(maps.Keys(beside))
	each(len(slots), func(i int) {
		slot := slots[i]
		p := d.parts[slot]
		if p == nil {
			d.nets[slot] = nil
			return
		}
		if c.fresh[slot] {
			d.deriveNet(slot)
			return
		}
		n := *d.nets[slot]
		n.paths = slices.Clone(n.paths)
		for k := range c.moved[slot] {
			n.paths[k] = d.paths.claims(p.paths[k])
		}
		d.nets[slot] = &n
		d.deriveFlows(p, &n)
	})
}
