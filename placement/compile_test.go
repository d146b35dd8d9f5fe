package placement

import (
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

func twoVMs() *Plan {
	vm := func(name string) vsn.VM {
		return vsn.VM{Name: name, VCPUs: 2, Memory: 96 << 20, Boot: &vsn.Boot{Kernel: "/k", Initrd: "/i", Cmdline: "console=ttyS0"}, Reservation: &vsn.Reservation{Runtime: 10e6, Period: 50e6}}
	}
	p := &Plan{Version: PlanVersion}
	p.Problem.Networks = []vsn.Network{{Name: "n", VMs: []vsn.VM{vm("a"), vm("b")}, Links: []vsn.Link{{Name: "l", Between: []string{"a", "b"}, Rate: 8e6, Burst: 4096}}}}
	p.Problem.Inventory.Hosts = []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(2), Partition: true}}
	p.Embedding.Seats = []Seat{{"n", "a", "h"}, {"n", "b", "h"}}
	for _, name := range []string{"a", "b"} {
		for cpu := range 2 {
			p.Realization.Reservations = append(p.Realization.Reservations, Reservation{"n", name, cpu, "h", cpu, 10e6, 50e6})
		}
		p.Realization.Emulators = append(p.Realization.Emulators, Emulator{"n", name, "h", 1, 4e6, 20e6})
	}
	p.Realization.Queues = []Queue{
		{"n", "l", "a", "b", "h", AtPort, 0x10, 8e6, 4096, 65536}, {"n", "l", "b", "a", "h", AtPort, 0x10, 8e6, 4096, 65536},
		{"n", "l", "a", "b", "h", "some-cable", 0x10, 8e6, 4096, 65536}}
	return p
}

func TestCompile(t *testing.T) {
	s, err := Compile(twoVMs(), "h", hosts.AccelTCG)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[hosts.Kind]int{}
	there := map[hosts.Key]bool{}
	for _, o := range s.Objects() {
		if there[o.Key()] {
			t.Errorf("%s is there twice", o.Key())
		}
		there[o.Key()] = true
		counts[o.Key().Kind()]++
	}
	for kind, want := range map[hosts.Kind]int{hosts.KindPartition: 2, hosts.KindSegment: 1, hosts.KindDomain: 2, hosts.KindReservation: 6,
		hosts.KindPort: 2, hosts.KindQueue: 2, hosts.KindPromise: 2, hosts.KindPower: 2} {
		if counts[kind] != want {
			t.Errorf("%d of kind %s, want %d", counts[kind], kind, want)
		}
	}
	for _, o := range s.Objects() {
		for _, on := range o.On() {
			if !there[on] {
				t.Errorf("%s stands on %s, which is not there", o.Key(), on)
			}
		}
	}
	if got, want := s.Domains[0].Pins, "vcpu0=0 vcpu1=1 emulator=1"; got != want {
		t.Errorf("pins %q, want %q", got, want)
	}
	if other, err := Compile(twoVMs(), "elsewhere", hosts.AccelTCG); err != nil || len(other.Objects()) != 0 {
		t.Errorf("a host without seats carries %v (%v)", other.Objects(), err)
	}
	want, ok := s.Wanted("n")
	if left := hosts.Diff(hosts.Replace(s, want, "n"), s); !ok || len(left) != 0 {
		t.Errorf("what is promised differs from what is compiled: %v", left)
	}
}

func TestCompileNeedsSomethingToBoot(t *testing.T) {
	p := twoVMs()
	p.Problem.Networks[0].VMs[1].Boot = nil
	if _, err := Compile(p, "h", hosts.AccelTCG); err == nil || !strings.Contains(err.Error(), `vm "b" of network "n" has neither boot nor disk`) {
		t.Error(err)
	}
}

// TestNames: the kernel takes 15 bytes, and different things have different names.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {strings.Repeat("n", 40), strings.Repeat("v", 40)}} {
		for _, name := range []string{TapName(pair[0], pair[1]), IfbName(pair[0], pair[1])} {
			if len(name) > 15 || seen[name] {
				t.Errorf("%q: %d bytes, seen %v", name, len(name), seen[name])
			}
			seen[name] = true
		}
		if mac := MAC(pair[0], pair[1]); !strings.HasPrefix(mac, "02:") || seen[mac] {
			t.Errorf("mac %s", mac)
		} else {
			seen[mac] = true
		}
	}
}
