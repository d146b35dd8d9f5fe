package linux

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// A stand-in is a process that looks like a domain's qemu from outside: its command
// line names the guest, its threads are named as qemu names them, libvirt's pid file
// is there, and each thread sits in a cpuset of its own as libvirt makes them.

func init() {
	if os.Getenv("VSNCTL_STANDIN") != "" {
		runtime.LockOSThread() // main is to be the thread group leader
	}
}

func TestMain(m *testing.M) {
	Measuring()
	if how := os.Getenv("VSNCTL_STANDIN"); how != "" {
		standIn(how)
		return
	}
	os.Exit(m.Run())
}

// spun keeps the loop of a burning stand-in from being nothing.
var spun int

// standIn is the process: how is "burn", "sleep" or "echo" (of
// SIGUSR1), then the number of vCPUs;
// or "unmake" and a pid directory, or "measure" and a run directory, for another
// process to kill.
func standIn(how string) {
	verb, count, _ := strings.Cut(how, " ")
	if verb == "unmake" {
		fmt.Fprintln(os.Stderr, makeAndUnmake(count))
		os.Exit(1)
	}
	if verb == "measure" {
		_, err := New(Run(count)).MeasureGrain(context.Background())
		fmt.Fprintln(os.Stderr, err)
		return
	}
	n, _ := strconv.Atoi(count)
	ready := make(chan bool)
	work := func() {
		for n := 0; verb == "burn"; n++ {
			spun = n
		}
		for {
			time.Sleep(time.Hour)
		}
	}
	for i := range n {
		go func() {
			runtime.LockOSThread()
			name, _ := unix.BytePtrFromString(fmt.Sprintf("CPU %d/KVM", i))
			if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0); err != nil {
				panic(err)
			}
			ready <- true
			work()
		}()
	}
	for range n {
		<-ready
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGUSR1)
	fmt.Println("ready")
	go func() {
		for range signals {
			fmt.Println("signal")
		}
	}()
	// The leader does no work; it ends with its parent, when stdin closes.
	var b [1]byte
	os.Stdin.Read(b[:])
	os.Exit(0)
}

// standins are the pid directory of a test and the cgroups that libvirt would make.
type standins struct {
	t     testing.TB
	pids  string
	group string        // below the cpuset hierarchy, empty where cpusets are not touched
	said  *bufio.Reader // what the stand-in that was started last prints
}

func newStandins(t testing.TB, group string) *standins {
	return &standins{t: t, pids: t.TempDir(), group: group}
}

// start starts a stand-in for network/vm and pins its threads: "vcpu0=1 emulator=0".
// The test's end ends it, if stop has not.
func (s *standins) start(network, vm, verb string, vcpus int, pins string) *exec.Cmd {
	s.t.Helper()
	name := "vsn." + network + "." + vm
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(self, "-name", "guest="+name+",debug-threads=on")
	cmd.Env = append(os.Environ(), fmt.Sprintf("VSNCTL_STANDIN=%s %d", verb, vcpus), "GOMAXPROCS="+strconv.Itoa(vcpus+1))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // closed when this process ends
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.stop(name, cmd) })
	s.said = bufio.NewReader(out)
	if line, err := s.said.ReadString('\n'); line != "ready\n" {
		s.t.Fatalf("stand-in said %q: %v", line, err)
	}
	if err := os.WriteFile(filepath.Join(s.pids, name+".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.pin(New(PIDs(s.pids)), network, vm, s.dir(name, cmd), pins)
	return cmd
}

// dir is the cpuset of a stand-in, named as libvirt names it.
func (s *standins) dir(name string, cmd *exec.Cmd) string {
	if s.group == "" {
		return ""
	}
	return filepath.Join(s.group, fmt.Sprintf("qemu-%d-%s.libvirt-qemu", cmd.Process.Pid, name))
}

func (s *standins) stop(name string, cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	os.Remove(filepath.Join(s.pids, name+".pid"))
	cmd.Process.Kill()
	cmd.Wait()
	if dir := s.dir(name, cmd); dir != "" {
		s.rmtree(dir)
	}
}

// pin does for each thread what libvirt does: a cpuset of its own below the
// domain's, and the affinity.
func (s *standins) pin(m *Machine, network, vm, dir, pins string) {
	s.t.Helper()
	for pin := range strings.FieldsSeq(pins) {
		name, list, _ := strings.Cut(pin, "=")
		t, err := m.thread(network, vm, name)
		if err != nil {
			s.t.Fatal(err)
		}
		if dir != "" {
			s.mkset(dir, "")
			s.mkset(filepath.Join(dir, name), list)
			s.write(filepath.Join(dir, name, "tasks"), strconv.Itoa(t.tid))
		}
		cpus, err := parseCPUs(list)
		if err != nil {
			s.t.Fatal(err)
		}
		var set unix.CPUSet
		for _, c := range cpus {
			set.Set(c)
		}
		if err := unix.SchedSetaffinity(t.tid, &set); err != nil {
			s.t.Fatal(err)
		}
	}
}

const cpusetMount = "/sys/fs/cgroup/cpuset"

func (s *standins) write(file, value string) {
	s.t.Helper()
	if err := mounted(cpusetMount).Write(file, value); err != nil {
		s.t.Fatal(err)
	}
}

// mkset makes a cpuset with its parents; no cpus means those of the parent.
func (s *standins) mkset(dir, cpus string) {
	s.t.Helper()
	if dir == "." || dir == "" {
		return
	}
	s.mkset(filepath.Dir(dir), "")
	tree := mounted(cpusetMount)
	if tree.Mkdir(dir) != nil && cpus == "" {
		return // there already
	}
	for _, file := range []string{v1Mems, v1Cpus} {
		value, err := tree.Read(filepath.Join(filepath.Dir(dir), file))
		if err != nil {
			s.t.Fatal(err)
		}
		if file == v1Cpus && cpus != "" {
			value = cpus
		}
		s.write(filepath.Join(dir, file), value)
	}
}

// rmtree removes cpusets once their last thread has ended.
func (s *standins) rmtree(dir string) {
	tree := mounted(cpusetMount)
	dirs, err := tree.Dirs(dir)
	if err != nil {
		return
	}
	for _, d := range dirs {
		s.rmtree(filepath.Join(dir, d))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for tree.Rmdir(dir) != nil {
		if pause(ctx, time.Millisecond) != nil {
			s.t.Errorf("cpuset %q does not go", dir)
			return
		}
	}
}

// machineLock is for tests that change scheduling for the whole machine: one at a
// time, across packages and processes.
func machineLock(t testing.TB) {
	t.Helper()
	hosttest.Need(t, hosttest.Root, hosttest.Deadline, hosttest.Cpuset)
	if err := os.MkdirAll("/run/vsnctl", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile("/run/vsnctl/test.lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}
