package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// snapshot is everything on this machine that a deploy could leave behind, a line
// for each thing, so that two of them can be compared.
func snapshot(t *testing.T) []string {
	t.Helper()
	var lines []string
	add := func(kind, text string) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, kind+" "+line)
			}
		}
	}
	add("domain", output(t, "virsh", "-q", "-c", "qemu:///system", "list", "--all", "--name"))
	for line := range strings.Lines(output(t, "ip", "-o", "link", "show")) {
		add("link", strings.Fields(line)[1])
	}
	add("qdisc", output(t, "tc", "qdisc", "show"))
	add("thread", deadlineThreads(t))
	for _, dir := range []string{"/var/lib/vsnctl/overlays", "/var/log/vsnctl", "/run/vsnctl"} {
		names, _ := filepath.Glob(dir + "/*")
		for _, n := range names {
			if n != lockPath && filepath.Ext(n) != ".lock" {
				add("file", n)
			}
		}
	}
	lines = append(lines, cpusets(t)...)
	sort.Strings(lines)
	return lines
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, stderr.String())
	}
	return string(out)
}

// cpusets lists every cpuset with what decides root domains.
func cpusets(t *testing.T) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // cgroups come and go
		}
		switch d.Name() {
		case "cpuset.sched_load_balance", "cpuset.cpus.partition", "cpuset.cpu_exclusive", "cpuset.cpus":
			value, err := os.ReadFile(path)
			if err == nil {
				lines = append(lines, fmt.Sprintf("cpuset %s %s", path, strings.TrimSpace(string(value))))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// deadlineThreads lists the threads whose policy is SCHED_DEADLINE, and qemus.
func deadlineThreads(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	stats, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	for _, s := range stats {
		data, err := os.ReadFile(s)
		if err != nil {
			continue
		}
		text := string(data)
		comm := text[strings.Index(text, "(")+1 : strings.LastIndex(text, ")")]
		fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
		const policy = 41 - 3 // proc(5), counted from the state
		// A kernel thread of the cpufreq governor holds a deadline policy of its own; who
		// has ended and waits for init to look after it (Z) holds it, and no bandwidth.
		if len(fields) > policy && fields[policy] == "6" && fields[0] != "Z" && !strings.HasPrefix(comm, "sugov") {
			fmt.Fprintf(&b, "deadline %s\n", comm)
		}
		if strings.HasPrefix(comm, "qemu-system") {
			fmt.Fprintf(&b, "process %s\n", comm)
		}
	}
	return b.String()
}

// sameAs fails with what is there more or less than before.
func sameAs(t *testing.T, before []string, when string) {
	t.Helper()
	after := snapshot(t)
	was, is := map[string]int{}, map[string]int{}
	for _, l := range before {
		was[l]++
	}
	for _, l := range after {
		is[l]++
	}
	for l, n := range is {
		if n > was[l] {
			t.Errorf("%s: left behind: %s", when, l)
		}
	}
	for l, n := range was {
		if n > is[l] {
			t.Errorf("%s: lost: %s", when, l)
		}
	}
}
