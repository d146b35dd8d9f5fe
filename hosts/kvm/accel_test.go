package kvm

import (
	"context"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

func TestVirtualizes(t *testing.T) {
	for text, want := range map[string]bool{
		"flags\t\t: fpu vmx de\n":                      true,
		"processor\t: 0\nflags\t\t: fpu svm\n":         true,
		"flags\t\t: fpu hypervisor\n":                  false,
		"vmx flags\t: vnmi\nflags\t\t: fpu svm_lock\n": false,
		"": false,
	} {
		if got := virtualizes(strings.NewReader(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What Probe and Resolve say of this machine agrees with its CPU and its /dev/kvm.
func TestResolve(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	m := New("")
	defer m.Close()
	best, warning, err := m.Resolve(hosts.AccelAuto)
	if err != nil || best == hosts.AccelAuto {
		t.Fatalf("auto: %q, %q, %v", best, warning, err)
	}
	if (best == hosts.AccelKVM) != (warning == "") {
		t.Errorf("auto is %s, with warning %q", best, warning)
	}
	if native := nativeObstacle(); native != nil && best == hosts.AccelKVM {
		t.Errorf("auto is kvm in spite of %v", native)
	}
	if a, warning, err := m.Resolve(hosts.AccelTCG); a != hosts.AccelTCG || warning != "" || err != nil {
		t.Errorf("tcg: %q, %q, %v", a, warning, err)
	}
	_, statErr := os.Stat(kvmDevice)
	if a, _, err := m.Resolve(hosts.AccelKVM); statErr != nil && err == nil || err == nil && a != hosts.AccelKVM {
		t.Errorf("kvm: %q, %v", a, err)
	}
	h := &hosts.Host{}
	want := map[hosts.Accel]hosts.Accel{hosts.AccelKVM: hosts.AccelKVM, hosts.AccelTCG: hosts.AccelAuto}[best]
	if err := m.Probe(context.Background(), h); err != nil || h.Accel != want {
		t.Errorf("probe: %q, %v, want %q", h.Accel, err, want)
	}
}

func TestDoctor(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	m := New("")
	defer m.Close()
	names := map[string]bool{}
	for _, f := range m.Doctor(context.Background()) {
		t.Logf("%-5s %s: %s: %s", f.Level, f.Name, f.Found, f.Advice)
		if f.Level == hosts.LevelFail && f.Name != "KVM" {
			t.Errorf("%s: %s", f.Name, f.Found) // guests run here, so all must be there
		}
		if names[f.Name] || f.Found == "" || (f.Level == hosts.LevelOK) != (f.Advice == "") {
			t.Errorf("%+v", f)
		}
		names[f.Name] = true
	}
	for _, name := range []string{"libvirt", "qemu", "KVM", "virtlogd", "qemu-img", "taps"} {
		if !names[name] {
			t.Errorf("nothing said of %s", name)
		}
	}
}

func TestCapabilities(t *testing.T) {
	f, err := parseCapabilities(`<capabilities>
  <host><cpu><vendor>AMD</vendor></cpu>
    <secmodel><model>apparmor</model><doi>0</doi></secmodel>
    <secmodel><model>dac</model><doi>0</doi><baselabel type='kvm'>+64055:+107</baselabel><baselabel type='qemu'>+64055:+107</baselabel></secmodel></host>
  <guest><os_type>hvm</os_type><arch name='i686'><domain type='xen'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest>
</capabilities>`)
	if err != nil || !f.amd || f.label != "+64055:+107" || f.user.uid != 64055 || f.user.gid != 107 || strings.Join(f.emulates, " ") != "qemu kvm" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := parseCapabilities(`<capabilities><host><secmodel><model>dac</model><baselabel type='kvm'>qemu:qemu</baselabel></secmodel></host></capabilities>`); err == nil {
		t.Error("a label by name was read as numbers")
	}
}

// The check asks the kernel as the other user, and leaves this process root.
func TestAccess(t *testing.T) {
	hosttest.Need(t, hosttest.Root)
	dir, err := os.MkdirTemp("/var/tmp", "vsn-kvm-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	nobody := account{name: "nobody", uid: 65534, gid: 65534, groups: []uint32{4242}}
	file := func(name string, uid, gid int, mode os.FileMode) string {
		path := dir + "/" + name
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		flags int
		words string
	}{
		{file("open", 0, 0, 0o644), unix.O_RDONLY, ""},
		{file("writable", 0, 0, 0o644), unix.O_RDWR, "may not open it (-rw-r--r--)"},
		{file("root", 0, 0, 0o600), unix.O_RDONLY, "may not open it (-rw-------)"},
		{file("own", 65534, 0, 0o600), unix.O_RDWR, ""},
		{file("group", 0, 4242, 0o640), unix.O_RDONLY, ""},
		{file("other-group", 0, 4243, 0o640), unix.O_RDONLY, "may not open it"},
		{dir + "/none", unix.O_RDONLY, "no such file"},
	} {
		err := nobody.open(c.path, c.flags)
		if c.words == "" && err != nil || c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words)) {
			t.Errorf("%s: got %v, want %q", c.path, err, c.words)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := nobody.open(dir+"/open", unix.O_RDONLY); err == nil || !strings.Contains(err.Error(), `may not search "`+dir+`"`) {
		t.Errorf("got %v", err)
	}
	if err := (account{uid: 0}).open(dir+"/root", unix.O_RDWR); err != nil {
		t.Errorf("root: %v", err)
	}
}
