package linux

import (
	"fmt"
	"math"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// class is an HTB class right under the root, with its FIFO.
type class struct {
	Minor      uint16
	RateBit    int64
	BurstBytes int64
	LimitBytes int64
	Prio       uint32
}

func (c class) handle() uint32 { return netlink.MakeHandle(1, c.Minor) }

// checkRate refuses numbers that would not read back as they were written.
func checkRate(rateBit, burst int64) error {
	if rateBit < 8 || rateBit != hosts.RoundRate(rateBit) {
		return fmt.Errorf("rate %d bit/s: want a positive multiple of 8, as hosts.RoundRate gives: %w", rateBit, unix.EINVAL)
	}
	if burst < 1 || burst != hosts.RoundBurst(rateBit, burst) {
		return fmt.Errorf("burst %d B at %d bit/s: want what hosts.RoundBurst gives, %d: %w", burst, rateBit, hosts.RoundBurst(rateBit, burst), unix.EINVAL)
	}
	return nil
}

// put makes the class and its FIFO, or changes them.
func (c class) put(link int) error {
	if err := c.putClass(link); err != nil {
		return fmt.Errorf("class 1:%x (%d bit/s, burst %d B): %w", c.Minor, c.RateBit, c.BurstBytes, err)
	}
	if err := c.putFIFO(link); err != nil {
		return fmt.Errorf("bfifo of class 1:%x (%d B): %w", c.Minor, c.LimitBytes, err)
	}
	return nil
}

func (c class) putClass(link int) error {
	ticks := hosts.BurstTicks(c.RateBit, c.BurstBytes)
	htb := &netlink.HtbClass{
		ClassAttrs: netlink.ClassAttrs{LinkIndex: link, Handle: c.handle(), Parent: htbRoot},
		Rate:       uint64(c.RateBit / 8), Ceil: uint64(c.RateBit / 8), Buffer: ticks, Cbuffer: ticks, Quantum: quantum, Prio: c.Prio,
	}
	return netlink.ClassReplace(htb)
}

// putFIFO gives the class a bfifo, whose limit counts bytes. The library does not
// know bfifo: its options are one struct tc_fifo_qopt, not attributes. It gets no
// handle of its own; the parent identifies it.
func (c class) putFIFO(link int) error {
	if c.LimitBytes < 1 || c.LimitBytes > math.MaxUint32 {
		return fmt.Errorf("length is not in 1..%d: %w", uint32(math.MaxUint32), unix.EINVAL)
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	req.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(link), Parent: c.handle()})
	req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("bfifo")))
	req.AddData(nl.NewRtAttr(nl.TCA_OPTIONS, nl.Uint32Attr(uint32(c.LimitBytes))))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// drop removes the class and its FIFO.
func (c class) drop(link int) error {
	err := netlink.ClassDel(&netlink.HtbClass{ClassAttrs: netlink.ClassAttrs{LinkIndex: link, Handle: c.handle(), Parent: htbRoot}})
	return gone(err, "delete class 1:%x", c.Minor)
}

// classes are those of an IFB by minor number, with what they have counted.
func classes(link netlink.Link) (map[uint16]class, map[uint16]hosts.Meter, error) {
	list, err := dump(func() ([]netlink.Class, error) { return netlink.ClassList(link, 0) })
	if err != nil {
		return nil, nil, fmt.Errorf("list classes of %q: %w", link.Attrs().Name, err)
	}
	found, meters := map[uint16]class{}, map[uint16]hosts.Meter{}
	for _, c := range list {
		htb, ok := c.(*netlink.HtbClass)
		if !ok || htb.Handle>>16 != 1 {
			continue
		}
		minor := uint16(htb.Handle)
		rate := int64(htb.Rate) * 8
		found[minor] = class{Minor: minor, RateBit: rate, BurstBytes: hosts.TicksBurst(rate, htb.Buffer), Prio: htb.Prio}
		if s := htb.Statistics; s != nil {
			meters[minor] = hosts.Meter{ClockNs: clockNs(), Bytes: int64(s.Basic.Bytes), Packets: int64(s.Basic.Packets),
				Drops: int64(s.Queue.Drops), Backlog: int64(s.Queue.Backlog), Throttle: int64(s.Queue.Overlimits)}
		}
	}
	return found, meters, nil
}

