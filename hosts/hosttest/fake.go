package hosttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// Fake is a hosts.Machine in memory, for all kinds. It refuses what the kernel and
// libvirt refuse, with the same error numbers (errors.Is with a unix.Errno), and can
// be told to fail or to crash at any change. The zero Fake has no CPU: use NewFake.
//
// It is stricter than the real ones where a caller would be at fault: it removes
// nothing on which something stands, and makes nothing that is there with other
// values.
type Fake struct {
	host hosts.Host

	mu      sync.Mutex
	objects map[hosts.Key]hosts.Object
	half    map[hosts.Key]bool // made by a change that crashed
	meters  map[hosts.Key]hosts.Meter
	clock   time.Duration
	changes int
	before  func(n int, c hosts.Change) error
	seen    func(*hosts.Observation)
	crashed bool
}

// NewFake is a machine that offers what the host says: its CPUs with their shares,
// and what else Probe is to find.
func NewFake(h hosts.Host) *Fake {
	return &Fake{host: h, objects: map[hosts.Key]hosts.Object{}, half: map[hosts.Key]bool{}, meters: map[hosts.Key]hosts.Meter{}}
}

// ErrCrash, returned by a hook, leaves the change half made where its kind can be, and
// the machine refuses everything until Restart, as if this process had been killed.
var ErrCrash = errors.New("crash")

// Before sets a hook that hears of every change before it is made; n counts from 1.
// An error other than ErrCrash fails the change and leaves things as they were.
func (f *Fake) Before(hook func(n int, c hosts.Change) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// Seen sets a hook that may alter every observation before it is returned: a machine
// that lies, or that somebody else has changed.
func (f *Fake) Seen(hook func(*hosts.Observation)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = hook
}

// Restart ends a crash. What was made is there.
func (f *Fake) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashed = false
}

// Changes counts the changes that were asked for.
func (f *Fake) Changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// Advance lets time pass: threads of running domains get what they have reserved.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock += d
	for k, o := range f.objects {
		meter := f.meters[k]
		if r, ok := o.(hosts.Reservation); ok && f.objects[hosts.PowerKey(r.Network, r.VM)] != nil {
			meter.CPUNs += int64(float64(d.Nanoseconds()) * float64(r.RuntimeNs) / float64(r.PeriodNs))
		}
		f.meters[k] = meter
	}
}

// Kill ends a domain as if its process had died: its reservations and its tap go
// with it, the shaper and what else is the kernel's stays.
func (f *Fake) Kill(network, vm string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, o := range f.objects {
		switch o := o.(type) {
		case hosts.Domain, hosts.Promise, hosts.Power, hosts.Reservation:
			if k == hosts.DomainKey(network, vm) || standsOn(o, hosts.DomainKey(network, vm)) {
				f.drop(k)
			}
		case hosts.Port:
			if o.Network == network && o.VM == vm {
				o.Tap = ""
				f.objects[k] = o
			}
		}
	}
}

func standsOn(o hosts.Object, k hosts.Key) bool {
	for _, on := range o.On() {
		if on == k {
			return true
		}
	}
	return false
}

// Probe adds what the machine was made with.
func (f *Fake) Probe(ctx context.Context, h *hosts.Host) error {
	if h.Name == "" {
		h.Name = f.host.Name
	}
	h.CPUs, h.Share, h.Grain, h.Memory = f.host.CPUs, f.host.Share, f.host.Grain, f.host.Memory
	return ctx.Err()
}

// Observe lists what is there, by key; what is half made, with zeros.
func (f *Fake) Observe(ctx context.Context) (hosts.Observation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return hosts.Observation{}, ErrCrash
	}
	var s hosts.State
	o := hosts.Observation{Meters: map[hosts.Key]hosts.Meter{}}
	for k, object := range f.objects {
		if f.half[k] {
			object = halved(object)
		}
		s.Add(object)
		switch k.Kind() {
		case hosts.KindReservation, hosts.KindPort, hosts.KindQueue:
			meter := f.meters[k]
			meter.ClockNs = f.clock.Nanoseconds()
			o.Meters[k] = meter
		}
	}
	for _, object := range s.Objects() {
		o.State.Add(object)
	}
	o.Facts = &hosts.Facts{ClockNs: f.clock.Nanoseconds(), Share: f.host.Share, Grain: f.host.Grain, GrainFrom: "the tick", StealNs: map[int]int64{}}
	if f.seen != nil {
		f.seen(&o)
	}
	return o, ctx.Err()
}

// halved is what is seen of an object whose making was cut off. Kinds that the
// kernel makes in one step are whole.
func halved(o hosts.Object) hosts.Object {
	switch o := o.(type) {
	case hosts.Segment:
		o.MTU = 0
		return o
	case hosts.Port:
		o.Tap, o.RateBit = "", 0
		return o
	case hosts.Queue:
		o.ToMAC, o.RateBit, o.BurstBytes, o.LimitBytes = "", 0, 0, 0
		return o
	}
	return o
}

// Do makes one change, as the hosts.Machine interface says.
func (f *Fake) Do(ctx context.Context, c hosts.Change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return ErrCrash
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	f.changes++
	if f.before == nil {
		return f.do(c)
	}
	err := f.before(f.changes, c)
	switch {
	case errors.Is(err, ErrCrash):
		f.crash(c)
		return err
	case err != nil:
		return err
	}
	return f.do(c)
}

// crash makes what a kill in the middle of the change leaves.
func (f *Fake) crash(c hosts.Change) {
	f.crashed = true
	k := c.Key()
	switch k.Kind() {
	case hosts.KindSegment, hosts.KindPort, hosts.KindQueue:
		if f.do(c) == nil && c.New != nil {
			f.half[k] = true
		}
	}
}

func (f *Fake) do(c hosts.Change) error {
	if c.Old != nil && c.New != nil && c.Old.Key() != c.New.Key() {
		return fmt.Errorf("a change of %s into %s: %w", c.Old.Key(), c.New.Key(), unix.EINVAL)
	}
	if c.New == nil {
		return f.remove(c.Old)
	}
	k := c.New.Key()
	if f.objects[k] == c.New && !f.half[k] {
		return nil
	}
	if c.Old == nil && f.objects[k] != nil && !f.half[k] {
		return fmt.Errorf("%s is there with other values: %w", k, unix.EEXIST)
	}
	if err := f.refuse(c.New); err != nil {
		return err
	}
	f.objects[k] = c.New
	delete(f.half, k)
	return nil
}

func (f *Fake) remove(o hosts.Object) error {
	k := o.Key()
	for _, object := range f.sorted() {
		if standsOn(object, k) {
			return fmt.Errorf("%s stands on it: %w: remove that first", object.Key(), unix.EBUSY)
		}
	}
	f.drop(k)
	return nil
}

func (f *Fake) drop(k hosts.Key) {
	delete(f.objects, k)
	delete(f.half, k)
	delete(f.meters, k)
}
