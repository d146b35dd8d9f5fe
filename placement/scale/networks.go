package scale

import (
	"fmt"
	"math/rand/v2"

	"github.com/vsnctl/vsnctl/vsn"
)

// VMs and Links of each network.
const (
	VMs   = 10
	Links = 12
)

// role is what some VMs of a network do.
type role struct {
	name  string
	count int
	vcpus []int // to draw from
}

var roles = []role{{"gate", 1, []int{1, 2}}, {"web", 3, []int{1, 2, 4}}, {"app", 3, []int{2, 2, 4}}, {"db", 2, []int{2, 4, 8}}, {"log", 1, []int{1}}}

// joined are the links, between roles and their numbers.
var joined = [Links][2]string{{"gate0", "web0"}, {"gate0", "web1"}, {"gate0", "web2"}, {"web0", "app0"}, {"web1", "app1"}, {"web2", "app2"},
	{"app0", "db0"}, {"app1", "db0"}, {"app2", "db1"}, {"db0", "db1"}, {"app0", "log0"}, {"gate0", "log0"}}

// Networks draws n networks of three tiers. A request passes gate, web, app and db
// within a deadline. In a third of the networks nothing is said of places, in a third
// the two databases are apart, and in a third the web servers are spread over racks,
// too.
func Networks(n int, seed uint64) []vsn.Network {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	out := make([]vsn.Network, n)
	for i := range out {
		out[i] = network(fmt.Sprintf("n%d", i), i%3, r)
	}
	return out
}

func network(name string, places int, r *rand.Rand) vsn.Network {
	n := vsn.Network{Name: name}
	for _, ro := range roles {
		vcpus := ro.vcpus[r.IntN(len(ro.vcpus))]
		period := vsn.Duration(10_000_000) * vsn.Duration(1+r.IntN(2))
		runtime := period / 100 * vsn.Duration(20+5*r.IntN(13)) // 20 % to 80 %
		size := vsn.Size(1+r.IntN(6)) << 30
		for k := range ro.count {
			n.VMs = append(n.VMs, vsn.VM{Name: fmt.Sprintf("%s%d", ro.name, k), VCPUs: vcpus, Memory: size,
				Reservation: &vsn.Reservation{Runtime: runtime, Period: period}})
		}
	}
	for _, ends := range joined {
		n.Links = append(n.Links, vsn.Link{Name: ends[0] + "-" + ends[1], Between: []string{ends[0], ends[1]},
			Rate: vsn.Rate(10+10*r.IntN(50)) * 1e6, Burst: 16 << 10})
	}
	n.Flows = []vsn.Flow{{Name: "request", Path: []vsn.Stage{{"gate0"}, {"web0"}, {"app0"}, {"db0"}}, Message: 1000, Every: 100_000_000,
		Work: map[string]vsn.Duration{"web0": 1_000_000, "app0": 1_000_000, "db0": 1_000_000}, Deadline: 500_000_000}}
	if places >= 1 {
		n.Place = append(n.Place, vsn.Rule{Apart: []string{"db0", "db1"}})
	}
	if places == 2 {
		n.Place = append(n.Place, vsn.Rule{Spread: []string{"web0", "web1", "web2"}, Over: "rack"})
	}
	return n
}
