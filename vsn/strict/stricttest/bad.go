// Package stricttest holds what a reader of documents reports against what the
// documents themselves say is wrong with them. Start at Bad.
package stricttest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// want is a comment, at the end of the line that is wrong or, with @-1 and the like,
// so many lines from it: # want: vm "a": memory is missing.
var want = regexp.MustCompile(`# want(@[+-]\d+)?: `)

// Bad reads each YAML file of a directory by itself, and fails where the errors are
// not, to the letter, those that its comments name. It returns the messages.
func Bad(t *testing.T, dir fs.FS, read func(...strict.File) strict.Errors) []string {
	t.Helper()
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	var all []string
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		expected := wants(name, data)
		got := map[string]int{}
		for _, e := range read(strict.File{Name: name, Data: data}) {
			got[e.Error()]++
		}
		for _, text := range slices.Sorted(maps.Keys(expected)) {
			all = append(all, text)
			if got[text] != expected[text] {
				t.Errorf("wanted %d times, reported %d times:\n  %s", expected[text], got[text], text)
			}
		}
		for _, text := range slices.Sorted(maps.Keys(got)) {
			if expected[text] == 0 {
				t.Errorf("not wanted:\n  %s", text)
			}
		}
	}
	return all
}

func wants(name string, data []byte) map[string]int {
	expected := map[string]int{}
	for i, line := range strings.Split(string(data), "\n") {
		at := want.FindAllStringSubmatchIndex(line, -1)
		for k, m := range at {
			end := len(line)
			if k+1 < len(at) {
				end = at[k+1][0]
			}
			number := i + 1
			if m[2] >= 0 {
				off, _ := strconv.Atoi(line[m[2]+1 : m[3]])
				number += off
			}
			expected[fmt.Sprintf("%s:%d: %s", name, number, strings.TrimSpace(line[m[1]:end]))]++
		}
	}
	return expected
}

// Rules fails where a rule of a package, a call of Failf or Errorf in its source, is
// broken by none of the documents whose messages are given.
func Rules(t *testing.T, source fs.FS, messages []string) {
	t.Helper()
	names, err := fs.Glob(source, "*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no source: %v", err)
	}
	all := strings.Join(messages, "\n")
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := fs.ReadFile(source, name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, data, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if format, pos, ok := rule(n); ok && !matches(format, all) {
				t.Errorf("%s: no document breaks the rule %q", set.Position(pos), format)
			}
			return true
		})
	}
}

// rule is the format of a call that reports something.
func rule(n ast.Node) (format string, pos token.Pos, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", 0, false
	}
	name, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || name.Sel.Name != "Failf" && name.Sel.Name != "Errorf" {
		return "", 0, false
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "", 0, false
	}
	format, err := strconv.Unquote(literal.Value)
	return format, literal.Pos(), err == nil && format != "%v"
}

var verb = regexp.MustCompile(`%[a-z]`)

// matches reports whether one of the lines can come from the format.
func matches(format, lines string) bool {
	parts := verb.Split(format, -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?m): ` + strings.Join(parts, ".*") + `$`).MatchString(lines)
}
