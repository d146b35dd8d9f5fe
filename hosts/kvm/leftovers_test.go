package kvm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	l := newLab(t)
	closed := filepath.Join(l.dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := l.file("closed/vmlinuz", fakeKernel())
	private := l.file("private", fakeKernel())
	if err := os.Chmod(private, 0o600); err != nil {
		t.Fatal(err)
	}
	vdi := filepath.Join(l.dir, "base.vdi")
	run(t, "qemu-img", "create", "-q", "-f", "vdi", vdi, "1M")
	for name, c := range map[string]struct {
		words  []string
		change func(*hosts.Domain)
	}{
		"no kernel":       {[]string{"kernel", "/nowhere", "no such file"}, func(d *hosts.Domain) { d.Kernel = "/nowhere" }},
		"closed kernel":   {[]string{secret, "may not search", closed + `"`, "drwx------"}, func(d *hosts.Domain) { d.Kernel = secret }},
		"private initrd":  {[]string{"initrd", private, "may not open", "-rw-------"}, func(d *hosts.Domain) { d.Initrd = private }},
		"no bridge":       {[]string{"virDomainCreateXML", "vbnone"}, func(d *hosts.Domain) { d.Bridge = "vbnone" }},
		"no image":        {[]string{"image", "/nowhere"}, func(d *hosts.Domain) { d.Image = "/nowhere" }},
		"image of a kind": {[]string{"vdi", "neither qcow2 nor raw"}, func(d *hosts.Domain) { d.Image = vdi }},
		"no such cpu":     {[]string{"virDomainCreateXML"}, func(d *hosts.Domain) { d.Pins = "vcpu0=4000" }},
		"bad kernel":      {[]string{"virDomainCreateXML", "kernel"}, func(d *hosts.Domain) { d.Kernel = d.Initrd }},
	} {
		t.Run(name, func(t *testing.T) {
			d := l.domain("a1", true)
			c.change(&d)
			err := l.Do(context.Background(), hosts.Change{New: d})
			if err == nil {
				t.Fatal("created")
			}
			for _, words := range c.words {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
			l.nothing(d)
		})
	}
}

// A domain in the way is an error, and stays as it was.
func TestCreateBesideAnother(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	l.check(hosts.Change{New: d})
	other := d
	other.VCPUs = 2
	if err := l.Do(context.Background(), hosts.Change{New: other}); err == nil || !strings.Contains(err.Error(), "vcpus 1 instead of 2") {
		t.Errorf("got %v", err)
	}
	l.same(hosts.State{Domains: []hosts.Domain{d}})
}

// TestKilled kills a creator at random moments: what is then there is what Observe
// finds, and removing that leaves nothing.
func TestKilled(t *testing.T) {
	if text := os.Getenv(childEnv); text != "" {
		beKilled(t, text)
		return
	}
	l := newLab(t)
	d := l.domain("a1", true)
	order, err := json.Marshal(child{d, l.overlays, l.logs})
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	whole, partial := 0, 0
	for range 12 {
		c := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		c.Env = append(os.Environ(), childEnv+"="+string(order))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Fscanln(out, new(string)) // the child begins
		time.Sleep(time.Duration(chance.IntN(120)) * time.Millisecond)
		c.Process.Kill()
		c.Wait()
		state := l.observe()
		for _, have := range state.Domains {
			if have == d {
				whole++
			} else {
				partial++
			}
			l.check(hosts.Change{Old: have})
		}
		if len(state.Domains) == 0 {
			l.check(hosts.Change{Old: d})
		}
		l.nothing(d)
	}
	t.Logf("of 12 kills %d left the domain, %d a part of it", whole, partial)
}

const childEnv = "VSNCTL_KVM_TEST_CHILD"

type child struct {
	Domain         hosts.Domain
	Overlays, Logs string
}

func beKilled(t *testing.T, text string) {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	m := New("", Overlays(c.Overlays), Logs(c.Logs))
	fmt.Println("begin")
	t.Log(m.Do(context.Background(), hosts.Change{New: c.Domain}))
	unix.Pause()
}

// Files without a domain are a domain of which little is left.
func TestStrayFiles(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", false)
	if err := errors.Join(makeDirectory(l.overlays, 0o711), makeDirectory(l.logs, 0o755)); err != nil {
		t.Fatal(err)
	}
	overlay, log := l.overlayPath(d.Name), l.logPath(d.Name)
	for _, files := range [][]string{{overlay}, {overlay + unfinished}, {log}, {log + ".0", log + ".1"}, {overlay, log}} {
		left := hosts.Domain{Network: d.Network, VM: d.VM, Name: d.Name}
		for _, path := range files {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(path, overlay) {
				left.Overlay = overlay
			}
		}
		l.same(hosts.State{Domains: []hosts.Domain{left}})
		l.check(hosts.Change{Old: left})
		l.nothing(d)
	}
	other := filepath.Join(l.logs, "vsnctl.log")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l.same(hosts.State{})
	if err := os.Remove(other); err != nil {
		t.Error(err)
	}
}

// A disk that holds what a guest wrote is not overwritten.
func TestStrayOverlayIsNotReused(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	if err := makeDirectory(l.overlays, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Overlay, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Do(context.Background(), hosts.Change{New: d}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(d.Overlay); string(text) != "precious" {
		t.Errorf("the overlay holds %q", text)
	}
}

// Somebody else's domain of our name is neither listed, nor stopped, nor undefined.
func TestForeignDomain(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", false)
	name := d.Name
	conn := l.connection()
	dom, err := conn.DomainDefineXML(fmt.Sprintf(`<domain type="qemu"><name>%s</name><memory>65536</memory><os><type>hvm</type></os></domain>`, name))
	if err != nil {
		t.Fatal(err)
	}
	defer dom.Undefine()
	l.same(hosts.State{})
	l.check(hosts.Change{Old: d})
	if _, err := conn.LookupDomainByName(name); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	if err := l.Do(context.Background(), hosts.Change{New: d}); err == nil || !strings.Contains(err.Error(), "not ours") {
		t.Errorf("got %v", err)
	}
}

// One of ours that somebody made persistent is undefined with the rest.
func TestPersistent(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	l.check(hosts.Change{New: d})
	dom, err := l.connection().LookupDomainByName(d.Name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := dom.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.connection().DomainDefineXML(text); err != nil {
		t.Fatal(err)
	}
	l.same(hosts.State{Domains: []hosts.Domain{d}})
	if err := dom.Destroy(); err != nil {
		t.Fatal(err)
	}
	left := hosts.Domain{Network: d.Network, VM: d.VM, Name: d.Name, Overlay: d.Overlay}
	l.same(hosts.State{Domains: []hosts.Domain{left}})
	if err := l.Do(context.Background(), hosts.Change{New: hosts.Power{Network: d.Network, VM: d.VM}}); err == nil || !strings.Contains(err.Error(), "shut off") {
		t.Errorf("got %v", err)
	}
	l.check(hosts.Change{Old: left})
	l.nothing(d)
}

// The guest's qemu dies: what is left is its overlay, and no tap.
func TestCrash(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", true)
	l.check(hosts.Change{New: d})
	p := openProcess(d.Name)
	defer p.close()
	if err := unix.Kill(p.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := waitTap(context.Background(), d.Tap); err != nil {
		t.Fatal(err)
	}
	left := hosts.Domain{Network: d.Network, VM: d.VM, Name: d.Name, Overlay: d.Overlay}
	err := until(context.Background(), "still observed", func(step time.Duration) bool {
		time.Sleep(step)
		s := l.observe()
		return len(s.Domains) == 1 && s.Domains[0] == left && len(s.Powers) == 0
	})
	if err != nil {
		t.Errorf("%v: %v", err, l.observe())
	}
	l.check(hosts.Change{Old: left})
	l.nothing(d)
}

// What libvirt is told behind our back is seen.
func TestDrift(t *testing.T) {
	l := newLab(t)
	d := l.domain("a1", false)
	l.check(hosts.Change{New: d})
	run(t, "virsh", "-c", SystemURI, "vcpupin", d.Name, "0", "0")
	d.Pins = "vcpu0=0 emulator=0"
	l.same(hosts.State{Domains: []hosts.Domain{d}})
	if link, err := netlink.LinkByName(d.Tap); err != nil || link.Attrs().MTU != d.MTU {
		t.Errorf("tap: %v, %v", link, err)
	}
}
