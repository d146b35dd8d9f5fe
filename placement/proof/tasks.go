package proof

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// taskAll checks that every task of a guest runs on one vCPU that there is, in the
// order of the problem, and sorts each vCPU's by deadline.
func (p *part) taskAll(*site) error {
	given := p.given.tasks
	for j := range p.vms {
		taken, err := p.vms[j].take(given)
		if err != nil {
			return err
		}
		given = given[taken:]
	}
	if len(given) > 0 {
		return broken("tasks of network "+p.Name, "%d are given a vcpu and %d are there", len(p.given.tasks), len(p.given.tasks)-len(given))
	}
	return nil
}

// take takes the seats of one VM's tasks from the front of those given.
func (vm *seated) take(given []placement.TaskSeat) (taken int, err error) {
	if len(vm.Tasks) == 0 {
		return 0, nil
	}
	on := make([][]vsn.Task, vm.VCPUs)
	for i, t := range vm.Tasks {
		if i >= len(given) || given[i].VM != vm.name.of || given[i].Task != t.Name {
			return 0, broken(fmt.Sprintf("task %v/%s", vm.name, t.Name), "it has no vcpu, or not in its turn")
		}
		cpu := given[i].VCPU
		if cpu < 0 || cpu >= vm.VCPUs {
			return 0, broken(fmt.Sprintf("task %v/%s", vm.name, t.Name), "it runs on vcpu %d of %d", cpu, vm.VCPUs)
		}
		on[cpu] = append(on[cpu], t)
	}
	vm.tasks, vm.taskNames = make([][]bounds.Task, vm.VCPUs), make([][]string, vm.VCPUs)
	for cpu, tasks := range on {
		slices.SortStableFunc(tasks, func(a, b vsn.Task) int { return cmp.Compare(taskOf(a).Deadline, taskOf(b).Deadline) })
		for _, t := range tasks {
			vm.tasks[cpu] = append(vm.tasks[cpu], taskOf(t))
			vm.taskNames[cpu] = append(vm.taskNames[cpu], t.Name)
		}
	}
	return len(vm.Tasks), nil
}

func taskOf(t vsn.Task) bounds.Task {
	d := t.Deadline
	if d == 0 {
		d = t.Period
	}
	return bounds.Task{Cost: int64(t.WCET), Period: int64(t.Period), Deadline: int64(d)}
}

// taskClaims say that the tasks of every guest meet their deadlines on the vCPUs
// that they run on.
func (m *model) taskClaims(p *part) []placement.Claim {
	var out []placement.Claim
	for j := range p.vms {
		for cpu, tasks := range p.vms[j].tasks {
			if len(tasks) > 0 {
				out = append(out, m.vcpuTasks(&p.vms[j], cpu, tasks)...)
			}
		}
	}
	return out
}

func (m *model) vcpuTasks(vm *seated, cpu int, tasks []bounds.Task) []placement.Claim {
	subject := fmt.Sprintf("tasks of %v/vcpu%d", vm.name, cpu)
	s, reserved := m.supply(vm, cpu)
	terms := supplyTerms(s)
	names := vm.taskNames[cpu]
	for i, t := range tasks {
		terms = append(terms, placement.Term{Name: names[i] + " wcet", Value: placement.Int(t.Cost)},
			placement.Term{Name: names[i] + " period", Value: placement.Int(t.Period)}, placement.Term{Name: names[i] + " deadline", Value: placement.Int(t.Deadline)})
	}
	if vm.GuestScheduler == vsn.GuestFixed {
		var out []placement.Claim
		response := make([]int64, len(tasks))
		for i := range response {
			response[i] = bounds.Inf
		}
		if reserved {
			response = bounds.ResponseTimes(tasks, s)
		}
		for i, t := range tasks {
			out = append(out, placement.Claim{Subject: subject + " " + names[i], Rule: RuleGuestFixed, Unit: "ns", Terms: terms, Bound: number(response[i]), Limit: placement.Int(t.Deadline)})
		}
		return out
	}
	for i, t := range tasks {
		terms = append(terms, placement.Term{Name: "demand up to the deadline of " + names[i], Value: number(bounds.Demand(tasks, t.Deadline))},
			placement.Term{Name: "supply up to the deadline of " + names[i], Value: number(s.SBF(t.Deadline))})
	}
	claim := placement.Claim{Subject: subject, Rule: RuleGuestEDF, Unit: "intervals short of supply", Terms: terms, Bound: placement.Int(0), Limit: placement.Int(0)}
	if at, ok := bounds.EDF(tasks, s); !reserved || !ok {
		claim.Bound = placement.Int(1)
		claim.Terms = append(claim.Terms, placement.Term{Name: "interval", Value: number(at)}, placement.Term{Name: "demand in it", Value: number(bounds.Demand(tasks, at))},
			placement.Term{Name: "supply in it", Value: number(s.SBF(at))})
	}
	return []placement.Claim{claim}
}

// supply is the reservation of one vCPU; false where it has none.
func (m *model) supply(vm *seated, cpu int) (bounds.Supply, bool) {
	if cpu >= len(vm.reservations) {
		return bounds.Supply{}, false
	}
	r := &vm.reservations[cpu]
	return bounds.Supply{Runtime: r.RuntimeNs, Period: r.PeriodNs, Grain: int64(vm.host.Grain), Others: m.others(vm.hostAt, r.CPU)}, true
}

func supplyTerms(s bounds.Supply) []placement.Term {
	return []placement.Term{{Name: "runtime", Value: placement.Int(s.Runtime)}, {Name: "period", Value: placement.Int(s.Period)},
		{Name: "grain", Value: placement.Int(s.Grain)}, {Name: "others on the cpu", Value: placement.Int(s.Others)}, {Name: "blackout, " + s.Curve() + " curve", Value: number(s.Blackout())}}
}
