package solve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/trace"
	"github.com/vsnctl/vsnctl/vsn"
)

// follower plays what a trace tells: which decisions stand.
type follower struct {
	search string
	stack  []decision
	found  *placement.Embedding // the last that was accepted
	seen   map[trace.Kind]int
	bytes  bytes.Buffer
	vague  bool // an answer was unknown: all decisions take the blame
	wrong  []string
}

type decision struct {
	vms  []string
	host string
	link string
	path []string
}

func (f *follower) keep(draft Draft) {
	p, err := draft()
	if err != nil {
		f.fault("%v", err)
		return
	}
	f.found = &p.Embedding
}

func (f *follower) fault(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

func (f *follower) follow(e *trace.Event) {
	f.seen[e.Kind]++
	if err := json.NewEncoder(&f.bytes).Encode(e); err != nil {
		f.fault("%v", err)
	}
	f.vague = f.vague || e.Answer == trace.Unknown
	switch e.Kind {
	case trace.Search:
		f.search, f.stack, f.vague = e.What, nil, false
	case trace.Seat:
		f.decide(e, decision{vms: e.VMs, host: e.Host})
	case trace.Route:
		f.decide(e, decision{link: e.Link, path: e.Path})
	case trace.Fail, trace.Met, trace.Cut:
		f.blamed(e)
	case trace.Accept:
		if e.Answer == trace.Yes && f.search != "improvement" {
			f.whole()
		}
	}
}

func (f *follower) decide(e *trace.Event, d decision) {
	if f.search == "improvement" { // what is kept is not told again
		return
	}
	if e.Depth < 1 || e.Depth > len(f.stack)+1 {
		f.fault("%s: a decision at depth %d, and %d stand", f.search, e.Depth, len(f.stack))
		return
	}
	f.stack = append(f.stack[:e.Depth-1], d)
}

// blamed wants decisions that stand or are being made.
func (f *follower) blamed(e *trace.Event) {
	if f.search != "phase one" || f.vague {
		return
	}
	for _, who := range e.Blame {
		if who != "everything" && !slices.ContainsFunc(f.stack, func(d decision) bool {
			return who == "link "+d.link || len(d.vms) > 0 && (who == "vm "+d.vms[0] || len(d.vms) > 1)
		}) {
			f.fault("%s: %s takes the blame for %s %v %s and is not decided: %v", f.search, who, e.Kind, e.VMs, e.Link, f.stack)
		}
	}
}

// whole compares what stands with what was accepted.
func (f *follower) whole() {
	seats, routes := 0, 0
	for _, d := range f.stack {
		for _, vm := range d.vms {
			seats++
			if !slices.ContainsFunc(f.found.Seats, func(s placement.Seat) bool { return s.Network+"/"+s.VM == vm && s.Host == d.host }) {
				f.fault("%s: %s stands on %s, and was accepted elsewhere", f.search, vm, d.host)
			}
		}
		if d.link == "" {
			continue
		}
		routes++
		if !slices.ContainsFunc(f.found.Routes, func(r placement.Route) bool {
			back := slices.Clone(r.Path) // the search may go from the other end
			slices.Reverse(back)
			return r.Network+"/"+r.Link == d.link && (slices.Equal(r.Path, d.path) || slices.Equal(back, d.path))
		}) {
			f.fault("%s: %s stands over %v, and was accepted over another path", f.search, d.link, d.path)
		}
	}
	if seats != len(f.found.Seats) || routes != len(f.found.Routes) {
		f.fault("%s: %d seats and %d routes stand, and %d and %d were accepted", f.search, seats, routes, len(f.found.Seats), len(f.found.Routes))
	}
}

// distant is two VMs that must sit on two hosts, and a flow that cannot go that far.
func distant() placement.Problem {
	c := cable("a", "b", 1e9)
	c.Delay = 20 * ms
	n := vsn.Network{Name: "n", Links: []vsn.Link{{Name: "l", Between: []string{"x", "y"}, Rate: 1e6, Burst: 4096}}, Place: []vsn.Rule{{Apart: []string{"x", "y"}}},
		Flows: []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"x"}, {"y"}}, Message: 64, Every: 100 * ms, Work: map[string]vsn.Duration{"x": ms}, Deadline: 15 * ms}}}
	for _, name := range []string{"x", "y"} {
		n.VMs = append(n.VMs, vsn.VM{Name: name, VCPUs: 1, Memory: 1, Reservation: &vsn.Reservation{Runtime: 8 * ms, Period: 10 * ms}})
	}
	return placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 1), host("b", 1)}, Cables: []hosts.Cable{c}}}
}

// ring has more VMs than are searched at a time.
func ring() placement.Problem {
	p := mesh()
	n := &p.Networks[0]
	for i := range 6 {
		n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprint("w", i), VCPUs: 1, Memory: 5 << 20})
		n.Links = append(n.Links, vsn.Link{Name: fmt.Sprint("k", i), Between: []string{fmt.Sprint("w", i), fmt.Sprint("v", i)}, Rate: 5e6, Burst: 4096})
	}
	return p
}

// TestTraceCanBeFollowed: whoever does what a trace tells comes to the same plans, and
// that somebody follows changes nothing.
func TestTraceCanBeFollowed(t *testing.T) {
	problems := []placement.Problem{mesh(), crossing(), distant(), ring()}
	c := chance{rand.New(rand.NewPCG(11, 11))}
	for i := range 100 {
		problems = append(problems, c.problem(3, 4, i%3 == 0))
	}
	all := map[trace.Kind]int{}
	for i := range problems {
		p := &problems[i]
		plan, _, err := Exact(context.Background(), *p, Options{Seed: 1, Nodes: 3000})
		var first []byte
		for range 2 {
			f := &follower{seen: all}
			followed, _, no := Exact(context.Background(), *p, Options{Seed: 1, Nodes: 3000, Trace: f.follow, Found: f.keep})
			if fmt.Sprint(err) != fmt.Sprint(no) || !reflect.DeepEqual(plan, followed) {
				t.Fatalf("problem %d: followed, the answer is another: %v, %v", i, err, no)
			}
			for _, wrong := range f.wrong {
				t.Errorf("problem %d: %s", i, wrong)
			}
			if first != nil && !bytes.Equal(first, f.bytes.Bytes()) {
				t.Errorf("problem %d: another trace the second time", i)
			}
			first = f.bytes.Bytes()
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, k := range trace.Kinds() {
		t.Logf("%s: %d", k, all[k])
		if all[k] == 0 && !slices.Contains([]trace.Kind{trace.Choose, trace.Together}, k) {
			t.Errorf("no step of kind %s: draw other problems", k)
		}
	}
}
