package kvm

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// A guest with the kernel's own drivers gets no segmentation offload and no more MTU
// than it should: no frame on the tap is larger, also when it sends a stream of TCP
// as fast as it can. A shaper counts on it.
func TestNoFrameIsLargerThanTheMTU(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt, hosttest.Guest)
	l := newLab(t)
	bridge, err := netlink.LinkByName(l.bridge)
	if err != nil {
		t.Fatal(err)
	}
	// TEST-NET-2 (RFC 5737): nobody's.
	address, err := netlink.ParseAddr("198.51.100.1/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(bridge, address); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "198.51.100.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	d := l.domain("a1", false)
	d.Kernel, d.Initrd = l.copy("vmlinuz"), l.copy("initrd.gz")
	d.Memory, d.Pins = 96*mib, ""
	d.Cmdline = "console=ttyS0 quiet no_timer_check mitigations=off rdinit=/bin/busybox -- sh -c " + quote(
		"export PATH=/bin; mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; cd /modules;"+
			" for m in $(cat order); do insmod $m; done; ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up;"+
			" echo features=$(cat /sys/class/net/eth0/device/features) mtu=$(cat /sys/class/net/eth0/mtu);"+
			fmt.Sprintf(" busybox nc 198.51.100.1 %d < /dev/zero; while :; do sleep 60; done", listener.Addr().(*net.TCPAddr).Port))
	l.check(hosts.Change{New: d})
	frames := sniff(t, d.Tap)
	l.check(hosts.Change{New: hosts.Power{Network: d.Network, VM: d.VM}})

	const enough = 1 << 20
	got := receive(t, listener, enough)
	largest, count := frames()
	t.Logf("%d bytes in %d frames of at most %d bytes", got, count, largest)
	if most := d.MTU + 14; largest > most || count < enough/most {
		t.Errorf("%d frames, the largest of %d bytes, want at most %d", count, largest, most)
	}
	l.features(d)
}

// quote makes one argument of a kernel command line.
func quote(s string) string { return `"` + s + `"` }

// copy puts a file of the demo guest where the user of qemu can read it, wherever this
// checkout is.
func (l *lab) copy(name string) string {
	l.t.Helper()
	content, err := os.ReadFile(filepath.Join(hosttest.GuestDir(), name))
	if err != nil {
		l.t.Fatal(err)
	}
	return l.file("guest-"+name, content)
}

// receive takes n bytes from the first who connects.
func receive(t *testing.T, listener net.Listener, n int) int {
	t.Helper()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatalf("the guest does not connect: %v", err)
	}
	defer conn.Close()
	got, buffer := 0, make([]byte, 64<<10)
	for got < n {
		k, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got += k
	}
	return got
}

// sniff watches what comes out of a tap; the result tells the largest frame and how
// many there were. A frame that is yet to be segmented is seen whole (packet(7)).
func sniff(t *testing.T, tap string) func() (largest, count int) {
	t.Helper()
	link, err := netlink.LinkByName(tap)
	if err != nil {
		t.Fatal(err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, all)
	if err != nil {
		t.Fatal(err)
	}
	timeout := unix.Timeval{Usec: 100_000}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Attrs().Index}); err != nil {
		t.Fatal(err)
	}
	var largest, count int
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, from, err := unix.Recvfrom(fd, make([]byte, 64), unix.MSG_TRUNC)
			if a, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && a.Pkttype != unix.PACKET_OUTGOING {
				largest, count = max(largest, n), count+1
			}
		}
	}()
	return func() (int, int) {
		close(stop)
		<-stopped
		unix.Close(fd)
		return largest, count
	}
}

