package solve

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/placementtest"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/scale"
	"github.com/vsnctl/vsnctl/vsn"
)

// proves wants a plan that holds, and that a plan written and read again is the same.
func proves(t *testing.T, r *Resident) *placement.Plan {
	t.Helper()
	plan, err := r.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := placement.Write(&file, plan); err != nil {
		t.Fatal(err)
	}
	read, err := placement.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(read); err != nil {
		t.Fatal(err)
	}
	return read
}

// TestResident: networks come and go, and hosts are lost; what is not concerned stays,
// and every plan on the way holds.
func TestResident(t *testing.T) {
	networks := scale.Networks(40, 3)
	first, err := Solve(context.Background(), placement.Problem{Networks: networks[:6], Inventory: scale.Inventory(24)}, Options{Seed: 1, Nodes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewResident(first, Options{Seed: 1, Nodes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	ctx, c := context.Background(), chance{rand.New(rand.NewPCG(1, 5))}
	waiting, added, lostHosts := networks[6:], 0, 0
	for step := range 16 {
		before := proves(t, r)
		a := Amendment{}
		switch {
		case step%8 == 7:
			name := busiest(before)
			a.Without = []string{name}
			if _, err := r.Lose(ctx, name); err != nil {
				if !refused(err) {
					t.Fatal(err)
				}
				a = Amendment{}
				break
			}
			lostHosts++
		case step%4 == 3:
			a.Drop = []string{before.Problem.Networks[c.IntN(len(before.Problem.Networks))].Name}
			if err := r.Drop(a.Drop...); err != nil {
				t.Fatal(err)
			}
		default:
			a.Networks, waiting = []vsn.Network{waiting[0]}, waiting[1:]
			if err := r.Add(ctx, a.Networks[0]); err != nil {
				if !refused(err) {
					t.Fatal(err)
				}
				a = Amendment{}
				break
			}
			added++
		}
		after := proves(t, r)
		p, standing, err := Amend(before, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := unchanged(standing, before, after); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if got, want := fmt.Sprint(names(after.Problem.Networks)), fmt.Sprint(names(p.Networks)); got != want {
			t.Fatalf("step %d: %v run, want %v", step, got, want)
		}
		if len(after.Problem.Inventory.Hosts) != len(p.Inventory.Hosts) {
			t.Fatalf("step %d: %d hosts, want %d", step, len(after.Problem.Inventory.Hosts), len(p.Inventory.Hosts))
		}
	}
	t.Logf("%d networks were added and %d hosts lost, %d changes were planned slowly", added, lostHosts, r.slow)
	if added < 6 || lostHosts < 2 || r.slow > 4 {
		t.Errorf("%d networks were added and %d hosts lost, %d changes were planned slowly", added, lostHosts, r.slow)
	}
}

// TestResidentSlowly: what the quick way does not know is planned as Solve does, and what
// is refused leaves everything as it was.
func TestResidentSlowly(t *testing.T) {
	p := openRobot()
	for i := range 2 { // what is chosen leaves no time for others on the same CPU
		other := host(fmt.Sprint("more", i), 4)
		other.Labels["site"] = "b"
		p.Inventory.Hosts, p.Inventory.Cables = append(p.Inventory.Hosts, other), append(p.Inventory.Cables, cable(other.Name, "s", 1e9))
	}
	first := planFor(t, p)
	r, err := NewResident(first, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	more := openRobot().Networks[0]
	more.Name = "more"
	if err := r.Add(context.Background(), more); err != nil {
		t.Fatal(err)
	}
	before := proves(t, r)
	if got := names(before.Problem.Networks); !slices.Equal(got, []string{first.Problem.Networks[0].Name, "more"}) {
		t.Fatalf("%v run", got)
	}
	huge := vsn.Network{Name: "huge", VMs: []vsn.VM{{Name: "a", VCPUs: 1, Memory: 1 << 50}}}
	if err := r.Add(context.Background(), huge); !refused(err) {
		t.Fatalf("a vm of 1 PiB: %v", err)
	}
	if err := r.Add(context.Background(), more); err == nil {
		t.Fatal("a network runs twice")
	}
	if err := r.Drop("nobody"); err == nil {
		t.Fatal("who does not run is dropped")
	}
	after := proves(t, r)
	if a, b := fmt.Sprint(before), fmt.Sprint(after); a != b {
		t.Error("what was refused has changed something")
	}
	if err := r.Drop("more"); err != nil {
		t.Fatal(err)
	}
	back := proves(t, r)
	if err := unchanged(&Standing{Embedding: first.Embedding}, first, back); err != nil {
		t.Error(err)
	}
}

// BenchmarkResident is one network more, one less, and the VMs of one lost host elsewhere,
// in a data centre that is a third full.
func BenchmarkResident(b *testing.B) {
	for _, size := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			plan := placementtest.Plan(size, size)
			more := scale.Networks(64, 99)
			r, err := NewResident(plan, Options{Seed: 1})
			if err != nil {
				b.Fatal(err)
			}
			ctx, next, at := context.Background(), 0, 0
			b.Run("add", func(b *testing.B) {
				for b.Loop() {
					n := more[next%len(more)]
					n.Name = fmt.Sprintf("more%d", next)
					next++
					if err := r.Add(ctx, n); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("drop", func(b *testing.B) {
				for b.Loop() {
					if err := r.Drop(r.now.problem.Networks[0].Name); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("lose", func(b *testing.B) {
				moved := 0
				for b.Loop() {
					moves, err := r.Lose(ctx, plan.Problem.Inventory.Hosts[(size/2+at)%size].Name)
					if err != nil {
						b.Fatal(err)
					}
					at, moved = at+7, moved+len(moves)
				}
				b.ReportMetric(float64(moved)/float64(b.N), "moves/op")
			})
			if r.slow > 0 {
				b.Errorf("%d changes were planned slowly", r.slow)
			}
		})
	}
}
