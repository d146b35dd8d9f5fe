package dimension

import (
	"fmt"
	"math/big"
	"sort"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// guests finds VMs of which no division of the tasks over the vCPUs can be scheduled.
func (r *refuter) guests() (out []placement.Conflict) {
	for i := range r.n.VMs {
		vm := &r.n.VMs[i]
		if len(vm.Tasks) == 0 {
			continue
		}
		rule := ruleEDF
		if vm.GuestScheduler == vsn.GuestFixed {
			rule = ruleFixed
		}
		have, what := r.ease[vm.Name].share, "a cpu may give"
		if g := vm.Reservation; g != nil && g.Runtime > 0 {
			have, what = big.NewRat(int64(g.Runtime), int64(g.Period)), "their reservation gives"
		}
		need := tasksUse(vm)
		if whole := ratOf(int64(vm.VCPUs)); need.Cmp(whole.Mul(whole, have)) > 0 {
			out = append(out, conflict(rule, r.vm(vm.Name), need, whole, "cpu", "its %d tasks ask for %s cpus, and %s %s for each of %d vcpus", len(vm.Tasks), decimal(need), what, decimal(have), vm.VCPUs))
			continue
		}
		least := r.vcpus(vm)
		if c, ok := r.runtime(vm, least, rule); ok {
			out = append(out, c)
			continue
		}
		if least > vm.VCPUs {
			says := fmt.Sprintf("no division of its %d tasks over %d vcpus lets all meet their deadlines, whatever the reservations", len(vm.Tasks), vm.VCPUs)
			need := placement.Int(int64(least))
			if least > len(vm.Tasks) {
				need, says = placement.Inf(), fmt.Sprintf("no vcpu serves task %s in time, even alone on it", strings.Join(r.hopeless(vm), ", task "))
			}
			out = append(out, placement.Conflict{Rule: rule, Subjects: []string{r.vm(vm.Name)}, Need: need, Have: placement.Int(int64(vm.VCPUs)), Unit: "vcpus", Says: says})
		}
	}
	return out
}

// hopeless are the tasks that no vCPU can serve in time, even alone on it.
func (r *refuter) hopeless(vm *vsn.VM) []string {
	var out []string
	for i := range vm.Tasks {
		alone := *vm
		alone.VCPUs, alone.Tasks = 1, vm.Tasks[i:i+1]
		if r.vcpus(&alone) > 1 {
			out = append(out, vm.Tasks[i].Name)
		}
	}
	return out
}

// runtime is a conflict about the runtime that is given, where more of it would do.
func (r *refuter) runtime(vm *vsn.VM, vcpus int, rule string) (placement.Conflict, bool) {
	g := vm.Reservation
	if g == nil || g.Runtime == 0 || vcpus <= vm.VCPUs {
		return placement.Conflict{}, false
	}
	more := *vm
	need := g.Runtime + vsn.Duration(sort.Search(int(g.Period-g.Runtime), func(k int) bool {
		more.Reservation = &vsn.Reservation{Runtime: g.Runtime + vsn.Duration(k), Period: g.Period}
		return r.vcpus(&more) <= vm.VCPUs
	}))
	if need == g.Period {
		return placement.Conflict{}, false
	}
	return placement.Conflict{Rule: rule, Subjects: []string{r.vm(vm.Name)}, Need: placement.Int(int64(need)), Have: placement.Int(int64(g.Runtime)), Unit: "ns",
		Says: fmt.Sprintf("no division of its %d tasks over %d vcpus lets all meet their deadlines in %v every %v on a host with a grain of %v: that takes a runtime of %v",
			len(vm.Tasks), vm.VCPUs, g.Runtime, g.Period, vsn.Duration(r.ease[vm.Name].grain), need)}, true
}

// mostDivided is how many steps the search for a division of tasks may take.
const mostDivided = 20_000

// vcpus is the least number over which the tasks can be divided so that on none of
// them they are refuted; the number that there is where that is not found out.
func (r *refuter) vcpus(vm *vsn.VM) int {
	d := &division{vm: vm, ease: r.ease[vm.Name], known: map[string]bool{}, on: make([][]int, len(vm.Tasks)+1)}
	for i := range vm.Tasks {
		d.tasks = append(d.tasks, taskOf(&vm.Tasks[i]))
		if d.refuted([]int{i}) {
			return len(vm.Tasks) + 1
		}
	}
	for n := vm.VCPUs; ; n++ {
		d.steps = 0
		if d.divide(0, n) || d.steps >= mostDivided || n >= len(vm.Tasks) {
			return n
		}
	}
}

func taskOf(t *vsn.Task) bounds.Task {
	d := t.Deadline
	if d == 0 {
		d = t.Period
	}
	return bounds.Task{Cost: int64(t.WCET), Period: int64(t.Period), Deadline: int64(d)}
}

// division is the search for one. What is refuted stays so with more tasks, so that
// a part which is ends a branch.
type division struct {
	vm    *vsn.VM
	ease  *ease
	tasks []bounds.Task
	on    [][]int // the tasks on each vCPU
	known map[string]bool
	steps int
}

func (d *division) divide(i, vcpus int) bool {
	if i == len(d.tasks) {
		return true
	}
	for k := range vcpus {
		if d.steps++; d.steps >= mostDivided {
			return false
		}
		empty := len(d.on[k]) == 0
		d.on[k] = append(d.on[k], i)
		found := !d.refuted(d.on[k]) && d.divide(i+1, vcpus)
		d.on[k] = d.on[k][:len(d.on[k])-1]
		if found || empty { // the other empty ones are alike
			return found
		}
	}
	return false
}

// refuted tells whether tasks on one vCPU miss a deadline with every reservation. For
// a given one, or a given period with all of it that the share leaves, that is the
// test itself. For an open one it is that some interval asks for more than any
// reservation gives in it: earliest deadline first is optimal, so that this holds for
// fixed priorities, too (Dertouzos 1974).
func (d *division) refuted(on []int) bool {
	key := fmt.Sprint(on)
	no, known := d.known[key]
	if known {
		return no
	}
	var tasks []bounds.Task
	for _, i := range on {
		tasks = append(tasks, d.tasks[i])
	}
	if r := d.vm.Reservation; r != nil {
		no = !schedulable(d.vm.GuestScheduler, tasks, d.ease.supply(r))
	} else {
		no = d.overfull(tasks)
	}
	d.known[key] = no
	return no
}

// intervals is how many deadlines of each task are looked at.
const intervals = 16

func (d *division) overfull(tasks []bounds.Task) bool {
	if bounds.Utilization(tasks).Cmp(d.ease.share) > 0 {
		return true
	}
	for _, t := range tasks {
		at := t.Deadline
		for range intervals {
			if d.ease.time(nil, bounds.Demand(tasks, at)) > at {
				return true
			}
			at = sum(at, t.Period)
		}
	}
	return false
}
