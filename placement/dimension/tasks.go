package dimension

import (
	"cmp"
	"math"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// mostExact is how many tasks are partitioned in all ways; more go first-fit and
// worst-fit, the largest first.
const mostExact = 6

// idle is what a vCPU has that serves no task, as one of so many: a guest's own
// housekeeping stalls where a vCPU never runs.
const idle = 100

// seating is the tasks of a guest, each on a vCPU.
type seating struct {
	by    vsn.GuestScheduler
	tasks []bounds.Task
	vcpu  []int // of each task
	vcpus int
}

func (s *seating) byVCPU() [][]bounds.Task {
	out := make([][]bounds.Task, s.vcpus)
	for i, t := range s.tasks {
		out[s.vcpu[i]] = append(out[s.vcpu[i]], t)
	}
	return out
}

// schedulable tells whether the tasks meet their deadlines inside a supply.
func schedulable(by vsn.GuestScheduler, tasks []bounds.Task, s bounds.Supply) bool {
	if by == vsn.GuestFixed {
		_, ok := bounds.FixedPriority(bounds.DeadlineMonotonic(tasks), s)
		return ok
	}
	_, ok := bounds.EDF(tasks, s)
	return ok
}

// packer looks for the cheapest partition of tasks.
type packer struct {
	by      vsn.GuestScheduler
	tasks   []bounds.Task
	where   place
	periods []int64
	o       *Options
	given   *vsn.Reservation   // of every vCPU: only the partition is to be found
	known   map[string]reserve // by the numbers of the tasks
}

// reserve is the cheapest reservation for some tasks.
type reserve struct {
	runtime, period int64
	cost            float64 // Inf: none
}

// guest chooses the vCPU of every task and the reservations that they need; nil
// where some of them cannot be scheduled.
func guest(vm *vsn.VM, where place, o *Options) (*seating, []vsn.Reservation) {
	p := &packer{by: vm.GuestScheduler, where: where, o: o, known: map[string]reserve{}}
	shortest := int64(mostPeriod)
	for _, t := range vm.Tasks {
		d := t.Deadline
		if d == 0 {
			d = t.Period
		}
		p.tasks = append(p.tasks, bounds.Task{Cost: int64(t.WCET), Period: int64(t.Period), Deadline: int64(d)})
		shortest = min(shortest, int64(d))
	}
	p.periods = periods(vm, where, shortest, o)
	if vm.Reservation != nil && vm.Reservation.Runtime != 0 {
		p.given = vm.Reservation
	}
	seat := &seating{by: vm.GuestScheduler, tasks: p.tasks, vcpus: vm.VCPUs}
	var best []reserve
	least := math.Inf(1)
	p.partitions(vm.VCPUs, func(vcpu []int) {
		total := 0.0
		var list []reserve
		for k := range vm.VCPUs {
			r := p.of(vcpu, k)
			total += r.cost
			list = append(list, r)
		}
		if total < least {
			least, best, seat.vcpu = total, list, slices.Clone(vcpu)
		}
	})
	if best == nil {
		return nil, nil
	}
	var out []vsn.Reservation
	for _, r := range best {
		out = append(out, vsn.Reservation{Runtime: vsn.Duration(r.runtime), Period: vsn.Duration(r.period)})
	}
	return seat, out
}

// partitions visits ways to divide the tasks over the vCPUs: all, without those that
// differ in the numbers of vCPUs alone, where there are few; else some.
func (p *packer) partitions(vcpus int, visit func([]int)) {
	vcpu := make([]int, len(p.tasks))
	if vcpus == 1 {
		visit(vcpu)
		return
	}
	if len(p.tasks) <= mostExact {
		var divide func(i, used int)
		divide = func(i, used int) {
			if i == len(vcpu) {
				visit(vcpu)
				return
			}
			for k := range min(used+1, vcpus) {
				vcpu[i] = k
				divide(i+1, max(used, k+1))
			}
		}
		divide(0, 0)
		return
	}
	order := make([]int, len(p.tasks))
	for i := range order {
		order[i] = i
	}
	use := func(i int) float64 { return float64(p.tasks[i].Cost) / float64(p.tasks[i].Period) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(use(b), use(a)) })
	for _, first := range []bool{true, false} {
		if p.fit(order, vcpus, vcpu, first) {
			visit(vcpu)
		}
	}
}

