package realize

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/utilization"
)

// The rules, by the names that the proof has for them: headings of docs/theory.md.
const (
	ruleEDF = "partitioned-edf"
	ruleGFB = "gfb"
)

// global is the test of Goossens, Funk and Baruah for global EDF on one root
// domain, exactly: sum U + (m-1)*Umax within the sum of the shares.
func (ph *Phase) global(h *hosts.Host, threads []thread) bool {
	var sum, largest, have utilization.U
	for _, t := range threads {
		sum, largest = sum.Plus(t.u), largest.Max(t.u)
	}
	for _, c := range h.CPUs {
		have = have.Plus(ph.scale.Share(h.ShareOf(c)))
	}
	if fits, sure := utilization.Within(sum.Plus(largest.Times(int64(len(h.CPUs)-1))), have); sure {
		return fits
	}
	need, share := globalTerms(h, threads)
	return need.Cmp(share) <= 0
}

// globalTerms are both sides of that test.
func globalTerms(h *hosts.Host, threads []thread) (need, have *big.Rat) {
	need, have = new(big.Rat), new(big.Rat)
	largest := new(big.Rat)
	for _, t := range threads {
		u := big.NewRat(t.runtime, t.period)
		need.Add(need, u)
		if u.Cmp(largest) > 0 {
			largest = u
		}
	}
	need.Add(need, new(big.Rat).Mul(largest, new(big.Rat).SetInt64(int64(len(h.CPUs)-1))))
	for _, c := range h.CPUs {
		have.Add(have, h.ShareOf(c).Rat())
	}
	return need, have
}

// cut finds seats that do not fit host h together, and of which none can be spared:
// it leaves out one VM after the other and keeps it out where the rest still does
// not fit (a deletion filter). What does not fit h fits no host with the same CPUs.
func (ph *Phase) cut(h *hosts.Host, seats []placement.Seat) error {
	core := slices.Clone(seats)
	for i := 0; i < len(core); {
		rest := slices.Delete(slices.Clone(core), i, i+1)
		threads, err := ph.threads(h, rest)
		if err != nil {
			return err
		}
		if fits, known := ph.fit(threads, h); known && !fits {
			core = rest
			continue
		}
		i++
	}
	threads, err := ph.threads(h, core)
	if err != nil {
		return err
	}
	return &placement.Cut{Seats: core, Conflict: ph.conflict(h, core, threads)}
}

func (ph *Phase) conflict(h *hosts.Host, core []placement.Seat, threads []thread) placement.Conflict {
	c := placement.Conflict{Rule: ruleEDF, Subjects: []string{"host " + h.Name + " cpu"}, Unit: "cpu"}
	for _, seat := range core {
		c.Subjects = append(c.Subjects, "vm "+seat.Network+"/"+seat.VM)
	}
	if odd, ok := ph.oddConflict(c.Subjects, threads, h); ok && (!h.Partition || len(h.CPUs) == 1) {
		return odd
	}
	if !h.Partition {
		need, have := globalTerms(h, threads)
		c.Rule, c.Need, c.Have = ruleGFB, placement.FromBig(need), placement.FromBig(have)
		c.Says = fmt.Sprintf("sum U + (m-1)*Umax of %d reservations on host %q is %s and its cpus offer %s", len(threads), h.Name, need.RatString(), have.RatString())
		return c
	}
	largest, share := sides(h, threads)
	if largest.Cmp(share) > 0 {
		c.Need, c.Have = placement.FromBig(largest), placement.FromBig(share)
		c.Says = fmt.Sprintf("one reservation takes %s of a cpu and no cpu of host %q offers more than %s", largest.RatString(), h.Name, share.RatString())
		return c
	}
	need := ph.cpusNeeded(h, threads)
	c.Unit, c.Need, c.Have = "cpus", placement.Int(int64(need)), placement.Int(int64(len(h.CPUs)))
	c.Says = fmt.Sprintf("%d reservations cannot be divided among the %d cpus of host %q so that each cpu keeps its share (%s at most): with %d such cpus they could", len(threads), len(h.CPUs), h.Name, share.RatString(), need)
	return c
}

// sides are the largest reservation and the largest share of a CPU.
func sides(h *hosts.Host, threads []thread) (largest, share *big.Rat) {
	largest, share = new(big.Rat), new(big.Rat)
	for _, t := range threads {
		if u := big.NewRat(t.runtime, t.period); u.Cmp(largest) > 0 {
			largest = u
		}
	}
	for _, c := range h.CPUs {
		if s := h.ShareOf(c).Rat(); s.Cmp(share) > 0 {
			share = s
		}
	}
	return largest, share
}

// cpusNeeded is how many CPUs the threads take, if more were as the largest of h.
func (ph *Phase) cpusNeeded(h *hosts.Host, threads []thread) int {
	largest := slices.MaxFunc(h.CPUs, func(a, b hosts.CPU) int { return int(h.ShareOf(a) - h.ShareOf(b)) })
	more := *h
	more.CPUs = slices.Clone(h.CPUs)
	for {
		more.CPUs = append(more.CPUs, largest)
		if fits, known := ph.fit(threads, &more); fits || !known || len(more.CPUs) > len(h.CPUs)+len(threads) {
			return len(more.CPUs)
		}
	}
}
