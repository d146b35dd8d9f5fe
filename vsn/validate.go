package vsn

import (
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Limits on what can be asked for. Those of the kernel are hard; the others keep a
// slip of the pen from becoming a plan.
const (
	MinRuntime  Duration = 1024                      // DL_SCALE in kernel/sched/sched.h
	MinPeriod   Duration = 100_000                   // sysctl kernel.sched_deadline_period_min_us
	MaxPeriod   Duration = 1 << 22 * 1000            // sysctl kernel.sched_deadline_period_max_us
	MaxVCPUs             = 255                       // of an x86 guest without interrupt remapping
	MaxMemory   Size     = 1 << 46                   // 64 TiB, four-level paging
	MemoryGrain Size     = 1 << 20                   // libvirt rounds guest memory up to whole MiB
	RateGrain   Rate     = 8                         // the kernel counts whole bytes per second; rates are rounded up
	MaxMessage  Size     = 1 << 30                   // 1 GiB
	MinRate     Rate     = 1_000                     // a frame takes 12 s
	MaxRate     Rate     = 10_000_000_000_000        // over every line that there is
	MaxTasks             = 256                       // of a VM
	MaxStage             = 64                        // VMs at once on the path of a flow
	MaxCount    int64    = 1_000_000_000_000         // of a resource
	MaxTime     Duration = 24 * 3600 * 1_000_000_000 // of every, jitter, work, deadline and delay, and of tasks
	MaxMessages int64    = 1_000_000                 // of a burst
	maxBurst    Duration = 200 * 1_000_000_000       // at the link's rate: struct tc_htb_opt counts 64 ns in 32 bits
)

// Validate checks networks that came from no document, such as those in a plan.
func Validate(networks []Network) strict.Errors {
	var errs strict.Errors
	root := strict.NewPosition(&errs)
	at := func(i int) strict.Position { return root.Key("networks").Item(i, networks[i].Name) }
	for i := range networks {
		networks[i].validate(at(i))
	}
	checkNetworks(networks, at)
	return errs
}

func checkNetworks(networks []Network, at func(int) strict.Position) {
	first := map[string]int{}
	for i := range networks {
		name := networks[i].Name
		if k, twice := first[name]; !twice {
			first[name] = i
		} else if name != "" {
			at(i).Key("name").Failf("a network %q is there already%s", name, at(i).Whence(at(k).Key("name")))
		}
	}
}

// network is the validation of one network: the values and where they stand.
type network struct {
	*Network
	at    strict.Position
	vms   map[string]*VM
	links map[pair]int // by the VMs they join: index in Links
}

func (n *Network) validate(at strict.Position) {
	c := network{Network: n, at: at, vms: map[string]*VM{}, links: map[pair]int{}}
	check(at.Key("name"), CheckName(n.Name))
	if len(n.VMs) == 0 {
		at.Key("vms").Failf("a network needs at least one VM")
	}
	for i := range n.VMs {
		c.checkVM(&n.VMs[i], at.Key("vms").Item(i, n.VMs[i].Name))
	}
	c.checkLinks()
	c.checkFlows()
	c.checkFindable()
	c.checkPlace()
	c.checkShares()
}

func check(at strict.Position, err error) {
	if err != nil {
		at.Failf("%v", err)
	}
}

func (c *network) checkVM(v *VM, at strict.Position) {
	check(at.Key("name"), CheckName(v.Name))
	if c.vms[v.Name] != nil {
		at.Key("name").Failf("two VMs have this name")
	} else {
		c.vms[v.Name] = v
	}
	if v.VCPUs < 1 || v.VCPUs > MaxVCPUs {
		at.Key("vcpus").Failf("%d is not in 1..%d", v.VCPUs, MaxVCPUs)
	}
	if v.Memory < MemoryGrain || v.Memory > MaxMemory {
		at.Key("memory").Failf("%v is not in %v..%v", v.Memory, MemoryGrain, MaxMemory)
	}
	if v.Boot != nil {
		checkBoot(v.Boot, at.Key("boot"))
	}
	if v.Disk != nil {
		check(at.Key("disk").Key("image"), checkPath(v.Disk.Image))
	}
	if r := v.Reservation; r != nil {
		if at := at.Key("reservation"); r.given(at) {
			CheckReservation(at, r.Runtime, r.Period)
		} else {
			checkPeriod(at, r.Period)
		}
	}
	checkTasks(v, at)
	CheckResources(at.Key("resources"), v.Resources)
}

func checkBoot(b *Boot, at strict.Position) {
	check(at.Key("kernel"), checkPath(b.Kernel))
	if initrd := at.Key("initrd"); b.Initrd != "" || initrd.Given() {
		check(initrd, checkPath(b.Initrd))
	}
	check(at.Key("cmdline"), strict.CheckText(b.Cmdline))
	if len(b.Cmdline) > maxCmdline {
		at.Key("cmdline").Failf("has %d bytes, at most %d are allowed", len(b.Cmdline), maxCmdline)
	}
}

const maxCmdline = 2047 // COMMAND_LINE_SIZE of x86 less its NUL

// CheckReservation reports what the kernel would refuse (__checkparam_dl in
// kernel/sched/deadline.c).
func CheckReservation(at strict.Position, runtime, period Duration) {
	checkPeriod(at, period)
	switch {
	case runtime < MinRuntime:
		at.Key("runtime").Failf("%v is under %v, the least that the kernel takes", runtime, MinRuntime)
	case period > 0 && runtime > period:
		at.Key("runtime").Failf("%v exceeds the period, %v", runtime, period)
	}
}

func checkPeriod(at strict.Position, period Duration) {
	if period < MinPeriod || period > MaxPeriod {
		at.Key("period").Failf("%v is not in %v..%v, where the kernel takes periods", period, MinPeriod, MaxPeriod)
	}
}

// CheckResources reports names and counts that are none.
func CheckResources(at strict.Position, counts map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		check(at.Key(name), CheckName(name))
		if n := counts[name]; n < 0 || n > MaxCount {
			at.Key(name).Failf("%d is not in 0..%d", n, MaxCount)
		}
	}
}

// CheckLabels reports keys and values that are none.
func CheckLabels(at strict.Position, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		check(at.Key(key), CheckName(key))
		check(at.Key(key), CheckNode(labels[key]))
	}
}
