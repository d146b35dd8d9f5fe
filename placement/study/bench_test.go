package study_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement/study"
	"github.com/vsnctl/vsnctl/vsn"
)

// substrate is how the nodes of a benchmark are joined: pairs of nodes.
type substrate struct {
	name  string
	nodes int
	rate  float64 // requests a second
	links func(r *rand.Rand, nodes int) [][2]int
}

// substrates are of the kinds that the field uses: dense, sparse, and a core with leaves.
var substrates = []substrate{
	{"waxman", 100, 0.16, waxman},
	{"sparse", 40, 0.016, func(r *rand.Rand, nodes int) [][2]int { return tree(r, nodes, nodes*11/20) }},
	{"core", 160, 0.004, func(r *rand.Rand, nodes int) [][2]int {
		const hubs = 9
		out := tree(r, hubs, 6)
		for v := hubs; v < nodes; v++ {
			out = append(out, [2]int{v, r.IntN(hubs)})
		}
		return out
	}},
}

// waxman joins nodes in the unit square with probability a exp(-d/(b L)) (Waxman 1988).
func waxman(r *rand.Rand, nodes int) [][2]int {
	const a, b = 0.5, 0.2
	x, y := make([]float64, nodes), make([]float64, nodes)
	for i := range nodes {
		x[i], y[i] = r.Float64(), r.Float64()
	}
	var out [][2]int
	for i := 1; i < nodes; i++ {
		before := len(out)
		for j := range i {
			if r.Float64() < a*math.Exp(-math.Hypot(x[i]-x[j], y[i]-y[j])/(b*math.Sqrt2)) {
				out = append(out, [2]int{i, j})
			}
		}
		if len(out) == before { // in one piece
			out = append(out, [2]int{i, r.IntN(i)})
		}
	}
	return out
}

// tree joins nodes in one piece and adds so many links more.
func tree(r *rand.Rand, nodes, more int) [][2]int {
	var out [][2]int
	seen := map[[2]int]bool{}
	for i := 1; i < nodes; i++ {
		l := [2]int{i, r.IntN(i)}
		out, seen[l] = append(out, l), true
	}
	for more > 0 {
		l := [2]int{r.IntN(nodes), r.IntN(nodes)}
		if l[0] > l[1] && !seen[l] {
			out, seen[l] = append(out, l), true
			more--
		}
	}
	return out
}

// generate draws a trace as the public generators of the field do: capacities of 50 to
// 100, networks of 2 to 10 VMs, each two linked with probability one half, that ask for 0
// to 20 hundredths of a CPU and 0 to 50 Gbit/s and stay for 500 s on average.
func generate(s substrate, seed uint64, requests int, load float64) (*hosts.Inventory, []study.Request) {
	r := rand.New(rand.NewPCG(seed, 2))
	inv := &hosts.Inventory{}
	for i := range s.nodes {
		inv.Hosts = append(inv.Hosts, hosts.Host{Name: fmt.Sprintf("n%d", i), CPUs: hosts.CountedCPUs(1), Share: vsn.One / 100 * vsn.Share(50+r.IntN(51)), Memory: 1 << 40, Transit: true})
	}
	for _, l := range s.links(r, s.nodes) {
		a, b := inv.Hosts[l[0]].Name, inv.Hosts[l[1]].Name
		inv.Cables = append(inv.Cables, hosts.Cable{Name: a + "--" + b, Between: []string{a, b}, Rate: vsn.Rate(50+r.IntN(51)) * 1e9, Share: vsn.One, Duplex: hosts.HalfDuplex})
	}
	var out []study.Request
	at := 0.0
	for i := range requests {
		at += r.ExpFloat64() / s.rate / load
		n := &vsn.Network{Name: fmt.Sprintf("r%d", i)}
		var all []string
		for k := range 2 + r.IntN(9) {
			vm := vsn.VM{Name: fmt.Sprintf("v%d", k), VCPUs: 1, Memory: 1 << 20}
			if cpu := r.IntN(21); cpu > 0 {
				vm.Reservation = &vsn.Reservation{Runtime: vsn.Duration(cpu) * 1e6, Period: 100e6}
			}
			n.VMs, all = append(n.VMs, vm), append(all, vm.Name)
		}
		for a := 1; a < len(all); a++ {
			must := r.IntN(a) // in one piece
			for b := range a {
				if b == must || r.IntN(2) == 0 {
					n.Links = append(n.Links, vsn.Link{Name: fmt.Sprintf("l%d-%d", a, b), Between: []string{all[a], all[b]}, Rate: vsn.Rate(r.IntN(51)) * 1e9})
				}
			}
		}
		n.Place = []vsn.Rule{{Apart: all}}
		out = append(out, study.Request{ID: json.RawMessage(fmt.Sprint(i)), At: at, For: 500 * r.ExpFloat64(), Network: n})
	}
	return inv, out
}

// BenchmarkOnline prints, for each substrate, load and effort, what the field reports:
// acceptance, long-term revenue to cost and long-term average revenue, as means over
// three seeds of 500 requests. make bench-online runs it.
func BenchmarkOnline(b *testing.B) {
	for _, s := range substrates {
		for _, load := range []float64{1, 2, 3} {
			for _, nodes := range []int64{8000, 70000} {
				b.Run(fmt.Sprintf("%s/load%v/nodes%d", s.name, load, nodes), func(b *testing.B) {
					var acceptance, lrc, lar float64
					const seeds = 3
					for b.Loop() {
						acceptance, lrc, lar = 0, 0, 0
						for seed := range uint64(seeds) {
							inv, requests := generate(s, seed, 500, load)
							decisions, _ := decide(b, inv, requests, 1, nodes)
							if err := study.Audit(inv, requests, decisions); err != nil {
								b.Fatal(err)
							}
							sum := study.Summarize(inv, requests, decisions)
							acceptance, lrc, lar = acceptance+sum.Acceptance/seeds, lrc+sum.LRC/seeds, lar+sum.LAR/seeds
						}
					}
					b.ReportMetric(acceptance, "acceptance")
					b.ReportMetric(lrc, "lrc")
					b.ReportMetric(lar, "lar")
				})
			}
		}
	}
}

// TestField: on a generated trace the level of many restarts is reached; a search that
// takes the first way it finds is far below.
func TestField(t *testing.T) {
	for name, least := range map[string]float64{"waxman": 0.9, "sparse": 0.6, "core": 0.75} {
		for _, s := range substrates {
			if s.name != name {
				continue
			}
			inv, requests := generate(s, 1, 250, 1)
			decisions, _ := decide(t, inv, requests, 1, 3000)
			if err := study.Audit(inv, requests, decisions); err != nil {
				t.Fatal(err)
			}
			if sum := study.Summarize(inv, requests, decisions); sum.Acceptance < least {
				t.Errorf("%s: %.3f accepted, want %.3f", name, sum.Acceptance, least)
			} else {
				t.Logf("%s: %.3f accepted, revenue/cost %.3f", name, sum.Acceptance, sum.LRC)
			}
		}
	}
}
