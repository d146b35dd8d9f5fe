package hosts_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn/strict"
	"github.com/vsnctl/vsnctl/vsn/strict/stricttest"
)

func TestBadDocuments(t *testing.T) {
	messages := stricttest.Bad(t, os.DirFS("testdata/bad"), func(files ...strict.File) strict.Errors {
		_, _, errs := hosts.ReadDocuments(files...)
		return errs
	})
	rules := fstest.MapFS{}
	for _, name := range []string{"cpus.go", "load.go", "validate.go", "objective.go"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rules[name] = &fstest.MapFile{Data: data}
	}
	stricttest.Rules(t, rules, messages)
}
