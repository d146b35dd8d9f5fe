package vsn_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

const robot = `# The example of the documentation, every key once.
apiVersion: vsnctl/v1
kind: Network
name: robot
vms:
  - name: camera
    memory: 95.5MiB
    boot: {kernel: guest/vmlinuz, initrd: /boot/../initrd.gz, cmdline: "console=ttyS0"}
    reservation: {runtime: 20ms, period: 0.1s}
    resources: {gpu: 1}
  - {name: detect, vcpus: 2, memory: 1GiB, disk: {image: ../base.qcow2}, reservation: {runtime: 20 ms, period: 100ms}}
  - {name: left, memory: 1MiB, reservation: {period: 20ms}, tasks: [{name: servo, wcet: 1ms, period: 10ms, deadline: 8ms}], guestScheduler: fixed}
  - {name: right, memory: 1MiB, tasks: [{name: servo, wcet: 1ms, period: 10ms}]}
links:
  - {name: frames, between: [camera, detect], rate: 20Mbit, delay: 5ms}
  - {name: to-left, between: [detect, left], rate: 1Mbit}
  - {name: to-right, between: [detect, right]}
flows:
  - {name: see, path: [camera, detect], message: 8KiB, every: 100ms, work: {camera: 1ms, detect: 5ms}, deadline: 500ms}
  - {name: act, path: [detect, [left, right]], message: 100B, every: 10ms, jitter: 2ms, burst: 40, deadline: 50ms}
place:
  - {apart: [camera, detect]}
  - {vms: [camera], on: {site: turin}}
confidence: 0.99
active: 0.3
`

func TestLoad(t *testing.T) {
	got, errs := vsn.Load(strict.File{Name: "examples/robot.yaml", Data: []byte(robot)})
	want := vsn.Network{
		Name: "robot",
		VMs: []vsn.VM{
			{Name: "camera", VCPUs: 1, Memory: 96 << 20,
				Boot:        &vsn.Boot{Kernel: "examples/guest/vmlinuz", Initrd: "/boot/../initrd.gz", Cmdline: "console=ttyS0"},
				Reservation: &vsn.Reservation{Runtime: 20e6, Period: 100e6}, Resources: map[string]int64{"gpu": 1}},
			{Name: "detect", VCPUs: 2, Memory: 1 << 30, Disk: &vsn.Disk{Image: "base.qcow2"},
				Reservation: &vsn.Reservation{Runtime: 20e6, Period: 100e6}},
			{Name: "left", VCPUs: 1, Memory: 1 << 20, Reservation: &vsn.Reservation{Period: 20e6}, GuestScheduler: vsn.GuestFixed,
				Tasks: []vsn.Task{{Name: "servo", WCET: 1e6, Period: 10e6, Deadline: 8e6}}},
			{Name: "right", VCPUs: 1, Memory: 1 << 20, GuestScheduler: vsn.GuestEDF,
				Tasks: []vsn.Task{{Name: "servo", WCET: 1e6, Period: 10e6, Deadline: 10e6}}},
		},
		// 8192 bytes are 6 frames, of 42 bytes of headers each: 8444, and 9 KiB hold them.
		Links: []vsn.Link{{Name: "frames", Between: []string{"camera", "detect"}, Rate: 20e6, Burst: 9 << 10, Delay: 5e6},
			// 40 messages of 142 bytes at once are 5680, and 6 KiB hold them.
			{Name: "to-left", Between: []string{"detect", "left"}, Rate: 1e6, Burst: 6 << 10},
			{Name: "to-right", Between: []string{"detect", "right"}}},
		Flows: []vsn.Flow{{Name: "see", Path: []vsn.Stage{{"camera"}, {"detect"}}, Message: 8 << 10, Every: 100e6,
			Work: map[string]vsn.Duration{"camera": 1e6, "detect": 5e6}, Deadline: 500e6},
			{Name: "act", Path: []vsn.Stage{{"detect"}, {"left", "right"}}, Message: 100, Every: 10e6, Jitter: 2e6, Burst: 40, Deadline: 50e6}},
		Place:      []vsn.Rule{{Apart: []string{"camera", "detect"}}, {VMs: []string{"camera"}, On: map[string]string{"site": "turin"}}},
		Confidence: vsn.One * 99 / 100, Active: vsn.One * 3 / 10,
	}
	if errs != nil {
		t.Fatal(errs)
	}
	if diff := cmp.Diff([]vsn.Network{want}, got); diff != "" {
		t.Error(diff)
	}
	if errs := vsn.Validate(got); errs != nil {
		t.Errorf("valid where read, and not by itself: %v", errs)
	}
}

