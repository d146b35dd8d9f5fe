package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// declared lists what a package declares: Name, and Type.name of methods and fields.
func declared(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", dir, err, len(files))
	}
	names := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					declare(names, s)
				}
			}
		}
	}
	return names
}

// receiver is "Type." of a method.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name + "."
	}
	return ""
}

func declare(names map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, id := range s.Names {
			names[id.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		if of, ok := s.Type.(*ast.StructType); ok {
			for _, f := range of.Fields.List {
				for _, id := range f.Names {
					names[s.Name.Name+"."+id.Name] = true
				}
			}
		}
	}
}

var (
	codeColumn = regexp.MustCompile("^\\|.*\\| code in `([a-z/]+)` \\|$")
	quoted     = regexp.MustCompile("`([^`]+)`")
)

// TestPlannerNamesCode: what docs/planner.md says that the code is called it is called.
func TestPlannerNamesCode(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "planner.md"))
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]int{}
	room, names := "", map[string]bool{}
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		switch m := codeColumn.FindStringSubmatch(line); {
		case m != nil:
			room, names = m[1], declared(t, filepath.Join("..", "..", filepath.FromSlash(m[1])))
			continue
		case !strings.HasPrefix(line, "|"):
			room = ""
		}
		if room == "" {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for _, q := range quoted.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			if checked[room]++; !names[q[1]] {
				t.Errorf("planner.md says that %s has %s, and it has not", room, q[1])
			}
		}
	}
	for _, room := range []string{"placement/embed", "placement/realize", "placement/solve"} {
		if checked[room] < 10 {
			t.Errorf("only %d names of %s are on the page: the test does not see it", checked[room], room)
		}
	}
}

// TestPagesLeadSomewhere: links and pictures of README and docs to files of this tree are there.
func TestPagesLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	found := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s leads to %s: %v", page, m[1], err)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links: the test does not see the pages", found)
	}
}
