package proof

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// chance is a number from 0 to under n.
type chance func(what string, n int64) int64

func (c chance) between(what string, low, high int64) int64 { return low + c(what, high-low+1) }

// drawing is a plan in the making: a network on hosts behind two switches, with
// forks, joins, tasks, device threads, and flows that share VMs and links.
type drawing struct {
	chance
	plan *placement.Plan
	n    *vsn.Network
	used map[string]map[int]float64 // share of each CPU of a host
	row  bool                       // VMs in a row with one vcpu, no tasks, and works of whole budgets
}

// drawPlan draws an answer to a problem, as it may be, not a good one.
func drawPlan(c chance) *placement.Plan {
	d := &drawing{chance: c, plan: &placement.Plan{Version: placement.PlanVersion}, used: map[string]map[int]float64{}}
	d.plan.Problem.Networks = make([]vsn.Network, 1)
	d.n = &d.plan.Problem.Networks[0]
	d.n.Name = "n"
	d.row = d.chance("row", 3) == 0
	d.inventory()
	vms := d.between("vms", 1, 5)
	for i := range vms {
		d.vm(fmt.Sprintf("v%d", i))
	}
	for i := range d.between("flows", 1, 3) {
		d.flow(fmt.Sprintf("f%d", i))
	}
	d.emulators()
	return d.plan
}

func (d *drawing) inventory() {
	inv := &d.plan.Problem.Inventory
	grain := vsn.Duration([]int64{0, 0, 0, 1, 4}[d.chance("grain", 5)]) * ms
	for i := range d.between("hosts", 1, 3) {
		h := hosts.Host{Name: fmt.Sprintf("h%d", i), CPUs: hosts.CountedCPUs(24), Share: vsn.One, Grain: grain, Memory: 1 << 40,
			Delay: vsn.Duration(d.chance("host delay us", 500)) * us, Partition: true}
		if d.chance("device threads", 3) == 0 {
			h.Emulator = &hosts.Emulator{Runtime: vsn.Duration(d.between("device runtime ms", 1, 4)) * ms, Period: vsn.Duration(d.between("device period ms", 5, 20)) * ms,
				Work: vsn.Duration(d.between("us a frame", 1, 100)) * us}
		}
		inv.Hosts = append(inv.Hosts, h)
		inv.Cables = append(inv.Cables, d.cable("c"+h.Name, h.Name, fmt.Sprintf("s%d", i%2)))
	}
	inv.Switches = []hosts.Switch{{Name: "s0", Delay: 5 * us}, {Name: "s1", Delay: vsn.Duration(d.chance("switch delay us", 50)) * us}}
	inv.Cables = append(inv.Cables, d.cable("trunk", "s0", "s1"))
}

func (d *drawing) cable(name, a, b string) hosts.Cable {
	return hosts.Cable{Name: name, Between: []string{a, b}, Rate: []vsn.Rate{100e6, 1e9}[d.chance("gigabit", 2)], Share: vsn.One, Delay: vsn.Duration(d.chance("cable delay us", 20)) * us}
}

// reserve puts a reservation on a CPU that has room, or on one of its own.
func (d *drawing) reserve(host string, runtime, period int64) int {
	if d.used[host] == nil {
		d.used[host] = map[int]float64{}
	}
	share := float64(runtime) / float64(period)
	for cpu := int(d.chance("cpu", 3)); ; cpu++ {
		if d.used[host][cpu] == 0 || d.used[host][cpu]+share <= 0.999 {
			d.used[host][cpu] += share
			return cpu
		}
	}
}

func (d *drawing) vm(name string) {
	h := d.plan.Problem.Inventory.Hosts[d.chance("host of "+name, int64(len(d.plan.Problem.Inventory.Hosts)))]
	vm := vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20}
	if !d.row {
		vm.VCPUs += int(d.chance("second vcpu", 4) / 3)
	}
	d.plan.Embedding.Seats = append(d.plan.Embedding.Seats, placement.Seat{Network: "n", VM: name, Host: h.Name})
	period := d.between("period ms", 2, 20) * 1e6
	for cpu := range vm.VCPUs {
		runtime := max(period*d.between("% of vcpu", 20, 100)/100, 1024)
		d.plan.Realization.Reservations = append(d.plan.Realization.Reservations, placement.Reservation{Network: "n", VM: name, VCPU: cpu, Host: h.Name,
			CPU: d.reserve(h.Name, runtime, period), RuntimeNs: runtime, PeriodNs: period})
	}
	if !d.row && d.chance("tasks", 3) == 0 {
		vm.GuestScheduler = []vsn.GuestScheduler{vsn.GuestEDF, vsn.GuestFixed}[d.chance("fixed", 2)]
		for i := range d.between("tasks", 1, 3) {
			every := d.between("task period ms", 10, 100)
			t := vsn.Task{Name: fmt.Sprintf("t%d", i), WCET: vsn.Duration(d.between("wcet us", 1, every*150)) * us, Period: vsn.Duration(every) * ms,
				Deadline: vsn.Duration(d.between("deadline ms", every/3, every*2)) * ms}
			vm.Tasks = append(vm.Tasks, t)
			d.plan.Realization.Tasks = append(d.plan.Realization.Tasks, placement.TaskSeat{Network: "n", VM: name, Task: t.Name, VCPU: int(d.chance("vcpu", int64(vm.VCPUs)))})
		}
	}
	d.n.VMs = append(d.n.VMs, vm)
}

