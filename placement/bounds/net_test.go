package bounds

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func rat(text string) *big.Rat {
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("no number: " + text)
	}
	return v
}

// uniform is a net of equal servers s0, s1, ... and equal flows f0, f1, ... whose
// paths are given as digits.
func uniform(rate, latency, rho, sigma string, paths ...string) Net {
	var n Net
	top := 0
	for i, digits := range paths {
		f := Flow{Name: fmt.Sprintf("f%d", i), Bucket: Bucket{Sigma: rat(sigma), Rho: rat(rho)}}
		for _, d := range digits {
			f.Path = append(f.Path, "s"+string(d))
			top = max(top, int(d-'0'))
		}
		n.Flows = append(n.Flows, f)
	}
	for s := 0; s <= top; s++ {
		n.Servers = append(n.Servers, Server{Name: fmt.Sprintf("s%d", s), RateLatency: RateLatency{Rate: rat(rate), Latency: rat(latency)}})
	}
	return n
}

type expectation struct {
	flow           string
	analysis       Analysis
	mux            Mux
	delay, backlog string
}

func check(t *testing.T, n Net, name string, wants []expectation) {
	t.Helper()
	for _, w := range wants {
		got, err := n.Delay(w.flow, w.analysis, w.mux)
		if err != nil {
			t.Errorf("%s: %s %s %s: %v", name, w.flow, w.analysis, w.mux, err)
			continue
		}
		if FormatRat(got.Delay) != w.delay || w.backlog != "" && FormatRat(got.Backlog) != w.backlog {
			t.Errorf("%s: %s %s %s: delay %s, backlog %s, want %s, %s", name, w.flow, w.analysis, w.mux,
				FormatRat(got.Delay), FormatRat(got.Backlog), w.delay, w.backlog)
		}
	}
}

func TestNetVectors(t *testing.T) {
	check(t, uniform("10", "10", "5", "25", "0"), "one server, one flow", []expectation{
		{"f0", TFA, FIFO, "25/2", "75"}, {"f0", SFA, FIFO, "25/2", "75"}, {"f0", PMOO, Any, "25/2", "75"},
		{"f0", TFA, Any, "25/2", "75"}, {"f0", SFA, Any, "25/2", "75"}, {"f0", Best, FIFO, "25/2", "75"},
	})
	check(t, uniform("10", "10", "5", "25", "0", "0"), "one server, two flows", []expectation{
		{"f0", TFA, FIFO, "15", "150"}, {"f0", SFA, FIFO, "35/2", "175/2"}, {"f0", SFA, Any, "30", "150"},
		{"f0", TFA, Any, "inf", "150"}, {"f0", Best, FIFO, "15", "175/2"},
	})
	check(t, uniform("10", "10", "5", "25", "01"), "two servers, one flow", []expectation{
		{"f0", SFA, FIFO, "45/2", "125"}, {"f0", PMOO, Any, "45/2", "125"}, {"f0", TFA, FIFO, "30", "125"},
	})
	check(t, uniform("10", "10", "5", "25", "01", "01"), "two servers, two flows", []expectation{
		{"f0", SFA, FIFO, "35", "175"}, {"f0", SFA, Any, "65", "325"}, {"f0", PMOO, Any, "50", "250"},
		{"f0", PMOO, FIFO, "50", "250"}, {"f0", TFA, FIFO, "40", "250"},
		{"f0", Best, FIFO, "35", "175"}, {"f0", Best, Any, "50", "250"}, {"f0", Proven, FIFO, "145/4", "725/4"},
	})
}

