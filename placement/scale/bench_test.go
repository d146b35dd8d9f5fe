package scale_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/construct"
	"github.com/vsnctl/vsnctl/placement/objective"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/scale"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// What is promised at ten thousand hosts, and how it is measured.
const (
	promised    = 10_000
	mostTotal   = 60 * time.Second
	mostMemory  = 2 << 30
	mostOneMore = 100 * time.Millisecond
	mostLost    = time.Second
)

// What the environment may say: the directory of the documents, for a process that
// measures one plan, so that its peak of memory is its own; the number of hosts, in the
// place of all sizes; and how many runs there are of each size, of which the median
// counts.
const (
	directory = "VSNCTL_SCALE_DIR"
	size      = "VSNCTL_SCALE_HOSTS"
	repeats   = "VSNCTL_SCALE_RUNS"
)

// measured is one run: its phases in a process that looks at the clock between them, and
// all of it as vsnctl does it.
type measured struct {
	Read, One, Two, Proof, Write, Check time.Duration
	Load, More, Lost                    time.Duration
	Displaced                           int // VMs on the host that is lost
	Links                               int // over cables
	Costs                               []int64
	Plan                                int64         // bytes
	Total                               time.Duration // of vsnctl plan: read, planned, proved, written
	Work                                time.Duration // likewise, of all processors together
	Peak                                int64         // likewise, bytes
}

// BenchmarkScale plans as many networks as there are hosts, in a process of its own for
// every run, and prints a table. It fails where the medians of the largest keep no
// promise.
func BenchmarkScale(b *testing.B) {
	if os.Getenv(directory) != "" {
		b.Skip("this process measures one plan")
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "hosts\tVMs\tlinks\tread\tphase one\tphase two\tproof\twrite\tcheck\tvsnctl plan\tof runs\tprocessors\tpeak MiB\tplan MB\tone more\tlost host\t")
	program := filepath.Join(b.TempDir(), "vsnctl")
	if out, err := exec.Command("go", "build", "-tags", "libvirt_dlopen", "-o", program, "../../cmd/vsnctl").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	runs := given(b, repeats, 3)
	for _, n := range sizes(b) {
		all := make([]measured, runs)
		for i := range all {
			all[i] = run(b, n, program)
		}
		m := median(all)
		seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
		var totals []string
		for i := range all {
			totals = append(totals, fmt.Sprintf("%.1f", all[i].Total.Seconds()))
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%.1f ms\t%.0f ms, %d VMs\t\n", n, n*scale.VMs, n*scale.Links, seconds(m.Read), seconds(m.One), seconds(m.Two), seconds(m.Proof), seconds(m.Write), seconds(m.Check),
			seconds(m.Total), strings.Join(totals, " "), seconds(m.Work), m.Peak>>20, m.Plan/1e6, float64(m.More.Microseconds())/1000, float64(m.Lost.Microseconds())/1000, m.Displaced)
		b.Logf("%d hosts: %d links over cables; by the objective %v; an embedder is told of the plan in %v", n, m.Links, m.Costs, m.Load)
		if n >= promised {
			m.keeps(b)
		}
	}
	w.Flush()
	b.Logf("medians of %d runs on %d cpus (GOMAXPROCS %d):\n%s", runs, runtime.NumCPU(), runtime.GOMAXPROCS(0), table.String())
	for b.Loop() {
	}
}

// sizes are those asked for, or what is promised and two below.
func sizes(b *testing.B) []int {
	if n := given(b, size, 0); n > 0 {
		return []int{n}
	}
	return []int{promised / 100, promised / 10, promised}
}

// given is a number of the environment.
func given(b *testing.B, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s: want a number from 1 on", name, text)
	}
	return n
}

// keeps fails where a promise is broken.
func (m *measured) keeps(b *testing.B) {
	for _, c := range []struct {
		what       string
		took, most int64
	}{{"read, planned, proved and written in ns", int64(m.Total), int64(mostTotal)}, {"peak of memory in bytes", m.Peak, mostMemory},
		{"one network more in ns", int64(m.More), int64(mostOneMore)}, {"the VMs of a lost host placed again in ns", int64(m.Lost), int64(mostLost)}} {
		if c.took > c.most {
			b.Errorf("%s: %d, and %d is promised", c.what, c.took, c.most)
		}
	}
}

// median takes of every figure the median; what does not vary is that of the first.
func median(all []measured) measured {
	m := all[0]
	of := func(figure func(*measured) *time.Duration) {
		var values []time.Duration
		for i := range all {
			values = append(values, *figure(&all[i]))
		}
		slices.Sort(values)
		*figure(&m) = values[len(values)/2]
	}
	for _, figure := range []func(*measured) *time.Duration{func(m *measured) *time.Duration { return &m.Read }, func(m *measured) *time.Duration { return &m.One }, func(m *measured) *time.Duration { return &m.Two },
		func(m *measured) *time.Duration { return &m.Proof }, func(m *measured) *time.Duration { return &m.Write }, func(m *measured) *time.Duration { return &m.Check }, func(m *measured) *time.Duration { return &m.Total }, func(m *measured) *time.Duration { return &m.Work },
		func(m *measured) *time.Duration { return &m.Load }, func(m *measured) *time.Duration { return &m.More }, func(m *measured) *time.Duration { return &m.Lost }} {
		of(figure)
	}
	m.Peak = slices.MaxFunc(all, func(a, b measured) int { return cmp.Compare(a.Peak, b.Peak) }).Peak
	return m
}

