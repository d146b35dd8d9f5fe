package vsn_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
	"github.com/vsnctl/vsnctl/vsn/strict/stricttest"
)

func load(files ...strict.File) strict.Errors {
	_, errs := vsn.Load(files...)
	return errs
}

func TestBadDocuments(t *testing.T) {
	messages := stricttest.Bad(t, os.DirFS("testdata/bad"), load)
	stricttest.Rules(t, os.DirFS("."), append(messages, tooLong(t)...))
}

// tooLong breaks the limits on length, which would make poor documents to read.
func tooLong(t *testing.T) []string {
	t.Helper()
	text := "apiVersion: vsnctl/v1\nkind: Network\nname: a\nvms:\n- {name: a, memory: 1MiB, boot: {kernel: " +
		strings.Repeat("k", 4096) + ", cmdline: " + strings.Repeat("c", 2048) + "}}\n"
	errs := load(strict.File{Name: "long.yaml", Data: []byte(text)})
	want := `long.yaml:5: vm "a": boot.kernel: has 4096 bytes, at most 4095 are allowed
long.yaml:5: vm "a": boot.cmdline: has 2048 bytes, at most 2047 are allowed`
	if errs.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", errs, want)
	}
	text = "apiVersion: vsnctl/v1\nkind: Network\nname: a\nvms:\n- name: a\n  memory: 1MiB\n  tasks:\n"
	for i := range vsn.MaxTasks + 1 {
		text += fmt.Sprintf("  - {name: t%d, wcet: 1ns, period: 1s}\n", i)
	}
	many := load(strict.File{Name: "many.yaml", Data: []byte(text)})
	if got, want := many.Error(), `many.yaml:7: vm "a": tasks: are 257, at most 256 are allowed`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	text = "apiVersion: vsnctl/v1\nkind: Network\nname: a\nvms: [{name: a, memory: 1MiB}]\n" +
		"flows:\n- {name: f, message: 1B, every: 1s, path: [a, [" + strings.Repeat("b, ", 64) + "b]]}\n"
	wide := load(strict.File{Name: "wide.yaml", Data: []byte(text)})
	if got, want := wide.Error(), `wide.yaml:6: flow "f": path[1]: has 65 VMs, at most 64 are allowed at once`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var share vsn.Share
	return []string{errs[0].Error(), errs[1].Error(), many.Error(), wide.Error(), ": " + share.UnmarshalText([]byte("half")).Error()}
}