// fit puts each task on the first vCPU that can still have it, or on the one that is
// used least.
func (p *packer) fit(order []int, vcpus int, vcpu []int, first bool) bool {
	for i := range vcpu {
		vcpu[i] = -1
	}
	for _, i := range order {
		best, least := -1, math.Inf(1)
		for k := range vcpus {
			used := 0.0
			for j, on := range vcpu {
				if on == k {
					used += float64(p.tasks[j].Cost) / float64(p.tasks[j].Period)
				}
			}
			vcpu[i] = k
			if used < least && !math.IsInf(p.of(vcpu, k).cost, 1) {
				best, least = k, used
				if first {
					break
				}
			}
		}
		if vcpu[i] = best; best < 0 {
			return false
		}
	}
	return true
}

// of is the cheapest reservation for the tasks on vCPU k.
func (p *packer) of(vcpu []int, k int) reserve {
	key := make([]byte, len(vcpu))
	var tasks []bounds.Task
	for i, on := range vcpu {
		if on == k {
			key[i] = 1
			tasks = append(tasks, p.tasks[i])
		}
	}
	r, ok := p.known[string(key)]
	if !ok {
		r = p.cheapest(tasks)
		p.known[string(key)] = r
	}
	return r
}

func (p *packer) cheapest(tasks []bounds.Task) reserve {
	if len(tasks) == 0 && p.given != nil {
		return reserve{}
	}
	if len(tasks) == 0 {
		q := max(p.where.grain, 1_000_000)
		period := min(idle*q, mostPeriod)
		if len(p.periods) == 1 { // it is given
			period = p.periods[0]
			q = min(period, max(p.where.grain, roundUp((period+idle-1)/idle, grid), 2*grid))
		}
		return reserve{q, period, cpuCost(q, period, p.o)}
	}
	best := reserve{cost: math.Inf(1)}
	if g := p.given; g != nil {
		if schedulable(p.by, tasks, bounds.Supply{Runtime: int64(g.Runtime), Period: int64(g.Period), Grain: p.where.grain, Others: p.where.others}) {
			best = reserve{int64(g.Runtime), int64(g.Period), 0}
		}
		return best
	}
	use, _ := bounds.Utilization(tasks).Float64()
	for _, period := range slices.Backward(p.periods) {
		if use+float64(p.o.Switch)/float64(period) >= best.cost {
			continue // even the least that there could be is no cheaper
		}
		q, ok := leastRuntime(period, p.where, p.o.step(), func(s bounds.Supply) bool { return schedulable(p.by, tasks, s) })
		if c := cpuCost(q, period, p.o); ok && c < best.cost {
			best = reserve{q, period, c}
		}
	}
	return best
}

// leastRuntime is the least runtime of that period, on the grid, for which fits
// holds, within the share of a CPU.
func leastRuntime(period int64, where place, step int64, fits func(bounds.Supply) bool) (int64, bool) {
	if most(period, where.share) < step {
		return 0, false
	}
	q, ok := bounds.LeastBudget(bounds.Supply{Period: period, Grain: where.grain, Others: where.others}, step, func(s bounds.Supply) bool {
		return s.Runtime > most(period, where.share) || fits(s)
	})
	return q, ok && q <= most(period, where.share) && q >= leastOf(where.grain, step)
}

// leastOf is the least runtime that a reservation may have: no less than the grain,
// nor than what the kernel takes.
func leastOf(grain, step int64) int64 {
	return roundUp(max(grain, int64(vsn.MinRuntime)), step)
}

// most is the largest runtime within the share.
func most(period int64, share vsn.Share) int64 {
	return int64(float64(period)*(float64(share)/float64(vsn.One))+1e-6) / grid * grid
}

func roundUp(v, unit int64) int64 { return (v + unit - 1) / unit * unit }

func cpuCost(runtime, period int64, o *Options) float64 {
	return float64(runtime+int64(o.Switch)) / float64(period)
}
