package solve

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	// mostRearranged is the VMs up to which all that runs may move at once, so that the
	// least that has to is found; where there are more, those of one host at a time may.
	mostRearranged = 48
	// mostFreed is how many hosts have their turn then.
	mostFreed = 24
)

// Rearrange plans a problem of which what runs may move (Options.Standing says what
// runs, and where): first of all as little as can be. What does not move keeps its CPUs
// and classes. Optimality says whether fewer moves are known not to do; where only the
// VMs of one host at a time were free, it says nothing.
func Rearrange(ctx context.Context, p placement.Problem, o Options) (*placement.Plan, Optimality, error) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	p.Before = o.Standing.before
	p.Inventory.Objective = append([]hosts.Objective{hosts.LeastMoved}, slices.DeleteFunc(slices.Clone(objective.Of(&p)), func(by hosts.Objective) bool { return by == hosts.LeastMoved })...)
	if err := valid(&p, o); err != nil {
		return nil, Optimality{}, err
	}
	plan, near, err := rearranged(ctx, p, o)
	lost := o.Standing.less(o.Standing.broken(p.Networks))
	if refused(err) && len(lost.Networks) < len(o.Standing.Networks) && ctx.Err() == nil {
		o.Standing = lost
		if plan, err := answer(ctx, &p, o, true); err == nil {
			return plan, Optimality{}, nil
		}
	}
	return plan, near, err
}

func rearranged(ctx context.Context, p placement.Problem, o Options) (*placement.Plan, Optimality, error) {
	vms := 0
	for i := range p.Networks {
		vms += len(p.Networks[i].VMs)
	}
	if vms > mostRearranged {
		plan, err := freed(ctx, p, o)
		return plan, Optimality{}, err
	}
	o.Standing = o.Standing.freed(func(placement.Seat) bool { return true })
	return exactly(ctx, &p, o)
}

// broken are networks that run and have lost something.
func (s *Standing) broken(networks []vsn.Network) (out []string) {
	_, moves := s.divide(networks)
	for _, n := range moves {
		if s.has(n.Name) {
			out = append(out, n.Name)
		}
	}
	return out
}

// freed lets the VMs of one host after the other move, and returns the plan that moves
// the fewest.
func freed(ctx context.Context, p placement.Problem, o Options) (best *placement.Plan, err error) {
	err = &placement.GaveUp{Why: "with the vms of any one host free to move as well nothing was found"}
	least := int64(0)
	for _, host := range o.Standing.byFewest(&p.Inventory) {
		some := o
		some.Standing = o.Standing.freed(func(s placement.Seat) bool { return s.Host == host })
		some.Nodes = max(1000, o.Nodes/mostFreed)
		plan, no := answer(ctx, &p, some, true)
		if no != nil {
			continue
		}
		if moved := objective.Costs(&plan.Problem, &plan.Embedding, &plan.Realization)[0].Value; best == nil || moved < least {
			best, least = plan, moved
		}
		if ctx.Err() != nil {
			break
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, err
}

// byFewest are hosts with VMs that stay, those with the fewest first.
func (s *Standing) byFewest(inv *hosts.Inventory) (out []string) {
	count := map[string]int{}
	for _, seat := range s.Embedding.Seats {
		count[seat.Host]++
	}
	for i := range inv.Hosts {
		if count[inv.Hosts[i].Name] > 0 {
			out = append(out, inv.Hosts[i].Name)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(count[a], count[b]) })
	return out[:min(len(out), mostFreed)]
}

// freed is what stays when some seats need not, nor the routes that end there. What
// rules keep together is on one host, and free as a whole.
func (s *Standing) freed(free func(placement.Seat) bool) *Standing {
	out := *s
	out.Embedding = placement.Embedding{}
	hosts := map[string]bool{}
	for _, seat := range s.Embedding.Seats {
		if free(seat) {
			hosts[seat.Host] = true
			continue
		}
		out.Embedding.Seats = append(out.Embedding.Seats, seat)
	}
	for _, r := range s.Embedding.Routes {
		if !hosts[r.Path[0]] && !hosts[r.Path[len(r.Path)-1]] {
			out.Embedding.Routes = append(out.Embedding.Routes, r)
		}
	}
	return &out
}

// less is what stays if some networks do not: they are planned as if they were new.
func (s *Standing) less(networks []string) *Standing {
	if s == nil {
		return nil
	}
	gone, stays := map[string]bool{}, map[string]bool{}
	for _, name := range networks {
		gone[name] = true
	}
	out := &Standing{before: s.before, runs: stays}
	for _, name := range s.Networks {
		if stays[name] = !gone[name]; !gone[name] {
			out.Networks = append(out.Networks, name)
		}
	}
	out.Embedding.Seats = slices.DeleteFunc(slices.Clone(s.Embedding.Seats), func(at placement.Seat) bool { return gone[at.Network] })
	out.Embedding.Routes = slices.DeleteFunc(slices.Clone(s.Embedding.Routes), func(r placement.Route) bool { return gone[r.Network] })
	out.Realization = realized(&s.Realization, stays)
	out.choice = fewer(s.choice, gone)
	out.loss()
	return out
}

// fewer is what was chosen for all networks but some.
func fewer(c dimension.Choice, gone map[string]bool) dimension.Choice {
	out := dimension.Choice{Reserved: maps.Clone(c.Reserved), Links: maps.Clone(c.Links)}
	maps.DeleteFunc(out.Reserved, func(key dimension.Key, _ []vsn.Reservation) bool { return gone[key[0]] })
	maps.DeleteFunc(out.Links, func(key dimension.Key, _ dimension.Rate) bool { return gone[key[0]] })
	out.Tasks = slices.DeleteFunc(slices.Clone(c.Tasks), func(t placement.TaskSeat) bool { return gone[t.Network] })
	return out
}

// Unplaced are networks of a refused problem without which there is a plan: of those that
// are not all in place already, as many as can be placed beside one another are left,
// the first first. Without any of them there is no plan either, as far as o.Nodes tell.
func Unplaced(ctx context.Context, p placement.Problem, o Options) (drop []string) {
	if o.Nodes == 0 {
		o.Nodes = DefaultNodes
	}
	_, moves := o.Standing.divide(p.Networks)
	if len(moves) > mostUnplaced {
		return nil
	}
	for _, n := range moves {
		drop = append(drop, n.Name)
	}
	out := drop
	for _, name := range drop {
		less := slices.DeleteFunc(slices.Clone(out), func(n string) bool { return n == name })
		some, so := p.Dropped(less), o
		so.Standing, so.Nodes = o.Standing.less(less), max(1000, o.Nodes/int64(len(moves)))
		switch _, err := answer(ctx, some, so, true); {
		case err == nil:
			out = less
		case !refused(err):
			return nil
		}
	}
	return out
}

// mostUnplaced bounds the networks that are tried one by one.
const mostUnplaced = 24
