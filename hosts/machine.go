package hosts

import (
	"context"
	"fmt"
)

// Machine is a host that can be asked and told. It remembers nothing: what it
// answers is what it finds. A Machine need not do every kind of object; Join makes
// one of several.
type Machine interface {
	// Probe adds to h what this machine offers. It changes nothing.
	Probe(ctx context.Context, h *Host) error
	// Observe finds everything of ours, orphans included, by the marks it carries.
	Observe(ctx context.Context) (Observation, error)
	// Do makes one change. It is idempotent: creating what is there as wanted, or
	// removing what is gone, succeeds. An error leaves at most the object itself
	// half made, and removing it then cleans up.
	Do(ctx context.Context, c Change) error
}

// Observation is what a machine carries for us, and what it measured about it.
type Observation struct {
	State  State         `json:"state"`
	Meters map[Key]Meter `json:"meters,omitempty"`
	// Facts are nil where a machine has none to tell: those of its kernel do.
	Facts *Facts `json:"facts,omitempty"`
}

// Meter is what the kernel has counted about an object since it was made.
type Meter struct {
	ClockNs  int64 `json:"clockNs"`            // monotonic, when it was read
	CPUNs    int64 `json:"cpuNs,omitempty"`    // CPU time that the thread got
	Bytes    int64 `json:"bytes,omitempty"`    // that left the class
	Packets  int64 `json:"packets,omitempty"`  // that left the class
	Drops    int64 `json:"drops,omitempty"`    // packets, queue full
	Backlog  int64 `json:"backlog,omitempty"`  // bytes waiting
	Throttle int64 `json:"throttle,omitempty"` // times the class had to wait for its rate
}

// Change replaces Old by New. No Old creates, no New removes.
type Change struct {
	Old, New Object
}

// Key is that of the object which changes.
func (c Change) Key() Key {
	if c.New != nil {
		return c.New.Key()
	}
	return c.Old.Key()
}

// Verb is what the change does, in a word.
func (c Change) Verb() string {
	switch {
	case c.Old == nil:
		return "create"
	case c.New == nil:
		return "remove"
	}
	return "change"
}

func (c Change) String() string {
	if c.New == nil {
		return fmt.Sprintf("remove %v", c.Old)
	}
	return fmt.Sprintf("%s %v", c.Verb(), c.New)
}

// Reverse undoes the change.
func (c Change) Reverse() Change { return Change{Old: c.New, New: c.Old} }

// Join makes one machine of several, each asked for the kinds that are its own.
func Join(parts map[Kind]Machine) Machine { return joined{parts} }

type joined struct{ parts map[Kind]Machine }

// each visits every machine once, in the order of building.
func (j joined) each(visit func(Machine) error) error {
	seen := map[Machine]bool{}
	for _, layer := range Layers {
		for _, kind := range layer {
			m, ok := j.parts[kind]
			if !ok || seen[m] {
				continue
			}
			seen[m] = true
			if err := visit(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j joined) Probe(ctx context.Context, h *Host) error {
	return j.each(func(m Machine) error { return m.Probe(ctx, h) })
}

func (j joined) Observe(ctx context.Context) (Observation, error) {
	all := Observation{Meters: map[Key]Meter{}}
	err := j.each(func(m Machine) error {
		o, err := m.Observe(ctx)
		if err != nil {
			return err
		}
		for _, object := range o.State.Objects() {
			all.State.Add(object)
		}
		for k, meter := range o.Meters {
			all.Meters[k] = meter
		}
		if o.Facts != nil {
			all.Facts = o.Facts
		}
		return nil
	})
	return all, err
}

func (j joined) Do(ctx context.Context, c Change) error {
	m, ok := j.parts[c.Key().Kind()]
	if !ok {
		return fmt.Errorf("%v: this machine has no %s", c, c.Key().Kind())
	}
	return m.Do(ctx, c)
}
