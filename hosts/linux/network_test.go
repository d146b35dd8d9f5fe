package linux

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

var (
	segment = hosts.Segment{Network: "net", Bridge: "vbtest", MTU: 1500}
	portA   = hosts.Port{Network: "net", VM: "a", Tap: "vta", Ifb: "via", RateBit: 1_000_000}
	portB   = hosts.Port{Network: "net", VM: "b", Tap: "vtb", Ifb: "vib", RateBit: 1_000_000}
)

const macA, macB, macC = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"

func queue(link, vm, to, ifb string, class uint16, mac string, rate, burst int64) hosts.Queue {
	return hosts.Queue{Network: "net", Link: link, VM: vm, To: to, Ifb: ifb, Class: class, ToMAC: mac, RateBit: rate, BurstBytes: hosts.RoundBurst(rate, burst), LimitBytes: 200_000}
}

// state keeps the kinds of the network namespace; the rest is the machine's.
func state(t testing.TB, m hosts.Machine) hosts.State {
	s := observe(t, m).State
	return hosts.State{Segments: s.Segments, Ports: s.Ports, Queues: s.Queues}
}

func TestNetworkReadsBackAsWritten(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	do(t, m, create(segment)...)
	tap(t, portA.Tap, segment.Bridge, macA)
	tap(t, portB.Tap, segment.Bridge, macB)
	q1 := queue("link", "a", "b", portA.Ifb, 2, macB, 20_000_000, 32<<10)
	q2 := queue("link", "b", "a", portB.Ifb, 2, macA, 10_000_000_000, 100_001)
	do(t, m, create(portA, portB, q1, q2)...)
	want := hosts.State{Segments: []hosts.Segment{segment}, Ports: []hosts.Port{portA, portB}, Queues: []hosts.Queue{q1, q2}}
	if d := cmp.Diff(want, state(t, m)); d != "" {
		t.Fatalf("read back differs (-want +got):\n%s", d)
	}
	do(t, m, create(segment, portA, portB, q1, q2)...)
	if d := cmp.Diff(want, state(t, m)); d != "" {
		t.Fatalf("after creating again (-want +got):\n%s", d)
	}
	faster := q1
	faster.RateBit, faster.BurstBytes, faster.ToMAC, faster.LimitBytes = 30_000_000, 64<<10, macC, 100_000
	do(t, m, hosts.Change{Old: q1, New: faster})
	want.Queues[0] = faster
	if d := cmp.Diff(want, state(t, m)); d != "" {
		t.Fatalf("after a change (-want +got):\n%s", d)
	}
	for _, o := range []hosts.Object{q2, faster, portB, portA} {
		do(t, m, hosts.Change{Old: o}, hosts.Change{Old: o})
	}
	for _, name := range []string{portA.Tap, portB.Tap} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		qdiscs, err := netlink.QdiscList(link)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range qdiscs {
			if q.Type() == "clsact" {
				t.Errorf("clsact is left on %q", name)
			}
		}
		if a := link.Attrs().Alias; a != "" {
			t.Errorf("alias %q is left on %q", a, name)
		}
		if err := netlink.LinkDel(link); err != nil {
			t.Fatal(err)
		}
	}
	do(t, m, hosts.Change{Old: segment})
	all, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Type() == "ifb" || l.Type() == "bridge" {
			t.Errorf("%s %q is left", l.Type(), l.Attrs().Name)
		}
	}
}

// A segment forwards and does nothing else, whatever is plugged into it.
func TestSegmentOnlyForwards(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	jumbo := hosts.Segment{Network: "big", Bridge: "vbbig", MTU: 9000}
	do(t, m, create(segment, jumbo)...)
	for _, s := range []hosts.Segment{segment, jumbo} {
		link := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "small", MTU: 1300}, Mode: netlink.TUNTAP_MODE_TAP}
		bridge, err := netlink.LinkByName(s.Bridge)
		must(t, err, netlink.LinkAdd(link), netlink.LinkSetMaster(link, bridge), netlink.LinkSetUp(link))
		if bridge, err = netlink.LinkByName(s.Bridge); err != nil || bridge.Attrs().MTU != s.MTU {
			t.Errorf("with a small port on it: mtu %d (%v), want %d", bridge.Attrs().MTU, err, s.MTU)
		}
		if b := bridge.(*netlink.Bridge); b.MulticastSnooping == nil || *b.MulticastSnooping {
			t.Error("it snoops multicast")
		}
		b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + s.Bridge + "/disable_ipv6")
		if err == nil && string(b) != "1\n" {
			t.Errorf("disable_ipv6 is %q", b)
		}
		addresses, err := netlink.AddrList(bridge, netlink.FAMILY_ALL)
		if err != nil || len(addresses) > 0 {
			t.Errorf("the host has addresses on it: %v, %v", addresses, err)
		}
		must(t, netlink.LinkDel(link))
	}
	link, err := netlink.LinkByName(segment.Bridge)
	must(t, err, netlink.LinkSetDown(link))
	if got := state(t, m).Segments[1]; got.MTU != 0 || got.Bridge != segment.Bridge {
		t.Errorf("set down it reads %+v, want mtu 0", got)
	}
}

