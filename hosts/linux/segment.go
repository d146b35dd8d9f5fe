package linux

import (
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// createSegment makes a bridge that only forwards: no spanning tree and no forward
// delay (a port works at once), no multicast snooping (it would need a querier), and
// no IPv6 of the host's own on it.
func createSegment(s hosts.Segment) error {
	if err := checkNames(s.Network); err != nil {
		return err
	}
	if err := checkInterface(s.Bridge); err != nil {
		return err
	}
	if s.MTU < 576 || s.MTU > 65535 {
		return fmt.Errorf("mtu %d is not in 576..65535: %w", s.MTU, unix.EINVAL)
	}
	mark := segmentMark(s.Network)
	link, err := named(s.Bridge)
	if err != nil {
		return fmt.Errorf("find bridge %q: %w", s.Bridge, err)
	}
	if link == nil {
		if err := addBridge(s, mark); err != nil {
			return err
		}
		if link, err = netlink.LinkByName(s.Bridge); err != nil {
			return fmt.Errorf("find bridge %q: %w", s.Bridge, err)
		}
	}
	if link.Type() != "bridge" || link.Attrs().Alias != mark {
		return foreign(link, mark)
	}
	if err := silence(s.Bridge); err != nil {
		return fmt.Errorf("disable IPv6 on bridge %q: %w", s.Bridge, err)
	}
	if link.Attrs().MTU != s.MTU {
		if err := netlink.LinkSetMTU(link, s.MTU); err != nil {
			return fmt.Errorf("set mtu %d of bridge %q: %w", s.MTU, s.Bridge, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set bridge %q up: %w", s.Bridge, err)
	}
	return nil
}

func addBridge(s hosts.Segment, mark string) error {
	data := nl.NewRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_MCAST_SNOOPING, nl.Uint8Attr(0))
	// A bridge follows the MTU of its ports until somebody changes it; only a change
	// to another value counts (br_change_mtu, net/bridge/br_device.c).
	other := uint32(s.MTU) - 1
	return addMarked(s.Bridge, "bridge", mark, other, data, nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(s.MTU))))
}

// silence keeps the host from having an address of its own on an interface. A
// kernel without IPv6 has nothing to silence.
func silence(name string) error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0)
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// removeSegment deletes the bridge, unless taps of guests are still on it.
func removeSegment(s hosts.Segment) error {
	link, err := ours(s.Bridge, "bridge", segmentMark(s.Network))
	if err != nil || link == nil {
		return err
	}
	all, err := links()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Attrs().MasterIndex == link.Attrs().Index && l.Type() == "tuntap" {
			return fmt.Errorf("tap %q is on bridge %q: %w: remove its domain first", l.Attrs().Name, s.Bridge, unix.EBUSY)
		}
	}
	return gone(netlink.LinkDel(link), "delete bridge %q", s.Bridge)
}

// observeSegment lists a bridge that is not up with MTU 0: it does not do its work.
func observeSegment(link netlink.Link, network string) hosts.Segment {
	a := link.Attrs()
	s := hosts.Segment{Network: network, Bridge: a.Name, MTU: a.MTU}
	if !up(link) {
		s.MTU = 0
	}
	return s
}
