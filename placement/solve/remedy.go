package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/dimension"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	// trials is how many times one remedy may be planned to find the least that does.
	trials = 30
	// finest is how near the deadline that is named is to the least that was tried and
	// does not do, ns; or a thousandth.
	finest = 10_000
)

// remedied adds to a no about deadlines the smallest change with which there is a
// plan: it is found by planning with it.
func (d *open) remedied(ctx context.Context, err error) error {
	var no *placement.Infeasible
	if d.quiet || !errors.As(err, &no) || no.Conflicts[0].Rule != proof.RuleEndToEnd {
		return err
	}
	var says []string
	if deadlines := d.longer(ctx, no); len(deadlines) > 0 {
		says = append(says, "with "+strings.Join(deadlines, ", and ")+" there is a plan")
	}
	if rate := d.faster(ctx, no); rate != "" {
		says = append(says, "with "+rate+" there is a plan, too")
	}
	if len(says) > 0 {
		no.Conflicts[0].Says += ": " + strings.Join(says, "; ")
	}
	return err
}

// plans tells whether there is a plan for a problem with some changes.
func (d *open) plans(ctx context.Context, p *placement.Problem) error {
	_, err := (&open{problem: p, o: d.o, quiet: true}).solve(ctx)
	return err
}

// longer finds deadlines with which there is a plan: first those without which not
// even the quickest choice holds, then all of them longer in proportion.
func (d *open) longer(ctx context.Context, no *placement.Infeasible) []string {
	least := map[dimension.Key]vsn.Duration{}
	for range 1 + d.flows() {
		key, ok := keyOf(no.Conflicts[0].Subjects[0], "flow ")
		if need := no.Conflicts[0].Need; !ok || need.IsInf() {
			return nil
		} else {
			least[key] = vsn.Duration(need.Big().Num().Int64())
		}
		_, err := dimension.Choose(d.changed(least, 1, 1), d.assume)
		if err == nil {
			break
		}
		if !errors.As(err, &no) || no.Conflicts[0].Rule != proof.RuleEndToEnd {
			return nil
		}
	}
	low, high, found := int64(1000), int64(1000), false // thousandths of least
	if d.plans(ctx, d.changed(least, 1000, 1000)) == nil {
		return deadlines(least, 1000, 1000)
	}
	const unit = 1 << 10
	low *= unit
	for step := int64(20); step < 1<<16; step *= 2 {
		if high = (1000 + step) * unit; d.plans(ctx, d.changed(least, high, 1000*unit)) == nil {
			found = true
			break
		}
		low = high
	}
	if !found {
		return nil
	}
	longest := int64(0)
	for _, v := range least {
		longest = max(longest, int64(v))
	}
	for range trials {
		if gap := (high - low) * (longest / (1000 * unit)); high-low < 2 || gap < finest || high-low < high/1000 {
			break
		}
		middle := low + (high-low)/2
		if d.plans(ctx, d.changed(least, middle, 1000*unit)) == nil {
			high = middle
		} else {
			low = middle
		}
	}
	return deadlines(least, high, 1000*unit)
}

func (d *open) flows() (n int) {
	for i := range d.problem.Networks {
		n += len(d.problem.Networks[i].Flows)
	}
	return n
}

// scaled is a duration times num/den, rounded up to a microsecond.
func scaled(v vsn.Duration, num, den int64) vsn.Duration {
	out := vsn.Duration(float64(v) * (float64(num) / float64(den)))
	return (max(v, out) + 999) / 1000 * 1000
}

func deadlines(least map[dimension.Key]vsn.Duration, num, den int64) []string {
	var out []string
	for key, v := range least {
		out = append(out, fmt.Sprintf("a deadline of %v for flow %s/%s", scaled(v, num, den), key[0], key[1]))
	}
	slices.Sort(out)
	return out
}

// changed is the problem with other deadlines.
func (d *open) changed(least map[dimension.Key]vsn.Duration, num, den int64) *placement.Problem {
	out := copyOf(d.problem)
	for i := range out.Networks {
		n := &out.Networks[i]
		for j := range n.Flows {
			if v, ok := least[dimension.Key{n.Name, n.Flows[j].Name}]; ok {
				n.Flows[j].Deadline = scaled(v, num, den)
			}
		}
	}
	return out
}

// copyOf shares with p what is not to be changed here.
func copyOf(p *placement.Problem) *placement.Problem {
	out := &placement.Problem{Inventory: p.Inventory, Pins: p.Pins, Before: p.Before, Networks: slices.Clone(p.Networks)}
	for i := range out.Networks {
		out.Networks[i].Flows, out.Networks[i].Links = slices.Clone(p.Networks[i].Flows), slices.Clone(p.Networks[i].Links)
	}
	return out
}

// faster finds the least rate of one link of the flow, of those with a rate, that
// makes a plan possible.
func (d *open) faster(ctx context.Context, no *placement.Infeasible) string {
	key, ok := keyOf(no.Conflicts[0].Subjects[0], "flow ")
	if !ok {
		return ""
	}
	for i := range d.problem.Networks {
		n := &d.problem.Networks[i]
		for j := range n.Links {
			l := &n.Links[j]
			if n.Name != key[0] || l.Rate == 0 || !slices.ContainsFunc(n.Flows, func(f vsn.Flow) bool { return f.Name == key[1] && uses(&f, l) }) {
				continue
			}
			with := func(rate vsn.Rate) bool {
				p := copyOf(d.problem)
				p.Networks[i].Links[j].Rate = rate
				return d.plans(ctx, p) == nil
			}
			if rate := leastRate(l.Rate, with); rate > 0 {
				return fmt.Sprintf("a rate of %v on link %s/%s", rate, n.Name, l.Name)
			}
		}
	}
	return ""
}

func uses(f *vsn.Flow, l *vsn.Link) bool {
	return slices.ContainsFunc(f.Steps(), func(s vsn.Step) bool { return joins(l, s.From, s.To) })
}

// leastRate is a rate over low, to within a thousandth the least, with which does
// holds; 0 where none up to a million times as high does.
func leastRate(low vsn.Rate, does func(vsn.Rate) bool) vsn.Rate {
	most := min(low*1_000_000, vsn.MaxRate)
	if low > vsn.MaxRate/1_000_000 {
		most = vsn.MaxRate
	}
	high := low
	for {
		if high >= most {
			return 0
		}
		if high = min(high*4, most); does(high) {
			break
		}
		low = high
	}
	for high-low > max(high/1000, 8) {
		middle := roundedRate(low + (high-low)/2)
		if does(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// roundedRate is a rate up to a multiple of what the kernel counts, and of a kbit
// where that is fine enough.
func roundedRate(r vsn.Rate) vsn.Rate {
	unit := vsn.Rate(8)
	if r > 10_000_000 {
		unit = 1000
	}
	return (r + unit - 1) / unit * unit
}
