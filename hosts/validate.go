package hosts

import (
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Limits that keep a slip of the pen from becoming an inventory.
const (
	MaxHostMemory vsn.Size     = 1 << 52 // 4 PiB, five-level paging
	MaxNUMANode                = 1023    // MAX_NUMNODES of x86, less one
	MaxCableName               = 2*vsn.MaxNode + 2
	MaxGrain      vsn.Duration = 1_000_000_000  // a tick of HZ=1
	MaxDelay      vsn.Duration = 10_000_000_000 // of a cable, a switch or a host
	maxAddress                 = 253            // a name of the domain name system, RFC 1035
)

// Patterns of what reaches other programs.
const (
	// AddressPattern is ssh://[user@]host[:port]. Nothing in it can be taken for an
	// option of ssh or escape a shell.
	AddressPattern = `^ssh://(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}@)?(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`
	// DevicePattern is what is safe of dev_valid_name in net/core/dev.c.
	DevicePattern = `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$`
)

var (
	addressPattern = regexp.MustCompile(AddressPattern)
	cablePattern   = regexp.MustCompile(vsn.NodePattern)
	devicePattern  = regexp.MustCompile(DevicePattern)
)

// Validate checks an inventory that came from no document, such as a plan's.
func Validate(inv *Inventory) strict.Errors {
	var errs strict.Errors
	validate([]Inventory{*inv}, []strict.Position{strict.NewPosition(&errs).Key("inventory")})
	return errs
}

// nodes are the ends that a cable may have, and where each was named first.
type nodes map[string]strict.Position

// validate checks the parts of an inventory as one: names are unique over all of
// them, and a cable may join what other parts hold.
func validate(parts []Inventory, at []strict.Position) {
	known, addresses, cables := nodes{}, map[string]string{}, map[string]bool{}
	first := -1
	for i := range parts {
		checkNodes(&parts[i], at[i], known, addresses)
		checkObjectives(parts[i].Objective, at[i].Key("objective"))
		switch {
		case len(parts[i].Objective) == 0:
		case first >= 0:
			at[i].Key("objective").Failf("another inventory document has one already%s", at[i].Whence(at[first].Key("objective")))
		default:
			first = i
		}
	}
	if !slices.ContainsFunc(parts, func(part Inventory) bool { return len(part.Hosts) > 0 }) {
		at[0].Key("hosts").Failf("an inventory needs at least one host")
	}
	for i := range parts {
		for k := range parts[i].Cables {
			c := &parts[i].Cables[k]
			at := at[i].Key("cables").Item(k, c.Name)
			checkCable(c, at, known)
			if cables[c.Name] && c.Name != "" {
				at.Failf("two cables are named %q: give each of parallel cables a name of its own", c.Name)
			}
			cables[c.Name] = true
		}
	}
}

func checkNodes(part *Inventory, at strict.Position, known nodes, addresses map[string]string) {
	for k := range part.Hosts {
		h := &part.Hosts[k]
		at := at.Key("hosts").Item(k, h.Name)
		known.add(h.Name, at.Key("name"))
		checkHost(h, at)
		if other, twice := addresses[h.Address]; twice && h.Address != "" {
			at.Key("address").Failf("%s is the address of host %q too: what it has would be given twice", h.Address, other)
		}
		addresses[h.Address] = h.Name
	}
	for k := range part.Switches {
		s := &part.Switches[k]
		at := at.Key("switches").Item(k, s.Name)
		known.add(s.Name, at.Key("name"))
		checkDelay(s.Delay, at.Key("delay"))
	}
}

// add takes the name of a host or a switch: they share one space of names, since
// cables and routes name both.
func (n nodes) add(name string, at strict.Position) {
	if err := vsn.CheckNode(name); err != nil {
		at.Failf("%v", err)
	}
	if first, twice := n[name]; twice {
		at.Failf("a host or switch %q is there already%s", name, at.Whence(first))
		return
	}
	n[name] = at
}

func (n nodes) names() []string {
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func checkHost(h *Host, at strict.Position) {
	if h.Address != "" || at.Has("address") {
		if err := CheckAddress(h.Address); err != nil {
			at.Key("address").Failf("%v", err)
		}
	}
	vsn.CheckLabels(at.Key("labels"), h.Labels)
	checkCPUs(h.CPUs, at.Key("cpus"))
	checkShare(h.Share, at.Key("share"))
	if h.Grain < 0 || h.Grain > MaxGrain {
		at.Key("grain").Failf("%v is not in %v..%v", h.Grain, vsn.Duration(0), MaxGrain)
	}
	checkDelay(h.Delay, at.Key("delay"))
	if h.Memory < 1 || h.Memory > MaxHostMemory {
		at.Key("memory").Failf("%v is not in %v..%v", h.Memory, vsn.Size(1), MaxHostMemory)
	}
	vsn.CheckResources(at.Key("resources"), h.Resources)
	switch h.Accel {
	case AccelAuto, AccelKVM, AccelTCG:
	default:
		at.Key("accel").Failf("%q is none of %s, %s, %s", h.Accel, AccelAuto, AccelKVM, AccelTCG)
	}
	if e := h.Emulator; e != nil {
		at := at.Key("emulator")
		vsn.CheckReservation(at, e.Runtime, e.Period)
		if e.Work < 1 || e.Work > e.Period && e.Period > 0 {
			at.Key("work").Failf("%v is not in %v..%v, the period", e.Work, vsn.Duration(1), e.Period)
		}
	}
}

func checkCPUs(cpus CPUs, at strict.Position) {
	if len(cpus) == 0 {
		at.Failf("a host needs at least one CPU")
	}
	seen := map[int]bool{}
	for i, cpu := range cpus {
		at := at.Item(i, "")
		if cpu.ID < 0 || cpu.ID >= MaxCPUs {
			at.Key("id").Failf("%d is not in 0..%d", cpu.ID, MaxCPUs-1)
		}
		if seen[cpu.ID] {
			at.Key("id").Failf("two CPUs have the id %d", cpu.ID)
		}
		seen[cpu.ID] = true
		if cpu.Node < 0 || cpu.Node > MaxNUMANode {
			at.Key("node").Failf("%d is not in 0..%d", cpu.Node, MaxNUMANode)
		}
		if cpu.Share != 0 || at.Has("share") {
			checkShare(cpu.Share, at.Key("share"))
		}
	}
}

func checkShare(s vsn.Share, at strict.Position) {
	if s <= 0 || s > vsn.One {
		at.Failf("%v is not in (0,1]", s)
	}
}

func checkDelay(d vsn.Duration, at strict.Position) {
	if d < 0 || d > MaxDelay {
		at.Failf("%v is not in %v..%v", d, vsn.Duration(0), MaxDelay)
	}
}

func checkCable(c *Cable, at strict.Position, known nodes) {
	between := at.Key("between")
	switch {
	case len(c.Between) != 2:
		between.Failf("names %d nodes, a cable is between 2", len(c.Between))
	case c.Between[0] == c.Between[1]:
		between.Failf("joins %q to itself", c.Between[0])
	default:
		for k, name := range c.Between {
			checkEnd(name, between.Item(k, ""), known)
		}
	}
	if at.Has("name") || c.Name != defaultName(c) && (c.Name != "" || len(c.Between) == 2) {
		checkCableName(c.Name, at.Key("name"))
	}
	if c.Rate < vsn.MinRate || c.Rate > vsn.MaxRate {
		at.Key("rate").Failf("%v is not in %v..%v", c.Rate, vsn.MinRate, vsn.MaxRate)
	}
	checkShare(c.Share, at.Key("share"))
	checkDelay(c.Delay, at.Key("delay"))
	if c.Duplex != FullDuplex && c.Duplex != HalfDuplex && (c.Duplex != "" || at.Has("duplex")) {
		at.Key("duplex").Failf("%q is none of %s, %s", c.Duplex, FullDuplex, HalfDuplex)
	}
	if c.Device != "" || at.Has("device") {
		if !devicePattern.MatchString(c.Device) {
			at.Key("device").Failf("%q is no name of a network interface: at most 15 letters, digits and . - _", c.Device)
		}
	}
}

func checkCableName(name string, at strict.Position) {
	if len(name) > MaxCableName || !cablePattern.MatchString(name) {
		at.Failf("%q is no name of a cable: at most %d letters and digits, and . - _ inside", name, MaxCableName)
	}
}

// defaultName of a cable, for want of another.
func defaultName(c *Cable) string { return strings.Join(c.Between, "--") }

func checkEnd(name string, at strict.Position, known nodes) {
	if _, ok := known[name]; ok {
		return
	}
	hint := ""
	if near, ok := strict.Nearest(name, known.names()); ok {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	at.Failf("there is no host or switch %q%s", name, hint)
}

// CheckAddress tells why an address is not ssh://[user@]host[:port].
func CheckAddress(address string) error {
	if len(address) > maxAddress || !addressPattern.MatchString(address) {
		return fmt.Errorf("%q is not ssh://[user@]host[:port]", address)
	}
	rest := strings.TrimPrefix(address, "ssh://")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = rest[i+1:]
	}
	host, port := rest, ""
	if i := strings.LastIndex(rest, ":"); i >= 0 && !strings.HasSuffix(rest, "]") {
		host, port = rest[:i], rest[i+1:]
	}
	if ip, ok := strings.CutPrefix(host, "["); ok {
		if a, err := netip.ParseAddr(strings.TrimSuffix(ip, "]")); err != nil || !a.Is6() {
			return fmt.Errorf("%q: %s is not an IPv6 address", address, host)
		}
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return fmt.Errorf("%q: port %s is not in 1..65535", address, port)
	}
	return nil
}

// checkLines refuses a link that no cable could carry and that must cross one:
// VMs that share a host need no cable.
func checkLines(networks *vsn.Collection, inv *Inventory) {
	fastest, most := (*Cable)(nil), vsn.Rate(0)
	for i := range inv.Cables {
		if usable := inv.Cables[i].Usable(); usable > most {
			fastest, most = &inv.Cables[i], usable
		}
	}
	if fastest == nil {
		return
	}
	for i := range networks.Networks {
		n := &networks.Networks[i]
		for k := range n.Links {
			l := &n.Links[k]
			if l.Rate > most && apart(n, l) {
				networks.At(i).Key("links").Item(k, l.Name).Key("rate").Failf(
					"%v exceeds every cable, and its VMs are to be apart: the fastest, %q, has %v for links", l.Rate, fastest.Name, most)
			}
		}
	}
}

// apart reports whether a rule keeps the ends of the link on different hosts.
func apart(n *vsn.Network, l *vsn.Link) bool {
	for i := range n.Place {
		for _, vms := range [][]string{n.Place[i].Apart, n.Place[i].Spread} {
			if len(l.Between) == 2 && slices.Contains(vms, l.Between[0]) && slices.Contains(vms, l.Between[1]) {
				return true
			}
		}
	}
	return false
}

// Usable is what links may take of the cable, rounded down to whole bits per second.
func (c *Cable) Usable() vsn.Rate {
	r := new(big.Rat).Mul(c.Share.Rat(), big.NewRat(int64(c.Rate), 1))
	return vsn.Rate(new(big.Int).Quo(r.Num(), r.Denom()).Int64())
}
