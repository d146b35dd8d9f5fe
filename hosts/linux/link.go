package linux

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// addMarked makes an interface and gives it its alias, so that no kill of this
// process can leave one without a mark: both requests go to the kernel in one
// sendmsg(2), which works through them before it returns (netlink_rcv_skb,
// net/netlink/af_netlink.c), and a signal is not taken in between. RTM_NEWLINK alone
// cannot set an alias. more is for the second request.
//
// The second request names the interface by an index that we chose for the first.
// If the first fails, that index is nobody's (it is random among 2^30) and the
// second fails too, rather than marking an interface of someone else.
func addMarked(name, kind, alias string, mtu uint32, data *nl.RtAttr, more ...*nl.RtAttr) error {
	index := int32(1<<30 - 1 - rand.IntN(1<<29))

	add := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	about := nl.NewIfInfomsg(unix.AF_UNSPEC)
	about.Index = index
	add.AddData(about)
	add.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	if mtu != 0 {
		add.AddData(nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(mtu)))
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated(kind))
	if data != nil {
		info.AddChild(data)
	}
	add.AddData(info)

	set := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	about = nl.NewIfInfomsg(unix.AF_UNSPEC)
	about.Index = index
	set.AddData(about)
	set.AddData(nl.NewRtAttr(unix.IFLA_IFALIAS, []byte(alias)))
	for _, a := range more {
		set.AddData(a)
	}

	errs, err := together(add, set)
	switch {
	case err != nil:
		return fmt.Errorf("create %s %q: %w", kind, name, err)
	case errs[0] != nil:
		return fmt.Errorf("create %s %q: %w", kind, name, errs[0])
	case errs[1] != nil:
		del := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
		del.AddData(about)
		_, err := del.Execute(unix.NETLINK_ROUTE, 0)
		return fmt.Errorf("set alias of %q: %w", name, errors.Join(errs[1], err))
	}
	return nil
}

// together sends requests in one message and returns what the kernel said to each.
func together(requests ...*nl.NetlinkRequest) ([]error, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 60}); err != nil {
		return nil, err
	}
	var all []byte
	at := map[uint32]int{}
	for i, r := range requests {
		all = append(all, r.Serialize()...)
		at[r.Seq] = i
	}
	if err := unix.Sendto(fd, all, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	errs, buf := make([]error, len(requests)), make([]byte, 1<<16)
	for len(at) > 0 {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return nil, err
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return nil, err
		}
		for _, msg := range messages {
			i, asked := at[msg.Header.Seq]
			if !asked || msg.Header.Type != unix.NLMSG_ERROR || len(msg.Data) < 4 {
				continue
			}
			delete(at, msg.Header.Seq)
			if code := int32(nl.NativeEndian().Uint32(msg.Data)); code != 0 {
				errs[i] = unix.Errno(-code)
			}
		}
	}
	return errs, nil
}
