package kvm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
)

// drawDomain draws any domain that check lets through.
func drawDomain(t *rapid.T, m *Machine) hosts.Domain {
	name := rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9_-]{0,8}[A-Za-z0-9])?`)
	text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("<>&'\"]\n\t %$;\\/=é\u2028")), rapid.Rune())).Filter(isText)
	path := rapid.Map(text.Filter(func(s string) bool { return s != "" && s != "." && s != ".." && !strings.Contains(s, "/") }), func(s string) string { return "/boot/" + s })
	d := hosts.Domain{
		Network: name.Draw(t, "network"), VM: name.Draw(t, "vm"),
		Accel:  rapid.SampledFrom([]hosts.Accel{hosts.AccelKVM, hosts.AccelTCG}).Draw(t, "accel"),
		VCPUs:  rapid.IntRange(1, 64).Draw(t, "vcpus"),
		Memory: rapid.Int64Range(mib, 1<<42).Draw(t, "memory"),

		Resources: rapid.SampledFrom([]string{"", "gpu=1", "gpu=2 key=1"}).Draw(t, "resources"),
		Bridge:    rapid.StringMatching(`br[a-z0-9]{1,13}`).Draw(t, "bridge"),
		Tap:       rapid.StringMatching(`vt[a-z0-9]{1,13}`).Draw(t, "tap"),
		MAC:       rapid.StringMatching(`02(:[0-9a-f]{2}){5}`).Draw(t, "mac"),
		MTU:       rapid.IntRange(68, 65521).Draw(t, "mtu"),
	}
	d.Name = domainName(d.Network, d.VM)
	withDisk := rapid.Bool().Draw(t, "disk")
	if withDisk {
		d.Image, d.Overlay = path.Draw(t, "image"), m.overlayPath(d.Name)
	}
	if !withDisk || rapid.Bool().Draw(t, "direct boot") {
		d.Kernel, d.Cmdline = path.Draw(t, "kernel"), text.Draw(t, "cmdline")
		if rapid.Bool().Draw(t, "has initrd") {
			d.Initrd = path.Draw(t, "initrd")
		}
	}
	d.Pins = drawPins(t, d.VCPUs)
	return d
}

func drawPins(t *rapid.T, vcpus int) string {
	var pins []pin
	set := rapid.SampledFrom([]string{"0", "3", "0-1", "0,2", "1-4,7", "1023"})
	for n := range vcpus {
		if rapid.Bool().Draw(t, "pinned") {
			pins = append(pins, pin{vcpu: n, cpus: set.Draw(t, "cpus")})
		}
	}
	if rapid.Bool().Draw(t, "emulator pinned") {
		pins = append(pins, pin{vcpu: emulator, cpus: set.Draw(t, "cpus")})
	}
	return formatPins(pins)
}

func drawSetting(t *rapid.T) setting {
	return setting{label: rapid.SampledFrom([]string{"", "+107:+107"}).Draw(t, "label"), amd: rapid.Bool().Draw(t, "amd"),
		log: "/var/log/x.log", directIO: rapid.Bool().Draw(t, "direct io")}
}

func TestDocumentReadsBackEqual(t *testing.T) {
	m := New("")
	rapid.Check(t, func(t *rapid.T) {
		d := drawDomain(t, m)
		if err := m.check(d); err != nil {
			t.Fatalf("check: %v", err)
		}
		text, err := document(d, drawSetting(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := reading(text)
		if err != nil || got == nil {
			t.Fatalf("not read back: %v, %v", got, err)
		}
		if diff := cmp.Diff(d, got.Domain); diff != "" {
			t.Fatalf("read back (-want +got):\n%s\n%s", diff, text)
		}
	})
}

// What somebody changed must be seen, field by field.
func TestReadingSeesDrift(t *testing.T) {
	m := New("")
	d := hosts.Domain{Network: "n", VM: "v", Name: "vsn.n.v", Accel: hosts.AccelTCG, VCPUs: 2, Memory: 100e6, Kernel: "/k", Initrd: "/i", Cmdline: "c",
		Image: "/base.qcow2", Overlay: m.overlayPath("vsn.n.v"), Bridge: "br0", Tap: "t0", MAC: "02:00:00:00:00:01", MTU: 1400, Pins: "vcpu0=1 vcpu1=0 emulator=0"}
	if err := m.check(d); err != nil {
		t.Fatal(err)
	}
	text, err := document(d, setting{log: "/l"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, new string
		change   func(*hosts.Domain)
	}{
		{`type="qemu"`, `type="kvm"`, func(d *hosts.Domain) { d.Accel = hosts.AccelKVM }},
		{`>98304<`, `>98305<`, func(d *hosts.Domain) { d.Memory = 98305 * kib }},
		{`static">2<`, `static" current="1">2<`, func(d *hosts.Domain) { d.VCPUs = 1 }},
		{`vcpu="0" cpuset="1"`, `vcpu="0" cpuset="0-1"`, func(d *hosts.Domain) { d.Pins = "vcpu0=0-1 vcpu1=0 emulator=0" }},
		{`emulatorpin cpuset="0"`, `emulatorpin cpuset="1"`, func(d *hosts.Domain) { d.Pins = "vcpu0=1 vcpu1=0 emulator=1" }},
		{`<kernel>/k`, `<kernel>/other`, func(d *hosts.Domain) { d.Kernel = "/other" }},
		{`<initrd>/i`, `<initrd>/other`, func(d *hosts.Domain) { d.Initrd = "/other" }},
		{`<cmdline>c`, `<cmdline>other`, func(d *hosts.Domain) { d.Cmdline = "other" }},
		{`bridge="br0"`, `bridge="br1"`, func(d *hosts.Domain) { d.Bridge = "br1" }},
		{`dev="t0"`, `dev="t1"`, func(d *hosts.Domain) { d.Tap = "t1" }},
		{`address="02:00:00:00:00:01"`, `address="02:00:00:00:00:02"`, func(d *hosts.Domain) { d.MAC = "02:00:00:00:00:02" }},
		{`size="1400"`, `size="1500"`, func(d *hosts.Domain) { d.MTU = 1500 }},
		{`<target dev="vda"`, `<backingStore type="file"><source file="/other.qcow2"/></backingStore><target dev="vda"`, func(d *hosts.Domain) { d.Image = "/other.qcow2" }},
		{`file="` + d.Overlay, `file="/elsewhere`, func(d *hosts.Domain) { d.Overlay = "/elsewhere" }},
	} {
		if n := strings.Count(text, c.old); n != 1 {
			t.Errorf("%s is %d times in\n%s", c.old, n, text)
			continue
		}
		want := d
		c.change(&want)
		got, err := reading(strings.Replace(text, c.old, c.new, 1))
		if err != nil || got == nil {
			t.Errorf("%s: %v, %v", c.new, got, err)
			continue
		}
		if diff := cmp.Diff(want, got.Domain); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.new, diff)
		}
		if words := differences(got.Domain, d); words == "" {
			t.Errorf("%s: differences says nothing", c.new)
		}
	}
}

// A clone keeps the metadata under another name, and other people keep theirs in the
// same place: neither is ours.
func TestReadingLeavesOthersAlone(t *testing.T) {
	ours := `<domain xmlns="` + markSpace + `" name="vsn.n.v" network="n" vm="v" memory="1"/>`
	for text, want := range map[string]bool{
		`<domain><name>vsn.n.v</name><metadata>` + ours + `</metadata></domain>`:                                                              true,
		`<domain><name>vsn.n.v</name><metadata><a:b xmlns:a="http://a">` + "1</a:b>" + ours + `</metadata></domain>`:                          true,
		`<domain><name>vsn.n.v</name><metadata><m:domain xmlns:m="` + markSpace + `" name="vsn.n.v" network="n" vm="v"/></metadata></domain>`: true,
		`<domain><name>vsn.n.v-clone</name><metadata>` + ours + `</metadata></domain>`:                                                        false,
		`<domain><name>vsn.n.v</name></domain>`:                                                                                               false,
		`<domain><name>vsn.n.v</name><description>` + markSpace + `</description></domain>`:                                                   false,
		`<domain><name>vsn.n.v</name><metadata><domain xmlns="http://b" name="vsn.n.v"/></metadata></domain>`:                                 false,
	} {
		if got, err := reading(text); (got != nil) != want || err != nil {
			t.Errorf("%s: got %v, %v, want ours %v", text, got, err, want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	m := New("")
	good := hosts.Domain{Network: "n", VM: "v", Name: "vsn.n.v", Accel: hosts.AccelTCG, VCPUs: 2, Memory: 64 * mib, Kernel: "/k",
		Bridge: "br0", Tap: "t0", MAC: "02:00:00:00:00:01", MTU: 1400}
	if err := m.check(good); err != nil {
		t.Fatal(err)
	}
	for words, change := range map[string]func(*hosts.Domain){
		"only letters":              func(d *hosts.Domain) { d.Network, d.Name = "../n", "vsn.../n.v" },
		`must be "vsn.n.v"`:         func(d *hosts.Domain) { d.Name = "vsn.n.w" },
		"accel":                     func(d *hosts.Domain) { d.Accel = hosts.AccelAuto },
		"vcpus 0":                   func(d *hosts.Domain) { d.VCPUs = 0 },
		"memory 0":                  func(d *hosts.Domain) { d.Memory = 0 },
		"neither a kernel":          func(d *hosts.Domain) { d.Kernel = "" },
		"need a kernel":             func(d *hosts.Domain) { d.Kernel, d.Image, d.Initrd, d.Overlay = "", "/i", "/i", m.overlayPath(d.Name) },
		"each needs the other":      func(d *hosts.Domain) { d.Image = "/i" },
		"found again":               func(d *hosts.Domain) { d.Image, d.Overlay = "/i", "/etc/passwd" },
		"absolute":                  func(d *hosts.Domain) { d.Kernel = "k" },
		"detours":                   func(d *hosts.Domain) { d.Kernel = "/a/../k" },
		"kernel \"/k\\x00\": holds": func(d *hosts.Domain) { d.Kernel = "/k\x00" },
		"cmdline \"\\r\": holds":    func(d *hosts.Domain) { d.Cmdline = "\r" },
		"cmdline \"\\xff\": holds":  func(d *hosts.Domain) { d.Cmdline = "\xff" },
		"bridge":                    func(d *hosts.Domain) { d.Bridge = "br0/../x" },
		"tap \"vnet1\"":             func(d *hosts.Domain) { d.Tap = "vnet1" },
		"tap \"sixteen-letters-\"":  func(d *hosts.Domain) { d.Tap = "sixteen-letters-" },
		"mac \"02:00:00:00:00:0A\"": func(d *hosts.Domain) { d.MAC = "02:00:00:00:00:0A" },
		"mac \"03:00:00:00:00:01\"": func(d *hosts.Domain) { d.MAC = "03:00:00:00:00:01" },
		"mtu 67":                    func(d *hosts.Domain) { d.MTU = 67 },
		"not one of 2 vcpus":        func(d *hosts.Domain) { d.Pins = "vcpu2=0" },
		"must be written":           func(d *hosts.Domain) { d.Pins = "emulator=1 vcpu0=0" },
		"neither a vcpu":            func(d *hosts.Domain) { d.Pins = "vhost=1" },
		"not a list of CPUs":        func(d *hosts.Domain) { d.Pins = "vcpu0=1,2" },
	} {
		d := good
		change(&d)
		if err := m.check(d); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: got %v", words, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"vsn.a.b": "a b", "vsn.vsn.vsn": "vsn vsn", "vsn.a-1.b_2": "a-1 b_2",
		"vsn.a": "", "vsn.a.b.c": "", "x.a.b": "", "vsn..b": "", "vsn.a.b/c": "", "vsn.-a.b": "",
	} {
		network, vm, ok := parseDomainName(name)
		if got := strings.TrimSpace(fmt.Sprint(network, " ", vm)); ok != (want != "") || got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}