func TestChainVector(t *testing.T) {
	// Mb and ms: 10 Mb/s is 1/100 Mb/ms.
	n := Net{
		Servers: []Server{
			{"cpu1", RateLatency{rat("1/100"), rat("140")}},
			{"nic", RateLatency{rat("1/10"), rat("1.2")}},
			{"cpu2", RateLatency{rat("1/50"), rat("50")}},
		},
		Flows: []Flow{
			{"f", Bucket{rat("0.2"), rat("5/1000")}, []string{"cpu1", "nic", "cpu2"}},
			{"cross", Bucket{rat("0.06"), rat("40/1000")}, []string{"nic"}},
		},
	}
	check(t, n, "chain", []expectation{
		{"f", SFA, FIFO, "1059/5", ""}, {"f", SFA, Any, "213", ""}, {"f", PMOO, Any, "222", ""}, {"f", Best, FIFO, "1059/5", ""},
	})
}

// The functional tests of the NetCal DNC (github.com/NetCal/DNC_func_tests): all
// servers R20 T20, all flows rho5 sigma25.
func TestNetAgainstDNC(t *testing.T) {
	net := func(paths ...string) Net { return uniform("20", "20", "5", "25", paths...) }
	check(t, net("1256", "01256", "3456"), "TR_7S_1SC_3F_1AC_3P", []expectation{
		{"f0", TFA, Any, "660", "1375"}, {"f0", TFA, FIFO, "395/2", "1375"},
		{"f1", TFA, Any, "2725/4", "1375"}, {"f1", TFA, FIFO, "875/4", "1375"},
		{"f2", TFA, Any, "1155/2", "1375"}, {"f2", TFA, FIFO, "180", "1375"},
		{"f0", SFA, Any, "1735/6", "4375/3"}, {"f0", SFA, FIFO, "165", "1675/2"},
		{"f1", SFA, Any, "1655/6", "4175/3"}, {"f1", SFA, FIFO, "165", "1675/2"},
		{"f2", SFA, Any, "505/2", "1275"}, {"f2", SFA, FIFO, "295/2", "750"},
		{"f0", PMOO, Any, "355/2", "900"}, {"f1", PMOO, Any, "375/2", "950"}, {"f2", PMOO, Any, "355/2", "900"},
	})
	check(t, net("0123", "12"), "TA_4S_1SC_2F_1AC_2P", []expectation{
		{"f0", TFA, Any, "2335/12", "1700/3"}, {"f0", TFA, FIFO, "7985/64", "550"},
		{"f1", TFA, Any, "130", "550"}, {"f1", TFA, FIFO, "65", "550"},
		{"f0", SFA, Any, "105", "1625/3"}, {"f0", SFA, FIFO, "535/6", "925/2"},
		{"f1", SFA, Any, "235/3", "1225/3"}, {"f1", SFA, FIFO, "355/6", "625/2"},
		{"f0", PMOO, Any, "290/3", "500"}, {"f1", PMOO, Any, "190/3", "1000/3"},
	})
	check(t, net("01", "2", "012"), "TA_3S_1SC_3F_1AC_3P", []expectation{
		{"f0", TFA, Any, "110", "450"}, {"f0", TFA, FIFO, "55", "450"},
		{"f1", TFA, Any, "1405/18", "5225/9"}, {"f1", TFA, FIFO, "2205/64", "7825/16"},
		{"f2", TFA, Any, "3385/18", "5225/9"}, {"f2", TFA, FIFO, "5725/64", "7825/16"},
		{"f0", SFA, Any, "65", "1025/3"}, {"f0", SFA, FIFO, "295/6", "525/2"},
		{"f1", SFA, Any, "1405/27", "7475/27"}, {"f1", SFA, FIFO, "6695/192", "12225/64"},
		{"f2", SFA, Any, "280/3", "1450/3"}, {"f2", SFA, FIFO, "845/12", "1475/4"},
		{"f0", PMOO, Any, "170/3", "300"}, {"f1", PMOO, Any, "1405/27", "7475/27"}, {"f2", PMOO, Any, "85", "1325/3"},
	})
	check(t, net("02", "012"), "FF_3S_1SC_2F_1AC_2P", []expectation{
		{"f0", TFA, Any, "385/3", "1900/3"}, {"f0", TFA, FIFO, "485/8", "1125/2"},
		{"f1", TFA, Any, "470/3", "1900/3"}, {"f1", TFA, FIFO, "1395/16", "1125/2"},
		{"f0", SFA, Any, "670/9", "3500/9"}, {"f0", SFA, FIFO, "2615/48", "4625/16"},
		{"f1", SFA, Any, "790/9", "4100/9"}, {"f1", SFA, FIFO, "3335/48", "5825/16"},
		{"f0", PMOO, Any, "670/9", "3500/9"}, {"f1", PMOO, Any, "790/9", "4100/9"},
	})
	check(t, net("013", "23", "21"), "FF_4S_1SC_3F_1AC_3P", []expectation{
		{"f0", TFA, Any, "6425/36", "6125/9"}, {"f0", TFA, FIFO, "5985/64", "9425/16"},
		{"f1", TFA, Any, "2395/18", "6125/9"}, {"f1", TFA, FIFO, "3965/64", "9425/16"},
		{"f2", TFA, Any, "685/6", "1475/3"}, {"f2", TFA, FIFO, "885/16", "1825/4"},
		{"f0", SFA, Any, "875/9", "4525/9"}, {"f0", SFA, FIFO, "1795/24", "3125/8"},
		{"f1", SFA, Any, "2095/27", "10925/27"}, {"f1", SFA, FIFO, "10715/192", "18925/64"},
		{"f2", SFA, Any, "65", "1025/3"}, {"f2", SFA, FIFO, "295/6", "525/2"},
		{"f0", PMOO, Any, "875/9", "4525/9"}, {"f1", PMOO, Any, "2095/27", "10925/27"}, {"f2", PMOO, Any, "65", "1025/3"},
	})
	check(t, net("013", "23", "21", "203"), "FF_4S_1SC_4F_1AC_4P", []expectation{
		{"f0", TFA, Any, "1370/3", "1400"}, {"f0", TFA, FIFO, "3735/32", "975"},
		{"f1", TFA, Any, "395", "1400"}, {"f1", TFA, FIFO, "155/2", "975"},
		{"f2", TFA, Any, "1105/6", "2075/3"}, {"f2", TFA, FIFO, "1875/32", "3975/8"},
		{"f3", TFA, Any, "925/2", "1400"}, {"f3", TFA, FIFO, "845/8", "975"},
		{"f0", SFA, Any, "580/3", "5875/6"}, {"f0", SFA, FIFO, "1525/16", "7825/16"},
		{"f1", SFA, Any, "345/2", "875"}, {"f1", SFA, FIFO, "575/8", "2975/8"},
		{"f2", SFA, Any, "1625/18", "4175/9"}, {"f2", SFA, FIFO, "1695/32", "8875/32"},
		{"f3", SFA, Any, "560/3", "5675/6"}, {"f3", SFA, FIFO, "1405/16", "7225/16"},
		{"f0", PMOO, Any, "650/3", "6575/6"}, {"f1", PMOO, Any, "345/2", "875"},
		{"f2", PMOO, Any, "305/3", "3125/6"}, {"f3", PMOO, Any, "1145/6", "2900/3"},
	})
}

