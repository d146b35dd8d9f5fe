package linux

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// Marks are how Observe knows what is ours. Interfaces carry them in their alias
// (IFLA_IFALIAS, 255 bytes): a bridge "vsnctl NETWORK", an IFB and the tap that
// feeds it "vsnctl NETWORK/VM".
//
// A traffic class has no room for a name. The IFB therefore carries one alternative
// name (IFLA_ALT_IFNAME, 127 bytes each, about 490 to an interface) for each queue:
// "IFB.CLASS.LINK.TO", which ties the number of the class to what it is for. Names
// of networks, VMs and links hold no dots (vsn.CheckName), and with 40 characters
// each the longest is 15+1+4+1+40+1+40 = 102 bytes.
const markPrefix = "vsnctl "

func segmentMark(network string) string  { return markPrefix + network }
func portMark(network, vm string) string { return markPrefix + network + "/" + vm }

// parseMark takes an alias apart; vm is empty for a segment.
func parseMark(alias string) (network, vm string, ok bool) {
	rest, ok := strings.CutPrefix(alias, markPrefix)
	if !ok {
		return "", "", false
	}
	network, vm, hasVM := strings.Cut(rest, "/")
	if vsn.CheckName(network) != nil || (hasVM && vsn.CheckName(vm) != nil) {
		return "", "", false
	}
	return network, vm, true
}

func queueMark(q hosts.Queue) string {
	return fmt.Sprintf("%s.%x.%s.%s", q.Ifb, q.Class, q.Link, q.To)
}

// parseQueueMark reads the alternative name of an IFB into a queue that has only
// its identity.
func parseQueueMark(ifb, name string) (hosts.Queue, bool) {
	rest, ok := strings.CutPrefix(name, ifb+".")
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 || vsn.CheckName(parts[1]) != nil || vsn.CheckName(parts[2]) != nil {
		return hosts.Queue{}, false
	}
	class, err := strconv.ParseUint(parts[0], 16, 16)
	if err != nil {
		return hosts.Queue{}, false
	}
	return hosts.Queue{Ifb: ifb, Class: uint16(class), Link: parts[1], To: parts[2]}, true
}

// checkNames refuses what would break a mark. Documents are checked when they are
// read; this is for states that come from elsewhere.
func checkNames(names ...string) error {
	for _, n := range names {
		if err := vsn.CheckName(n); err != nil {
			return fmt.Errorf("name %w: %w", err, unix.EINVAL)
		}
	}
	return nil
}

// checkInterface refuses what the kernel refuses as a name (dev_valid_name), and
// dots, which separate the parts of a queue's mark.
func checkInterface(name string) error {
	if name == "" || len(name) > 15 || strings.ContainsAny(name, "./: \t\n%") {
		return fmt.Errorf("interface name %q: want 1 to 15 characters, none of . / : %% or space: %w", name, unix.EINVAL)
	}
	return nil
}

// named finds an interface by name; nil without error when there is none.
func named(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	var none netlink.LinkNotFoundError
	if errors.As(err, &none) {
		return nil, nil
	}
	return link, err
}

// ours finds the interface of that name and kind with that mark; nil when there is
// none, or when one of that name is somebody else's.
func ours(name, kind, mark string) (netlink.Link, error) {
	link, err := named(name)
	if err != nil || link == nil || link.Type() != kind || link.Attrs().Alias != mark {
		return nil, err
	}
	return link, nil
}

// foreign says whose name we met.
func foreign(link netlink.Link, mark string) error {
	a := link.Attrs()
	return fmt.Errorf("interface %q exists (%s, alias %q) and is not ours, %q: %w: remove or rename it", a.Name, link.Type(), a.Alias, mark, unix.EEXIST)
}
