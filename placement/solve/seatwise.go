package solve

import (
	"context"
	"errors"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// mostSeatings is how many ways to seat all VMs are tried one by one.
const mostSeatings = 64

// seatwise chooses reservations and rates for each way to seat the VMs of a small problem.
// Where hosts differ in what they offer of a CPU, what is least for a VM on any of them
// may fit on none beside the others, and more than that on one of them may. It is tried
// where nothing else was found; whether anything is, is all that it tells.
func (d *open) seatwise(ctx context.Context) *placement.Plan {
	var seats []placement.Seat
	ways := 1
	for i := range d.problem.Networks {
		n := &d.problem.Networks[i]
		for j := range n.VMs {
			seats = append(seats, placement.Seat{Network: n.Name, VM: n.VMs[j].Name})
			if ways *= len(d.problem.Inventory.Hosts); ways > mostSeatings {
				return nil
			}
		}
	}
	if d.o.Standing != nil || len(d.problem.Inventory.Hosts) < 2 {
		return nil
	}
	for way := range ways {
		if ctx.Err() != nil {
			return nil
		}
		left, pinned := way, true
		for k := range seats {
			seats[k].Host = d.problem.Inventory.Hosts[left%len(d.problem.Inventory.Hosts)].Name
			left /= len(d.problem.Inventory.Hosts)
			pin := d.problem.Pin(seats[k].Network, seats[k].VM)
			pinned = pinned && (pin == "" || pin == seats[k].Host)
		}
		if !pinned {
			continue
		}
		if plan := d.seated(ctx, seats); plan != nil {
			return plan
		}
	}
	return nil
}

// seated is a plan with all VMs where they are said to be, or nil.
func (d *open) seated(ctx context.Context, seats []placement.Seat) *placement.Plan {
	problem := *d.problem
	problem.Pins = seats
	one := *d
	one.problem, one.news, one.plan, one.o = &problem, &problem, nil, d.o.aside(Choosing)
	one.assume = dimension.Options{Seed: d.o.Seed, Coarse: d.coarse, Seats: seatsOf(&placement.Embedding{Seats: seats}), Ways: map[dimension.Key]int64{}, Others: map[dimension.Key]int64{}, Margins: map[dimension.Key]int64{}}
	d.o.tally(choosing)
	choice, err := one.dimension(one.assume)
	if err != nil {
		return nil
	}
	var wants *tight
	err = one.place(ctx, choice)
	if err != nil && (!errors.As(err, &wants) || !one.inPlace(wants)) {
		return nil
	}
	plan := one.plan
	plan.Problem = *d.problem // without the pins
	if plan.Proof, err = proof.Prove(&plan.Problem, &plan.Embedding, &plan.Realization); err != nil || plan.Seal() != nil {
		return nil
	}
	if _, fails := failing(plan.Proof); fails {
		return nil
	}
	d.plan, d.choice, d.cost = plan, one.choice, one.cost
	d.o.publish(*plan)
	return plan
}
