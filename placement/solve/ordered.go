package solve

import (
	"fmt"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/canonical"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// inOrder puts a problem into canonical order, so that neither names nor places in a file
// decide between what is equal. What it returns puts a plan back into the order of the
// problem that was given, and proves it there. Beside what runs, and where one proof more
// would take as long as all the rest, a problem keeps the order in which it came.
func inOrder(p *placement.Problem, o *Options) (back func(*placement.Plan) error) {
	if o.Standing != nil || vmsOf(p)*len(p.Inventory.Hosts) >= hugeWork {
		return func(*placement.Plan) error { return nil }
	}
	given := *p
	order := canonical.Of(&given)
	*p = *order.Problem()
	back = func(plan *placement.Plan) (err error) {
		plan.Problem = given
		plan.Embedding, plan.Realization = order.Restore(&plan.Embedding, &plan.Realization)
		if plan.Proof, err = proof.Prove(&plan.Problem, &plan.Embedding, &plan.Realization); err != nil {
			return err
		}
		if c, fails := failing(plan.Proof); fails {
			return fmt.Errorf("%s: %s holds in another order of the same problem, and here the bound is %v %s over %v: this is a fault of this program", c.Subject, c.Rule, c.Bound, c.Unit, c.Limit)
		}
		return plan.Seal()
	}
	if found := o.Found; found != nil {
		o.Found = func(draft Draft) {
			found(func() (*placement.Plan, error) {
				plan, err := draft()
				if err == nil {
					err = back(plan)
				}
				return plan, err
			})
		}
	}
	return back
}
