package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestBringOnline(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("possible", "0-3\n")
	write("online", "0-1\n")
	write("cpu1/online", "1\n") // the first CPU has no switch
	write("cpu2/online", "0\n") // plugged, not yet online
	var out bytes.Buffer
	done, err := bringOnline(folder, &out)
	if err != nil || done {
		t.Errorf("with CPUs 0-1 of 0-3 online: done %v, error %v", done, err)
	}
	if out.String() != "online: cpu2\n" {
		t.Errorf("printed %q, want cpu2 only", out.String())
	}
	if got, _ := os.ReadFile(filepath.Join(folder, "cpu2/online")); string(got) != "1" {
		t.Errorf("cpu2/online holds %q, want 1", got)
	}
	write("online", "0-3\n")
	if done, err := bringOnline(folder, &out); err != nil || !done {
		t.Errorf("with all CPUs online: done %v, error %v", done, err)
	}
}

func TestCPUList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	for text, want := range map[string]int{"0\n": 1, "0-3\n": 4, "0-1,4,6-7\n": 5, "\n": 0, "a\n": 0, "3-1\n": 0} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := cpuList(path); got != want || (err != nil) != (want == 0) {
			t.Errorf("list %q: %d CPUs, error %v; want %d", text, got, err, want)
		}
	}
}
