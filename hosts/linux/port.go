package linux

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// What a guest sends arrives at its tap as ingress, where Linux has no queues. A
// filter there turns every frame into an IFB, whose root is HTB: a class for each
// Queue, and one for the rest. Classes have ceil = rate and no parent, so nothing is
// lent and each is a token bucket of its own.
const (
	// restMinor is the class for frames that belong to no queue.
	restMinor = 0xffff
	// RestBurst and RestLimit are its burst and the length of its queue, bytes: two
	// full frames at once, and enough ARP for a large segment.
	RestBurst = 4096
	RestLimit = 32 << 10
	// quantum is what a class may send before another's turn, bytes: two full frames.
	// It has to be given, or the kernel derives one from the rate and complains about
	// it (htb_change_class, net/sched/sch_htb.c).
	quantum = 3028
)

var htbRoot = netlink.MakeHandle(1, 0)

func createPort(p hosts.Port) error {
	if err := checkPort(p); err != nil {
		return err
	}
	tap, err := findTap(p)
	if err != nil {
		return err
	}
	ifb, err := makeIfb(p)
	if err != nil {
		return err
	}
	index := ifb.Attrs().Index
	if err := putRoot(index); err != nil {
		return fmt.Errorf("put htb on %q: %w", p.Ifb, err)
	}
	rest := class{Minor: restMinor, RateBit: p.RateBit, BurstBytes: hosts.RoundBurst(p.RateBit, RestBurst), LimitBytes: RestLimit, Prio: 7}
	if err := rest.put(index); err != nil {
		return fmt.Errorf("on %q: %w", p.Ifb, err)
	}
	if err := netlink.LinkSetUp(ifb); err != nil {
		return fmt.Errorf("set %q up: %w", p.Ifb, err)
	}
	return redirect(tap, ifb, p)
}

// putRoot makes HTB the root of an interface, with our class for the rest.
func putRoot(link int) error {
	root := netlink.NewHtb(netlink.QdiscAttrs{LinkIndex: link, Handle: htbRoot, Parent: netlink.HANDLE_ROOT})
	root.Defcls = restMinor
	if err := netlink.QdiscAdd(root); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func checkPort(p hosts.Port) error {
	if err := checkNames(p.Network, p.VM); err != nil {
		return err
	}
	if err := errors.Join(checkInterface(p.Tap), checkInterface(p.Ifb)); err != nil {
		return err
	}
	return checkRate(p.RateBit, hosts.RoundBurst(max(8, p.RateBit&^7), RestBurst))
}

// findTap is the tap of the port's domain: there must be one, of no other port.
func findTap(p hosts.Port) (netlink.Link, error) {
	tap, err := named(p.Tap)
	if err != nil {
		return nil, fmt.Errorf("find tap %q: %w", p.Tap, err)
	}
	if tap == nil {
		return nil, fmt.Errorf("tap %q: %w: the domain of %s/%s must be there first", p.Tap, unix.ENODEV, p.Network, p.VM)
	}
	if alias := tap.Attrs().Alias; alias != "" && alias != portMark(p.Network, p.VM) {
		return nil, foreign(tap, portMark(p.Network, p.VM))
	}
	return tap, nil
}

func makeIfb(p hosts.Port) (netlink.Link, error) {
	mark := portMark(p.Network, p.VM)
	ifb, err := named(p.Ifb)
	if err != nil {
		return nil, fmt.Errorf("find ifb %q: %w", p.Ifb, err)
	}
	if ifb == nil {
		if err := addMarked(p.Ifb, "ifb", mark, 0, nil); err != nil {
			return nil, err
		}
		if ifb, err = netlink.LinkByName(p.Ifb); err != nil {
			return nil, fmt.Errorf("find ifb %q: %w", p.Ifb, err)
		}
	}
	if ifb.Type() != "ifb" || ifb.Attrs().Alias != mark {
		return nil, foreign(ifb, mark)
	}
	if err := silence(p.Ifb); err != nil {
		return nil, fmt.Errorf("disable IPv6 on %q: %w", p.Ifb, err)
	}
	return ifb, nil
}

// redirect turns all that comes out of the tap into the IFB.
func redirect(tap, ifb netlink.Link, p hosts.Port) error {
	if err := netlink.LinkSetAlias(tap, portMark(p.Network, p.VM)); err != nil {
		return fmt.Errorf("set alias of tap %q: %w", p.Tap, err)
	}
	index := tap.Attrs().Index
	if to, err := redirectOf(tap); err != nil || to == ifb.Attrs().Index {
		return err
	}
	// What is there leads to an IFB that is gone, and would still swallow frames.
	if err := dropClsact(tap); err != nil {
		return err
	}
	if err := netlink.QdiscAdd(clsact(tap)); err != nil {
		return fmt.Errorf("put clsact on tap %q: %w", p.Tap, err)
	}
	filter := &netlink.U32{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: netlink.HANDLE_MIN_INGRESS, Priority: 1, Protocol: unix.ETH_P_ALL},
		Actions:     []netlink.Action{netlink.NewMirredAction(ifb.Attrs().Index)},
	}
	if err := netlink.FilterReplace(filter); err != nil {
		return fmt.Errorf("redirect tap %q to %q: %w", p.Tap, p.Ifb, err)
	}
	return nil
}

