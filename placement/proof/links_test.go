package proof

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// cabled is a model of links alone, each given by the nodes that it passes: hosts have
// names in h, switches in s; all cables are as quick, and nodes take no time.
func cabled(rate vsn.Rate, grants granting, routes ...string) *wired {
	m := newWired()
	for i, text := range routes {
		l := vsn.Link{Name: fmt.Sprintf("l%d", i), Between: []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)}}
		r := &placement.Route{Path: strings.Fields(text)}
		for k, node := range r.Path {
			if m.hosts[node] == nil && strings.HasPrefix(node, "h") {
				m.hosts[node] = &hosts.Host{Name: node}
			}
			if m.switches[node] == nil && strings.HasPrefix(node, "s") {
				m.switches[node] = &hosts.Switch{Name: node}
			}
			if k == 0 {
				continue
			}
			a, b := r.Path[k-1], node
			if a > b {
				a, b = b, a
			}
			c := a + "--" + b
			m.cables[c] = &hosts.Cable{Name: c, Between: []string{a, b}, Rate: rate}
			r.Cables = append(r.Cables, c)
		}
		m.routes[l.Name], m.rates[l.Name] = r, grants
		m.network.Links = append(m.network.Links, l)
	}
	return m
}

// TestLinkByHand: two links meet at a switch and share two cables. 100 Mbit/s is 80 ns
// a byte; both send 10 Mbit/s and 8462 + 1538 = 10000 B at once.
func TestLinkByHand(t *testing.T) {
	ps := cabled(100e6, granting{10e6, 8462}, "h0 s0 s1 h2", "h1 s0 s1 h2").paths()
	proof := ps.every()
	for rule, terms := range map[string][]int64{
		// At h0 alone: 11538 B. At s0 after 923040 ns with 1154 B more each: 22308 + 1538 B. At
		// s1 after 2150329 ns, the tandem as far as s1, with 2688 B more: 25376 + 1538 B.
		RuleHops: {923040, 1907680, 2153120, 0},
		// The other's 11154 B and a frame, its 12688 B and a frame; a frame at all but the
		// first of the two hops where 90 Mbit/s are left, and there 10000 B.
		RuleLinkTandem: {123040, 123040, 1015360, 1138080, 136712, 888889, 0},
		// Two frames at each hop; the other's 11154 B once, and 308 B at each hop that is
		// shared, at 90 Mbit/s.
		RuleLinkPMOO: {246080, 246080, 246080, 1046223, 888889, 0},
		RuleLink:     {246080, 246080, 246080, 1046223, 888889, 0},
	} {
		c := claim(t, proof, "link n/l0 a0>b0", rule)
		sum := int64(0)
		if len(c.Terms) != len(terms) {
			t.Fatalf("%s: terms %v, by hand %v", rule, c.Terms, terms)
		}
		for i, want := range terms {
			if sum += want; c.Terms[i].Value.Cmp(placement.Int(want)) != 0 {
				t.Errorf("%s: %s %v, by hand %d ns", rule, c.Terms[i].Name, c.Terms[i].Value, want)
			}
		}
		if c.Bound.Cmp(placement.Int(sum)) != 0 {
			t.Errorf("%s: bound %v, terms sum to %d", rule, c.Bound, sum)
		}
		if rule == RuleLink && c.By != RuleLinkPMOO {
			t.Errorf("the bound is by %q", c.By)
		}
	}
	if c := ps.cycles(); c != nil {
		t.Errorf("a row of switches has a cycle: %v", ps.names(c[0]))
	}
}

// TestWaitingByHand: before the first cable waits one link's burst, and what comes in
// two frames' time at 80 ns a byte; at the first switch both links wait in one queue.
func TestWaitingByHand(t *testing.T) {
	m := cabled(100e6, granting{10e6, 8462}, "h0 s0 s1 h2", "h1 s0 s1 h2")
	m.queues[queueAt{name{"n", "l0"}, "a0", "b0", "h0", "h0--s0"}] = &placement.Queue{Host: "h0", At: "h0--s0", LimitBytes: 10308}
	proof := m.paths().every()
	// 246080 ns bring 308 B of one link and 616 B of two; both have 1154 B more at once at s0.
	if c := claim(t, proof, "queue n/l0 a0>b0 at h0--s0 of host h0", RuleWaiting); c.Bound.Cmp(placement.Int(10308)) != 0 || c.Limit.Cmp(placement.Int(10308)) != 0 {
		t.Errorf("in the host: %+v", c)
	}
	if c := claim(t, proof, "switch s0 at cable s0--s1", RuleWaiting); c.Bound.Cmp(placement.Int(22924)) != 0 || !c.Limit.IsInf() {
		t.Errorf("in the switch: %+v", c)
	}
	plan := &placement.Plan{Proof: proof}
	if a := restsOn(plan, "cable s0--s1")[hosts.RestBuffer]; a.Value == 0 || a.Backed {
		t.Errorf("the switch: %+v", a)
	}
	// Both directions of a half-duplex cable delay one another: 10000 B of the other, and
	// two frames, take 1162311 ns at 90 Mbit/s, in which 1453 B come.
	half := cabled(100e6, granting{10e6, 8462}, "h0 h1")
	half.cables["h0--h1"].Duplex = hosts.HalfDuplex
	half.queues[queueAt{name{"n", "l0"}, "a0", "b0", "h0", "h0--h1"}] = &placement.Queue{Host: "h0", At: "h0--h1", LimitBytes: 1}
	c := claim(t, half.paths().every(), "queue n/l0 a0>b0 at h0--h1 of host h0", RuleWaiting)
	if c.Bound.Cmp(placement.Int(11453)) != 0 || c.Holds() {
		t.Errorf("half duplex: %+v", c)
	}
}