func TestNetOverload(t *testing.T) {
	check(t, uniform("10", "1", "6", "1", "01", "12"), "overload at s1", []expectation{
		{"f0", TFA, FIFO, "inf", "inf"}, {"f0", SFA, FIFO, "inf", "inf"}, {"f0", SFA, Any, "inf", "inf"}, {"f0", PMOO, Any, "inf", "inf"},
		{"f1", Best, FIFO, "inf", "inf"}, {"f1", Proven, Any, "inf", "inf"},
	})
	// What comes out of an overloaded server is not bounded anywhere after it.
	n := uniform("10", "1", "6", "1", "012", "12", "23")
	n.Servers[3].Rate, n.Servers[2].Rate = rat("100"), rat("100")
	check(t, n, "behind the overload", []expectation{{"f2", TFA, FIFO, "inf", "inf"}, {"f2", SFA, Any, "inf", "inf"}, {"f2", PMOO, Any, "inf", "inf"}})
}

func TestNetCycle(t *testing.T) {
	n := uniform("10", "1", "1", "1", "01", "312", "2304")
	_, err := n.Delay("f0", SFA, Any)
	var cycle *CycleError
	if !errors.As(err, &cycle) {
		t.Fatalf("a net with a cycle: %v", err)
	}
	for i, s := range cycle.Servers {
		next := cycle.Servers[(i+1)%len(cycle.Servers)]
		path := n.Flows[cycle.Flows[i][1]-'0'].Path
		if at := slices.Index(path, s); at < 0 || at+1 == len(path) || path[at+1] != next {
			t.Errorf("%v: flow %s does not go from %s to %s", err, cycle.Flows[i], s, next)
		}
	}
	if _, other := n.Delay("f0", TFA, FIFO); !errors.As(other, &cycle) {
		t.Errorf("delay in a net with a cycle: %v", other)
	}
	if _, err := uniform("10", "1", "1", "1", "0123", "013", "23").Delays(TFA, FIFO); err != nil {
		t.Errorf("a net without a cycle: %v", err)
	}
}