// features checks what the guest's driver negotiated (virtio 1.2, 5.1.3), as sysfs
// shows it: a digit for each bit, bit 0 first.
func (l *lab) features(d hosts.Domain) {
	l.t.Helper()
	text, err := os.ReadFile(l.logPath(d.Name))
	if err != nil {
		l.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "features=")
	line, _, _ := strings.Cut(rest, "\n")
	bits, mtu, ok := strings.Cut(strings.TrimSpace(line), " mtu=")
	if !ok || len(bits) < 64 {
		l.t.Fatalf("the guest says nothing of its features:\n%s", text)
	}
	if mtu != fmt.Sprint(d.MTU) {
		l.t.Errorf("the guest has mtu %s, want %d", mtu, d.MTU)
	}
	for bit, name := range map[int]string{0: "CSUM", 1: "GUEST_CSUM", 6: "GSO", 7: "GUEST_TSO4", 8: "GUEST_TSO6", 9: "GUEST_ECN", 10: "GUEST_UFO",
		11: "HOST_TSO4", 12: "HOST_TSO6", 13: "HOST_ECN", 14: "HOST_UFO", 15: "MRG_RXBUF", 54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO"} {
		if bits[bit] != '0' {
			l.t.Errorf("the guest has VIRTIO_NET_F_%s", name)
		}
	}
	if bits[3] != '1' || bits[5] != '1' {
		l.t.Errorf("the guest has not VIRTIO_NET_F_MTU and _MAC: %s", bits)
	}
}

// Where /dev/kvm is, a domain gets as far as its vCPU thread under KVM.
func TestKVMStartsPaused(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt, hosttest.KVM)
	l := newLab(t)
	d := l.domain("a1", true)
	d.Accel, d.VCPUs, d.Pins = hosts.AccelKVM, 2, "vcpu1=0"
	l.check(hosts.Change{New: d})
	l.same(hosts.State{Domains: []hosts.Domain{d}})
	p := openProcess(d.Name)
	defer p.close()
	threads := run(t, "ps", "-L", "-o", "comm=", "-p", fmt.Sprint(p.pid))
	for _, name := range []string{"CPU 0/KVM", "CPU 1/KVM"} {
		if !strings.Contains(threads, name) {
			t.Errorf("no thread %q in\n%s", name, threads)
		}
	}
	if strings.Contains(run(t, "ps", "-e", "-o", "comm="), fmt.Sprintf("vhost-%d", p.pid)) {
		t.Error("a vhost thread does the work of the emulator")
	}
	l.check(hosts.Change{Old: d})
	l.nothing(d)
}

// What libvirt itself makes of a domain reads back equal, also where it only defines
// it.
func TestLibvirtReadsBackEqual(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	l := newLab(t)
	conn := l.connection()
	f, err := l.facts(conn)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := drawDomain(t, l.Machine)
		d.Network, d.Accel = l.network, hosts.AccelTCG
		d.Name = domainName(d.Network, d.VM)
		if d.Overlay != "" {
			d.Overlay = l.overlayPath(d.Name)
		}
		text, err := document(d, setting{label: f.label, amd: f.amd, log: l.logPath(d.Name), directIO: rapid.Bool().Draw(t, "direct io")})
		if err != nil {
			t.Fatal(err)
		}
		dom, err := conn.DomainDefineXML(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		defer dom.Undefine()
		back, err := dom.GetXMLDesc(0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := reading(back)
		if err != nil || got == nil || got.Domain != d {
			t.Fatalf("%v: got %+v\nwant %+v\n%s", err, got, d, back)
		}
	})
}

func BenchmarkCreate(b *testing.B) {
	l := newLab(b)
	d := l.domain("a1", true)
	for b.Loop() {
		l.check(hosts.Change{New: d})
		b.StopTimer()
		l.check(hosts.Change{Old: d})
		b.StartTimer()
	}
}

func BenchmarkObserve3(b *testing.B) {
	l := newLab(b)
	for _, vm := range []string{"a1", "a2", "a3"} {
		l.check(hosts.Change{New: l.domain(vm, true)})
	}
	for b.Loop() {
		if _, err := l.Observe(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
