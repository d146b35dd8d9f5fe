package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/kvm"
	"github.com/vsnctl/vsnctl/hosts/linux"
	"github.com/vsnctl/vsnctl/vsn"
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

// probeHost is this machine as an inventory has it.
func probeHost(ctx context.Context, uri string) (hosts.Host, error) {
	l := thisMachine(uri)
	defer l.close()
	return l.host(ctx)
}

// host is this machine as an inventory has it, with defaults for what cannot be found
// out. Nothing is measured.
func (l local) host(ctx context.Context) (hosts.Host, error) {
	h := hosts.Host{Share: hosts.DefaultShare, Grain: hosts.DefaultGrain, Delay: hosts.DefaultHostDelay, Accel: hosts.AccelAuto}
	err := l.Probe(ctx, &h)
	return h, err
}

// measured is the grain to plan with, after a measurement where one is possible, and
// what to say of it.
func (l local) measured(ctx context.Context) (grain vsn.Duration, says string) {
	seen, err := l.measure(ctx)
	grain = l.linux.TrustedGrain(seen.Grain())
	by := l.linux.GrainFrom()
	if by == "" {
		by = "what is usual, since neither CONFIG_HZ nor HRTICK_DL can be read"
	}
	if err != nil {
		return grain, fmt.Sprintf("grain: not measured, %v; %v by %s", err, grain, by)
	}
	if configured := l.linux.TrustedGrain(0); grain > configured {
		by = fmt.Sprintf("the measurement, over %v by %s", configured, by)
	}
	return grain, fmt.Sprintf("grain: %v by %s; measured on cpus %s over %d budgets: ended at most %s late, longest pause %s",
		grain, by, cpuList(seen.CPUs), seen.Budgets, spanUp(seen.OverrunNs), spanUp(seen.GapNs))
}

// measure measures while no other vsnctl changes this machine.
func (l local) measure(ctx context.Context) (linux.Measurement, error) {
	unlock, err := l.lock(ctx)
	if err != nil {
		return linux.Measurement{}, err
	}
	defer unlock()
	return l.linux.MeasureGrain(ctx)
}

func cpuList(cpus []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(cpus), " ", ","), "[]")
}

// root says why a command that changes the machine cannot.
func root() bool { return os.Geteuid() == 0 }