// What of somebody else has a name of ours is neither taken nor removed.
func TestForeignInterfacesAreSpared(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	tap(t, portA.Tap, "", macA)
	for name, kind := range map[string]netlink.Link{
		segment.Bridge: &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: segment.Bridge}},
		portA.Ifb:      &netlink.Ifb{LinkAttrs: netlink.LinkAttrs{Name: portA.Ifb}},
	} {
		must(t, netlink.LinkAdd(kind))
		object := hosts.Object(segment)
		if name == portA.Ifb {
			object = portA
		}
		if err := m.Do(t.Context(), hosts.Change{New: object}); !errors.Is(err, unix.EEXIST) {
			t.Errorf("%v: %v, want EEXIST", object, err)
		}
		do(t, m, hosts.Change{Old: object})
		link, err := netlink.LinkByName(name)
		if err != nil || link.Attrs().Alias != "" {
			t.Errorf("%q of somebody else: %v, %v", name, link, err)
		}
	}
	if got := state(t, m); len(got.Objects()) > 0 {
		t.Errorf("observed %v", got.Objects())
	}
}

// An IFB that vanishes leaves its tap marked: seen, and mended by making it again.
func TestPortWithoutItsIfb(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	do(t, m, create(segment)...)
	a, b := tap(t, portA.Tap, segment.Bridge, macA), tap(t, portB.Tap, segment.Bridge, macB)
	do(t, m, create(portA)...)
	ifb, err := netlink.LinkByName(portA.Ifb)
	must(t, err, netlink.LinkDel(ifb))
	half := hosts.Port{Network: portA.Network, VM: portA.VM, Tap: portA.Tap}
	if got := state(t, m).Ports; len(got) != 1 || got[0] != half {
		t.Errorf("observed %+v, want %+v", got, half)
	}
	do(t, m, create(portA)...)
	a.send(t, a.frame(b.mac, 100))
	if f := b.receive(t, 5*time.Second); len(f) != 100 {
		t.Errorf("made again it lets through %d bytes, want 100", len(f))
	}
	do(t, m, hosts.Change{Old: half}, hosts.Change{Old: portA})
	if got := state(t, m).Ports; len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

// What goes into which class, and that it comes out at the other side.
func TestFramesGoToTheirClass(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	do(t, m, create(segment)...)
	a := tap(t, portA.Tap, segment.Bridge, macA)
	b := tap(t, portB.Tap, segment.Bridge, macB)
	q := queue("link", "a", "b", portA.Ifb, 0x1002, macB, 20_000_000, 32<<10)
	do(t, m, create(portA, q)...)
	for range 3 {
		a.send(t, a.frame(b.mac, 1000))
		if f := b.receive(t, 5*time.Second); len(f) != 1000 {
			t.Fatalf("received %d bytes, want 1000", len(f))
		}
	}
	a.send(t, a.frame([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 60))
	if f := b.receive(t, 5*time.Second); len(f) != 60 {
		t.Fatalf("received %d bytes, want 60", len(f))
	}
	o := observe(t, m)
	if got := o.Meters[q.Key()]; got.Packets != 3 || got.Bytes != 3000 {
		t.Errorf("the queue counted %+v, want 3 packets of 1000 bytes", got)
	}
	if got := o.Meters[portA.Key()]; got.Packets != 1 || got.Bytes != 60 {
		t.Errorf("the rest counted %+v, want one packet of 60 bytes", got)
	}
}

// A port has room for as many queues as a VM has links.
func TestManyQueues(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	tap(t, portA.Tap, "", macA)
	do(t, m, create(portA)...)
	long := "x234567890123456789012345678901234567890"
	var want []hosts.Queue
	for i := range 120 {
		mac := fmt.Sprintf("02:00:00:00:01:%02x", i)
		q := queue(fmt.Sprintf("%s%03d", long[:37], i), "a", long, portA.Ifb, uint16(i+2), mac, 20_000_000, 32<<10)
		do(t, m, create(q)...)
		want = append(want, q)
	}
	if d := cmp.Diff(want, state(t, m).Queues); d != "" {
		t.Fatalf("read back differs (-want +got):\n%s", d)
	}
}
