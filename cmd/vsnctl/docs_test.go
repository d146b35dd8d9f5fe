package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts/hosttest"
)

// shown collects, page by page, the command lines of the console blocks in README
// and docs: those of anybody ("$ ") or of root ("# ").
func shown(t *testing.T, prompt string) map[string][]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		inside := false
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "```"):
				inside = line == "```console"
			case inside && strings.HasPrefix(line, prompt):
				lines[page] = append(lines[page], strings.TrimPrefix(line, prompt))
			}
		}
	}
	return lines
}

// runShown runs the lines of a page in a directory with examples/ in it, as a reader
// in a checkout would.
func runShown(t *testing.T, lines []string) {
	t.Helper()
	examples, err := filepath.Abs(example(""))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, open := range []string{dir, filepath.Dir(dir)} { // qemu's user looks for the guest through it
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(examples, filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		c := exec.Command("bash", "-c", line)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// TestShownCommands runs every command line that the documentation shows to anybody.
func TestShownCommands(t *testing.T) {
	pages := shown(t, "$ ")
	if len(pages) == 0 {
		t.Fatal("no command lines found: the test does not see the documentation")
	}
	for page, lines := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) { runShown(t, lines) })
	}
}

// TestShownRootCommands runs those that are shown to root.
func TestShownRootCommands(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Deadline, hosttest.Cpuset, hosttest.NetAdmin, hosttest.Libvirt, hosttest.Guest)
	before := snapshot(t)
	for page, lines := range shown(t, "# ") {
		t.Run(filepath.Base(page), func(t *testing.T) { runShown(t, lines) })
	}
	vsnctl(t, 0, "destroy", "--all")
	sameAs(t, before, "after what the documentation shows")
}

// TestShownTargets: what the documentation says to make can be made.
func TestShownTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)(?:^    |\x60)make ([a-z-]+)`).FindAllStringSubmatch(string(readme), -1)
	if len(targets) == 0 {
		t.Fatal("README shows no make target")
	}
	for _, m := range targets {
		if !regexp.MustCompile(`(?m)^` + m[1] + `:`).Match(makefile) {
			t.Errorf("README says make %s, and the Makefile does not know it", m[1])
		}
	}
}
