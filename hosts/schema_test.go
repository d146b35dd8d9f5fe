package hosts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
	"github.com/vsnctl/vsnctl/vsn/strict/stricttest"
)

var update = flag.Bool("update", false, "write docs/schema anew")

// The schemas that are checked in are those of the types.
func TestSchemaFiles(t *testing.T) {
	for name, kind := range map[string]string{"network.json": vsn.KindNetwork, "inventory.json": hosts.KindInventory, "vsnctl.json": ""} {
		got, err := hosts.Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "docs", "schema", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the schema of the types (%v): go test ./hosts -run TestSchemaFiles -update", file, err)
		}
	}
	if alone, err := vsn.Schema(); err != nil {
		t.Error(err)
	} else if both, _ := hosts.Schema(vsn.KindNetwork); !bytes.Equal(alone, both) {
		t.Error("the schema of a network depends on the inventory's")
	}
	if _, err := hosts.Schema("Netwrok"); err == nil || err.Error() != `unknown kind "Netwrok": did you mean "Network"?` {
		t.Errorf("an unknown kind: %v", err)
	}
}

// Every key has a text to show in an editor, and no text is about a key that is gone.
func TestSchemaNotes(t *testing.T) {
	for _, wrong := range vsn.Vocabulary.Merge(hosts.Vocabulary).Unknown() {
		t.Error(wrong)
	}
}

func checker(t stricttest.Fataler, kind string) func(document any) error {
	schema, err := hosts.Schema(kind)
	if err != nil {
		t.Fatal(err)
	}
	return stricttest.Checker(t, schema)
}

// documents gives the values of a YAML stream, as JSON has them.
func documents(t *testing.T, data []byte) []any {
	t.Helper()
	var all []any
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, stricttest.Parse(t, text))
	}
}

// Every example is good by the schema and by the reader.
func TestSchemaExamples(t *testing.T) {
	check := checker(t, "")
	var names []string
	err := filepath.WalkDir("../examples", func(path string, d fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" {
			names = append(names, path)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte(vsn.APIVersion)) {
			continue
		}
		for i, document := range documents(t, data) {
			if err := check(document); err != nil {
				t.Errorf("%s, document %d: %v", name, i, err)
			}
		}
		if _, _, errs := hosts.ReadDocuments(strict.File{Name: name, Data: data}); errs != nil {
			t.Error(errs)
		}
	}
	if err := check(documents(t, []byte(turin))[0]); err != nil {
		t.Error(err)
	}
}

// The schema of a kind accepts what is valid, and refuses it with an unknown key or
// without a unit, anywhere; and so does the reader.
func TestSchemaInventory(t *testing.T) {
	check := checker(t, hosts.KindInventory)
	both := checker(t, "")
	rapid.Check(t, func(t *rapid.T) {
		inv := drawInventory(t)
		data, err := inv.EncodeJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := check(stricttest.Parse(t, data)); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if err := both(stricttest.Parse(t, data)); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		bad, what := stricttest.Spoil(t, stricttest.Parse(t, data), "labels", "resources")
		text, _ := json.Marshal(bad)
		if check(bad) == nil {
			t.Fatalf("accepted by the schema with %s\n%s", what, text)
		}
		if _, errs := hosts.Load(strict.File{Name: "f", Data: text}); errs == nil {
			t.Fatalf("accepted by the reader with %s\n%s", what, text)
		}
	})
}
