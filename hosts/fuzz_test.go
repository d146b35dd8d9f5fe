package hosts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// FuzzDecodeInventory: no text makes the reader panic; every error says where it is,
// on one line; and what is read can be written and read again.
func FuzzDecodeInventory(f *testing.F) {
	seeds, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no documents: %v", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, document := range strings.SplitAfter(string(data), "\n---\n") {
			f.Add([]byte(document))
		}
	}
	f.Add([]byte(turin))
	f.Add([]byte(`{"apiVersion": "vsnctl/v1", "kind": "Inventory", "hosts": [{"name": "a", "cpus": 8192, "memory": "1B"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, inv, errs := hosts.ReadDocuments(strict.File{Name: "f", Data: data})
		lines := strings.Count(string(data), "\n") + 1
		for _, e := range errs {
			if e.File != "f" || e.Line < 1 || e.Line > lines || e.Msg == "" || strings.ContainsAny(e.Error(), "\n\r\x00") {
				t.Errorf("an error on line %d of %d: %q", e.Line, lines, e.Error())
			}
		}
		if errs != nil || inv == nil {
			return
		}
		for _, data := range encodings(t, inv) {
			again, errs := hosts.Load(strict.File{Name: "f", Data: data})
			if diff := cmp.Diff(*inv, again); diff != "" || errs != nil {
				t.Errorf("%v%s in\n%s", errs, diff, data)
			}
		}
	})
}
