package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"golang.org/x/sys/unix"
)

// pseudoTerminal is a terminal of the test's own (pty(7)): what a program writes to far
// comes out of near.
func pseudoTerminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	fd := int(near.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 200}); err != nil {
		t.Fatal(err)
	}
	far, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// running is a program that writes its words to what the test reads.
type running struct {
	t     *testing.T
	c     *exec.Cmd
	out   bytes.Buffer
	said  string // so far
	words *bufio.Reader
	end   *time.Timer
}

// start runs vsnctl with its words on far, which near reads.
func start(t *testing.T, near io.Reader, far *os.File, args ...string) *running {
	t.Helper()
	r := &running{t: t, c: exec.Command("vsnctl", args...), words: bufio.NewReader(near)}
	r.c.Env = append(os.Environ(), "TERM=xterm")
	r.c.Stdout, r.c.Stderr = &r.out, far
	if err := r.c.Start(); err != nil {
		t.Fatal(err)
	}
	far.Close()
	r.end = time.AfterFunc(time.Minute, func() { r.c.Process.Kill() })
	t.Cleanup(func() { r.end.Stop(); r.c.Process.Kill() })
	return r
}

// onTerminal starts vsnctl on a terminal.
func onTerminal(t *testing.T, args ...string) *running {
	t.Helper()
	near, far := pseudoTerminal(t)
	return start(t, near, far, args...)
}

// until reads until the words match.
func (r *running) until(pattern string) {
	r.t.Helper()
	from, want := len(r.said), regexp.MustCompile(pattern)
	for !want.MatchString(r.said[from:]) {
		c, err := r.words.ReadByte()
		if err != nil {
			r.t.Fatalf("%v before %q is said; it said\n%s", err, pattern, r.said)
		}
		r.said += string(c)
	}
}

func (r *running) interrupt() {
	r.t.Helper()
	if err := r.c.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
}

// ends reads the rest and wants an exit code.
func (r *running) ends(code int) {
	r.t.Helper()
	rest, _ := io.ReadAll(r.words) // a terminal that nobody writes to any more is an error
	r.said += string(rest)
	err := r.c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	if got := r.c.ProcessState.ExitCode(); got != code {
		r.t.Fatalf("exit code %d, want %d; it said\n%s\nand printed\n%s", got, code, r.said, r.out.String())
	}
}

// toil writes a network and hosts of which the search finds a plan at once and does not
// prove in a minute that none costs less; and hosts that are too few, which takes as long
// to show.
func toil(t *testing.T) (network, hosts, few string) {
	t.Helper()
	dir := t.TempDir()
	var n, h strings.Builder
	fmt.Fprint(&n, "apiVersion: vsnctl/v1\nkind: Network\nname: mesh\nvms:\n")
	for i := range 16 {
		fmt.Fprintf(&n, "  - {name: v%d, memory: %dMiB}\n", i, 101+i)
	}
	fmt.Fprint(&n, "links:\n")
	for i := range 16 {
		for _, step := range []int{1, 3, 5} {
			fmt.Fprintf(&n, "  - {name: l%d-%d, between: [v%d, v%d], rate: %dMbit, burst: 4KiB}\n", i, step, i, (i+step)%16, 10*(1+i*step%4))
		}
	}
	inventory := func(name string, count int) string {
		h.Reset()
		fmt.Fprint(&h, "apiVersion: vsnctl/v1\nkind: Inventory\nswitches: [{name: s0}, {name: s1}, {name: s2}]\nhosts:\n")
		for i := range count {
			fmt.Fprintf(&h, "  - {name: h%d, memory: 300MiB, cpus: [{id: 0}]}\n", i)
		}
		fmt.Fprint(&h, "cables:\n  - {between: [s0, s1], rate: 1Gbit}\n  - {between: [s1, s2], rate: 1Gbit}\n")
		for i := range count {
			fmt.Fprintf(&h, "  - {between: [h%d, s%d], rate: %dMbit}\n", i, i%3, 1000+i)
		}
		return written(t, filepath.Join(dir, name), h.String())
	}
	return written(t, filepath.Join(dir, "mesh.yaml"), n.String()), inventory("hosts.yaml", 10), inventory("few.yaml", 7)
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCtrlC: the best plan so far is written, proved and marked.
func TestCtrlC(t *testing.T) {
	network, hosts, _ := toil(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	r := onTerminal(t, "plan", "--exact", "-i", hosts, "-o", plan, network)
	r.until(`\r\x1b\[Kvsnctl: proving that nothing costs less, [0-9.]+s, bandwidth [0-9]+Mbit x hops, none has less than [0-9]+Mbit x hops \(gap [0-9.]+%\), [0-9]+ nodes`)
	r.interrupt()
	r.ends(0)
	if !strings.Contains(r.said, "interrupted: the best so far is taken") || !strings.Contains(r.said, "it was interrupted") {
		t.Errorf("it says\n%s", r.said)
	}
	if !strings.Contains(r.out.String(), "Interrupted: every bound holds") {
		t.Errorf("it prints\n%s", r.out.String())
	}
	data, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`"interrupted": true`)) {
		t.Error("the plan is not marked")
	}
	vsnctl(t, 0, "check", plan)
	unmarked := written(t, plan, strings.Replace(string(data), `  "interrupted": true,`+"\n", "", 1))
	vsnctl(t, 2, "check", unmarked)
}

