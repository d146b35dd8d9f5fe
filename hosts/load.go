package hosts

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// ReadDocuments reads Networks and Inventories, in any order, from files that may
// hold many of each. Several Inventory documents make one inventory; without any,
// inventory is nil. Defaults are filled in, so that a plan carries every number
// that it rests on, and everything is validated: errs is nil, or all there is to
// say, and the values are then not to be used.
func ReadDocuments(files ...strict.File) (networks []vsn.Network, inventory *Inventory, errs strict.Errors) {
	var n vsn.Collection
	var c collection
	kinds := map[string]func(*strict.Document){vsn.KindNetwork: n.Add, KindInventory: c.add}
	errs = strict.Read(files, vsn.APIVersion, kinds, func() {
		n.Check()
		inventory = c.merge()
		if inventory != nil {
			checkLines(&n, inventory)
		}
	})
	return n.Networks, inventory, errs
}

// Load reads one inventory from the Inventory documents of the files. A Network
// among them is an error.
func Load(files ...strict.File) (Inventory, strict.Errors) {
	var c collection
	var inventory *Inventory
	errs := strict.Read(files, vsn.APIVersion, map[string]func(*strict.Document){KindInventory: c.add},
		func() { inventory = c.merge() })
	if inventory == nil {
		return Inventory{}, errs
	}
	return *inventory, errs
}

// collection gathers Inventory documents and remembers where each came from.
type collection struct {
	parts []Inventory
	at    []strict.Position
}

func (c *collection) add(d *strict.Document) {
	var inv Inventory
	d.Decode(&inv)
	inv.complete(d.Root())
	c.parts = append(c.parts, inv)
	c.at = append(c.at, d.Root())
}

// merge validates the parts as one, and makes one of them.
func (c *collection) merge() *Inventory {
	if len(c.parts) == 0 {
		return nil
	}
	validate(c.parts, c.at)
	var all Inventory
	for _, part := range c.parts {
		all.Hosts = append(all.Hosts, part.Hosts...)
		all.Switches = append(all.Switches, part.Switches...)
		all.Cables = append(all.Cables, part.Cables...)
		if len(part.Objective) > 0 {
			all.Objective = part.Objective
		}
	}
	for i := range all.Hosts {
		slices.SortStableFunc(all.Hosts[i].CPUs, func(a, b CPU) int { return cmp.Compare(a.ID, b.ID) })
	}
	return &all
}

// complete fills in what a document leaves out, and only that: a zero that is
// written down stays.
func (inv *Inventory) complete(at strict.Position) {
	for i := range inv.Hosts {
		h := &inv.Hosts[i]
		at := at.Key("hosts").Item(i, h.Name)
		absent(at, "share", &h.Share, DefaultShare)
		absent(at, "grain", &h.Grain, DefaultGrain)
		absent(at, "delay", &h.Delay, DefaultHostDelay)
		absent(at, "accel", &h.Accel, AccelAuto)
	}
	for i := range inv.Cables {
		c := &inv.Cables[i]
		at := at.Key("cables").Item(i, c.Name)
		absent(at, "share", &c.Share, DefaultCableShare)
		if len(c.Between) == 2 {
			absent(at, "name", &c.Name, defaultName(c))
		}
	}
}

func absent[T comparable](at strict.Position, key string, value *T, otherwise T) {
	var zero T
	if *value == zero && !at.Has(key) {
		*value = otherwise
	}
}
