package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// deployed are the networks that tests deploy.
var deployed = []string{"robot", "shaped", "studio", "broadcast"}

// TestRobot is the main job: examples/robot.yaml to running guests and back.
func TestRobot(t *testing.T) {
	plan, before := lab(t, example("robot.yaml"))
	dry := vsnctl(t, 0, "deploy", "--dry-run", plan)
	if !strings.Contains(dry, "create reservation robot/camera/vcpu0") {
		t.Errorf("dry run: %s", dry)
	}
	sameAs(t, before, "after a dry run")

	if out := vsnctl(t, 0, "deploy", plan); !strings.Contains(out, "robot: deployed") {
		t.Errorf("deploy: %s", out)
	}
	once := snapshot(t)
	if out := vsnctl(t, 0, "deploy", plan); !strings.Contains(out, "nothing to change") {
		t.Errorf("a second deploy: %s", out)
	}
	var d deployment
	if err := json.Unmarshal([]byte(vsnctl(t, 0, "deploy", "--format", "json", plan)), &d); err != nil || len(d.Changes) > 0 || len(d.Networks) != 1 || d.Networks[0].Name != "robot" || len(d.Networks[0].Promises) != 1 {
		t.Errorf("a third deploy, for a program: %+v, %v", d, err)
	} else if p := d.Networks[0].Promises[0]; !p.Backed {
		vsnctl(t, 5, "deploy", "--backed", plan)
	}
	sameAs(t, once, "after a second deploy")
	ready(t, "robot", "camera", "detect", "arm")
	kernelAgrees(t, "robot", map[string][]string{"camera": {"20000000/100000000/100000000"}, "detect": {"20000000/50000000/50000000"}, "arm": {"10000000/50000000/50000000"}})

	hogs(t)
	n := statusOf(t, "robot", "10s")
	vcpus := 0
	for _, r := range n.Reservations {
		if r.Thread == "emulator" {
			continue // it takes what it needs, at most its share
		}
		vcpus++
		if r.Measured == nil || math.Abs(*r.Measured-r.Promised) > 0.01 {
			t.Errorf("%s/%s: promised %.3f of a cpu, got %v", r.VM, r.Thread, r.Promised, ptr(r.Measured))
		}
	}
	if vcpus != 3 || len(n.Drift) != 0 {
		t.Errorf("%d vcpus with a reservation, want 3; drift %v", vcpus, n.Drift)
	}
	standsOn(t, n)
	driftIsSeen(t, plan)
	if out := vsnctl(t, 0, "destroy", "robot"); !strings.Contains(out, "robot: destroyed") {
		t.Errorf("destroy: %s", out)
	}
	sameAs(t, before, "after destroy")
	if out := vsnctl(t, 0, "destroy", "robot"); !strings.Contains(out, "nothing is there") {
		t.Errorf("a second destroy: %s", out)
	}
}

// TestChosen deploys what the planner chose: reservations for tasks and for deadlines,
// rates of links, a fork and a join.
func TestChosen(t *testing.T) {
	for _, network := range []string{"studio", "broadcast"} {
		t.Run(network, func(t *testing.T) { chosen(t, network) })
	}
}

