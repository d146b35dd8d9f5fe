package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// vsnctl runs the program itself, as a process of its own.
func vsnctl(t *testing.T, want int, args ...string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command("vsnctl", args...)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("vsnctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.String()
}

// lab prepares an inventory of this machine, with root domains and device threads
// reserved unless probe says otherwise, and a plan of a spec in a directory of
// the test's own, and makes sure that nothing is left at the end.
func lab(t *testing.T, spec string, probe ...string) (plan string, before []string) {
	t.Helper()
	hosttest.Need(t, hosttest.Root, hosttest.Deadline, hosttest.Cpuset, hosttest.NetAdmin, hosttest.Libvirt, hosttest.Guest)
	vsnctl(t, 0, append([]string{"destroy"}, deployed...)...)
	before = snapshot(t)
	dir := t.TempDir()
	inventory := filepath.Join(dir, "hosts.yaml")
	if probe == nil {
		probe = []string{"--partition", "--emulator", "4ms/20ms"}
	}
	if err := os.WriteFile(inventory, []byte(vsnctl(t, 0, append([]string{"probe"}, probe...)...)), 0o644); err != nil {
		t.Fatal(err)
	}
	plan = filepath.Join(dir, "net.plan.json")
	vsnctl(t, 0, "plan", "-i", inventory, "-o", plan, spec)
	t.Cleanup(func() {
		vsnctl(t, 0, append([]string{"destroy"}, deployed...)...)
		sameAs(t, before, "at the end")
	})
	return plan, before
}

// example is a file of examples/.
func example(name string) string { return filepath.Join(hosttest.GuestDir(), "..", name) }

// ready waits until the guests of a network have said so on their consoles.
func ready(t *testing.T, network string, vms ...string) {
	t.Helper()
	end := time.Now().Add(90 * time.Second)
	for _, vm := range vms {
		log := fmt.Sprintf("/var/log/vsnctl/vsn.%s.%s.log", network, vm)
		for {
			data, err := os.ReadFile(log)
			if err == nil && bytes.Contains(data, []byte("GUEST-READY")) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("guest %s/%s is not ready: %v\n%s", network, vm, err, data)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func statusOf(t *testing.T, network, interval string) networkReport {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(vsnctl(t, 0, "status", "-o", "json", "--interval", interval, network)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Networks) != 1 || r.Networks[0].Name != network {
		t.Fatalf("status of %s: %+v", network, r)
	}
	return r.Networks[0]
}

// hogs keep every CPU busy with ordinary threads until the test ends.
func hogs(t *testing.T) {
	var stop atomic.Bool
	for range runtime.NumCPU() {
		go func() {
			for !stop.Load() {
			}
		}()
	}
	t.Cleanup(func() { stop.Store(true) })
}

// standsOn holds what status says that a network rests on against this machine: all
// of it is so but what a hypervisor, where there is one, may take, and then no promise
// is backed. More of kinds than these fail.
func standsOn(t *testing.T, n networkReport, failing ...hosts.Rest) {
	t.Helper()
	seen := map[hosts.Rest]hosts.Standing{}
	for _, r := range n.Rests {
		seen[r.Kind] = r.Standing
		switch {
		case slices.Contains(failing, r.Kind):
			if r.Standing != hosts.Fails {
				t.Errorf("%s %s: %s, want it to fail", r.Kind, r.Standing, r.Found)
			}
		case r.Kind == hosts.RestSteal || r.Kind == hosts.RestSpeed || r.Kind == hosts.RestDeviceSpare:
			// This machine's own.
		case r.Standing != hosts.Holds && r.Standing != hosts.Declared:
			t.Errorf("%s %s: %s", r.Kind, r.Standing, r.Found)
		}
	}
	for _, kind := range []hosts.Rest{hosts.RestAlone, hosts.RestReservation, hosts.RestAdmission, hosts.RestGrain, hosts.RestSpeed, hosts.RestSteal, hosts.RestClass, hosts.RestFlows} {
		if seen[kind] == "" {
			t.Errorf("nothing is said of %s", kind)
		}
	}
	if len(n.Promises) != 1 || n.Promises[0].Flow != "see-and-act" || n.Promises[0].BoundNs <= 0 || n.Promises[0].BoundNs > n.Promises[0].DeadlineNs {
		t.Fatalf("promises: %+v", n.Promises)
	}
	if p := n.Promises[0]; p.Backed != (len(p.Why) == 0) || p.Backed && (len(failing) > 0 || seen[hosts.RestSteal] != hosts.Holds) {
		t.Errorf("promise: %+v, and steal %s, failing %v", p, seen[hosts.RestSteal], failing)
	}
}

func ptr(p *float64) any {
	if p == nil {
		return "nothing"
	}
	return *p
}

// kernelAgrees reads the policy of the vCPU threads without our own code; want is
// runtime/deadline/period in ns, by VM and vCPU.
func kernelAgrees(t *testing.T, network string, want map[string][]string) {
	t.Helper()
	for vm, reservations := range want {
		pid := strings.TrimSpace(output(t, "cat", "/run/libvirt/qemu/vsn."+network+"."+vm+".pid"))
		tids, _ := filepath.Glob("/proc/" + pid + "/task/*")
		for vcpu, reservation := range reservations {
			found := false
			for _, dir := range tids {
				comm, _ := os.ReadFile(dir + "/comm")
				if !strings.HasPrefix(string(comm), fmt.Sprintf("CPU %d/", vcpu)) {
					continue
				}
				out := output(t, "chrt", "-p", filepath.Base(dir))
				found = strings.Contains(out, "SCHED_DEADLINE") && strings.Contains(out, "SCHED_RESET_ON_FORK") && strings.Contains(out, reservation)
				if !found {
					t.Errorf("%s: chrt says\n%s", vm, out)
				}
			}
			if !found {
				t.Errorf("%s: no thread of vcpu %d holds %s", vm, vcpu, reservation)
			}
		}
	}
}
