package kvm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

const (
	tunDevice  = "/dev/net/tun"
	logdSocket = "/run/libvirt/virtlogd-sock"
)

// Doctor looks at what making guests needs: libvirt and its helpers, qemu, KVM. It
// changes nothing.
func (m *Machine) Doctor(ctx context.Context) []hosts.Finding {
	all := m.doctorLibvirt(ctx)
	return append(all, doctorLog(), doctorImages(ctx), doctorTap())
}

func ok(name, found string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelOK, Found: found}
}

func warn(name, found, advice string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelWarn, Found: found, Advice: advice}
}

func fail(name, found, advice string) hosts.Finding {
	return hosts.Finding{Name: name, Level: hosts.LevelFail, Found: found, Advice: advice}
}

// doctorLibvirt is libvirt, and what only it can tell: qemu and KVM.
func (m *Machine) doctorLibvirt(ctx context.Context) []hosts.Finding {
	var library, qemu uint32
	var f *facts
	var o *obstacle
	took := time.Now()
	err := m.look(ctx, func(conn *libvirt.Connect) (err error) {
		if library, err = conn.GetLibVersion(); err != nil {
			return said("virConnectGetLibVersion", err)
		}
		if qemu, err = conn.GetVersion(); err != nil {
			return said("virConnectGetVersion", err)
		}
		if f, err = m.facts(conn); err != nil {
			return err
		}
		o, err = m.kvmObstacle(conn)
		return err
	})
	if err != nil {
		found, advice := err.Error(), "see what journalctl -u libvirtd, or libvirtd -v, says"
		if u := (*unreachable)(nil); errors.As(err, &u) {
			found, advice = u.found(), u.advice()
		}
		return []hosts.Finding{fail("libvirt", found, advice), doctorNative()}
	}
	all := []hosts.Finding{ok("libvirt", fmt.Sprintf("version %s at %s", version(library), m.uri))}
	if d := time.Since(took); d > slow {
		all[0] = warn("libvirt", fmt.Sprintf("version %s, but describing this machine took it %v", version(library), d.Round(time.Second)), "every new guest waits as long: see below for /dev/kvm")
	}
	if len(f.emulates) == 0 {
		all = append(all, fail("qemu", "libvirt finds none for x86_64", "apt-get install qemu-system-x86, and restart libvirtd"))
	} else {
		all = append(all, ok("qemu", fmt.Sprintf("version %s, run as %v", version(qemu), f.user)))
	}
	return append(all, doctorKVM(o))
}

// slow is what libvirt takes when it looks through qemu anew.
const slow = 2 * time.Second

func doctorKVM(o *obstacle) hosts.Finding {
	if o == nil {
		return ok("KVM", "works")
	}
	return warn("KVM", o.found+": guests are emulated, several times slower", o.advice)
}

func doctorNative() hosts.Finding {
	if o := nativeObstacle(); o != nil {
		return doctorKVM(o)
	}
	return ok("KVM", kvmDevice+" is there")
}

// doctorLog: libvirtd does not start virtlogd where there is no systemd, and then no
// guest starts.
func doctorLog() hosts.Finding {
	c, err := net.DialTimeout("unix", logdSocket, time.Second)
	if err != nil {
		return fail("virtlogd", err.Error(), "start it: systemctl start virtlogd.socket, or without systemd: virtlogd -d")
	}
	c.Close()
	return ok("virtlogd", "answers")
}

func doctorImages(ctx context.Context) hosts.Finding {
	text, err := qemuImg(ctx, "--version")
	if err != nil {
		return fail("qemu-img", err.Error(), "apt-get install qemu-utils: guests with an image need it")
	}
	path, _ := exec.LookPath("qemu-img")
	line, _, _ := strings.Cut(string(text), "\n")
	return ok("qemu-img", fmt.Sprintf("%s (%s)", path, line))
}

func doctorTap() hosts.Finding {
	file, err := os.OpenFile(tunDevice, os.O_RDWR, 0)
	if err != nil {
		return fail("taps", err.Error(), "modprobe tun, and run as root")
	}
	file.Close()
	return ok("taps", tunDevice+" opens")
}

// version is libvirt's way of putting three numbers into one.
func version(v uint32) string {
	return fmt.Sprintf("%d.%d.%d", v/1_000_000, v/1000%1000, v%1000)
}
