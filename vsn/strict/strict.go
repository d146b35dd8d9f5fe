// Package strict reads documents, a stream of YAML (`---`) or JSON, into Go
// structs, and refuses what it does not know: unknown and duplicate keys, wrong
// types, missing and empty values, anchors and aliases. It finds all errors of all
// files in one run, each with file, line and the object that it is about.
//
// A struct says by its json tags which keys there are: a key is required unless its
// tag has omitempty or the field is tagged `strict:"optional"`. Quantities are
// types with UnmarshalText. What a value may be beyond its type is for the package
// that owns the type: it walks the value with a Position and calls Failf, which
// knows the line.
//
// It knows no kind of document and reads no file. Start at Read.
package strict

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits on what is read. They bound memory and stack, not use: the inventory of
// ten thousand hosts is some 5 MiB.
const (
	MaxDocument = 16 << 20 // bytes of one document
	MaxDepth    = 32       // maps and lists inside one another
	MaxErrors   = 1000     // that are reported; the rest is counted as one
)

// File is the content of a file and the name that people know it by.
type File struct {
	Name string
	Data []byte
}

// Dir is what relative paths in the file start from.
func (f File) Dir() string { return path.Dir(f.Name) }

// Document is one document of a file, with a known kind and version.
type Document struct {
	File File
	Kind string
	src  *source
}

// source is where positions of a document lead to. A zero source belongs to values
// that came from no document.
type source struct {
	file   string
	offset int // lines of the file before the first line of root
	root   *yaml.Node
	sink   *Errors

	failed  map[*yaml.Node]bool // values that could not be read, and said so
	missing map[missing]bool    // keys that are not there, and said so
}

// Read hands every document of the files to the function of its kind, in order, and
// then calls finish, where documents can be held against one another. What it or
// the functions find wrong comes back together, sorted by file and line; nil when
// nothing is. A document whose kind or version is unknown reaches no function.
func Read(files []File, version string, kinds map[string]func(*Document), finish func()) Errors {
	var errs Errors
	for _, f := range files {
		documents := split(f, &errs)
		for _, src := range documents {
			kind, ok := header(src, version, kinds)
			if ok {
				kinds[kind](&Document{File: f, Kind: kind, src: src})
			}
		}
	}
	finish()
	errs.sort()
	return errs
}

// header reads `apiVersion` and `kind`.
func header(src *source, version string, kinds map[string]func(*Document)) (kind string, ok bool) {
	at := Position{src: src}
	if src.root.Kind != yaml.MappingNode {
		at.Failf("want a document with apiVersion, kind and so on, found %s", describe(src.root))
		return "", false
	}
	known := make([]string, 0, len(kinds))
	for k := range kinds {
		known = append(known, k)
	}
	slices.Sort(known)

	ok = true
	switch got := at.Key("apiVersion"); {
	case !got.Given():
		at.Failf("apiVersion is missing: write apiVersion: %s", version)
	case got.text() != version:
		got.Failf("unknown version %q: this program reads %s", got.text(), version)
		ok = false
	}
	got := at.Key("kind")
	kind = got.text()
	switch {
	case !got.Given():
		at.Failf("kind is missing: write kind: %s", strings.Join(known, " or kind: "))
		return "", false
	case kinds[kind] == nil:
		got.Failf("unknown kind %q: %s", kind, wantOneOf(kind, known))
		return "", false
	}
	return kind, ok
}

// Root is the position of the whole document.
func (d *Document) Root() Position { return Position{src: d.src} }

// split finds the documents of a file. A document that cannot be parsed is
// reported and left out; the others are read nevertheless.
func split(f File, errs *Errors) []*source {
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	if line, msg := notText(data); msg != "" {
		errs.add(Error{File: f.Name, Line: line, Msg: msg})
		return nil
	}
	var documents []*source
	before := len(*errs)
	for _, c := range chunks(data) {
		if len(c.text) > MaxDocument {
			errs.add(Error{File: f.Name, Line: c.offset + 1,
				Msg: fmt.Sprintf("a document of %d bytes: at most %d are read; split it with ---", len(c.text), MaxDocument)})
			continue
		}
		roots, err := parse(c)
		if err != nil {
			err.File = f.Name
			errs.add(*err)
		}
		for _, root := range roots {
			src := &source{file: f.Name, offset: c.offset, root: root, sink: errs,
				failed: map[*yaml.Node]bool{}, missing: map[missing]bool{}}
			src.vet(root, 1)
			documents = append(documents, src)
		}
	}
	if len(documents) == 0 && len(*errs) == before {
		errs.add(Error{File: f.Name, Line: 1, Msg: "holds no document"})
	}
	return documents
}
