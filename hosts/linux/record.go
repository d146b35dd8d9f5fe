package linux

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is what cpusets of other people held before a partition changed them. It
// is the only thing that this package remembers, since the kernel cannot tell: it is
// on disk before the first of its cpusets is written, and goes once they are put
// back. It lives in /run: cpusets do not outlive a reboot either.
type record struct {
	path string
}

// before is one cpuset as it was found.
type before struct {
	Dir   string `json:"dir"`  // below the root of the hierarchy
	ID    uint64 `json:"id"`   // its inode: another cpuset of the same name is not ours to set
	File  string `json:"file"` // within Dir
	Value string `json:"value"`
	CPU   int    `json:"cpu,omitempty"` // version 2: whose partition wanted it
}

func (r record) read() ([]before, error) {
	b, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []before
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w: it holds the cpuset values to put back; repair or remove it", r.path, err)
	}
	return list, nil
}

// key is what an entry is about; the first value noted of it counts.
func (b before) key() before { return before{Dir: b.Dir, ID: b.ID, File: b.File, CPU: b.CPU} }

// add notes values that are not noted yet, durably, before it returns, and forgets
// those of cgroups that are gone.
func (r record) add(t tree, list []before) error {
	have, err := r.read()
	if err != nil {
		return err
	}
	known := map[before]bool{}
	var grown []before
	for _, b := range have {
		if id, err := t.ID(b.Dir); err == nil && id == b.ID {
			known[b.key()] = true
			grown = append(grown, b)
		}
	}
	old := len(grown)
	for _, b := range list {
		if !known[b.key()] {
			known[b.key()] = true
			grown = append(grown, b)
		}
	}
	if len(grown) == old {
		return nil
	}
	return r.write(grown)
}

// write replaces the file in one step: a crash leaves the old list or the new one.
func (r record) write(list []before) error {
	b, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(r.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(r.path+".new", r.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(r.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (r record) drop() error {
	err := os.Remove(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
