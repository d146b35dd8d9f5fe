package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
)

// patience is how long a search that was ended may take to say what it has found; then
// the best plan that it has told of is taken.
const patience = 2 * time.Second

// answered is what came of a search.
type answered struct {
	plan *placement.Plan
	said string // how near it is to the best there is, where that was asked
	err  error
}

// watch is told of a search while it runs, and keeps the best plan so far.
type watch struct {
	began, limit time.Time // limit: the zero time if there is none

	mu    sync.Mutex
	now   solve.Progress
	since time.Time // it is at what it is at
	from  int64     // nodes at that time
	best  solve.Draft
	no    error // a refusal; what would do is still looked for
}

// search runs a search and shows how far it is. If ctx ends, by a time limit or a signal,
// and what is found is not told soon, the best plan so far is the answer.
func (t *terminal) search(c *cli.Context, run func(solve.Options) answered) (*placement.Plan, error) {
	follow, err := t.tracer(c)
	if err != nil {
		return nil, err
	}
	w := &watch{began: time.Now()}
	w.since = w.began
	w.limit, _ = c.Context.Deadline()
	done := make(chan answered, 1)
	go func() {
		done <- run(solve.Options{Seed: c.Int64("seed"), Nodes: c.Int64("nodes"), Progress: w.progress, Found: w.found, Refused: w.refused, Trace: follow.sink()})
	}()
	end := t.live(c.String("progress"), func() string { return w.line(time.Now()) })
	a := t.await(c.Context, w, done)
	end()
	a.err = errors.Join(a.err, t.closeTrace(follow, c.String("format")))
	if a.said != "" {
		fmt.Fprintln(t.err, "vsnctl:", a.said)
	}
	return a.plan, a.err
}

// await waits for the search, and not much longer than ctx lasts.
func (t *terminal) await(ctx context.Context, w *watch, done <-chan answered) answered {
	select {
	case a := <-done:
		return a
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		t.words("vsnctl: interrupted: the best so far is taken; once more ends at once, with nothing written")
	}
	select {
	case a := <-done:
		return a
	case <-time.After(patience):
	}
	w.mu.Lock()
	best, no, now := w.best, w.no, w.now
	w.mu.Unlock()
	if no != nil {
		return answered{err: no, said: "what would do instead was not looked for to the end"}
	}
	if best == nil {
		return answered{err: &placement.GaveUp{Nodes: now.Nodes, Why: "it was ended while it was " + string(now.Doing)}}
	}
	plan, err := best()
	if err != nil {
		return answered{err: err}
	}
	plan.Interrupted = true
	return answered{plan: plan, said: "the best plan so far: the search was ended while it was " + string(now.Doing), err: plan.Seal()}
}

func (w *watch) progress(p solve.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Doing != w.now.Doing || p.Nodes < w.now.Nodes {
		w.since, w.from = time.Now(), p.Nodes
	}
	w.now = p
}

func (w *watch) found(p solve.Draft) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.best = p
}

func (w *watch) refused(no error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.no = no
}

// line says how far the search is.
func (w *watch) line(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.now
	// What matters most comes first: a narrow terminal cuts the rest off.
	return joined(w.doing(), networksText(p), brief(now.Sub(w.began)), w.leftText(now), w.costText(), nodesText(p))
}

func (w *watch) doing() string {
	if w.now.Doing == "" {
		return "reading the problem"
	}
	return string(w.now.Doing)
}

func networksText(p *solve.Progress) string {
	if p.Networks < 2 {
		return ""
	}
	return fmt.Sprintf("%d of %d networks", p.Placed, p.Networks)
}

// mostShown is the nodes above which there is no limit to speak of.
const mostShown = 1 << 50

func nodesText(p *solve.Progress) string {
	switch {
	case p.Nodes == 0:
		return ""
	case p.Most > mostShown:
		return fmt.Sprintf("%d nodes", p.Nodes)
	}
	return fmt.Sprintf("%d of %d nodes", p.Nodes, p.Most)
}

// costText is what the best plan so far costs by the criterion that is looked at, and how
// far off the least may be.
func (w *watch) costText() string {
	p := &w.now
	switch {
	case w.best == nil:
		return "no plan yet"
	case len(p.Costs) == 0:
		return "a plan is found"
	}
	at := 0
	for at < len(p.Costs)-1 && p.Bounds[at] == p.Costs[at] {
		at++
	}
	cost, bound := p.Costs[at], p.Bounds[at]
	text := fmt.Sprintf("%s %s", p.By[at], costText(p.By[at], cost))
	if p.Doing == solve.Bounding && cost > 0 {
		text += fmt.Sprintf(", none has less than %s (gap %.2f%%)", costText(p.By[at], bound), 100*float64(cost-bound)/float64(cost))
	}
	return text
}

// leftText is the time that is left at most: until the limit, and as the nodes that are
// left take at the speed of those of now.
func (w *watch) leftText(now time.Time) string {
	left := time.Duration(-1)
	if p := &w.now; p.Most <= mostShown && p.Nodes > w.from && p.Nodes <= p.Most {
		left = time.Duration(float64(now.Sub(w.since)) * float64(p.Most-p.Nodes) / float64(p.Nodes-w.from))
	}
	if !w.limit.IsZero() {
		if until := max(0, w.limit.Sub(now)); left < 0 || until < left {
			left = until
		}
	}
	if left < 0 {
		return ""
	}
	return "at most " + brief(left) + " left"
}
