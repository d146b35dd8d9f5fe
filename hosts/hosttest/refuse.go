package hosttest

import (
	"fmt"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// What the kernel takes as a reservation: sched_deadline_period_min_us and _max_us,
// and DL_SCALE (kernel/sched/deadline.c).
const (
	minPeriod  = 100 * time.Microsecond
	maxPeriod  = 4_194_304 * time.Microsecond
	minRuntime = 1024 * time.Nanosecond
)

// refuse says why a machine would not make the object now; nil when it would.
func (f *Fake) refuse(o hosts.Object) error {
	// A reservation without its partition is refused for its affinity, below.
	for _, on := range o.On() {
		if on.Kind() != hosts.KindPartition && (f.objects[on] == nil || f.half[on]) {
			if o.Key().Kind() == hosts.KindReservation {
				return fmt.Errorf("%s is not there: %w", on, unix.ESRCH)
			}
			return fmt.Errorf("%s is not there: %w", on, unix.ENODEV)
		}
	}
	switch o := o.(type) {
	case hosts.Partition:
		return f.refusePartition(o)
	case hosts.Segment:
		return f.refuseSegment(o)
	case hosts.Domain:
		return f.refuseDomain(o)
	case hosts.Reservation:
		return f.refuseReservation(o)
	case hosts.Port:
		return f.refusePort(o)
	case hosts.Queue:
		return f.refuseQueue(o)
	}
	return nil
}

func checkNames(names ...string) error {
	for _, n := range names {
		if err := vsn.CheckName(n); err != nil {
			return fmt.Errorf("name %w: %w", err, unix.EINVAL)
		}
	}
	return nil
}

// interfaces are the names that are taken, by whom.
func (f *Fake) interfaces() map[string]hosts.Key {
	taken := map[string]hosts.Key{}
	for k, o := range f.objects {
		switch o := o.(type) {
		case hosts.Segment:
			taken[o.Bridge] = k
		case hosts.Domain:
			taken[o.Tap] = k
		case hosts.Port:
			taken[o.Ifb] = k
		}
	}
	return taken
}

func (f *Fake) checkInterface(name string, owner hosts.Key) error {
	if name == "" || len(name) > 15 || strings.ContainsAny(name, "./: \t\n%") {
		return fmt.Errorf("interface name %q: %w", name, unix.EINVAL)
	}
	if other, taken := f.interfaces()[name]; taken && other != owner {
		return fmt.Errorf("interface %q is that of %s: %w", name, other, unix.EEXIST)
	}
	return nil
}

func (f *Fake) refusePartition(p hosts.Partition) error {
	if f.host.CPU(p.CPU) == nil {
		return fmt.Errorf("cpu %d: %w", p.CPU, unix.ENODEV)
	}
	for _, o := range f.objects {
		if r, ok := o.(hosts.Reservation); ok && r.CPU == hosts.AnyCPU {
			return fmt.Errorf("%v may run on cpu %d and others: %w", r, p.CPU, unix.EBUSY)
		}
	}
	return nil
}

func (f *Fake) refuseSegment(s hosts.Segment) error {
	if err := checkNames(s.Network); err != nil {
		return err
	}
	if s.MTU < 576 || s.MTU > 65535 {
		return fmt.Errorf("mtu %d: %w", s.MTU, unix.EINVAL)
	}
	return f.checkInterface(s.Bridge, s.Key())
}

func (f *Fake) refuseDomain(d hosts.Domain) error {
	if err := checkNames(d.Network, d.VM); err != nil {
		return err
	}
	if d.VCPUs < 1 || d.Memory < 1 {
		return fmt.Errorf("%d vcpus, %d bytes of memory: %w", d.VCPUs, d.Memory, unix.EINVAL)
	}
	if s := f.objects[hosts.SegmentKey(d.Network)].(hosts.Segment); s.Bridge != d.Bridge {
		return fmt.Errorf("bridge %q: %w", d.Bridge, unix.ENODEV)
	}
	for k, o := range f.objects {
		if other, ok := o.(hosts.Domain); ok && k != d.Key() && other.Name == d.Name {
			return fmt.Errorf("the name %q is that of %s: %w", d.Name, k, unix.EEXIST)
		}
	}
	return f.checkInterface(d.Tap, d.Key())
}

func (f *Fake) refuseReservation(r hosts.Reservation) error {
	q, p := time.Duration(r.RuntimeNs), time.Duration(r.PeriodNs)
	if p < minPeriod || p > maxPeriod || q < minRuntime || q > p {
		return fmt.Errorf("runtime %v in period %v: %w", q, p, unix.EINVAL)
	}
	d := f.objects[hosts.DomainKey(r.Network, r.VM)].(hosts.Domain)
	if !hasThread(d, r.Thread) {
		return fmt.Errorf("domain %q has no thread %q: %w", d.Name, r.Thread, unix.ESRCH)
	}
	pin := ""
	for field := range strings.FieldsSeq(d.Pins) {
		if thread, cpus, _ := strings.Cut(field, "="); thread == r.Thread {
			pin = cpus
		}
	}
	if r.CPU == hosts.AnyCPU {
		return f.admitAnywhere(r, pin)
	}
	if f.objects[hosts.PartitionKey(r.CPU)] == nil {
		return fmt.Errorf("cpu %d has no partition: %w", r.CPU, unix.EPERM)
	}
	if pin != strconv.Itoa(r.CPU) {
		return fmt.Errorf("%s is pinned to %q, not to cpu %d: %w", r.Thread, pin, r.CPU, unix.EPERM)
	}
	return f.admit(r, f.share(r.CPU), func(o hosts.Reservation) bool { return o.CPU == r.CPU })
}

func hasThread(d hosts.Domain, thread string) bool {
	if thread == "emulator" {
		return true
	}
	number, ok := strings.CutPrefix(thread, "vcpu")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n >= 0 && n < d.VCPUs
}

func (f *Fake) admitAnywhere(r hosts.Reservation, pin string) error {
	limit := new(big.Rat)
	for _, cpu := range f.host.CPUs {
		if f.objects[hosts.PartitionKey(cpu.ID)] != nil {
			return fmt.Errorf("cpu %d has a root domain of its own: %w", cpu.ID, unix.EPERM)
		}
		limit.Add(limit, f.share(cpu.ID))
	}
	if pin != "" {
		return fmt.Errorf("%s is pinned to %q: %w", r.Thread, pin, unix.EPERM)
	}
	return f.admit(r, limit, func(hosts.Reservation) bool { return true })
}

// share of a CPU that reservations may take.
func (f *Fake) share(cpu int) *big.Rat {
	for _, s := range []vsn.Share{f.host.CPU(cpu).Share, f.host.Share} {
		if s != 0 {
			return s.Rat()
		}
	}
	return hosts.DefaultShare.Rat()
}

// admit adds up, exactly.
func (f *Fake) admit(r hosts.Reservation, limit *big.Rat, counts func(hosts.Reservation) bool) error {
	sum := big.NewRat(r.RuntimeNs, r.PeriodNs)
	for k, o := range f.objects {
		if other, ok := o.(hosts.Reservation); ok && k != r.Key() && counts(other) {
			sum.Add(sum, big.NewRat(other.RuntimeNs, other.PeriodNs))
		}
	}
	if sum.Cmp(limit) > 0 {
		return fmt.Errorf("reservations would take %s of %s: %w", sum.FloatString(4), limit.FloatString(4), unix.EBUSY)
	}
	return nil
}

func (f *Fake) refusePort(p hosts.Port) error {
	if err := checkNames(p.Network, p.VM); err != nil {
		return err
	}
	if p.RateBit < 8 || p.RateBit != hosts.RoundRate(p.RateBit) {
		return fmt.Errorf("rate %d bit/s: %w", p.RateBit, unix.EINVAL)
	}
	if d := f.objects[hosts.DomainKey(p.Network, p.VM)].(hosts.Domain); d.Tap != p.Tap {
		return fmt.Errorf("tap %q: %w", p.Tap, unix.ENODEV)
	}
	return f.checkInterface(p.Ifb, p.Key())
}

func (f *Fake) refuseQueue(q hosts.Queue) error {
	if err := checkNames(q.Network, q.Link, q.VM, q.To); err != nil {
		return err
	}
	if q.Class == 0 || q.Class == 0xffff || q.LimitBytes < 1 || q.LimitBytes > 1<<32-1 {
		return fmt.Errorf("class %#x, limit %d B: %w", q.Class, q.LimitBytes, unix.EINVAL)
	}
	if q.RateBit < 8 || q.RateBit != hosts.RoundRate(q.RateBit) || q.BurstBytes < 1 || q.BurstBytes != hosts.RoundBurst(q.RateBit, q.BurstBytes) {
		return fmt.Errorf("rate %d bit/s, burst %d B: %w", q.RateBit, q.BurstBytes, unix.EINVAL)
	}
	if mac, err := net.ParseMAC(q.ToMAC); err != nil || len(mac) != 6 || mac.String() != q.ToMAC {
		return fmt.Errorf("address %q: %w", q.ToMAC, unix.EINVAL)
	}
	if p := f.objects[hosts.PortKey(q.Network, q.VM)].(hosts.Port); p.Ifb != q.Ifb {
		return fmt.Errorf("ifb %q: %w", q.Ifb, unix.ENODEV)
	}
	taken := func(o hosts.Object) bool {
		other, ok := o.(hosts.Queue)
		return ok && other.Key() != q.Key() && other.Ifb == q.Ifb && (other.Class == q.Class || other.ToMAC == q.ToMAC)
	}
	for _, o := range f.sorted() {
		if taken(o) {
			return fmt.Errorf("%v has that class or address: %w", o, unix.EEXIST)
		}
	}
	return nil
}

// sorted are the objects by key, so that refusals do not depend on chance.
func (f *Fake) sorted() []hosts.Object {
	keys := make([]hosts.Key, 0, len(f.objects))
	for k := range f.objects {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	all := make([]hosts.Object, len(keys))
	for i, k := range keys {
		all[i] = f.objects[k]
	}
	return all
}
