package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/vsnctl/vsnctl"

// arrows draws docs/architecture.md: which room may import which, and what outside
// the standard library a room may use. A room that is not here may not exist.
var arrows = map[string]struct{ rooms, modules []string }{
	"vsn":                   {[]string{"vsn/strict"}, nil},
	"vsn/strict":            {nil, []string{"gopkg.in/yaml.v3"}},
	"vsn/strict/stricttest": {[]string{"vsn/strict"}, []string{"github.com/santhosh-tekuri/jsonschema/v6", "pgregory.net/rapid"}},
	"hosts":                 {[]string{"vsn", "vsn/strict"}, nil},
	"hosts/linux":           {[]string{"vsn", "hosts"}, []string{"github.com/vishvananda/netlink", "github.com/vishvananda/netlink/nl", "github.com/vishvananda/netns", "golang.org/x/sys/unix"}},
	"hosts/kvm":             {[]string{"vsn", "hosts"}, []string{"libvirt.org/go/libvirt", "libvirt.org/go/libvirtxml", "golang.org/x/sys/unix"}},
	"hosts/hosttest":        {[]string{"vsn", "hosts"}, []string{"pgregory.net/rapid", "golang.org/x/sys/unix", "github.com/google/go-cmp/cmp"}},
	"placement":             {[]string{"vsn", "hosts"}, nil},
	"placement/bounds":      {nil, nil},
	"placement/utilization": {[]string{"vsn"}, nil},
	"placement/objective":   {[]string{"hosts", "placement"}, nil},
	"placement/milp":        {[]string{"vsn", "hosts", "placement", "placement/objective"}, nil},
	"placement/trace":       {[]string{"placement"}, nil},
	"placement/embed":       {[]string{"vsn", "hosts", "placement", "placement/objective", "placement/trace", "placement/utilization"}, nil},
	"placement/realize":     {[]string{"vsn", "hosts", "placement", "placement/bounds", "placement/utilization"}, nil},
	"placement/proof":       {[]string{"vsn", "hosts", "placement", "placement/bounds", "placement/objective"}, nil},
	"placement/dimension":   {[]string{"vsn", "hosts", "placement", "placement/bounds"}, nil},
	"placement/canonical":   {[]string{"vsn", "hosts", "placement"}, nil},
	"placement/construct":   {[]string{"vsn", "hosts", "placement", "placement/objective"}, nil},
	"placement/study":       {[]string{"vsn", "hosts", "placement/canonical", "placement/construct"}, nil},
	"placement/explain":     {[]string{"vsn", "hosts", "placement"}, nil},
	"placement/solve":       {[]string{"vsn", "hosts", "placement", "placement/canonical", "placement/construct", "placement/dimension", "placement/embed", "placement/explain", "placement/objective", "placement/realize", "placement/proof", "placement/trace"}, nil},
	"cmd/vsnctl": {[]string{"vsn", "vsn/strict", "hosts", "hosts/linux", "hosts/kvm", "placement", "placement/bounds", "placement/milp", "placement/objective", "placement/proof", "placement/solve", "placement/study", "placement/trace", "placement/canonical", "placement/scale", "placement/placementtest", "placement/proof/simulation"},
		[]string{"github.com/urfave/cli/v2", "gopkg.in/yaml.v3", "golang.org/x/sys/unix", "github.com/jedib0t/go-pretty/v6/table", "github.com/jedib0t/go-pretty/v6/text"}},
	"cmd/vsn-guest": {nil, nil},

	// For tests and benchmarks of large problems.
	"placement/scale": {[]string{"vsn", "hosts"}, nil},
	// For tests and benchmarks: plans that are made up.
	"placement/placementtest": {[]string{"vsn", "hosts", "placement", "placement/scale"}, nil},

	// For tests and benchmarks of placement/proof; it shares no formula with them.
	"placement/proof/simulation": {[]string{"vsn", "hosts", "placement"}, nil},
}

// pure rooms may not reach the outside world even through the standard library.
var pure = []string{"vsn", "vsn/strict", "hosts", "placement", "placement/bounds", "placement/utilization", "placement/objective", "placement/milp", "placement/embed", "placement/realize", "placement/proof", "placement/dimension", "placement/explain", "placement/solve", "placement/construct", "placement/study", "placement/trace", "placement/canonical", "placement/scale", "placement/placementtest", "placement/proof/simulation"}

// impure packages of the standard library. hosts is allowed time for a deadline of
// undoing, which is no clock in a decision.
var impure = []string{"os", "os/exec", "net", "net/http", "math/rand", "syscall", "time", "log", "log/slog", "runtime", "crypto/rand", "io/ioutil", "plugin"}

func TestArrows(t *testing.T) {
	root := filepath.Join("..", "..")
	rooms := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || d.Name() == "build" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room := path.Dir(filepath.ToSlash(rel))
		rooms[room] = true
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			imported, _ := strconv.Unquote(i.Path.Value)
			if why := forbidden(room, imported); why != "" {
				t.Errorf("%s imports %s: %s", rel, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for room := range arrows {
		if !rooms[room] {
			t.Errorf("the table draws room %s, which is not there", room)
		}
		if !regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(room) + `/ `).Match(drawn) {
			t.Errorf("docs/architecture.md does not say what room %s is", room)
		}
	}
}

func forbidden(room, imported string) string {
	drawn, known := arrows[room]
	if !known {
		return "the table does not know this room; draw it in docs/architecture.md too"
	}
	if inside, ok := strings.CutPrefix(imported, module+"/"); ok {
		if !slices.Contains(drawn.rooms, inside) {
			return "the table draws no such arrow"
		}
		return ""
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		if !slices.Contains(drawn.modules, imported) {
			return "this module is not for this room"
		}
		return ""
	}
	if slices.Contains(pure, room) && slices.Contains(impure, imported) && !(room == "hosts" && imported == "time") {
		return "a pure room has no clock, no chance and no outside world"
	}
	return ""
}

// TestArrowsCanFail: what must not be is found.
func TestArrowsCanFail(t *testing.T) {
	for _, c := range [][2]string{{"placement/proof", module + "/placement/embed"}, {"vsn", module + "/hosts"}, {"placement", "os"}, {"hosts", "libvirt.org/go/libvirt"}, {"attic", "fmt"}} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	if why := forbidden("cmd/vsnctl", module+"/hosts/linux"); why != "" {
		t.Errorf("cmd may not import an impure room: %s", why)
	}
}
