package linux

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// namespace puts the test, on an OS thread of its own, into a new network namespace
// that vanishes with it.
func namespace(t testing.TB) {
	t.Helper()
	hosttest.Need(t, hosttest.NetAdmin)
	runtime.LockOSThread() // never unlocked: the thread, and the namespace, end with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
}

// guest is the end of a tap that a virtual machine holds: what is written to it the
// guest sends, what is read from it the guest gets.
type guest struct {
	fd  int
	mac net.HardwareAddr
}

// tap plugs a guest into a bridge, as libvirt does.
func tap(t testing.TB, name, bridge string, mac string) *guest {
	t.Helper()
	link := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}, Mode: netlink.TUNTAP_MODE_TAP,
		Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_ONE_QUEUE, Queues: 1, NonPersist: true}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatalf("tap %q: %v", name, err)
	}
	f := link.Fds[0]
	t.Cleanup(func() { f.Close() })
	if err := silence(name); err != nil {
		t.Fatal(err)
	}
	if bridge != "" {
		master, err := netlink.LinkByName(bridge)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetMaster(link, master); err != nil {
			t.Fatal(err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	address, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	return &guest{fd: int(f.Fd()), mac: address}
}

// frame is an Ethernet frame of length bytes that carries nothing of use.
func (g *guest) frame(to net.HardwareAddr, length int) []byte {
	b := make([]byte, length)
	copy(b, to)
	copy(b[6:], g.mac)
	b[12], b[13] = 0x88, 0xb5 // local experimental, IEEE 802
	return b
}

func (g *guest) send(t testing.TB, frame []byte) {
	t.Helper()
	if _, err := unix.Write(g.fd, frame); err != nil {
		t.Fatalf("write to tap: %v", err)
	}
}

// receive waits for one frame; nil after the time given.
func (g *guest) receive(t testing.TB, wait time.Duration) []byte {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(g.fd), Events: unix.POLLIN}}
	end := time.Now().Add(wait)
	for {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if err == unix.EINTR || n == 0 {
			continue
		}
		buf := make([]byte, 1<<16)
		n, err = unix.Read(g.fd, buf)
		if err == unix.EAGAIN {
			continue
		}
		if err != nil {
			t.Fatalf("read from tap: %v", err)
		}
		return buf[:n]
	}
}

func do(t testing.TB, m hosts.Machine, changes ...hosts.Change) {
	t.Helper()
	for _, c := range changes {
		if err := m.Do(context.Background(), c); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
	}
}

func create(objects ...hosts.Object) (changes []hosts.Change) {
	for _, o := range objects {
		changes = append(changes, hosts.Change{New: o})
	}
	return changes
}

func observe(t testing.TB, m hosts.Machine) hosts.Observation {
	t.Helper()
	o, err := m.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o
}