// ring is the routes of as many links as there are switches in a ring, each over all
// of its cables but one.
func ring(switches int) (routes []string) {
	for i := range switches {
		route := fmt.Sprintf("h%d", i)
		for k := range switches {
			route += fmt.Sprintf(" s%d", (i+k)%switches)
		}
		routes = append(routes, route+fmt.Sprintf(" h%d", (i+switches-1)%switches))
	}
	return routes
}

// TestRing: while the ring settles there is a bound, and a claim says that it is of a
// cycle; when it does not, the reason is the cycle.
func TestRing(t *testing.T) {
	claims := func(switches int, rate int64) placement.Proof {
		return cabled(100e6, granting{rate, 8462}, ring(switches)...).paths().every()
	}
	settled := claims(3, 10e6)
	for _, cycle := range []string{"cable s0--s1 from s0 -> cable s1--s2 from s1 -> cable s0--s2 from s2 -> cable s0--s1 from s0",
		"cable s1--s2 from s2 -> cable s0--s1 from s1 -> cable s0--s2 from s0 -> cable s1--s2 from s2"} {
		if c := claim(t, settled, "cycle "+cycle, RuleCycle); c.Bound.IsInf() || len(c.Terms) != 3 {
			t.Errorf("%s: %v", c.Subject, c)
		}
	}
	if c := claim(t, settled, "link n/l0 a0>b0", RuleLink); c.Bound.IsInf() || c.Why != "" {
		t.Errorf("with 20 of 100 Mbit/s on each cable: %v", c)
	}
	// Seven links of 14.2 Mbit/s nearly fill each cable: what one waits, the others have more at once.
	c := claim(t, claims(8, 14.2e6), "link n/l0 a0>b0", RuleLink)
	if !c.Bound.IsInf() || !strings.Contains(c.Why, "the cycle cable s0--s1 from s0 -> cable s1--s2 from s1 -> cable s2--s3 from s2 -> ") || !strings.HasSuffix(c.Why, "depend on themselves and do not settle") {
		t.Errorf("a full ring: %v", c)
	}
	c = claim(t, claims(3, 51e6), "link n/l0 a0>b0", RuleLink)
	if !c.Bound.IsInf() || !strings.Contains(c.Why, "102000000 bit/s over cable h0--s0 from h0 of 100Mbit") {
		t.Errorf("more than the cables carry: %v", c)
	}
}

// TestBesideTheCycle: a link that shares nothing with a ring that does not settle keeps
// its bound.
func TestBesideTheCycle(t *testing.T) {
	grants := granting{14.2e6, 8462}
	proof := cabled(100e6, grants, append(ring(8), "h8 s8 h9")...).paths().every()
	alone := cabled(100e6, grants, "h8 s8 h9").paths().every()
	if c := claim(t, proof, "link n/l0 a0>b0", RuleLink); !c.Bound.IsInf() {
		t.Errorf("the ring settles: %v", c)
	}
	a, b := claim(t, proof, "link n/l8 a8>b8", RuleLink).Bound, claim(t, alone, "link n/l0 a0>b0", RuleLink).Bound
	if a.IsInf() || a.Cmp(b) != 0 {
		t.Errorf("beside the ring %v, alone %v", a, b)
	}
}

// TestLinksMonotone: another link, a higher rate or burst of one, a slower cable or node
// never make a bound less. The planner's cuts rest on that.
func TestLinksMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawWire(t)
		type key struct{ link, from string }
		before := map[key]int64{}
		for _, p := range m.paths().all() {
			before[key{p.link.of, p.from}] = p.delay
		}
		links := m.network.Links
		i := rapid.IntRange(0, len(links)-1).Draw(t, "link")
		link := links[i].Name
		grants := m.rates[link]
		more := rapid.SampledFrom([]string{"rate", "burst", "cable", "node", "link"}).Draw(t, "more")
		switch more {
		case "rate":
			m.rates[link] = granting{grants.rate + rapid.Int64Range(1, 10e6).Draw(t, "bit/s"), grants.burst}
		case "burst":
			m.rates[link] = granting{grants.rate, grants.burst + rapid.Int64Range(1, 10000).Draw(t, "bytes")}
		case "cable":
			m.cables[m.routes[link].Cables[0]].Rate -= vsn.Rate(rapid.Int64Range(1, 10e6).Draw(t, "bit/s"))
		case "node":
			m.hosts[m.routes[link].Path[0]].Delay += vsn.Duration(rapid.Int64Range(1, 1e6).Draw(t, "ns"))
		case "link":
			twin := vsn.Link{Name: "twin", Between: []string{"x", "y"}}
			m.network.Links = append(links, twin)
			m.routes["twin"], m.rates["twin"] = m.routes[link], granting{rapid.Int64Range(1, 10e6).Draw(t, "bit/s"), 1500}
		}
		for _, p := range m.paths().all() {
			if was, known := before[key{p.link.of, p.from}]; known && p.delay < was {
				t.Fatalf("link %v %s>%s: more %s: %d ns becomes %d", p.link, p.from, p.to, more, was, p.delay)
			}
		}
	})
}
