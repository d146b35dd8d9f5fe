package vsn_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// What is at a limit is good, so that the documents of testdata/bad, one step
// beyond, show where the limits are.
func TestLimits(t *testing.T) {
	data, err := os.ReadFile("testdata/good/limits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	networks, errs := vsn.Load(strict.File{Name: "limits.yaml", Data: data})
	if errs != nil {
		t.Error(errs)
	}
	boot := vsn.Boot{Kernel: strings.Repeat("k", 4095), Initrd: strings.Repeat("i", 4095), Cmdline: strings.Repeat("c", 2047)}
	networks[0].VMs[0].Boot = &boot
	if errs := vsn.Validate(networks); errs != nil {
		t.Error(errs)
	}
}
