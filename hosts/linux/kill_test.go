package linux

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/vsnctl/vsnctl/hosts"
)

// killed is everything that this package makes, for a domain that is there.
func killed() hosts.State {
	return hosts.State{
		Partitions:   []hosts.Partition{{CPU: 0}, {CPU: 1}},
		Segments:     []hosts.Segment{segment},
		Reservations: []hosts.Reservation{reservation("a", "emulator", 0, 2*time.Millisecond, 100*time.Millisecond), reservation("a", "vcpu0", 1, 5*time.Millisecond, 100*time.Millisecond)},
		Ports:        []hosts.Port{portA},
		Queues: []hosts.Queue{queue("one", "a", "b", portA.Ifb, 1, macB, 20_000_000, 32<<10),
			queue("two", "a", "c", portA.Ifb, 2, macC, 10_000_000, 32<<10)},
	}
}

// makeAndUnmake is the process that gets killed: it makes everything and removes it,
// over and over.
func makeAndUnmake(pids string) error {
	m := New(PIDs(pids))
	fmt.Println("ready")
	for {
		for _, o := range killed().Objects() {
			if err := m.Do(context.Background(), hosts.Change{New: o}); err != nil {
				return fmt.Errorf("make %v: %w", o, err)
			}
		}
		for _, o := range slices.Backward(killed().Objects()) {
			if err := m.Do(context.Background(), hosts.Change{Old: o}); err != nil {
				return fmt.Errorf("remove %v: %w", o, err)
			}
		}
	}
}

// However a process of ours is killed, what it made is seen, and goes without a
// trace.
func TestKilledAtAnyMoment(t *testing.T) {
	m, s := onMachine(t)
	namespace(t)
	tap(t, portA.Tap, "", macA)
	s.start("net", "a", "sleep", 1, "vcpu0=1 emulator=0")
	flags, interfaces := balance(t), listing(t)
	random := rand.New(rand.NewPCG(1, 1))
	seen := map[int]int{}
	for round := range 40 {
		killSoon(t, s.pids, time.Duration(random.Int64N(int64(60*time.Millisecond))))
		found := observe(t, m).State
		seen[len(found.Objects())]++
		for _, o := range slices.Backward(found.Objects()) {
			do(t, m, hosts.Change{Old: o})
		}
		if left := observe(t, m).State.Objects(); len(left) > 0 {
			t.Fatalf("round %d: left: %v", round, left)
		}
		if d := cmp.Diff(flags, balance(t)); d != "" {
			t.Fatalf("round %d: cpusets (-before +after):\n%s", round, d)
		}
		if d := cmp.Diff(interfaces, listing(t)); d != "" {
			t.Fatalf("round %d: interfaces (-before +after):\n%s", round, d)
		}
		if _, err := os.Stat(filepath.Join(m.run, "cpusets.json")); err == nil {
			t.Fatalf("round %d: the record is left", round)
		}
	}
	t.Logf("objects found after a kill, and how often: %v", seen)
	if len(seen) < 4 {
		t.Errorf("the kills hit only %d different moments", len(seen))
	}
}

// killSoon runs makeAndUnmake in this thread's network namespace for that long.
func killSoon(t *testing.T, pids string, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "VSNCTL_STANDIN=unmake "+pids)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Errorf("it said %q: %v", line, err)
	}
	<-time.After(after)
	cmd.Process.Kill()
	cmd.Wait()
	if said.Len() > 0 {
		t.Errorf("it said %s", said.String())
	}
}

// listing is every interface with its alias and qdiscs.
func listing(t testing.TB) []string {
	t.Helper()
	all, err := links()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range all {
		qdiscs, err := netlink.QdiscList(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range qdiscs {
			lines = append(lines, fmt.Sprintf("%s %q %s", l.Attrs().Name, l.Attrs().Alias, q.Type()))
		}
	}
	slices.Sort(lines)
	return lines
}
