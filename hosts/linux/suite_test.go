package linux

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// domains is a hosts.Machine for what libvirt does: a stand-in and a tap for each
// domain; power and promise are only remembered.
type domains struct {
	*standins
	domains map[hosts.Key]hosts.Domain
	procs   map[hosts.Key]*exec.Cmd
	rest    map[hosts.Key]hosts.Object
}

func newDomains(s *standins) *domains {
	return &domains{s, map[hosts.Key]hosts.Domain{}, map[hosts.Key]*exec.Cmd{}, map[hosts.Key]hosts.Object{}}
}

func (d *domains) Probe(context.Context, *hosts.Host) error { return nil }

func (d *domains) Observe(context.Context) (hosts.Observation, error) {
	var o hosts.Observation
	for _, domain := range d.domains {
		o.State.Add(domain)
	}
	for _, object := range d.rest {
		o.State.Add(object)
	}
	return o, nil
}

func (d *domains) Do(_ context.Context, c hosts.Change) error {
	if domain, ok := c.Old.(hosts.Domain); ok && d.procs[c.Key()] != nil {
		d.stop("vsn."+domain.Network+"."+domain.VM, d.procs[c.Key()])
		if tap, err := netlink.LinkByName(domain.Tap); err == nil {
			if err := netlink.LinkDel(tap); err != nil {
				return err
			}
		}
		delete(d.domains, c.Key())
		delete(d.procs, c.Key())
		maps.DeleteFunc(d.rest, func(_ hosts.Key, o hosts.Object) bool { return o.On()[0] == c.Key() })
	}
	switch o := c.New.(type) {
	case nil:
		delete(d.rest, c.Key())
	case hosts.Domain:
		if d.procs[c.Key()] != nil {
			return nil
		}
		bridge, err := netlink.LinkByName(o.Bridge)
		if err != nil {
			return err
		}
		link := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: o.Tap, MTU: o.MTU}, Mode: netlink.TUNTAP_MODE_TAP}
		if err := errors.Join(netlink.LinkAdd(link), netlink.LinkSetMaster(link, bridge), netlink.LinkSetUp(link)); err != nil {
			return err
		}
		d.procs[c.Key()] = d.start(o.Network, o.VM, "sleep", o.VCPUs, o.Pins)
		d.domains[c.Key()] = o
	default:
		d.rest[c.Key()] = o
	}
	return nil
}

func TestSuite(t *testing.T) {
	hosttest.Need(t, hosttest.NetAdmin)
	hosttest.Suite(t, func(t *testing.T) hosttest.Fixture {
		m, s := onMachine(t)
		namespace(t)
		d := newDomains(s)
		if _, err := os.Stat("/dev/net/tun"); err != nil {
			t.Fatal(err)
		}
		return hosttest.Fixture{
			Machine: hosts.Join(map[hosts.Kind]hosts.Machine{
				hosts.KindPartition: m, hosts.KindSegment: m, hosts.KindReservation: m, hosts.KindPort: m, hosts.KindQueue: m,
				hosts.KindDomain: d, hosts.KindPromise: d, hosts.KindPower: d,
			}),
			CPUs: []int{0, 1}, Absent: 4000, Steps: 12,
		}
	})
}
