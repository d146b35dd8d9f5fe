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

// Read hands every document of the files to the function of its kind, in order, and
// then calls finish, where documents can be held against one another. What it or
// the functions find wrong comes back together, sorted by file and line; nil when
// nothing is. A document whose kind or version is unknown reaches no function.
func Read(files []File, version string, kinds map[string]func(*Document), finish func()) Errors {
	var errs Errors
	cuts := make([]Errors, len(files))
	pieces := make([][]piece, len(files))
	var all []*source
	for i, f := range files {
		pieces[i] = cut(f, &cuts[i])
		for _, p := range pieces[i] {
			all = append(all, &source{file: f.Name, piece: p, failed: map[*yaml.Node]bool{}, missing: map[missing]bool{}})
		}
	}
	next, stop := openAll(all)
	defer stop()
	for i, f := range files {
		empty, before := true, len(errs)
		errs.addAll(cuts[i])
		for range pieces[i] {
			src, ok := next(&errs)
			if !ok {
				continue
			}
			empty = false
			if kind, ok := header(src, version, kinds); ok {
				kinds[kind](&Document{File: f, Kind: kind, src: src})
			}
		}
		if empty && len(errs) == before {
			errs.add(Error{File: f.Name, Line: 1, Msg: "holds no document"})
		}
	}
	finish()
	errs.sort()
	return errs
}

// header reads `apiVersion` and `kind`.
func header(src *source, version string, kinds map[string]func(*Document)) (kind string, ok bool) {
	at := Position{src: src}
	if src.tree().Kind != yaml.MappingNode {
		at.Failf("want a document with apiVersion, kind and so on, found %s", describe(src.tree()))
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

// Forget gives back the memory of a document that has been read: a tree takes some
// fifty times its text. Positions stay good, and parse the text again when somebody
// asks them something.
func (d *Document) Forget() { d.src.root, d.src.failed, d.src.missing = nil, nil, nil }
