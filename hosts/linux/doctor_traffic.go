package linux

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// doctorTraffic makes one of everything that shaping needs, in a network namespace
// of its own, and tells what the kernel does not have.
func (m *Machine) doctorTraffic() []hosts.Finding {
	return onThread(func() []hosts.Finding {
		back, err := enterNamespace()
		if err != nil {
			return one(fail("traffic control", err.Error(), "run as root, to try it in a network namespace"))
		}
		defer back()
		var all []hosts.Finding
		try := func(name, need string, err error) bool {
			if err != nil {
				all = append(all, fail(name, err.Error(), "use a kernel with "+need))
				return false
			}
			all = append(all, ok(name, "there"))
			return true
		}
		try("bridge", "CONFIG_BRIDGE", createSegment(hosts.Segment{Network: "doctor", Bridge: "vbdoctor", MTU: 1500}))
		tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "vtdoctor"}, Mode: netlink.TUNTAP_MODE_TAP}
		if !try("tap", "CONFIG_TUN, and /dev/net/tun", netlink.LinkAdd(tap)) {
			return all
		}
		p := hosts.Port{Network: "doctor", VM: "vm", Tap: "vtdoctor", Ifb: "vidoctor", RateBit: 1_000_000}
		ifb, err := makeIfb(p)
		if !try("ifb", "CONFIG_IFB", err) {
			return all
		}
		index := ifb.Attrs().Index
		c := class{Minor: 1, RateBit: 1_000_000, BurstBytes: 4096, LimitBytes: 1 << 16}
		if try("htb", "CONFIG_NET_SCH_HTB", errors.Join(putRoot(index), c.putClass(index))) {
			try("bfifo", "CONFIG_NET_SCH_FIFO", c.putFIFO(index))
			try("u32", "CONFIG_NET_CLS_U32", netlink.FilterAdd(c.filter(index, net.HardwareAddr{2, 0, 0, 0, 0, 1})))
		}
		try("clsact and mirred", "CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_ACT and CONFIG_NET_ACT_MIRRED", redirect(tap, ifb, p))
		try("alternative names", "Linux 5.5 or later", netlink.LinkAddAltName(ifb, "vidoctor.1.link.to"))
		return all
	})
}

// enterNamespace puts the calling OS thread into a new network namespace, and back:
// the first thread of a process does not end with its goroutine.
func enterNamespace() (back func(), err error) {
	old, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		old.Close()
		return nil, fmt.Errorf("unshare(CLONE_NEWNET): %w", err)
	}
	return func() {
		defer old.Close()
		if err := unix.Setns(int(old.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // setns(2): only for what is no namespace, or without the right that unshare took
		}
	}, nil
}
