package linux

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// labV2 is a kernel in memory, and where threads are in it.
type labV2 struct {
	*kernelV2
	cpusetV2
	threads map[thread]string
}

func newLabV2(t *testing.T, cpus ...int) *labV2 {
	l := &labV2{kernelV2: newKernelV2(cpus...), threads: map[thread]string{}}
	l.cpusetV2 = cpusetV2{tree: l.kernelV2, before: record{filepath.Join(t.TempDir(), "cpusets.json")}, where: func(t thread) (string, error) { return l.threads[t], nil }}
	l.groups["machine.slice"] = &groupV2{id: 1000, partition: "member"}
	return l
}

// vm makes what libvirt makes: a scope, and in it a cgroup for each thread.
func (l *labV2) vm(t *testing.T, slice, name string, pins string) map[string]thread {
	t.Helper()
	threads := map[string]thread{}
	dir := path.Join(slice, `machine-qemu\x2d`+fmt.Sprint(len(l.threads))+`\x2d`+name+".scope/libvirt")
	for _, d := range ancestors(dir) {
		if err := l.Mkdir(d); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	for pin := range strings.FieldsSeq(pins) {
		which, cpus, _ := strings.Cut(pin, "=")
		own := path.Join(dir, which)
		if err := errors.Join(l.Mkdir(own), l.Write(path.Join(own, v2Cpus), cpus)); err != nil {
			t.Fatal(err)
		}
		l.groups[own].tasks = 1
		threads[which] = thread{1, len(l.threads)}
		l.threads[threads[which]] = own
	}
	return threads
}

// gone removes a domain with its cgroups.
func (l *labV2) gone(threads map[string]thread) {
	var dirs []string
	for _, t := range threads {
		own := l.threads[t]
		l.groups[own].tasks = 0
		delete(l.threads, t)
		dirs = append(dirs, own, path.Dir(own), path.Dir(path.Dir(own)))
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	for _, d := range dirs {
		_ = l.Rmdir(d)
	}
}

// files is every setting of every cgroup but our marks.
func (l *labV2) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for dir := range l.groups {
		for _, name := range []string{v2Cpus, v2Exclusive, v2Partition} {
			if text, err := l.Read(path.Join(dir, name)); err == nil {
				all[path.Join(dir, name)] = text
			}
		}
	}
	return all
}

func (l *labV2) mustAdmit(t *testing.T, cpu int, th thread) {
	t.Helper()
	if err := l.admit(cpu, th); err != nil {
		t.Fatalf("admit to cpu %d: %v", cpu, err)
	}
	if got := l.effective(l.threads[th]); !slices.Equal(got, []int{cpu}) {
		t.Fatalf("thread in %q runs on %v, want cpu %d alone", l.threads[th], got, cpu)
	}
	if with, err := l.joined(cpu); err != nil || !slices.Equal(with, []int{cpu}) {
		t.Fatalf("cpu %d is in a root domain with %v (%v)", cpu, with, err)
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestV2PartitionOfOneThread(t *testing.T) {
	l := newLabV2(t, 0, 1, 2, 3)
	first := l.files(t)
	must(t, l.create(1), l.create(2))
	a := l.vm(t, "machine.slice", "a", "vcpu0=1 vcpu1=2 emulator=0,3")
	before := l.files(t)
	l.mustAdmit(t, 1, a["vcpu0"])
	l.mustAdmit(t, 2, a["vcpu1"])
	l.mustAdmit(t, 1, a["vcpu0"])
	if parts, err := l.partitions(); err != nil || !slices.Equal(parts, []int{1, 2}) {
		t.Fatalf("partitions %v (%v), want 1 and 2", parts, err)
	}
	if all, err := l.cpus(); err != nil || !slices.Equal(all, []int{0, 1, 2, 3}) {
		t.Fatalf("cpus %v (%v), want 0-3", all, err)
	}
	if got := l.groups["machine.slice"].exclusive; !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("exclusive %v, want 1-2", got)
	}
	must(t, l.remove(1))
	if got := l.groups["machine.slice"].exclusive; !slices.Equal(got, []int{2}) {
		t.Fatalf("exclusive %v, want 2", got)
	}
	must(t, l.remove(2))
	delete(before, "vsnctl-cpu1/"+v2Cpus)
	for k := range before {
		if strings.HasPrefix(k, ourCgroup) {
			delete(before, k)
		}
	}
	if d := cmp.Diff(before, l.files(t)); d != "" {
		t.Fatalf("not put back (-before +after):\n%s", d)
	}
	l.gone(a)
	if d := cmp.Diff(first, l.files(t)); d != "" {
		t.Fatalf("left (-first +after):\n%s", d)
	}
	if list, err := l.before.read(); err != nil || list != nil {
		t.Fatalf("record is left: %v, %v", list, err)
	}
}

// A domain with all its threads on one CPU is a partition as a whole; one that goes
// before its partition leaves only what is above it to put back.
func TestV2PartitionOfDomain(t *testing.T) {
	l := newLabV2(t, 0, 1)
	first := l.files(t)
	must(t, l.create(1))
	a := l.vm(t, "machine.slice", "a", "vcpu0=1 vcpu1=1 emulator=1")
	for _, name := range []string{"emulator", "vcpu0", "vcpu1"} {
		l.mustAdmit(t, 1, a[name])
	}
	l.gone(a)
	b := l.vm(t, "machine.slice", "b", "vcpu0=1 emulator=1")
	l.mustAdmit(t, 1, b["vcpu0"])
	l.gone(b)
	must(t, l.remove(1))
	if d := cmp.Diff(first, l.files(t)); d != "" {
		t.Fatalf("left (-first +after):\n%s", d)
	}
}

func TestV2SliceOfDomains(t *testing.T) {
	l := newLabV2(t, 0, 1)
	must(t, l.create(1))
	slice := `machine.slice/machine-vsnctl\x2dcpu1.slice`
	a := l.vm(t, slice, "a", "vcpu0=1 emulator=1")
	l.mustAdmit(t, 1, a["vcpu0"])
	b := l.vm(t, slice, "b", "vcpu0=1 emulator=1")
	for _, th := range []thread{a["emulator"], b["vcpu0"], b["emulator"]} {
		l.mustAdmit(t, 1, th)
	}
}

func TestV2Refuses(t *testing.T) {
	l := newLabV2(t, 0, 1)
	must(t, l.create(1))
	if err := l.create(0); !errors.Is(err, unix.EBUSY) {
		t.Errorf("the last cpu: %v, want EBUSY", err)
	}
	a := l.vm(t, "machine.slice", "a", "vcpu0=1 vcpu1=0 emulator=1")
	before := l.files(t)
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, unix.EBUSY) {
			t.Errorf("%s: %v, want EBUSY", what, err)
		}
		if d := cmp.Diff(before, l.files(t)); d != "" {
			t.Errorf("%s: changed something (-before +after):\n%s", what, d)
		}
	}
	refused("two of three threads of a domain", l.admit(1, a["vcpu0"]))
	l.gone(a)
	b := l.vm(t, "machine.slice", "b", "vcpu0=1")
	c := l.vm(t, "machine.slice", "c", "vcpu0=1")
	before = l.files(t)
	refused("threads of two domains", l.admit(1, b["vcpu0"]))
	l.gone(c)
	wide := l.vm(t, "machine.slice", "wide", "vcpu0=0-1")
	if err := l.admit(1, wide["vcpu0"]); !errors.Is(err, unix.EPERM) {
		t.Errorf("a thread that is not pinned: %v, want EPERM", err)
	}
	l.old = true
	if err := l.admit(1, b["vcpu0"]); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("a kernel before 6.7: %v, want EOPNOTSUPP", err)
	}
}

// Whichever change of the tree is the last before the process dies, removing the
// partition puts everything back.
func TestV2KilledAtAnyChange(t *testing.T) {
	for at := 1; ; at++ {
		l := newLabV2(t, 0, 1)
		must(t, l.create(1))
		a := l.vm(t, "machine.slice", "a", "vcpu0=1 emulator=1")
		before := l.files(t)
		for k := range before {
			if strings.HasPrefix(k, ourCgroup) {
				delete(before, k)
			}
		}
		mortal := &dying{tree: l.kernelV2, left: at}
		l.tree = mortal
		err := l.admit(1, a["vcpu0"])
		if err == nil {
			err = l.remove(1)
		}
		l.tree = l.kernelV2
		if err == nil {
			if at < 8 {
				t.Fatalf("only %d changes", at)
			}
			return
		}
		must(t, l.remove(1))
		if d := cmp.Diff(before, l.files(t)); d != "" {
			t.Fatalf("killed at change %d: not put back (-before +after):\n%s", at, d)
		}
	}
}