func (d *drawing) emulators() {
	for _, s := range d.plan.Embedding.Seats {
		for _, h := range d.plan.Problem.Inventory.Hosts {
			if e := h.Emulator; h.Name == s.Host && e != nil {
				d.plan.Realization.Emulators = append(d.plan.Realization.Emulators, placement.Emulator{Network: "n", VM: s.VM, Host: h.Name,
					CPU: d.reserve(h.Name, int64(e.Runtime), int64(e.Period)), RuntimeNs: int64(e.Runtime), PeriodNs: int64(e.Period)})
			}
		}
	}
}

func (d *drawing) flow(name string) {
	every := d.between("every ms", 20, 120)
	f := vsn.Flow{Name: name, Message: vsn.Size(d.chance("message", 6000)), Every: vsn.Duration(every) * ms, Work: map[string]vsn.Duration{}, Burst: d.chance("burst", 4)}
	if d.chance("jitter", 2) == 0 {
		f.Jitter = vsn.Duration(d.chance("jitter ms", 2*every)) * ms
	}
	rest := slices.Clone(d.n.VMs)
	least, fork := int64(1), int64(4)
	if d.row {
		least, fork = 4, 3
	}
	for range d.between("stages", least, 4) {
		var stage vsn.Stage
		for range 1 + d.chance("fork", fork)/3 {
			if len(rest) == 0 {
				break
			}
			k := d.chance("vm", int64(len(rest)))
			vm := rest[k].Name
			rest = slices.Delete(rest, int(k), int(k)+1)
			stage = append(stage, vm)
			switch d.chance("works", 8) {
			case 0:
			case 1, 2, 3:
				f.Work[vm] = d.budgets(vm, every)
			default:
				f.Work[vm] = vsn.Duration(d.between("work us", 1, every*60)) * us
			}
		}
		if stage != nil {
			f.Path = append(f.Path, stage)
		}
	}
	for i := range f.Path[1:] {
		for _, a := range f.Path[i] {
			for _, b := range f.Path[i+1] {
				d.link(a, b)
			}
		}
	}
	d.n.Flows = append(d.n.Flows, f)
}

// budgets is the work of one or more whole budgets of a VM, if it has time for that.
func (d *drawing) budgets(vm string, every int64) vsn.Duration {
	for _, r := range d.plan.Realization.Reservations {
		if r.VM == vm {
			return vsn.Duration(r.RuntimeNs * d.between("budgets", 1, max(1, every*1e6/r.PeriodNs/2)))
		}
	}
	return 0
}

func (d *drawing) link(a, b string) {
	for _, l := range d.n.Links {
		if slices.Contains(l.Between, a) && slices.Contains(l.Between, b) {
			return
		}
	}
	rate := d.between("Mbit/s", 1, 12) * 1e6
	l := vsn.Link{Name: a + b, Between: []string{a, b}, Rate: vsn.Rate(rate), Burst: vsn.Size(d.between("burst B", 1600, 12000))}
	d.n.Links = append(d.n.Links, l)
	from, to := d.plan.Embedding.Seat("n", a), d.plan.Embedding.Seat("n", b)
	r := placement.Route{Network: "n", Link: l.Name, Path: []string{from}}
	if from != to {
		sa, sb := "s"+string('0'+(from[1]-'0')%2), "s"+string('0'+(to[1]-'0')%2)
		r.Path, r.Cables = append(r.Path, sa), append(r.Cables, "c"+from)
		if sa != sb {
			r.Path, r.Cables = append(r.Path, sb), append(r.Cables, "trunk")
		}
		r.Path, r.Cables = append(r.Path, to), append(r.Cables, "c"+to)
	}
	d.plan.Embedding.Routes = append(d.plan.Embedding.Routes, r)
	class := 0x10 + len(d.plan.Realization.Queues)
	for _, w := range directions(&l) {
		host := from
		if w.back {
			host = to
		}
		places := []string{placement.AtPort}
		if from != to {
			places = append(places, "c"+host)
		}
		for _, at := range places {
			d.plan.Realization.Queues = append(d.plan.Realization.Queues, placement.Queue{Network: "n", Link: l.Name, From: w.from, To: w.to, Host: host, At: at, Class: class,
				RateBit: rate, BurstBytes: hosts.RoundBurst(rate, int64(l.Burst)), LimitBytes: 1 << 24})
			class++
		}
	}
}
