package kvm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// lab is a machine with directories and a bridge of its own, on the real libvirt.
type lab struct {
	*Machine
	t       testing.TB
	network string
	dir     string
	bridge  string
}

func newLab(t testing.TB) *lab {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	// Not t.TempDir: the user of qemu must be able to search it.
	dir, err := os.MkdirTemp("/var/tmp", "vsn-kvm-test-")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, dir: dir, network: fmt.Sprintf("kvmtest%d", os.Getpid()), bridge: fmt.Sprintf("vbt%d", os.Getpid())}
	l.Machine = New("", Overlays(filepath.Join(dir, "overlays")), Logs(filepath.Join(dir, "log")))
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: l.bridge, MTU: 1400}}
	if err := errors.Join(os.Chmod(dir, 0o755), netlink.LinkAdd(bridge), netlink.LinkSetUp(bridge)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range l.observe().Domains {
			l.check(hosts.Change{Old: d})
		}
		l.Close()
		// libvirt's own logs, which it keeps for its administrator.
		logs, _ := filepath.Glob("/var/log/libvirt/qemu/" + domainName(l.network, "*") + ".log")
		for _, path := range logs {
			os.Remove(path)
		}
		if err := errors.Join(netlink.LinkDel(bridge), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return l
}

// domain is one that boots nothing of interest; "base.qcow2" is its image when
// withDisk.
func (l *lab) domain(vm string, withDisk bool) hosts.Domain {
	l.t.Helper()
	d := hosts.Domain{Network: l.network, VM: vm, Name: domainName(l.network, vm), Accel: hosts.AccelTCG, VCPUs: 1, Memory: 64*mib + 1,
		Kernel: l.file("vmlinuz", fakeKernel()), Initrd: l.file("initrd", make([]byte, 4096)), Cmdline: "quiet",
		Bridge: l.bridge, Tap: fmt.Sprintf("vtt%d%s", os.Getpid()%1e5, vm), MAC: "02:00:00:00:01:0" + vm[len(vm)-1:], MTU: 1400, Pins: "vcpu0=1 emulator=0"}
	if withDisk {
		d.Image, d.Overlay = filepath.Join(l.dir, "base.qcow2"), l.overlayPath(d.Name)
		if _, err := os.Stat(d.Image); err != nil {
			run(l.t, "qemu-img", "create", "-q", "-f", "qcow2", d.Image, "16M")
		}
	}
	return d
}

func (l *lab) file(name string, content []byte) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// fakeKernel has the header that qemu wants before it loads an initrd
// (Documentation/arch/x86/boot.rst), and behind it only a CPU that halts.
func fakeKernel() []byte {
	k := make([]byte, 64*kib)
	k[0x1f1] = 4                        // setup_sects
	copy(k[0x200:], "\xeb\x66")         // jmp 0x268
	copy(k[0x202:], "HdrS\x0c\x02")     // version 2.12
	k[0x211] = 1                        // LOADED_HIGH
	copy(k[0x22c:], "\xff\xff\xff\x7f") // initrd_addr_max
	copy(k[0x268:], "\xfa\xf4\xeb\xfd") // cli; hlt; jmp to the hlt
	return k
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	text, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, text)
	}
	return string(text)
}

func (l *lab) check(c hosts.Change) {
	l.t.Helper()
	if err := l.Do(context.Background(), c); err != nil {
		l.t.Errorf("%v: %v", c, err)
	}
}

// observe is what belongs to the lab's network: others may test at the same time.
func (l *lab) observe() hosts.State {
	l.t.Helper()
	o, err := l.Observe(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	return o.State.Of(l.network)
}

func (l *lab) same(want hosts.State) {
	l.t.Helper()
	if diff := cmp.Diff(want.Objects(), l.observe().Objects()); diff != "" {
		l.t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// nothing of d must be left.
func (l *lab) nothing(d hosts.Domain) {
	l.t.Helper()
	l.same(hosts.State{})
	if _, err := netlink.LinkByName(d.Tap); err == nil {
		l.t.Errorf("tap %s is left", d.Tap)
	}
	for _, dir := range []string{l.overlays, l.logs} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.t.Error(err)
		}
		for _, e := range entries {
			l.t.Errorf("%s is left in %s", e.Name(), dir)
		}
	}
	if running := run(l.t, "ps", "-eo", "args"); strings.Contains(running, "guest="+d.Name+",") {
		l.t.Errorf("a qemu of %s is left", d.Name)
	}
}

// connection is libvirt itself, to do what we do not.
func (l *lab) connection() *libvirt.Connect {
	l.t.Helper()
	conn, err := libvirt.NewConnect(SystemURI)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	return conn
}