// A network that comes from elsewhere than a document is validated all the same.
func TestValidate(t *testing.T) {
	good, errs := vsn.Load(strict.File{Name: "robot.yaml", Data: []byte(robot)})
	if errs != nil {
		t.Fatal(errs)
	}
	bad := good[0]
	bad.VMs = slices.Clone(bad.VMs)
	bad.VMs[0].Reservation = &vsn.Reservation{Runtime: 2e6, Period: 1e6}
	bad.VMs[1].Name = "x;y"
	got := vsn.Validate([]vsn.Network{good[0], bad}).Error()
	for _, want := range []string{
		`network "robot": vm "camera": reservation.runtime: 2ms exceeds the period, 1ms`,
		`network "robot": vm "x;y": name: "x;y": only letters and digits, and - and _ inside, are allowed`,
		`network "robot": link "frames": between[1]: there is no VM "detect"`,
		`network "robot": name: a network "robot" is there already`,
	} {
		if !slices.Contains(strings.Split(got, "\n"), want) {
			t.Errorf("not said: %s\nbut:\n%s", want, got)
		}
	}
}

func TestSameNameInTwoFiles(t *testing.T) {
	file := func(name string) strict.File { return strict.File{Name: name, Data: []byte(robot)} }
	_, errs := vsn.Load(file("a.yaml"), file("b.yaml"))
	if got, want := errs.Error(), `b.yaml:4: name: a network "robot" is there already (a.yaml:4)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDefaultBurst(t *testing.T) {
	for message, want := range map[string]string{"1B": "3KiB", "2944B": "3KiB", "2988B": "4KiB", "1MiB": "1054KiB",
		"2988B, burst: 2": "7KiB", "1B, burst: 100": "5KiB"} {
		text := strings.Replace(robot, "message: 8KiB, every: 100ms", "message: "+message+", every: 60s", 1)
		got, errs := vsn.Load(strict.File{Name: "f", Data: []byte(text)})
		if errs != nil || got[0].Links[0].Burst.String() != want {
			t.Errorf("a message of %s: burst %v, want %s (%v)", message, got[0].Links[0].Burst, want, errs)
		}
	}
}

// A network that is to be had with some confidence is active unless it says less.
func TestDefaultActive(t *testing.T) {
	text := strings.Replace(robot, "active: 0.3\n", "", 1)
	got, errs := vsn.Load(strict.File{Name: "f", Data: []byte(text)})
	if errs != nil || got[0].Active != vsn.One {
		t.Errorf("active %v, want 1 (%v)", got[0].Active, errs)
	}
	text = strings.Replace(text, "confidence: 0.99\n", "", 1)
	got, errs = vsn.Load(strict.File{Name: "f", Data: []byte(text)})
	if errs != nil || got[0].Active != 0 {
		t.Errorf("without confidence: active %v, want none (%v)", got[0].Active, errs)
	}
}

// Whatever is valid comes back as it was, through YAML and through JSON.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNetwork(t)
		for _, data := range encodings(t, &n) {
			got, errs := vsn.Load(strict.File{Name: "n", Data: data})
			if errs != nil {
				t.Fatalf("%v in\n%s", errs, data)
			}
			if diff := cmp.Diff([]vsn.Network{n}, got); diff != "" {
				t.Fatalf("%s\nin\n%s", diff, data)
			}
		}
	})
}

func encodings(t interface{ Fatal(...any) }, n *vsn.Network) [][]byte {
	y, err := n.EncodeYAML()
	if err != nil {
		t.Fatal(err)
	}
	j, err := n.EncodeJSON()
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{y, j}
}

// Random networks, valid by construction.

var (
	name = rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?`)
	text = rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return strict.CheckText(string(r)) == nil && unicode.IsPrint(r) }))
	file = rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "/", "../"}).Draw(t, "from") + "f" + strings.ReplaceAll(text.Draw(t, "file"), "/", "")
	})
)