// run measures in processes of their own.
func run(b *testing.B, n int, program string) (m measured) {
	dir := b.TempDir()
	documents(b, dir, n)
	c := exec.Command(os.Args[0], "-test.run", "^TestMeasure$", "-test.timeout", "30m")
	c.Env = append(os.Environ(), directory+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.Output()
	at := bytes.Index(out, []byte("{"))
	if err != nil || at < 0 {
		b.Fatalf("%d hosts: %v: %s", n, err, out)
	}
	if err := json.NewDecoder(bytes.NewReader(out[at:])).Decode(&m); err != nil {
		b.Fatalf("%d hosts: %v: %s", n, err, out)
	}
	m.program(b, dir, program)
	return m
}

// program has vsnctl plan the documents of a directory.
func (m *measured) program(b *testing.B, dir, program string) {
	c := exec.Command(program, "plan", "-i", filepath.Join(dir, "hosts.yaml"), "-o", filepath.Join(dir, "plan.json"), filepath.Join(dir, "spec.yaml"))
	var said bytes.Buffer
	c.Stderr = &said
	start := time.Now()
	if err := c.Run(); err != nil {
		b.Fatalf("%v: %s", err, said.Bytes())
	}
	m.Total, m.Work = time.Since(start), c.ProcessState.UserTime()+c.ProcessState.SystemTime()
	m.Peak = c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// documents writes those of n hosts and as many networks.
func documents(b testing.TB, dir string, n int) {
	document(b, filepath.Join(dir, "hosts.yaml"), func(f *os.File) error {
		inv := scale.Inventory(n)
		return scale.WriteInventory(f, &inv)
	})
	document(b, filepath.Join(dir, "spec.yaml"), func(f *os.File) error { return scale.WriteNetworks(f, scale.Networks(n, 1)) })
}

func document(b testing.TB, name string, write func(*os.File) error) {
	f, err := os.Create(name)
	if err == nil {
		err = write(f)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// TestMeasure is the process that BenchmarkScale starts; else it measures a small data
// centre, and nobody looks at the figures.
func TestMeasure(t *testing.T) {
	dir := os.Getenv(directory)
	if dir == "" {
		dir = t.TempDir()
		documents(t, dir, 100)
	}
	var m measured
	plan := m.plan(t, dir)
	m.check(t, filepath.Join(dir, "plan.json"))
	m.beside(t, plan)
	if err := json.NewEncoder(os.Stdout).Encode(m); err != nil {
		t.Fatal(err)
	}
}

// plan reads, plans, proves and writes.
func (m *measured) plan(t *testing.T, dir string) *placement.Plan {
	start := time.Now()
	var files []strict.File
	for _, name := range []string{"hosts.yaml", "spec.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, strict.File{Name: name, Data: data})
	}
	networks, inventory, errs := hosts.ReadDocuments(files...)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	files = nil
	at := time.Now()
	m.Read = at.Sub(start)
	into := &m.One
	plan, err := solve.Solve(context.Background(), placement.Problem{Networks: networks, Inventory: *inventory}, solve.Options{Seed: 1, Progress: func(p solve.Progress) {
		*into += time.Since(at)
		at = time.Now()
		switch p.Doing {
		case solve.Realizing:
			into = &m.Two
		case solve.Proving:
			into = &m.Proof
		default:
			into = &m.One
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	*into += time.Since(at)
	at = time.Now()
	f, err := os.Create(filepath.Join(dir, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := placement.Write(w, plan); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m.Plan = info.Size()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m.Write = time.Since(at)
	for i := range plan.Embedding.Routes {
		if len(plan.Embedding.Routes[i].Cables) > 0 {
			m.Links++
		}
	}
	m.Costs = objective.Values(objective.Costs(&plan.Problem, &plan.Embedding, &plan.Realization))
	return plan
}

// check reads the plan back and derives every claim again.
func (m *measured) check(t *testing.T, name string) {
	start := time.Now()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plan, err := placement.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(plan); err != nil {
		t.Fatal(err)
	}
	m.Check = time.Since(start)
}

// beside places one network more beside all that run, and then what was on a host that
// is lost.
func (m *measured) beside(t *testing.T, plan *placement.Plan) {
	start := time.Now()
	x, err := construct.NewEmbedder(&plan.Problem.Inventory, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Hold(plan.Problem.Networks, &plan.Embedding, &plan.Realization); err != nil {
		t.Fatal(err)
	}
	m.Load = time.Since(start)
	more := scale.Networks(3, 99)[2] // spread over racks
	more.Name = "more"
	start = time.Now()
	if _, err := x.Embed(&more, construct.Ask{}); err != nil {
		t.Fatal(err)
	}
	m.More = time.Since(start)
	on := map[string]int{}
	for _, s := range plan.Embedding.Seats {
		on[s.Host]++
	}
	lost := plan.Embedding.Seats[0].Host
	for i := range plan.Problem.Inventory.Hosts { // the one with most
		if h := plan.Problem.Inventory.Hosts[i].Name; on[h] > on[lost] {
			lost = h
		}
	}
	m.Displaced = on[lost]
	of := map[string]int{}
	for i := range plan.Problem.Networks {
		of[plan.Problem.Networks[i].Name] = i
	}
	start = time.Now()
	touched, err := x.Fail(lost)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range touched {
		if _, err := x.Again(&plan.Problem.Networks[of[name]]); err != nil {
			t.Fatal(err)
		}
	}
	m.Lost = time.Since(start)
}
