package proof

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

type lineKey struct{ cable, tail string }

// wire is a network on which frames are played one by one. It knows no formulas: a
// token bucket at each port, nodes that take their time, lines that send one whole frame
// after the other.
type wire struct {
	random *rand.Rand
	m      *wired
	lines  map[lineKey]*wireLine
	events events
	count  int
	victim int
	worst  []int64
	most   map[string]int64 // bytes that waited at once, by the queue
	ids    []wirePath
}

type wirePath struct {
	nodes, cables []string
	rate, burst   int64
	tokens        int64 // in 1/8e9 bytes, at
	at            int64
	arrived       []int64 // at each node, the last frame: a link's frames stay in order
}

type wireLine struct {
	cable   *hosts.Cable
	blind   bool
	free    int64
	waiting []*wireFrame
	sending *wireFrame
}

type wireFrame struct {
	path, hop, bytes int
	from             string // the node in whose queue it is
	left             int64  // the port
}

type event struct {
	at   int64
	seq  int
	what func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(a, b int) bool {
	if e[a].at != e[b].at {
		return e[a].at < e[b].at
	}
	return e[a].seq < e[b].seq
}
func (e events) Swap(a, b int) { e[a], e[b] = e[b], e[a] }
func (e *events) Push(v any)   { *e = append(*e, v.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *wire) after(at int64, what func()) {
	w.count++ // what is at the same time keeps its order, as a link's frames must
	heap.Push(&w.events, event{at, w.count, what})
}

// node takes none or all of its time, or something between.
func (w *wire) node(most vsn.Duration) int64 {
	switch w.random.Intn(3) {
	case 0:
		return 0
	case 1:
		return int64(most)
	}
	return w.random.Int63n(int64(most) + 1)
}

func (w *wire) within(node string) vsn.Duration {
	if h := w.m.hosts[node]; h != nil {
		return h.Delay
	}
	return w.m.switches[node].Delay
}

// enter lets a frame into the node where its hop begins, or where its path ends.
func (w *wire) enter(now int64, f *wireFrame) {
	p := &w.ids[f.path]
	ready := max(now+w.node(w.within(p.nodes[f.hop])), p.arrived[f.hop])
	p.arrived[f.hop] = ready
	w.after(ready, func() {
		if f.hop == len(p.cables) {
			w.worst[f.path] = max(w.worst[f.path], ready-f.left)
			return
		}
		l := w.lines[lineKey{p.cables[f.hop], w.tail(p, f.hop)}]
		f.from = p.nodes[f.hop]
		l.waiting = append(l.waiting, f)
		w.weigh(l, f)
		w.serve(ready, l)
	})
}

// weigh counts what waits in the queue that a frame came to, with what is being sent.
func (w *wire) weigh(l *wireLine, f *wireFrame) {
	queue := func(f *wireFrame) string {
		if w.m.hosts[f.from] == nil {
			return fmt.Sprintf("switch %s at cable %s", f.from, l.cable.Name)
		}
		return fmt.Sprintf("path %d at cable %s from %s", f.path, l.cable.Name, f.from)
	}
	bytes := 0
	for _, other := range append([]*wireFrame{l.sending}, l.waiting...) {
		if other != nil && queue(other) == queue(f) {
			bytes += other.bytes
		}
	}
	w.most[queue(f)] = max(w.most[queue(f)], int64(bytes))
}

func (w *wire) tail(p *wirePath, hop int) string {
	if w.m.cables[p.cables[hop]].Half() {
		return ""
	}
	return p.nodes[hop]
}

// serve sends a frame if the line is idle; a line that was idle may just have begun a
// frame of somebody else.
func (w *wire) serve(now int64, l *wireLine) {
	if now < l.free || len(l.waiting) == 0 {
		return
	}
	if len(l.waiting) == 1 && now > l.free && w.random.Intn(2) == 0 {
		l.free = now + w.send(l, 1538)
		w.after(l.free, func() { w.serve(l.free, l) })
		return
	}
	at := 0
	if l.blind {
		at = w.pick(l)
	}
	f := l.waiting[at]
	l.waiting = slices.Delete(l.waiting, at, at+1)
	l.free = now + w.send(l, f.bytes)
	done := l.free
	l.sending = f
	f.hop++
	w.after(done+int64(l.cable.Delay), func() { w.enter(done+int64(l.cable.Delay), f) })
	w.after(done, func() {
		l.sending = nil
		w.serve(done, l)
	})
}

// pick takes the first frame of any path, the victim's only if there is no other.
func (w *wire) pick(l *wireLine) int {
	first := map[int]int{}
	for i := len(l.waiting) - 1; i >= 0; i-- {
		first[l.waiting[i].path] = i
	}
	var paths []int
	for p := range first {
		if p != w.victim || len(first) == 1 {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return first[paths[w.random.Intn(len(paths))]]
}

func (w *wire) send(l *wireLine, bytes int) int64 {
	return int64(bytes) * 8e9 / int64(l.cable.Rate)
}

// emit lets a path send greedily from a time until another: frame after frame while it
// has any tokens.
func (w *wire) emit(path int, from, until int64) {
	p := &w.ids[path]
	for now := from; now < until; {
		p.tokens = min(p.burst*8e9, p.tokens+p.rate*(now-p.at))
		p.at = now
		if p.tokens <= 0 {
			now += -p.tokens/p.rate + 1
			continue
		}
		bytes := 1538
		if w.random.Intn(4) == 0 {
			bytes = 84 + w.random.Intn(1454)
		}
		p.tokens -= int64(bytes) * 8e9
		at, f := now, &wireFrame{path: path, bytes: bytes, left: now}
		w.after(at, func() { w.enter(at, f) })
	}
}

// play lets all paths be silent and greedy in turns, about the same time.
func (w *wire) play(turns int) {
	const turn = 40_000_000
	for i := range w.ids {
		w.ids[i].tokens = w.ids[i].burst * 8e9
		w.ids[i].arrived = make([]int64, len(w.ids[i].nodes))
		for k := range turns {
			if begin := int64(k)*turn + w.random.Int63n(1+int64(w.random.Intn(2))*2_000_000); w.random.Intn(8) > 0 {
				w.emit(i, begin, begin+w.random.Int63n(20_000_000))
			}
		}
	}
	for len(w.events) > 0 {
		e := heap.Pop(&w.events).(event)
		e.what()
	}
}

// drawWire makes hosts on switches that stand in a ring or a row, and links on random
// simple routes.
func drawWire(t *rapid.T) *wired {
	m := newWired()
	duration := func(most int64, what string) vsn.Duration {
		return vsn.Duration(rapid.Int64Range(0, most).Draw(t, what))
	}
	cable := func(a, b string) {
		c := &hosts.Cable{Name: fmt.Sprintf("c%d", len(m.cables)), Between: []string{a, b}, Delay: duration(5000, "propagation"),
			Rate: rapid.SampledFrom([]vsn.Rate{50e6, 100e6, 100e6, 200e6}).Draw(t, "rate")}
		if rapid.IntRange(0, 9).Draw(t, "half") == 0 {
			c.Duplex = hosts.HalfDuplex
		}
		m.cables[c.Name] = c
	}
	switches := rapid.IntRange(1, 4).Draw(t, "switches")
	for i := range switches {
		s := &hosts.Switch{Name: fmt.Sprintf("s%d", i), Delay: duration(20_000, "switch")}
		m.switches[s.Name] = s
		if i > 0 {
			cable(fmt.Sprintf("s%d", i-1), s.Name)
		}
	}
	if switches > 2 && rapid.Bool().Draw(t, "ring") {
		cable(fmt.Sprintf("s%d", switches-1), "s0")
	}
	count := rapid.IntRange(2, 5).Draw(t, "hosts")
	for i := range count {
		h := &hosts.Host{Name: fmt.Sprintf("h%d", i), Delay: duration(100_000, "host")}
		m.hosts[h.Name] = h
		cable(h.Name, fmt.Sprintf("s%d", rapid.IntRange(0, switches-1).Draw(t, "on")))
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "links") {
		a := rapid.IntRange(0, count-1).Draw(t, "a")
		b := (a + rapid.IntRange(1, count-1).Draw(t, "b")) % count
		all := m.simple([]string{fmt.Sprintf("h%d", a)}, nil, fmt.Sprintf("h%d", b))
		r := all[rapid.IntRange(0, len(all)-1).Draw(t, "route")]
		l := vsn.Link{Name: fmt.Sprintf("l%d", i), Between: []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)}}
		m.routes[l.Name] = &r
		m.rates[l.Name] = granting{rapid.Int64Range(1, 15).Draw(t, "Mbit/s") * 1e6, rapid.Int64Range(1500, 20000).Draw(t, "burst")}
		m.network.Links = append(m.network.Links, l)
	}
	return m
}

// simple lists all simple routes to a host through switches.
func (m *wired) simple(nodes, cables []string, to string) (out []placement.Route) {
	at := nodes[len(nodes)-1]
	if at == to {
		return []placement.Route{{Path: slices.Clone(nodes), Cables: slices.Clone(cables)}}
	}
	for _, c := range slices.Sorted(maps.Keys(m.cables)) {
		c := m.cables[c]
		for i, end := range c.Between {
			next := c.Between[1-i]
			if end == at && !slices.Contains(nodes, next) && (next == to || m.switches[next] != nil) {
				out = append(out, m.simple(append(nodes, next), append(cables, c.Name), to)...)
			}
		}
	}
	return out
}

func newWire(m *wired, ps *paths, seed int64) *wire {
	w := &wire{random: rand.New(rand.NewSource(seed)), m: m, lines: map[lineKey]*wireLine{}, worst: make([]int64, len(ps.all())), most: map[string]int64{}}
	for _, p := range ps.all() {
		nodes, cables := m.along(p)
		g := m.rates[p.link.of]
		w.ids = append(w.ids, wirePath{nodes: nodes, cables: cables, rate: g.rate, burst: g.burst})
		for i, c := range cables {
			half := m.cables[c].Half()
			key := lineKey{c, w.tail(&w.ids[len(w.ids)-1], i)}
			if w.lines[key] == nil {
				w.lines[key] = &wireLine{cable: m.cables[c], blind: half || m.hosts[nodes[i]] != nil, free: -1}
			}
		}
	}
	w.victim = w.random.Intn(len(ps.all()))
	return w
}

// TestLinksAreNeverExceeded: no frame is later than any of the three bounds, and no more
// waits before a cable than is claimed, rings or not.
func TestLinksAreNeverExceeded(t *testing.T) {
	seen := map[string][]float64{}
	rings, filled := 0, 0.0
	rapid.Check(t, func(t *rapid.T) {
		m := drawWire(t)
		ps := m.paths()
		w := newWire(m, ps, rapid.Int64().Draw(t, "seed"))
		w.play(6)
		if len(ps.cycles()) > 0 {
			rings++
		}
		room := map[string]int64{}
		ps.eachBuffer(func(b *buffer) { room[b.String()] = b.waits.Backlog() })
		for i, p := range ps.all() {
			for k, h := range p.hops {
				room[fmt.Sprintf("path %d at cable %s from %s", i, h.cable.Name, h.tail)] = ps.hop(p, k).Backlog()
			}
		}
		for queue, most := range w.most {
			if bound, is := room[queue]; !is || most > bound {
				t.Fatalf("%s: %d B seen, bound %d (%v)", queue, most, bound, is)
			}
			if room[queue] < bounds.Inf {
				filled = max(filled, float64(most)/float64(room[queue]))
			}
		}
		for i, p := range ps.all() {
			if p.delay == bounds.Inf {
				continue
			}
			way, _ := ps.way(p)
			for rule, bound := range map[string]int64{RuleHops: way.HopByHop(), RuleLinkTandem: way.Tandem(), RuleLinkPMOO: way.PMOO(), RuleLink: way.Least()} {
				bound = sum(bound, p.arrival)
				if w.worst[i] > bound {
					t.Fatalf("link %v %s>%s by %s: %d ns seen, bound %d", p.link, p.from, p.to, rule, w.worst[i], bound)
				}
				if i == w.victim {
					seen[rule] = append(seen[rule], float64(w.worst[i])/float64(bound))
				}
			}
		}
	})
	t.Logf("waiting: seen over bound at most %.2f", filled)
	if rings == 0 {
		t.Error("no draw had a cycle: the test does not see what it is for")
	}
	for _, rule := range []string{RuleHops, RuleLinkTandem, RuleLinkPMOO, RuleLink} {
		all := seen[rule]
		slices.SortFunc(all, cmp.Compare[float64])
		t.Logf("%s: seen over bound, victims: median %.2f, most %.2f", rule, all[len(all)/2], all[len(all)-1])
	}
}