func drawNetwork(t *rapid.T) vsn.Network {
	n := vsn.Network{Name: name.Draw(t, "network")}
	for _, name := range rapid.SliceOfNDistinct(name, 1, 6, rapid.ID).Draw(t, "vms") {
		n.VMs = append(n.VMs, drawVM(t, name))
	}
	drawLinks(t, &n)
	for i := range rapid.IntRange(0, 4).Draw(t, "flows") {
		drawFlow(t, &n, fmt.Sprintf("flow-%d", i))
	}
	drawOpen(t, &n)
	drawPlace(t, &n)
	if rapid.Bool().Draw(t, "probabilistic") {
		share := rapid.Int64Range(1, int64(vsn.One))
		n.Confidence, n.Active = vsn.Share(share.Draw(t, "confidence")), vsn.Share(share.Draw(t, "active"))
	}
	return n
}

// drawOpen leaves to the planner what it can find: the runtimes of VMs with tasks or
// with a deadline to hold.
func drawOpen(t *rapid.T, n *vsn.Network) {
	for i := range n.VMs {
		v := &n.VMs[i]
		findable := len(v.Tasks) > 0 || slices.ContainsFunc(n.Flows, func(f vsn.Flow) bool { return f.Deadline > 0 && f.Passes(v.Name) })
		if findable && v.Reservation != nil && rapid.Bool().Draw(t, "open") {
			v.Reservation.Runtime = 0
		}
	}
}

func drawVM(t *rapid.T, vm string) vsn.VM {
	v := vsn.VM{Name: vm, VCPUs: rapid.IntRange(1, vsn.MaxVCPUs).Draw(t, "vcpus"),
		Memory: vsn.MemoryGrain * vsn.Size(rapid.Int64Range(1, int64(vsn.MaxMemory/vsn.MemoryGrain)).Draw(t, "MiB"))}
	if rapid.Bool().Draw(t, "boot") {
		v.Boot = &vsn.Boot{Kernel: file.Draw(t, "kernel"), Cmdline: text.Draw(t, "cmdline")}
		if rapid.Bool().Draw(t, "has initrd") {
			v.Boot.Initrd = file.Draw(t, "initrd")
		}
	}
	if rapid.Bool().Draw(t, "disk") {
		v.Disk = &vsn.Disk{Image: file.Draw(t, "image")}
	}
	if rapid.Bool().Draw(t, "reserved") {
		period := rapid.Int64Range(int64(vsn.MinPeriod), int64(vsn.MaxPeriod)).Draw(t, "period")
		v.Reservation = &vsn.Reservation{Period: vsn.Duration(period),
			Runtime: vsn.Duration(rapid.Int64Range(int64(vsn.MinRuntime), period).Draw(t, "runtime"))}
	}
	if rapid.Bool().Draw(t, "tasks") {
		drawTasks(t, &v)
	}
	if rapid.Bool().Draw(t, "resources") {
		v.Resources = rapid.MapOfN(name, rapid.Int64Range(0, vsn.MaxCount), 1, 3).Draw(t, "counts")
	}
	return v
}

// drawTasks draws tasks that one vCPU has time for.
func drawTasks(t *rapid.T, v *vsn.VM) {
	v.GuestScheduler = rapid.SampledFrom([]vsn.GuestScheduler{vsn.GuestEDF, vsn.GuestFixed}).Draw(t, "scheduler")
	names := rapid.SliceOfNDistinct(name, 1, 4, rapid.ID).Draw(t, "tasks")
	for _, name := range names {
		period := rapid.Int64Range(4, int64(vsn.MaxTime)).Draw(t, "task period")
		wcet := rapid.Int64Range(1, period/int64(len(names))).Draw(t, "wcet")
		v.Tasks = append(v.Tasks, vsn.Task{Name: name, WCET: vsn.Duration(wcet), Period: vsn.Duration(period),
			Deadline: vsn.Duration(rapid.Int64Range(wcet, int64(vsn.MaxTime)).Draw(t, "task deadline"))})
	}
}