// leaf is where a FIFO sits.
type leaf struct {
	link  int
	minor uint16
}

// limits are the lengths of all bfifos under our classes, in one dump: the kernel
// dumps the qdiscs of all interfaces whichever is asked for.
func limits() (map[leaf]int64, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETQDISC, unix.NLM_F_DUMP)
	req.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL})
	msgs, err := dump(func() ([][]byte, error) { return req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWQDISC) })
	if err != nil {
		return nil, fmt.Errorf("list qdiscs: %w", err)
	}
	found := map[leaf]int64{}
	for _, m := range msgs {
		msg := nl.DeserializeTcMsg(m)
		attrs, err := nl.ParseRouteAttrAsMap(m[msg.Len():])
		if err != nil {
			return nil, fmt.Errorf("list qdiscs: %w", err)
		}
		options := attrs[nl.TCA_OPTIONS].Value
		if nl.BytesToString(attrs[nl.TCA_KIND].Value) == "bfifo" && msg.Parent>>16 == 1 && len(options) >= 4 {
			found[leaf{int(msg.Ifindex), uint16(msg.Parent)}] = int64(nl.NativeEndian().Uint32(options))
		}
	}
	return found, nil
}

// The destination address of a frame, for u32, whose offsets count from the network
// header: the Ethernet header is the 14 bytes before it. On an IFB the whole frame
// is there again (tcf_mirred_to_dev pushes the header back), so that these offsets
// lie inside the packet. Keys are read in steps of four bytes.
const (
	macHigh = -14
	macLow  = -10
)

// filter sends frames to mac into the class.
func (c class) filter(link int, mac net.HardwareAddr) *netlink.U32 {
	word := func(b []byte) uint32 { return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]) }
	return &netlink.U32{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: link, Parent: htbRoot, Priority: 1, Protocol: unix.ETH_P_ALL},
		ClassId:     c.handle(),
		Sel: &netlink.TcU32Sel{Flags: nl.TC_U32_TERMINAL, Keys: []netlink.TcU32Key{
			{Off: macHigh, Val: word(mac[:4]), Mask: 0xffffffff},
			{Off: macLow, Val: word([]byte{mac[4], mac[5], 0, 0}), Mask: 0xffff0000},
		}},
	}
}

// filterMAC is the address that a filter of ours matches, or nil.
func filterMAC(u *netlink.U32) net.HardwareAddr {
	if u.Sel == nil || len(u.Sel.Keys) < 2 {
		return nil
	}
	hi, lo := u.Sel.Keys[0], u.Sel.Keys[1]
	if hi.Off != macHigh || hi.Mask != 0xffffffff || lo.Off != macLow || lo.Mask != 0xffff0000 {
		return nil
	}
	return net.HardwareAddr{byte(hi.Val >> 24), byte(hi.Val >> 16), byte(hi.Val >> 8), byte(hi.Val), byte(lo.Val >> 24), byte(lo.Val >> 16)}
}

// filters are the filters of ours on an IFB, by the class that they fill.
func filters(link netlink.Link) (map[uint16][]*netlink.U32, error) {
	list, err := dump(func() ([]netlink.Filter, error) { return netlink.FilterList(link, htbRoot) })
	if err != nil {
		return nil, fmt.Errorf("list filters of %q: %w", link.Attrs().Name, err)
	}
	found := map[uint16][]*netlink.U32{}
	for _, f := range list {
		if u, ok := f.(*netlink.U32); ok && filterMAC(u) != nil {
			found[uint16(u.ClassId)] = append(found[uint16(u.ClassId)], u)
		}
	}
	return found, nil
}
