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

// session is a command line that a page shows, and what it says that it prints; a line
// of "..." stands for any lines.
type session struct {
	line   string
	prints []string
}

// shown collects, page by page, the command lines of the console blocks in README
// and docs, those of anybody ("$ ") or of root ("# "), with what they print there.
func shown(t *testing.T, prompt string) map[string][]session {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]session{}
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		inside, ours := false, false
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "```"):
				inside, ours = line == "```console", false
			case inside && (strings.HasPrefix(line, "$ ") || strings.HasPrefix(line, "# ")):
				if ours = strings.HasPrefix(line, prompt); ours {
					all[page] = append(all[page], session{line: strings.TrimPrefix(line, prompt)})
				}
			case inside && ours:
				last := &all[page][len(all[page])-1]
				last.prints = append(last.prints, line)
			}
		}
	}
	return all
}

// printed matches what a page says that a command prints.
func (s session) printed(out string) bool {
	if len(s.prints) == 0 {
		return true
	}
	var pattern strings.Builder
	for _, line := range s.prints {
		if line == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
		} else {
			pattern.WriteString(regexp.QuoteMeta(strings.TrimRight(line, " ")) + ` *\n`)
		}
	}
	return regexp.MustCompile(`^` + pattern.String() + `\s*$`).MatchString(out)
}

// runShown runs the lines of a page in a directory with examples/ in it, as a reader
// in a checkout would.
func runShown(t *testing.T, sessions []session) {
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
	for _, s := range sessions {
		c := exec.Command("bash", "-c", s.line)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", s.line, err, out)
		} else if !s.printed(string(out)) {
			t.Errorf("%s: the page says that it prints\n%s\nand it prints\n%s", s.line, strings.Join(s.prints, "\n"), out)
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
