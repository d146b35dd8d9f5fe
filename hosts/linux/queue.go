package linux

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// createQueue makes or changes the class of one direction of a link. The mark comes
// first and goes last, so that nothing is ever there without it.
func createQueue(q hosts.Queue) error {
	mac, err := checkQueue(q)
	if err != nil {
		return err
	}
	ifb, err := ours(q.Ifb, "ifb", portMark(q.Network, q.VM))
	if err != nil {
		return fmt.Errorf("find ifb %q: %w", q.Ifb, err)
	}
	if ifb == nil {
		return fmt.Errorf("ifb %q of %s/%s: %w: the port must be there first", q.Ifb, q.Network, q.VM, unix.ENODEV)
	}
	all, err := filters(ifb)
	if err != nil {
		return err
	}
	marked, err := claim(ifb, q, all)
	if err != nil {
		return err
	}
	if !marked {
		if err := netlink.LinkAddAltName(ifb, queueMark(q)); err != nil {
			return fmt.Errorf("add alternative name %q to %q: %w", queueMark(q), q.Ifb, err)
		}
	}
	c := class{Minor: q.Class, RateBit: q.RateBit, BurstBytes: q.BurstBytes, LimitBytes: q.LimitBytes}
	if err := c.put(ifb.Attrs().Index); err != nil {
		return fmt.Errorf("on %q: %w", q.Ifb, err)
	}
	return steer(ifb, c, mac, all[q.Class])
}

func checkQueue(q hosts.Queue) (net.HardwareAddr, error) {
	if err := checkNames(q.Network, q.Link, q.VM, q.To); err != nil {
		return nil, err
	}
	if err := checkInterface(q.Ifb); err != nil {
		return nil, err
	}
	if q.Class == 0 || q.Class == restMinor {
		return nil, fmt.Errorf("class %#x is not in 0x1..0xfffe: %w", q.Class, unix.EINVAL)
	}
	mac, err := net.ParseMAC(q.ToMAC)
	if err != nil || len(mac) != 6 || mac.String() != q.ToMAC {
		return nil, fmt.Errorf("address %q is not of Ethernet, in the form 02:00:00:00:00:0a: %w", q.ToMAC, unix.EINVAL)
	}
	return mac, checkRate(q.RateBit, q.BurstBytes)
}

// claim reports whether the queue's mark is there, and refuses a class, a link or an
// address that another queue has.
func claim(ifb netlink.Link, q hosts.Queue, all map[uint16][]*netlink.U32) (bool, error) {
	for minor, list := range all {
		for _, f := range list {
			if minor != q.Class && filterMAC(f).String() == q.ToMAC {
				return false, fmt.Errorf("frames to %s go to class 1:%x of %q already: %w", q.ToMAC, minor, q.Ifb, unix.EEXIST)
			}
		}
	}
	for _, other := range queueMarks(ifb) {
		same := other.Class == q.Class && other.Link == q.Link && other.To == q.To
		if same {
			return true, nil
		}
		if other.Class == q.Class || other.Link == q.Link {
			return false, fmt.Errorf("class 1:%x of %q is queue %s>%s: %w: remove it first", other.Class, q.Ifb, other.Link, other.To, unix.EEXIST)
		}
	}
	return false, nil
}

// steer makes the filters of a class exactly one, for mac: the new one first, so
// that no frame of the link falls into the class for the rest meanwhile.
func steer(ifb netlink.Link, c class, mac net.HardwareAddr, have []*netlink.U32) error {
	there := false
	var stale []*netlink.U32
	for _, f := range have {
		if !there && filterMAC(f).String() == mac.String() {
			there = true
			continue
		}
		stale = append(stale, f)
	}
	if !there {
		if err := netlink.FilterAdd(c.filter(ifb.Attrs().Index, mac)); err != nil {
			return fmt.Errorf("filter for %s into class 1:%x: %w", mac, c.Minor, err)
		}
	}
	return unsteer(stale)
}

func unsteer(list []*netlink.U32) error {
	for _, f := range list {
		if err := gone(netlink.FilterDel(f), "delete filter of class %x", f.ClassId); err != nil {
			return err
		}
	}
	return nil
}

func removeQueue(q hosts.Queue) error {
	ifb, err := ours(q.Ifb, "ifb", portMark(q.Network, q.VM))
	if err != nil || ifb == nil {
		return err
	}
	marked := false
	for _, other := range queueMarks(ifb) {
		marked = marked || other.Class == q.Class && other.Link == q.Link && other.To == q.To
	}
	if !marked {
		return nil
	}
	all, err := filters(ifb)
	if err != nil {
		return err
	}
	if err := unsteer(all[q.Class]); err != nil {
		return err
	}
	if err := (class{Minor: q.Class}).drop(ifb.Attrs().Index); err != nil {
		return fmt.Errorf("on %q: %w", q.Ifb, err)
	}
	return gone(netlink.LinkDelAltName(ifb, queueMark(q)), "delete alternative name %q", queueMark(q))
}

// queueMarks are the queues that an IFB is marked with, in the order of their making.
func queueMarks(ifb netlink.Link) []hosts.Queue {
	var found []hosts.Queue
	for _, name := range ifb.Attrs().AltNames {
		if q, ok := parseQueueMark(ifb.Attrs().Name, name); ok {
			found = append(found, q)
		}
	}
	return found
}