func chosen(t *testing.T, network string) {
	file, before := lab(t, example(network+".yaml"))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := decodePlan(file, data)
	if err != nil {
		t.Fatal(err)
	}
	if n := plan.Problem.Networks[0]; n.VMs[0].Reservation != nil || n.Links[0].Rate != 0 {
		t.Fatalf("the plan's problem has what was chosen in it: %+v", n)
	}
	vsnctl(t, 0, "check", file)
	dry := vsnctl(t, 0, "deploy", "--dry-run", file)
	for _, r := range plan.Realization.Reservations {
		if !strings.Contains(dry, fmt.Sprintf("create reservation %s/%s/vcpu%d", network, r.VM, r.VCPU)) {
			t.Errorf("dry run without vcpu %d of %s: %s", r.VCPU, r.VM, dry)
		}
	}
	sameAs(t, before, "after a dry run")
	vsnctl(t, 0, "deploy", file)
	want, vms := map[string][]string{}, []string{}
	for _, r := range plan.Realization.Reservations {
		if r.VCPU == 0 {
			vms = append(vms, r.VM)
		}
		want[r.VM] = append(want[r.VM], fmt.Sprintf("%d/%d/%d", r.RuntimeNs, r.PeriodNs, r.PeriodNs))
	}
	ready(t, network, vms...)
	kernelAgrees(t, network, want)
	n := statusOf(t, network, "5s")
	if len(n.Drift) != 0 || len(n.Queues) != len(plan.Realization.Queues) {
		t.Errorf("drift %v, %d queues of %d", n.Drift, len(n.Queues), len(plan.Realization.Queues))
	}
	for _, q := range plan.Realization.Queues {
		if !slices.ContainsFunc(n.Queues, func(r queueReport) bool {
			return r.Link == q.Link && r.From == q.From && r.To == q.To && r.RateBit == q.RateBit && r.BurstBytes == q.BurstBytes
		}) {
			t.Errorf("queue %s>%s: no class has the %d bit/s and %d B that were chosen: %+v", q.From, q.To, q.RateBit, q.BurstBytes, n.Queues)
		}
	}
	if out := vsnctl(t, 0, "deploy", file); !strings.Contains(out, "nothing to change") {
		t.Errorf("a second deploy: %s", out)
	}
	vsnctl(t, 0, "destroy", network)
	sameAs(t, before, "after destroy")
}

// driftIsSeen changes what runs behind the back of vsnctl, and wants it told and mended.
func driftIsSeen(t *testing.T, plan string) {
	t.Helper()
	taps := output(t, "ip", "-o", "link", "show", "type", "ifb")
	var ifb string
	for line := range strings.Lines(taps) {
		if name := strings.TrimSuffix(strings.Fields(line)[1], ":"); strings.HasPrefix(name, "vi") {
			ifb = name
		}
	}
	output(t, "ip", "link", "del", ifb)
	out := vsnctl(t, 5, "status", "--interval", "0", "robot")
	for _, says := range []string{"drift: missing: port", "promise see-and-act", "NOT BACKED: host", "class: is port robot/"} {
		if !strings.Contains(out, says) {
			t.Errorf("a port is gone, and status does not say %q:\n%s", says, out)
		}
	}
	vsnctl(t, 0, "deploy", plan)
	vsnctl(t, 0, "status", "--interval", "0", "robot")
}

// shaped are two guests that overload their link, both ways, at three times its rate: the
// queue at the port never runs dry while a guest waits for its next turn.
const shaped = `
apiVersion: vsnctl/v1
kind: Network
name: shaped
vms:
  - {name: a, memory: 96MiB, boot: {kernel: GUEST/vmlinuz, initrd: GUEST/initrd.gz, cmdline: "console=ttyS0 quiet no_timer_check mitigations=off vsn.ip=10.60.0.1/24 vsn.run=sink,9+blast,10.60.0.2,9,12Mbit,600"}, reservation: {runtime: 25ms, period: 50ms}}
  - {name: b, memory: 96MiB, boot: {kernel: GUEST/vmlinuz, initrd: GUEST/initrd.gz, cmdline: "console=ttyS0 quiet no_timer_check mitigations=off vsn.ip=10.60.0.2/24 vsn.run=sink,9+blast,10.60.0.1,9,12Mbit,600"}, reservation: {runtime: 25ms, period: 50ms}}
links:
  - {name: l, between: [a, b], rate: 4Mbit, burst: 16KiB}
`

// TestShapedLink: a link gets its rate and no more, in each direction.
func TestShapedLink(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "shaped.yaml")
	if err := os.WriteFile(spec, []byte(strings.ReplaceAll(shaped, "GUEST", hosttest.GuestDir())), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, _ := lab(t, spec)
	vsnctl(t, 0, "deploy", plan)
	ready(t, "shaped", "a", "b")
	// No window may see more than the rate. That it sees as much also takes two senders
	// that are not stopped from outside, as guests on a shared machine may be: one
	// window of three has to.
	full := map[string]bool{}
	for range 3 {
		n := statusOf(t, "shaped", "10s")
		if len(n.Queues) != 2 {
			t.Fatalf("%d queues, want 2", len(n.Queues))
		}
		for _, q := range n.Queues {
			if q.Measured == nil || *q.Measured > 1.05*float64(q.RateBit) {
				t.Fatalf("%s>%s: rate %d bit/s, measured %v", q.From, q.To, q.RateBit, ptr(q.Measured))
			}
			if q.Drops == 0 {
				t.Errorf("%s>%s: nothing dropped: the link is not overloaded, and the test shows nothing", q.From, q.To)
			}
			full[q.From] = full[q.From] || *q.Measured > 0.95*float64(q.RateBit)
			t.Logf("%s>%s: rate %d bit/s, measured %.0f", q.From, q.To, q.RateBit, *q.Measured)
		}
		if full["a"] && full["b"] {
			return
		}
	}
	t.Errorf("in three windows the links did not get within 5 %% of their rate: %v", full)
}

