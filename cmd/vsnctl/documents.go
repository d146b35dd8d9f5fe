package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
	"gopkg.in/yaml.v3"
)

// readFile reads a file, or standard input for "-".
func (t *terminal) readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(t.in)
	}
	return os.ReadFile(name)
}

// documentSource is a file of documents; without data it is still to be read.
type documentSource struct {
	name string
	data []byte
}

func named(names []string) []documentSource {
	sources := make([]documentSource, len(names))
	for i, n := range names {
		sources[i].name = n
	}
	return sources
}

// documents reads networks and inventories from files, all errors of all files
// together. What could be read comes with them.
func (t *terminal) documents(sources []documentSource) ([]vsn.Network, *hosts.Inventory, error) {
	var files []strict.File
	var failed []error
	for _, s := range sources {
		if s.data == nil {
			var err error
			if s.data, err = t.readFile(s.name); err != nil {
				failed = append(failed, err)
				continue
			}
		}
		files = append(files, strict.File{Name: s.name, Data: s.data})
	}
	if len(failed) > 0 {
		return nil, nil, badInput(errors.Join(failed...))
	}
	networks, inventory, errs := hosts.ReadDocuments(files...)
	if err := errs.Err(); err != nil {
		return networks, inventory, badInput(err)
	}
	return networks, inventory, absolute(networks)
}

// absolute makes the paths of kernels and images independent of where vsnctl is
// called next time: a plan is deployed from anywhere.
func absolute(networks []vsn.Network) error {
	fix := func(path *string) (err error) {
		if *path != "" {
			*path, err = filepath.Abs(*path)
		}
		return err
	}
	for i := range networks {
		for j := range networks[i].VMs {
			vm := &networks[i].VMs[j]
			var err error
			if vm.Boot != nil {
				err = errors.Join(fix(&vm.Boot.Kernel), fix(&vm.Boot.Initrd))
			}
			if vm.Disk != nil {
				err = errors.Join(err, fix(&vm.Disk.Image))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// isPlan reports whether data looks like a plan file rather than a document: an object
// with the keys of one, as far as it can be read.
func isPlan(data []byte) bool {
	var version *int
	problem := false
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	for dec.More() && (version == nil || !problem) {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		switch {
		case key == "problem" && version != nil:
			problem = true // what it says is for decodePlan to read
			continue
		case dec.Decode(&value) != nil:
			return false
		case key == "version" && json.Unmarshal(value, &version) != nil:
			return false
		}
		problem = problem || key == "problem"
	}
	return version != nil && problem
}

// decodePlan reads a plan and holds its problem against the rules for documents: a
// plan file may come from anywhere, and its names go to libvirt and the kernel.
func decodePlan(name string, data []byte) (*placement.Plan, error) {
	p, err := placement.Parse(data)
	if err != nil {
		return nil, badInput(fmt.Errorf("%s: %w", name, err))
	}
	if err := validProblem(name, p); err != nil {
		return nil, err
	}
	return p, nil
}

// faithful is decodePlan for a file that says no more than the plan that is read from it.
func faithful(name string, data []byte) (*placement.Plan, error) {
	p, err := decodePlan(name, data)
	if err != nil {
		return nil, err
	}
	if err := placement.Faithful(data, p); err != nil {
		return nil, badInput(fmt.Errorf("%s: %w", name, err))
	}
	return p, nil
}

// validProblem holds the problem of a plan against the rules of its documents.
func validProblem(name string, p *placement.Plan) error {
	errs := append(vsn.Validate(p.Problem.Networks), hosts.Validate(&p.Problem.Inventory)...)
	if err := errs.Err(); err != nil {
		return badInput(fmt.Errorf("%s: problem: %w", name, err))
	}
	return nil
}

// writeFile writes a file whole or not at all; "-" is standard output. What is there
// and is no regular file, a pipe or a device, is written to, not replaced; a symbolic
// link stays one, and a file keeps its mode.
func (t *terminal) writeFile(name string, data []byte) error {
	return t.writeTo(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeTo is writeFile for what is too large to stand in memory as a whole.
func (t *terminal) writeTo(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(t.out)
	}
	mode := os.FileMode(0o644)
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return writeThrough(name, os.O_WRONLY, mode, write)
	case err == nil:
		mode = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if link, err := os.Lstat(name); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			return writeThrough(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode, write) // a link that leads nowhere yet
		}
	}
	tmp, err := unfinished.create(name)
	if err != nil {
		return err
	}
	defer unfinished.remove()
	if err = write(tmp); err == nil {
		err = tmp.Chmod(mode)
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return unfinished.finish(name)
}

func writeThrough(name string, flags int, mode os.FileMode, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, flags, mode)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// print writes v as json or yaml to standard output.
func (t *terminal) print(format string, v any) error {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false) // "camera>detect" is for people to read
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	switch format {
	case "json":
		_, err := t.out.Write(data.Bytes())
		return err
	case "yaml":
		return t.printYAML(data.Bytes())
	}
	return badInput(fmt.Errorf("format %q: want table, json or yaml", format))
}

// printYAML turns canonical JSON into YAML, keys in the same order: JSON is YAML in
// flow style, so that its nodes only change their style.
func (t *terminal) printYAML(data []byte) error {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return err
	}
	block(&node)
	enc := yaml.NewEncoder(t.out)
	enc.SetIndent(2)
	defer enc.Close()
	return enc.Encode(&node)
}

func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = 0 // quoted by the encoder only where it must be
	}
	for _, c := range n.Content {
		block(c)
	}
}
