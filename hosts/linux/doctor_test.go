package linux

import (
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

func TestDoctorOnThisMachine(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.NetAdmin, hosttest.Deadline)
	seen := map[string]bool{}
	for _, f := range New(Run(t.TempDir())).Doctor(t.Context()) {
		t.Logf("%-4s %-20s %s: %s", f.Level, f.Name, f.Found, f.Advice)
		if seen[f.Name] {
			t.Errorf("%q is looked at twice", f.Name)
		}
		seen[f.Name] = true
		if f.Found == "" || (f.Level != hosts.LevelOK) == (f.Advice == "") {
			t.Errorf("%+v: want what was found, and advice when it is not ok", f)
		}
		if f.Level == hosts.LevelFail {
			t.Errorf("%s: %s", f.Name, f.Found)
		}
	}
	for _, name := range []string{"SCHED_DEADLINE", "RT runtime", "HZ and HRTICK", "cgroup", "root domains", "htb", "bfifo", "u32", "clsact and mirred", "ifb", "SMT", "clock source", "steal"} {
		if !seen[name] {
			t.Errorf("%q is not looked at", name)
		}
	}
}
