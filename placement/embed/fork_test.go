package embed

import (
	"context"
	"fmt"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// A message that forks takes as long as its longest way, not as all ways in sum.
func TestLeastTimeOfForks(t *testing.T) {
	n := vsn.Network{Name: "n"}
	for _, name := range []string{"a", "b", "c", "d"} {
		n.VMs = append(n.VMs, vsn.VM{Name: name, VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Runtime: 1e6, Period: 10e6}})
	}
	for _, ends := range []string{"ab", "ac", "bd", "cd"} {
		n.Links = append(n.Links, vsn.Link{Name: ends, Between: []string{ends[:1], ends[1:]}, Rate: 1e6, Burst: 3 << 10})
	}
	n.Flows = []vsn.Flow{{Name: "f", Path: []vsn.Stage{{"a"}, {"b", "c"}, {"d"}}, Message: 1, Every: 1e9,
		Work: map[string]vsn.Duration{"a": 1, "b": 20, "c": 10, "d": 2}, Deadline: 1e9}}
	m, err := newModel(&placement.Problem{Networks: []vsn.Network{n}, Inventory: hosts.Inventory{
		Hosts: []hosts.Host{{Name: "h", CPUs: hosts.CountedCPUs(1), Share: vsn.One, Memory: 1 << 30}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fl := &m.flows[0]
	if fl.works != 23 || len(fl.links) != 4 || len(fl.steps) != 4 {
		t.Errorf("work %d, links %v, steps %v", fl.works, fl.links, fl.steps)
	}
	s := newSearch(context.Background(), m, Options{})
	for _, c := range []struct {
		delays [4]int64 // -1: not decided
		want   int64
	}{
		{[4]int64{-1, -1, -1, -1}, 23},
		{[4]int64{100, -1, -1, -1}, 123},
		{[4]int64{-1, 100, -1, -1}, 113},      // over c, whose work is less
		{[4]int64{100, 105, 100, 105}, 223},   // b is longer: 1+100+20+100+2
		{[4]int64{100, 106, 100, 1000}, 1119}, // c is: 1+106+10+1000+2
	} {
		t.Run(fmt.Sprint(c.delays), func(t *testing.T) {
			for l, d := range c.delays {
				s.route[l] = nil
				if d >= 0 {
					s.route[l] = &route{delay: d}
				}
			}
			if got := s.leastTime(fl); got != c.want {
				t.Errorf("the flow takes %d at least, want %d", got, c.want)
			}
		})
	}
}
