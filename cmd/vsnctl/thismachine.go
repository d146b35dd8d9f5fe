package main

import (
	"context"
	"os"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/kvm"
	"github.com/vsnctl/vsnctl/hosts/linux"
)

// local is this machine: its kernel and its libvirt.
type local struct {
	hosts.Machine
	linux *linux.Machine
	kvm   *kvm.Machine
}

func thisMachine(uri string) local {
	l := local{linux: linux.New(), kvm: kvm.New(uri)}
	l.Machine = hosts.Join(map[hosts.Kind]hosts.Machine{
		hosts.KindPartition: l.linux, hosts.KindSegment: l.linux, hosts.KindReservation: l.linux, hosts.KindPort: l.linux, hosts.KindQueue: l.linux,
		hosts.KindDomain: l.kvm, hosts.KindPromise: l.kvm, hosts.KindPower: l.kvm,
	})
	return l
}

func (l local) close() { l.kvm.Close() }

// probeHost is this machine as an inventory has it, with defaults for what cannot
// be found out.
func probeHost(ctx context.Context, uri string) (hosts.Host, error) {
	l := thisMachine(uri)
	defer l.close()
	h := hosts.Host{Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Delay: hosts.DefaultHostDelay, Accel: hosts.AccelAuto}
	err := l.Probe(ctx, &h)
	return h, err
}

// root says why a command that changes the machine cannot.
func root() bool { return os.Geteuid() == 0 }
