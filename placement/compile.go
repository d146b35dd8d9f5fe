package placement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	// RestRate is what a port sends of frames that belong to no link, bit/s: enough
	// for ARP and neighbour discovery.
	RestRate = 1_000_000
	// RestBurst is what of it may leave at once, bytes.
	RestBurst = 4096
	// SegmentMTU is the largest IP packet on a segment, bytes.
	SegmentMTU = 1500
)

// Compile says what the host named shall carry once the plan is deployed there,
// with accel as the machine resolved it. Nothing is chosen here: a plan compiles to
// one state. It fails on what can be planned but not started.
func Compile(p *Plan, host string, accel hosts.Accel) (hosts.State, error) {
	c := compiler{plan: p, host: host, accel: accel}
	for i := range p.Problem.Networks {
		if err := c.network(&p.Problem.Networks[i]); err != nil {
			return hosts.State{}, err
		}
	}
	for i := range p.Problem.Networks {
		n := &p.Problem.Networks[i]
		if err := c.state.Promised(n.Name, p.ground(n, c.state)); err != nil {
			return hosts.State{}, err
		}
	}
	return c.state, nil
}

type compiler struct {
	plan  *Plan
	host  string
	accel hosts.Accel
	state hosts.State
}

func (c *compiler) network(n *vsn.Network) error {
	here := false
	for i := range n.VMs {
		vm := &n.VMs[i]
		if c.plan.Embedding.Seat(n.Name, vm.Name) != c.host {
			continue
		}
		here = true
		if err := c.vm(n, vm); err != nil {
			return err
		}
	}
	if here {
		c.state.Add(hosts.Segment{Network: n.Name, Bridge: BridgeName(n.Name), MTU: SegmentMTU})
	}
	for _, q := range c.plan.Realization.Queues {
		if q.Network == n.Name && q.Host == c.host && q.At == AtPort {
			c.state.Add(hosts.Queue{Network: n.Name, Link: q.Link, VM: q.From, To: q.To, Ifb: IfbName(n.Name, q.From),
				Class: uint16(q.Class), ToMAC: MAC(n.Name, q.To), RateBit: q.RateBit, BurstBytes: q.BurstBytes, LimitBytes: q.LimitBytes})
		}
	}
	return nil
}

func (c *compiler) vm(n *vsn.Network, vm *vsn.VM) error {
	if vm.Boot == nil && vm.Disk == nil {
		return fmt.Errorf("vm %q of network %q has neither boot nor disk: it can be planned, not deployed", vm.Name, n.Name)
	}
	d := hosts.Domain{Network: n.Name, VM: vm.Name, Name: DomainName(n.Name, vm.Name), Accel: c.accel, VCPUs: vm.VCPUs, Memory: int64(vm.Memory),
		Bridge: BridgeName(n.Name), Tap: TapName(n.Name, vm.Name), MAC: MAC(n.Name, vm.Name), MTU: SegmentMTU, Resources: hosts.ResourceText(vm.Resources)}
	if vm.Boot != nil {
		d.Kernel, d.Initrd, d.Cmdline = vm.Boot.Kernel, vm.Boot.Initrd, vm.Boot.Cmdline
	}
	if vm.Disk != nil {
		d.Image, d.Overlay = vm.Disk.Image, OverlayPath(n.Name, vm.Name)
	}
	d.Pins = c.reserve(n.Name, vm.Name)
	c.state.Add(d)
	c.state.Add(hosts.Port{Network: n.Name, VM: vm.Name, Tap: d.Tap, Ifb: IfbName(n.Name, vm.Name), RateBit: RestRate})
	c.state.Add(hosts.Power{Network: n.Name, VM: vm.Name})
	return nil
}

// reserve adds the reservations of a VM and the partitions that they need, and
// returns where its threads are pinned.
func (c *compiler) reserve(network, vm string) string {
	var pins []string
	add := func(thread string, cpu int, runtime, period int64) {
		c.state.Add(hosts.Reservation{Network: network, VM: vm, Thread: thread, CPU: cpu, RuntimeNs: runtime, PeriodNs: period})
		if cpu == hosts.AnyCPU {
			return
		}
		pins = append(pins, fmt.Sprintf("%s=%d", thread, cpu))
		if p := (hosts.Partition{CPU: cpu}); !slices.Contains(c.state.Partitions, p) {
			c.state.Add(p)
		}
	}
	for _, r := range c.plan.Realization.Reservations {
		if r.Network == network && r.VM == vm {
			add(fmt.Sprintf("vcpu%d", r.VCPU), r.CPU, r.RuntimeNs, r.PeriodNs)
		}
	}
	for _, e := range c.plan.Realization.Emulators {
		if e.Network == network && e.VM == vm {
			add("emulator", e.CPU, e.RuntimeNs, e.PeriodNs)
		}
	}
	return strings.Join(pins, " ")
}