func TestNetRefused(t *testing.T) {
	for want, change := range map[string]func(n *Net){
		`two servers are called "s0"`: func(n *Net) { n.Servers[1].Name = "s0" },
		`server "s1": rate 0`:         func(n *Net) { n.Servers[1].Rate = rat("0") },
		`server "s1": latency -1`:     func(n *Net) { n.Servers[1].Latency = rat("-1") },
		`server "s1": rate is missing`: func(n *Net) {
			n.Servers[1].Rate = nil
		},
		`a server has no name`:         func(n *Net) { n.Servers[0].Name = "" },
		`a flow has no name`:           func(n *Net) { n.Flows[0].Name = "" },
		`two flows are called "f0"`:    func(n *Net) { n.Flows[1].Name = "f0" },
		`flow "f0": rho -1`:            func(n *Net) { n.Flows[0].Rho = rat("-1") },
		`flow "f0": sigma is missing`:  func(n *Net) { n.Flows[0].Sigma = nil },
		`flow "f0": its path is empty`: func(n *Net) { n.Flows[0].Path = nil },
		`flow "f0": no server "x"`:     func(n *Net) { n.Flows[0].Path = []string{"x"} },
		`passes server "s0" twice`:     func(n *Net) { n.Flows[0].Path = []string{"s0", "s1", "s0"} },
	} {
		n := uniform("10", "1", "1", "1", "01", "01")
		change(&n)
		if _, err := n.Delay("f1", SFA, Any); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	n := uniform("10", "1", "1", "1", "01")
	for want, ask := range map[string]func() error{
		`no flow "x"`:             func() error { _, err := n.Delay("x", SFA, Any); return err },
		`no analysis "x"`:         func() error { _, err := n.Delay("f0", "x", Any); return err },
		`no order of service "x"`: func() error { _, err := n.Delays(SFA, "x"); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestResidualPriority(t *testing.T) {
	s := RateLatency{rat("10"), rat("2")}
	got := s.ResidualPriority(Bucket{rat("5"), rat("4")}, rat("3"))
	if got.Rate.RatString() != "6" || got.Latency.RatString() != "14/3" { // (5 + 10*2 + 3)/6
		t.Errorf("residual %s, %s", got.Rate, got.Latency)
	}
	if s.ResidualPriority(Bucket{rat("5"), rat("10")}, rat("0")).Serves() {
		t.Error("all the rate is above, and yet there is service")
	}
}

// drawNet makes a feed-forward net: paths go from lower to higher servers.
func drawNet(t *rapid.T, servers, flows int) Net {
	var n Net
	for s := range rapid.IntRange(1, servers).Draw(t, "servers") {
		n.Servers = append(n.Servers, Server{fmt.Sprintf("s%d", s), RateLatency{
			Rate:    ratInt(rapid.Int64Range(4, 12).Draw(t, "rate")),
			Latency: ratInt(rapid.Int64Range(0, 6).Draw(t, "latency")),
		}})
	}
	for i := range rapid.IntRange(1, flows).Draw(t, "flows") {
		f := Flow{Name: fmt.Sprintf("f%d", i), Bucket: Bucket{
			Sigma: ratInt(rapid.Int64Range(1, 20).Draw(t, "sigma")),
			Rho:   big.NewRat(rapid.Int64Range(1, 8).Draw(t, "rho"), 4),
		}}
		for _, s := range n.Servers {
			if rapid.Bool().Draw(t, "passes") {
				f.Path = append(f.Path, s.Name)
			}
		}
		if f.Path == nil {
			f.Path = []string{n.Servers[0].Name}
		}
		n.Flows = append(n.Flows, f)
	}
	return n
}

// atMost tells whether a is a bound no larger than b; nil is infinite.
func atMost(a, b *big.Rat) bool { return b == nil || a != nil && a.Cmp(b) <= 0 }

func TestNetOrderOfAnalyses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t, 5, 5)
		all := map[Analysis]map[Mux][]Result{}
		for _, a := range []Analysis{TFA, SFA, PMOO, Best, Proven} {
			all[a] = map[Mux][]Result{}
			for _, m := range []Mux{FIFO, Any} {
				results, err := n.Delays(a, m)
				if err != nil {
					t.Fatal(err)
				}
				all[a][m] = results
			}
		}
		for f := range n.Flows {
			for _, m := range []Mux{FIFO, Any} {
				best, proven := all[Best][m][f], all[Proven][m][f]
				for _, a := range []Analysis{TFA, SFA, PMOO} {
					if !atMost(best.Delay, all[a][m][f].Delay) || !atMost(all[a][FIFO][f].Delay, all[a][Any][f].Delay) {
						t.Fatalf("flow %d: %s %s: best %s, fifo %s, any %s", f, a, m, FormatRat(best.Delay), FormatRat(all[a][FIFO][f].Delay), FormatRat(all[a][Any][f].Delay))
					}
				}
				if !atMost(best.Delay, proven.Delay) || (best.Delay == nil) != (proven.Delay == nil) {
					t.Fatalf("flow %d: %s: best %s, proven %s", f, m, FormatRat(best.Delay), FormatRat(proven.Delay))
				}
			}
		}
	})
}

func TestNetMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNet(t, 4, 4)
		worse := Net{Servers: slices.Clone(n.Servers), Flows: slices.Clone(n.Flows)}
		s := rapid.IntRange(0, len(n.Servers)-1).Draw(t, "server")
		f := rapid.IntRange(0, len(n.Flows)-1).Draw(t, "flow")
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0:
			worse.Servers[s].Rate = new(big.Rat).Sub(n.Servers[s].Rate, rat("1/2"))
		case 1:
			worse.Servers[s].Latency = new(big.Rat).Add(n.Servers[s].Latency, rat("1/2"))
		case 2:
			worse.Flows[f].Sigma = new(big.Rat).Add(n.Flows[f].Sigma, rat("3"))
		case 3:
			worse.Flows[f].Rho = new(big.Rat).Add(n.Flows[f].Rho, rat("1/4"))
		case 4: // one hop more
			worse.Servers = append(worse.Servers, Server{"more", RateLatency{rat("9"), rat("1")}})
			worse.Flows[f].Path = append(slices.Clone(n.Flows[f].Path), "more")
		}
		for _, a := range []Analysis{TFA, SFA, PMOO, Best, Proven} {
			for _, m := range []Mux{FIFO, Any} {
				before, _ := n.Delays(a, m)
				after, err := worse.Delays(a, m)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n.Flows {
					if !atMost(before[i].Delay, after[i].Delay) {
						t.Fatalf("%s %s, flow %d: %s becomes %s", a, m, i, FormatRat(before[i].Delay), FormatRat(after[i].Delay))
					}
				}
			}
		}
	})
}
