package main

import (
	"os"
	"path/filepath"
	"sync"
)

// unfinished is the file that is being written under another name: there is one at most,
// and none is left behind when the program is ended.
var unfinished partial

type partial struct {
	mu   sync.Mutex
	name string // "": none
}

// create makes the file beside the one that it is to become.
func (p *partial) create(become string) (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.CreateTemp(filepath.Dir(become), "."+filepath.Base(become)+".*")
	if err == nil {
		p.name = f.Name()
	}
	return f, err
}

// finish gives the file its name.
func (p *partial) finish(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := os.Rename(p.name, name)
	if err == nil {
		p.name = ""
	}
	return err
}

// remove takes away what was not finished.
func (p *partial) remove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.name != "" {
		os.Remove(p.name)
		p.name = ""
	}
}
