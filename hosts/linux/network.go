package linux

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// dump asks for a list again when changes by others interrupted it; after a few
// times what came is good enough, since each entry is whole.
func dump[T any](ask func() ([]T, error)) ([]T, error) {
	var all []T
	var err error
	for range 5 {
		if all, err = ask(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return all, err
		}
	}
	return all, nil
}

// links lists the interfaces of the namespace.
func links() ([]netlink.Link, error) {
	all, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return all, nil
}

// network observes segments, ports and queues.
func (m *Machine) network(o *hosts.Observation) error {
	all, err := links()
	if err != nil {
		return err
	}
	fifos, err := limits()
	if err != nil {
		return err
	}
	taps := map[string]netlink.Link{} // by mark
	for _, l := range all {
		if _, vm, ok := parseMark(l.Attrs().Alias); ok && vm != "" && l.Type() != "ifb" {
			taps[l.Attrs().Alias] = l
		}
	}
	for _, l := range all {
		network, vm, ok := parseMark(l.Attrs().Alias)
		switch {
		case ok && vm == "" && l.Type() == "bridge":
			o.State.Add(observeSegment(l, network))
		case ok && vm != "" && l.Type() == "ifb":
			p := hosts.Port{Network: network, VM: vm, Ifb: l.Attrs().Name}
			err := observePort(o, l, taps[l.Attrs().Alias], p, fifos)
			if err != nil && !errors.Is(err, unix.ENODEV) { // or it went meanwhile
				return err
			}
			delete(taps, l.Attrs().Alias)
		}
	}
	// A tap that is marked and has no IFB: the rest of a port whose removal was cut off.
	for alias, tap := range taps {
		network, vm, _ := parseMark(alias)
		o.State.Add(hosts.Port{Network: network, VM: vm, Tap: tap.Attrs().Name})
	}
	return nil
}

// observePort adds the port at an IFB and its queues.
func observePort(o *hosts.Observation, ifb, tap netlink.Link, p hosts.Port, fifos map[leaf]int64) error {
	index := ifb.Attrs().Index
	found, meters, err := classes(ifb)
	if err != nil {
		return err
	}
	steered, err := filters(ifb)
	if err != nil {
		return err
	}
	if tap != nil {
		to, err := redirectOf(tap)
		if err := gone(err, "tap %q", tap.Attrs().Name); err != nil {
			return err
		}
		if to == index {
			p.Tap = tap.Attrs().Name
		}
	}
	if up(ifb) && fifos[leaf{index, restMinor}] != 0 {
		p.RateBit = found[restMinor].RateBit
	}
	o.State.Add(p)
	o.Meters[p.Key()] = meters[restMinor]
	for _, q := range queueMarks(ifb) {
		q.Network, q.VM = p.Network, p.VM
		c := found[q.Class]
		q.RateBit, q.BurstBytes, q.LimitBytes = c.RateBit, c.BurstBytes, fifos[leaf{index, q.Class}]
		if f := steered[q.Class]; len(f) == 1 {
			q.ToMAC = filterMAC(f[0]).String()
		}
		o.State.Add(q)
		o.Meters[q.Key()] = meters[q.Class]
	}
	return nil
}

// up is IFF_UP, what an administrator asked for, not whether there is a carrier.
func up(link netlink.Link) bool { return link.Attrs().RawFlags&unix.IFF_UP != 0 }
