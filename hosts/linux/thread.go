package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// thread is one thread of a process.
type thread struct {
	pid, tid int
}

func (t thread) proc(file string) string {
	return fmt.Sprintf("/proc/%d/task/%d/%s", t.pid, t.tid, file)
}

// domain is a process that libvirt started for one of our VMs.
type domain struct {
	network, vm string
	pid         int
}

const pidPrefix, pidSuffix = "vsn.", ".pid"

// domains are ours that run or are paused. Libvirt leaves NAME.pid for each; that
// the process is really that domain is read from its command line, since a pid file
// can outlive a crash and the number be somebody else's.
func (m *Machine) domains() ([]domain, error) {
	entries, err := os.ReadDir(m.pids)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []domain
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), pidSuffix)
		network, vm, ok2 := strings.Cut(strings.TrimPrefix(name, pidPrefix), ".")
		if !ok || !ok2 || !strings.HasPrefix(name, pidPrefix) || vsn.CheckName(network) != nil || vsn.CheckName(vm) != nil {
			continue
		}
		d := domain{network: network, vm: vm}
		b, err := os.ReadFile(filepath.Join(m.pids, e.Name()))
		if err != nil {
			continue // gone meanwhile
		}
		if d.pid, err = strconv.Atoi(strings.TrimSpace(string(b))); err == nil && d.alive(name) {
			found = append(found, d)
		}
	}
	return found, nil
}

// alive reports whether the process is the domain of that name: libvirt passes
// `-name guest=NAME,...`.
func (d domain) alive(name string) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.pid))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bytes.Split(b, []byte{0}), func(arg []byte) bool {
		rest, ok := bytes.CutPrefix(arg, []byte("guest="+name))
		return ok && (len(rest) == 0 || rest[0] == ',')
	})
}

// vcpuComm is how qemu names its vCPU threads (debug-threads=on).
var vcpuComm = regexp.MustCompile(`^CPU (\d+)/(KVM|TCG)$`)

const emulator = "emulator"

// threads of a domain that can have a reservation: "vcpu0", ... and "emulator",
// qemu's first thread, which does the virtio work that no iothread does.
func (d domain) threads() (map[string]thread, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", d.pid))
	if err != nil {
		return nil, err
	}
	found := map[string]thread{emulator: {d.pid, d.pid}}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		t := thread{d.pid, tid}
		b, err := os.ReadFile(t.proc("comm"))
		if err != nil {
			continue // it ended meanwhile
		}
		if match := vcpuComm.FindSubmatch(bytes.TrimSpace(b)); match != nil {
			found["vcpu"+string(match[1])] = t
		}
	}
	return found, nil
}

// thread finds the thread of a VM by name.
func (m *Machine) thread(network, vm, name string) (thread, error) {
	all, err := m.domains()
	if err != nil {
		return thread{}, err
	}
	for _, d := range all {
		if d.network != network || d.vm != vm {
			continue
		}
		threads, err := d.threads()
		if err != nil {
			return thread{}, err
		}
		if t, ok := threads[name]; ok {
			return t, nil
		}
		return thread{}, fmt.Errorf("process %d of domain %s/%s has no thread %q: %w: with TCG it needs thread=multi", d.pid, network, vm, name, unix.ESRCH)
	}
	return thread{}, fmt.Errorf("domain %s/%s: %w: it must be there first", network, vm, unix.ESRCH)
}

// affinity are the CPUs that a thread may run on.
func (t thread) affinity() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(t.tid, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// lastCPU is where the thread runs or ran last, field 39 of proc_pid_stat(5).
func (t thread) lastCPU() (int, error) {
	b, err := os.ReadFile(t.proc("stat"))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets that may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 37 {
		return 0, fmt.Errorf("%s has %d fields", t.proc("stat"), len(fields)+2)
	}
	return strconv.Atoi(fields[36])
}

// cpuNs is the CPU time that the thread got, from schedstat, exact to the
// nanosecond; see Documentation/scheduler/sched-stats.rst.
func (t thread) cpuNs() (int64, error) {
	b, err := os.ReadFile(t.proc("schedstat"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), " ")
	return strconv.ParseInt(first, 10, 64)
}

// meter reads the CPU time and the clock together. On a loaded machine this process
// may wait between the two for longer than a share is to be exact: the closest of a
// few readings counts.
func (t thread) meter() (hosts.Meter, error) {
	var best hosts.Meter
	gap := int64(math.MaxInt64)
	for range 10 {
		before := clockNs()
		ns, err := t.cpuNs()
		if err != nil {
			return hosts.Meter{}, err
		}
		after := clockNs()
		if after-before < gap {
			gap, best = after-before, hosts.Meter{ClockNs: before + (after-before)/2, CPUNs: ns}
		}
		if gap < 200_000 {
			break
		}
	}
	return best, nil
}