// redirectOf is the index of the interface that all of a tap's ingress goes to, or 0.
func redirectOf(tap netlink.Link) (int, error) {
	filters, err := dump(func() ([]netlink.Filter, error) { return netlink.FilterList(tap, netlink.HANDLE_MIN_INGRESS) })
	if err != nil {
		return 0, fmt.Errorf("list filters of %q: %w", tap.Attrs().Name, err)
	}
	for _, f := range filters {
		if u, ok := f.(*netlink.U32); ok && u.RedirIndex != 0 && u.Sel != nil && matchesAll(u.Sel) {
			return u.RedirIndex, nil
		}
	}
	return 0, nil
}

func matchesAll(sel *netlink.TcU32Sel) bool {
	for _, k := range sel.Keys {
		if k.Mask != 0 {
			return false
		}
	}
	return true
}

// removePort takes the tap's filter away, then the IFB with all that is on it. The
// tap itself goes with its domain.
func removePort(p hosts.Port) error {
	mark := portMark(p.Network, p.VM)
	ifb, err := ours(p.Ifb, "ifb", mark)
	if err != nil {
		return err
	}
	if ifb != nil {
		if q := queueMarks(ifb); len(q) > 0 {
			return fmt.Errorf("%d queues are on %q, the first %s>%s: %w: remove them first", len(q), p.Ifb, q[0].Link, q[0].To, unix.EBUSY)
		}
	}
	// The tap by its mark, not by its name: a half-made port is listed without one.
	all, err := links()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Attrs().Alias == mark && l.Type() != "ifb" {
			if err := release(l); err != nil {
				return err
			}
		}
	}
	if ifb == nil {
		return nil
	}
	return gone(netlink.LinkDel(ifb), "delete ifb %q", p.Ifb)
}

// release undoes redirect.
func release(tap netlink.Link) error {
	if err := dropClsact(tap); err != nil {
		return err
	}
	return gone(netlink.LinkSetAlias(tap, "\x00"), "clear alias of tap %q", tap.Attrs().Name)
}

func clsact(tap netlink.Link) *netlink.Clsact {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: tap.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}}
}

func dropClsact(tap netlink.Link) error {
	err := netlink.QdiscDel(clsact(tap))
	if errors.Is(err, unix.EINVAL) { // there was none (tc_get_qdisc, net/sched/sch_api.c)
		err = nil
	}
	return gone(err, "take clsact off tap %q", tap.Attrs().Name)
}

// gone forgives what vanished by itself meanwhile.
func gone(err error, format string, args ...any) error {
	if err == nil || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
