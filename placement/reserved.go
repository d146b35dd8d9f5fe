package placement

import "github.com/vsnctl/vsnctl/vsn"

// Reserved is what each vCPU of a VM has, by network and VM, where that was chosen and
// not asked.
type Reserved map[[2]string][]vsn.Reservation

// Of is the reservation of each vCPU of a VM; none for best effort.
func (r Reserved) Of(network string, vm *vsn.VM) []vsn.Reservation {
	if chosen, ok := r[[2]string{network, vm.Name}]; ok {
		return chosen
	}
	if vm.Reservation == nil {
		return nil
	}
	same := make([]vsn.Reservation, max(0, vm.VCPUs))
	for i := range same {
		same[i] = *vm.Reservation
	}
	return same
}

// Chosen is what the planner chose in the place of what a request leaves open.
type Chosen struct {
	Reserved Reserved
	Tasks    []TaskSeat // in the order of the problem
}