// TestGlobal deploys without root domains: nothing machine-wide is touched, and the
// shares hold all the same.
func TestGlobal(t *testing.T) {
	plan, before := lab(t, example("robot.yaml"), "--name", "here")
	vsnctl(t, 0, "deploy", plan)
	for _, line := range cpusets(t) {
		if strings.HasSuffix(line, "sched_load_balance 0") && !slices.Contains(before, line) {
			t.Errorf("partition: false, and yet: %s", line)
		}
	}
	ready(t, "robot", "camera", "detect", "arm")
	standsOn(t, statusOf(t, "robot", "0"))
	foreign := exec.Command("chrt", "--deadline", "--sched-runtime", "100000", "--sched-period", "100000000", "0", "sleep", "60")
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(deadlineThreads(t), "deadline sleep") && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	standsOn(t, statusOf(t, "robot", "0"), hosts.RestAlone)
	vsnctl(t, 5, "status", "--backed", "--interval", "0", "robot")
	if out := vsnctl(t, 0, "probe"); !strings.Contains(out, "# grain: not measured, process") {
		t.Errorf("probe beside reservations: %s", out)
	}
	_ = foreign.Process.Kill()
	_ = foreign.Wait()
	standsOn(t, statusOf(t, "robot", "0"))
	hogs(t)
	for _, r := range statusOf(t, "robot", "10s").Reservations {
		if r.Thread != "emulator" && (r.CPU != hosts.AnyCPU || r.Measured == nil || math.Abs(*r.Measured-r.Promised) > 0.01) {
			t.Errorf("%s/%s: on cpu %d, promised %.3f of a cpu, got %v", r.VM, r.Thread, r.CPU, r.Promised, ptr(r.Measured))
		}
	}
}

// TestQuickStart: vsnctl is there before one notices, by the processor time of a run.
func TestQuickStart(t *testing.T) {
	hosttest.Need(t, hosttest.Guest)
	for limit, args := range map[time.Duration][]string{50 * time.Millisecond: {"version"}, 100 * time.Millisecond: {"plan", "-i", example("hosts.yaml"), example("robot.yaml")}} {
		least := time.Hour
		for range 5 {
			c := exec.Command("vsnctl", args...)
			if err := c.Run(); err != nil {
				t.Fatal(err)
			}
			least = min(least, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
		}
		if least > limit {
			t.Errorf("vsnctl %s takes %v of processor time, want %v", args[0], least, limit)
		}
	}
}

// TestKilledDeploy kills a deploy at ten random moments; destroy then leaves nothing.
func TestKilledDeploy(t *testing.T) {
	plan, before := lab(t, example("robot.yaml"))
	start := time.Now()
	vsnctl(t, 0, "deploy", plan)
	whole := time.Since(start)
	vsnctl(t, 0, "destroy", "robot")
	sameAs(t, before, "after the deploy that was timed")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; a whole deploy takes %v", seed, whole)
	chance := rand.New(rand.NewPCG(seed, 0))
	delays := make([]time.Duration, 10)
	for i := range delays {
		delays[i] = time.Duration(chance.Int64N(int64(whole)))
	}
	slices.Sort(delays)
	for _, d := range delays {
		c := exec.Command("vsnctl", "deploy", plan)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(d)
		_ = c.Process.Kill()
		_ = c.Wait()
		vsnctl(t, 0, "destroy", "robot")
		sameAs(t, before, fmt.Sprintf("killed after %v, then destroyed", d))
	}
}
