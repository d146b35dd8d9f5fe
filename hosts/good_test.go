package hosts_test

import (
	"os"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// What is at a limit is good, so that the documents of testdata/bad, one step
// beyond, show where the limits are.
func TestLimits(t *testing.T) {
	data, err := os.ReadFile("testdata/good/limits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, errs := hosts.ReadDocuments(strict.File{Name: "limits.yaml", Data: data}); errs != nil {
		t.Error(errs)
	}
}