// TestCtrlCBeforeAPlan: nothing was found, so that the planner gave up.
func TestCtrlCBeforeAPlan(t *testing.T) {
	network, _, few := toil(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	r := onTerminal(t, "plan", "--nodes", "1000000000", "-i", few, "-o", plan, network)
	r.until(`placing, [0-9.]+s, at most [0-9hms.]+ left, no plan yet, [0-9]+ of 1000000000 nodes`)
	r.interrupt()
	r.ends(4)
	if !strings.Contains(r.said, "it was interrupted") {
		t.Errorf("it says\n%s", r.said)
	}
	if _, err := os.Stat(plan); !os.IsNotExist(err) {
		t.Errorf("a plan that was not found is written: %v", err)
	}
}

// TestCtrlCTwice ends the program at once. It waits to write its plan to a pipe that
// nobody reads.
func TestCtrlCTwice(t *testing.T) {
	network, hosts, _ := toil(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	r := onTerminal(t, "plan", "--exact", "-i", hosts, "-o", pipe, network)
	r.until(`gap`)
	r.interrupt()
	r.until(`once more ends at once`)
	r.interrupt()
	r.ends(130)
	if r.out.Len() > 0 {
		t.Errorf("it prints\n%s", r.out.String())
	}
}

// TestProgressWhereWanted: nothing is said of progress elsewhere than on a terminal, and
// there, unless that is asked for.
func TestProgressWhereWanted(t *testing.T) {
	network, hosts, _ := toil(t)
	for _, c := range []struct {
		when     string
		terminal bool
		says     bool
	}{{"auto", true, true}, {"auto", false, false}, {"always", false, true}, {"never", true, false}} {
		t.Run(fmt.Sprintf("%s %t", c.when, c.terminal), func(t *testing.T) {
			t.Parallel()
			near, far, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			if c.terminal {
				near, far = pseudoTerminal(t)
			}
			r := start(t, near, far, "plan", "--exact", "--time-limit", "1500ms", "--progress", c.when, "-i", hosts, network)
			r.ends(0)
			lines := strings.Count(r.said, "nothing costs less, ")
			if (lines > 0) != c.says {
				t.Errorf("%d lines of progress:\n%s", lines, r.said)
			}
			if redrawn := strings.Contains(r.said, eraseLine); redrawn && !c.terminal {
				t.Errorf("a line is redrawn where nobody sees it:\n%q", r.said)
			}
			if !strings.Contains(r.said, "the time allowed was spent") || !strings.Contains(r.out.String(), "Interrupted: ") {
				t.Errorf("not marked as ended by its limit:\n%s", r.said)
			}
		})
	}
}

// TestCtrlCInATrace: what was decided so far is whole.
func TestCtrlCInATrace(t *testing.T) {
	_, hosts, _ := toil(t)
	var trace strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&trace, `{"id": %d, "at": %d, "for": 2, "network": {"apiVersion": "vsnctl/v1", "kind": "Network", "name": "n", "vms": [{"name": "a", "memory": "200MiB"}, {"name": "b", "memory": "150MiB"}, {"name": "c", "memory": "180MiB"}], "links": [{"name": "ab", "between": ["a", "b"], "rate": "5Mbit"}, {"name": "cb", "between": ["c", "b"], "rate": "5Mbit"}]}}`+"\n", i, i)
	}
	requests, out := written(t, filepath.Join(t.TempDir(), "trace"), trace.String()), filepath.Join(t.TempDir(), "out")
	r := onTerminal(t, "simulate", "-i", hosts, "--trace", requests, "--effort", "30000000", "-o", out)
	r.until(`vsnctl: [1-9][0-9]* of 3000 requests decided, [0-9.]+s, about [0-9hms.]+ left, [0-9]+ accepted`)
	r.interrupt()
	r.ends(0)
	said := regexp.MustCompile(`Interrupted: ([0-9]+) of 3000 requests were decided`).FindStringSubmatch(r.out.String())
	data, err := os.ReadFile(out)
	if err != nil || said == nil {
		t.Fatalf("%v, and it prints\n%s", err, r.out.String())
	}
	if lines := strings.Count(string(data), "\n"); fmt.Sprint(lines) != said[1] || lines == 0 || !strings.HasSuffix(string(data), "}\n") {
		t.Errorf("%s decided, and %d lines of decisions", said[1], lines)
	}
}

// TestUnfinished: what is half written leaves nothing behind.
func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	var p partial
	f, err := p.create(filepath.Join(dir, "plan"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	p.remove()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v is left", err, left)
	}
	if err := p.finish(filepath.Join(dir, "plan")); err == nil {
		t.Error("what was removed was finished")
	}
}

// TestSearchThatDoesNotLookUp: who interrupts a search that is at something long has the
// best plan so far all the same, or the answer that there is none.
func TestSearchThatDoesNotLookUp(t *testing.T) {
	for _, what := range []string{"nothing", "plan", "refusal"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			w := &watch{now: solve.Progress{Doing: solve.Proving}}
			switch what {
			case "refusal":
				w.refused(&placement.Infeasible{})
			case "plan":
				w.found(func() (*placement.Plan, error) { return &placement.Plan{Seed: 7}, nil })
			}
			_, words, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			a := (&terminal{err: words}).await(ctx, w, make(chan answered))
			var gaveUp *placement.GaveUp
			switch {
			case what == "refusal" && (exitCode(a.err) != 3 || a.said == ""):
				t.Errorf("%v, %q", a.err, a.said)
			case what == "nothing" && (!errors.As(a.err, &gaveUp) || !strings.Contains(a.err.Error(), "it was ended while it was proving every bound")):
				t.Errorf("%v", a.err)
			case what == "plan" && (a.err != nil || a.plan.Seed != 7 || !a.plan.Interrupted || a.plan.Sealed() != nil):
				t.Errorf("%v, %+v", a.err, a.plan)
			}
		})
	}
}
