package dimension

import (
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// walked is the least time of a flow: in all, and of the longest way through each VM.
type walked struct {
	total   int64
	meets   map[string]int64 // the work that can be there at once, with its own
	at      map[string]int64 // at a VM
	through map[string]int64 // from the release to the end, through a VM
}

// walk adds the least times along every way through a flow. They are those of a
// message that meets nobody but, at each VM, what is released there at once: of its
// own flow at the first, and of others that begin at that VM. Such a meeting can
// happen, so that no bound of the flow, by whatever analysis, is less.
func (r *refuter) walk(f *vsn.Flow) walked {
	w := walked{meets: map[string]int64{}, at: map[string]int64{}, through: map[string]int64{}}
	before, after := map[string]int64{}, map[string]int64{}
	for k, stage := range f.Path {
		for _, vm := range stage {
			w.meets[vm] = r.meets(f, k, vm)
			w.at[vm] = r.ease[vm].time(r.n.VM(vm).Reservation, w.meets[vm])
			for _, from := range previous(f.Path, k) {
				before[vm] = max(before[vm], sum(sum(before[from], w.at[from]), r.crossing(f, from, vm)))
			}
		}
	}
	for k := len(f.Path) - 1; k >= 0; k-- {
		for _, vm := range f.Path[k] {
			w.through[vm] = sum(before[vm], sum(w.at[vm], after[vm]))
			w.total = max(w.total, w.through[vm])
			for _, from := range previous(f.Path, k) {
				after[from] = max(after[from], sum(r.crossing(f, from, vm), sum(w.at[vm], after[vm])))
			}
		}
	}
	return w
}

func previous(path []vsn.Stage, k int) vsn.Stage {
	if k == 0 {
		return nil
	}
	return path[k-1]
}

// meets is the work that can be there at once when a message of f comes to a VM.
func (r *refuter) meets(f *vsn.Flow, stage int, vm string) int64 {
	work := int64(0)
	for _, g := range r.comes[vm] {
		released := bounds.Arrival{Period: int64(g.Every), Jitter: int64(g.Jitter), Burst: g.Burst, Cost: r.workAt(g, vm)}.Work(0)
		switch {
		case g == f && stage == 0, g != f && len(g.Path[0]) == 1 && g.Path[0][0] == vm:
			work = sum(work, released)
		case g == f:
			work = sum(work, r.workAt(f, vm))
		}
	}
	return work
}

// crossing is the least time of a message alone from the end of its work at one VM
// until it has come to the next.
func (r *refuter) crossing(f *vsn.Flow, from, to string) int64 {
	frames, bytes := framed(f.Message, r.parted(from, to))
	took := sum(r.ease[from].devices(frames), sum(r.ease[to].delay, r.ease[to].devices(frames)))
	if l := r.link(vsn.Step{From: from, To: to}); l != nil && l.Rate > 0 {
		rate := hosts.RoundRate(int64(l.Rate))
		took = sum(took, bounds.ShaperDelay(bytes, rate, hosts.RoundBurst(rate, int64(l.Burst))))
	}
	return took
}