func drawLinks(t *rapid.T, n *vsn.Network) {
	for i := range n.VMs {
		for k := range i {
			if rapid.Bool().Draw(t, "apart") {
				continue
			}
			l := vsn.Link{Name: fmt.Sprintf("l%d-%d", i, k), Between: []string{n.VMs[i].Name, n.VMs[k].Name}}
			if rapid.Bool().Draw(t, "shaped") {
				l.Rate = vsn.RateGrain * vsn.Rate(rapid.Int64Range(int64(vsn.MinRate/vsn.RateGrain), int64(vsn.MaxRate/vsn.RateGrain)).Draw(t, "rate"))
				l.Burst = vsn.Size(rapid.Int64Range(int64(vsn.MaxFrame), int64(vsn.MaxFrame)+int64(l.Rate)).Draw(t, "burst"))
				l.Delay = vsn.Duration(rapid.Int64Range(0, int64(vsn.MaxTime)).Draw(t, "delay"))
			}
			n.Links = append(n.Links, l)
		}
	}
}

// drawFlow walks over the links, and asks for little enough that every rate will do.
func drawFlow(t *rapid.T, n *vsn.Network, flow string) {
	f := vsn.Flow{Name: flow, Message: vsn.Size(rapid.Int64Range(1, 1000).Draw(t, "message")),
		Every:  vsn.Duration(rapid.Int64Range(60e9, int64(vsn.MaxTime)).Draw(t, "every")),
		Jitter: vsn.Duration(rapid.Int64Range(0, int64(vsn.MaxTime)).Draw(t, "jitter")),
		Burst:  rapid.Int64Range(0, vsn.MaxMessages).Draw(t, "at once")}
	longest := vsn.Duration(0)
	for stage := (vsn.Stage{rapid.SampledFrom(n.VMs).Draw(t, "first").Name}); ; {
		f.Path = append(f.Path, stage)
		most := vsn.Duration(0)
		for _, vm := range stage {
			if rapid.Bool().Draw(t, "works") {
				if f.Work == nil {
					f.Work = map[string]vsn.Duration{}
				}
				f.Work[vm] = vsn.Duration(rapid.Int64Range(0, 1e9).Draw(t, "work"))
				most = max(most, f.Work[vm])
			}
		}
		longest += most
		next := reached(n, &f, stage)
		if len(next) == 0 || rapid.IntRange(0, 3).Draw(t, "on") == 0 {
			break
		}
		stage = rapid.Permutation(next).Draw(t, "next")[:rapid.IntRange(1, len(next)).Draw(t, "wide")]
	}
	if rapid.Bool().Draw(t, "promised") {
		f.Deadline = vsn.Duration(rapid.Int64Range(int64(max(1, longest)), int64(vsn.MaxTime)).Draw(t, "deadline"))
	}
	n.Flows = append(n.Flows, f)
}

// reached are the VMs that links join to each VM of the stage and the flow has not
// passed.
func reached(n *vsn.Network, f *vsn.Flow, stage vsn.Stage) (next []string) {
	for i := range n.VMs {
		vm := n.VMs[i].Name
		joined := func(from string) bool {
			return slices.ContainsFunc(n.Links, func(l vsn.Link) bool { return slices.Contains(l.Between, from) && slices.Contains(l.Between, vm) })
		}
		if !f.Passes(vm) && !slices.ContainsFunc(stage, func(from string) bool { return !joined(from) }) {
			next = append(next, vm)
		}
	}
	return next
}

func drawPlace(t *rapid.T, n *vsn.Network) {
	names := make([]string, len(n.VMs))
	for i := range n.VMs {
		names[i] = n.VMs[i].Name
	}
	var together bool
	if len(names) > 1 {
		together = rapid.Bool().Draw(t, "together")
	}
	for range rapid.IntRange(0, 3).Draw(t, "rules") {
		vms := rapid.Permutation(names).Draw(t, "members")[:rapid.IntRange(min(2, len(names)), len(names)).Draw(t, "of")]
		switch {
		case len(vms) < 2 || rapid.Bool().Draw(t, "labels"):
			on := rapid.MapOfN(name, rapid.Just("same"), 1, 3).Draw(t, "on")
			n.Place = append(n.Place, vsn.Rule{VMs: vms, On: on})
		case together:
			n.Place = append(n.Place, vsn.Rule{Together: vms})
		case len(vms) > 1 && rapid.Bool().Draw(t, "spread"):
			n.Place = append(n.Place, vsn.Rule{Spread: vms, Over: "rack"})
		default:
			n.Place = append(n.Place, vsn.Rule{Apart: vms})
		}
	}
}
