package kvm

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// relay stands between us and libvirtd, to be cut.
type relay struct {
	socket string
	mu     sync.Mutex
	open   []net.Conn
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{socket: filepath.Join(t.TempDir(), "sock")}
	listener, err := net.Listen("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); r.cut() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", hosttest.LibvirtSocket)
			if err != nil {
				near.Close()
				return
			}
			r.mu.Lock()
			r.open = append(r.open, near, far)
			r.mu.Unlock()
			go io.Copy(near, far)
			go io.Copy(far, near)
		}
	}()
	return r
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		c.Close()
	}
	r.open = nil
}

func (r *relay) uri() string { return "qemu+unix:///system?socket=" + r.socket }

// A libvirtd that was restarted is met again without an error.
func TestReconnect(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	r := newRelay(t)
	m := New(r.uri(), Overlays(t.TempDir()))
	for range 3 {
		if _, err := m.Observe(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.cut()
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Observe(context.Background()); err != nil {
		t.Errorf("after Close: %v", err)
	}
	m.Close()
}

func TestConcurrentCallsSurviveCuts(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Libvirt)
	r := newRelay(t)
	m := New(r.uri(), Overlays(t.TempDir()))
	defer m.Close()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				// Two cuts in one call are an error, and may happen; a crash may not.
				if _, err := m.Observe(context.Background()); err != nil && !errors.As(err, new(libvirt.Error)) {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		time.Sleep(3 * time.Millisecond)
		r.cut()
	}
	group.Wait()
}

// A libvirtd that hangs does not hang us.
func TestObserveGivesUp(t *testing.T) {
	hosttest.Need(t, hosttest.Libvirt)
	socket := filepath.Join(t.TempDir(), "sock")
	listener, err := net.Listen("unix", socket) // and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	m := New("qemu+unix:///system?socket=" + socket)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = m.Observe(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
	closed := make(chan error)
	go func() { closed <- m.Close() }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("Close waits for a libvirt that hangs")
	}
	listener.Close() // lets the abandoned call end
}

func TestNoDaemon(t *testing.T) {
	m := New("qemu+unix:///system?socket=" + filepath.Join(t.TempDir(), "none"))
	defer m.Close()
	for what, err := range everything(m) {
		if err == nil || !strings.Contains(err.Error(), "libvirtd -d") && !strings.Contains(err.Error(), "install libvirt") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := m.Probe(context.Background(), &hosts.Host{}); err != nil {
		t.Errorf("probe: %v: planning needs no libvirt", err)
	}
}

// Where libvirt is not installed nothing crashes, and the error says what to install.
// A file that is no library stands for none: the loader finds it first.
func TestNoLibvirt(t *testing.T) {
	if os.Getenv("VSNCTL_KVM_TEST_NO_LIBVIRT") != "" {
		m := New("")
		defer m.Close()
		for what, err := range everything(m) {
			if err == nil || !strings.Contains(err.Error(), "apt-get install libvirt-daemon-system") {
				t.Errorf("%s: got %v", what, err)
			}
		}
		h := &hosts.Host{}
		if err := m.Probe(context.Background(), h); err != nil || h.Accel == "" || h.Accel == hosts.AccelKVM {
			t.Errorf("probe: accel %q, %v", h.Accel, err)
		}
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "libvirt.so.0"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestNoLibvirt$", "-test.v")
	c.Env = append(os.Environ(), "VSNCTL_KVM_TEST_NO_LIBVIRT=1", "LD_LIBRARY_PATH="+dir)
	text, err := c.CombinedOutput()
	switch {
	case strings.Contains(string(text), "error while loading shared libraries"):
		t.Log("this test is linked with libvirt (no tag libvirt_dlopen): without it, it does not start")
	case err != nil || !strings.Contains(string(text), "--- PASS: TestNoLibvirt"):
		t.Errorf("%v\n%s", err, text)
	}
}

// everything calls all that needs libvirt.
func everything(m *Machine) map[string]error {
	d := hosts.Domain{Network: "n", VM: "v", Name: "vsn.n.v", Accel: hosts.AccelTCG, VCPUs: 1, Memory: 64 * mib, Kernel: "/k",
		Bridge: "br0", Tap: "t0", MAC: "02:00:00:00:00:01", MTU: 1400}
	p := hosts.Power{Network: "n", VM: "v"}
	ctx := context.Background()
	all := map[string]error{}
	_, all["observe"] = m.Observe(ctx)
	_, _, all["resolve"] = m.Resolve(hosts.AccelAuto)
	all["create"] = m.Do(ctx, hosts.Change{New: d})
	all["remove"] = m.Do(ctx, hosts.Change{Old: d})
	all["resume"] = m.Do(ctx, hosts.Change{New: p})
	all["pause"] = m.Do(ctx, hosts.Change{Old: p})
	for _, f := range m.Doctor(ctx) {
		if f.Name == "libvirt" && f.Level == hosts.LevelFail {
			all["doctor"] = errors.New(f.Found + ": " + f.Advice)
		}
	}
	return all
}
