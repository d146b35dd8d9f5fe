package solve

import (
	"bytes"
	"context"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	ms = vsn.Duration(1e6)
	us = vsn.Duration(1e3)
)

func vm(name string, q, p vsn.Duration) vsn.VM {
	return vsn.VM{Name: name, VCPUs: 1, Memory: 96 << 20, Reservation: &vsn.Reservation{Runtime: q, Period: p}}
}

func host(name string, cpus int) hosts.Host {
	return hosts.Host{Name: name, CPUs: hosts.CountedCPUs(cpus), Share: vsn.One * 9 / 10, Grain: 4 * ms, Memory: 1 << 30, Delay: 100 * us, Partition: true, Labels: map[string]string{"site": name}}
}

func cable(a, b string, rate vsn.Rate) hosts.Cable {
	return hosts.Cable{Name: a + "--" + b, Between: []string{a, b}, Rate: rate, Share: vsn.One * 95 / 100, Delay: 2 * us}
}

// robot is the demo: three VMs in a chain on two hosts behind a switch.
func robot() placement.Problem {
	return placement.Problem{
		Networks: []vsn.Network{{Name: "robot",
			VMs: []vsn.VM{vm("camera", 20*ms, 100*ms), vm("detect", 20*ms, 50*ms), vm("arm", 10*ms, 50*ms)},
			Links: []vsn.Link{
				{Name: "frames", Between: []string{"camera", "detect"}, Rate: 20e6, Burst: 32 << 10, Delay: 5 * ms},
				{Name: "moves", Between: []string{"detect", "arm"}, Rate: 5e6, Burst: 16 << 10}},
			Flows: []vsn.Flow{{Name: "see-and-act", Path: []vsn.Stage{{"camera"}, {"detect"}, {"arm"}}, Message: 8 << 10, Every: 100 * ms,
				Work: map[string]vsn.Duration{"camera": ms, "detect": 5 * ms, "arm": ms}, Deadline: 500 * ms}},
			Place: []vsn.Rule{{Apart: []string{"camera", "detect"}}, {Together: []string{"detect", "arm"}}, {VMs: []string{"camera"}, On: map[string]string{"site": "b"}}},
		}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a", 2), host("b", 2)}, Switches: []hosts.Switch{{Name: "s", Delay: 5 * us}},
			Cables: []hosts.Cable{cable("a", "s", 1e9), cable("s", "b", 1e9)}},
	}
}

func TestDemo(t *testing.T) {
	plan, err := Solve(context.Background(), robot(), Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatal(err)
	}
	for vm, want := range map[string]string{"camera": "b", "detect": "a", "arm": "a"} {
		if got := plan.Embedding.Seat("robot", vm); got != want {
			t.Errorf("%s sits on %q, want %q", vm, got, want)
		}
	}
	var first, second bytes.Buffer
	again, err := Solve(context.Background(), robot(), Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := placement.Write(&first, plan); err != nil {
		t.Fatal(err)
	}
	if err := placement.Write(&second, again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same problem and seed gave two plans")
	}
}

func BenchmarkDemo(b *testing.B) {
	for b.Loop() {
		if _, err := Solve(context.Background(), robot(), Options{Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
