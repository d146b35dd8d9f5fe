package vsn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// FuzzDecodeNetwork: no text makes the reader panic; every error says where it is,
// on one line; and what is read can be written and read again.
func FuzzDecodeNetwork(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no documents: %v", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		for _, document := range strings.SplitAfter(string(data), "\n---\n") {
			f.Add([]byte(document))
		}
	}
	head := "apiVersion: vsnctl/v1\nkind: Network\nname: a\nvms: [{name: a, memory: 1MiB}]\n"
	for _, tail := range []string{"", "&a ? *a", "place: !!binary x", "{}: {}", "? ? ? ?", "<<: {}", "links: |\n  x", "%YAML 1.1", "\u2028---\n", "\r---\rkind", "#\x00", "- - -", "'"} {
		f.Add([]byte(head + tail))
	}
	f.Add([]byte(robot))
	f.Fuzz(func(t *testing.T, data []byte) {
		networks, errs := vsn.Load(strict.File{Name: "f", Data: data})
		lines := strings.Count(string(data), "\n") + 1
		for _, e := range errs {
			if e.File != "f" || e.Line < 1 || e.Line > lines || e.Msg == "" || strings.ContainsAny(e.Error(), "\n\r\x00") {
				t.Errorf("an error on line %d of %d: %q", e.Line, lines, e.Error())
			}
		}
		if errs != nil {
			return
		}
		for i := range networks {
			for _, data := range encodings(t, &networks[i]) {
				again, errs := vsn.Load(strict.File{Name: "f", Data: data})
				if diff := cmp.Diff(networks[i:i+1], again); diff != "" || errs != nil {
					t.Errorf("%v%s in\n%s", errs, diff, data)
				}
			}
		}
	})
}
