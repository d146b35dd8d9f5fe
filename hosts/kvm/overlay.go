package kvm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	overlaySuffix = ".qcow2"
	// unfinished ends the name of an overlay that is being made: one without it is
	// whole, whenever we were killed.
	unfinished = ".new"
)

// layer is one file of a disk, as `qemu-img info` describes it.
type layer struct {
	Filename string `json:"filename"`
	Format   string `json:"format"`
}

// layers are the image and the files that it rests on.
func layers(ctx context.Context, image string) ([]layer, error) {
	if image == "" {
		return nil, nil
	}
	// -U: somebody else may be running on it, which is no harm to a reader.
	text, err := qemuImg(ctx, "info", "-U", "--backing-chain", "--output=json", "--", image)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", image, err)
	}
	var chain []layer
	if err := json.Unmarshal(text, &chain); err != nil || len(chain) == 0 {
		return nil, fmt.Errorf("image %q: qemu-img info says %q", image, text)
	}
	for _, l := range chain {
		if l.Format != "qcow2" && l.Format != "raw" {
			return nil, fmt.Errorf("image %q: format %s of %q is neither qcow2 nor raw: qemu-img convert makes one of the other", image, l.Format, l.Filename)
		}
	}
	return chain, nil
}

// makeOverlay makes the file that takes the guest's writes: the user of qemu owns it,
// and nobody else may read what the guest stores. base is the first of layers(image).
func (m *Machine) makeOverlay(ctx context.Context, d hosts.Domain, base layer, owner account) (err error) {
	if err := makeDirectory(m.overlays, 0o711); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	path := d.Overlay + unfinished
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	err = errors.Join(file.Chown(owner.uid, owner.gid), file.Chmod(0o600), file.Close())
	if err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	if _, err := qemuImg(ctx, "create", "-q", "-f", "qcow2", "-F", base.Format, "-b", d.Image, "--", path); err != nil {
		return fmt.Errorf("overlay on image %q: %w", d.Image, err)
	}
	return os.Rename(path, d.Overlay)
}

// removeOverlay removes what makeOverlay made, finished or not.
func (m *Machine) removeOverlay(domain string) error {
	path := m.overlayPath(domain)
	return errors.Join(remove(path), remove(path+unfinished))
}

func parseDomainName(name string) (network, vm string, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 3 || parts[0] != "vsn" || vsn.CheckName(parts[1]) != nil || vsn.CheckName(parts[2]) != nil {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// canDirectIO tells whether all the files can be opened with O_DIRECT; not every file
// system does it.
func canDirectIO(paths []string) bool {
	for _, path := range paths {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
		if err != nil {
			return false
		}
		unix.Close(fd)
	}
	return true
}

func qemuImg(ctx context.Context, args ...string) ([]byte, error) {
	var words bytes.Buffer
	c := exec.CommandContext(ctx, "qemu-img", args...)
	c.Stderr = &words
	text, err := c.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w: install it (Debian: apt-get install qemu-utils)", err)
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("qemu-img %s: %w", args[0], context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("qemu-img %s: %w: %s", args[0], err, bytes.TrimSpace(words.Bytes()))
	}
	return text, nil
}

// makeDirectory makes dir and what is missing above it with exactly this mode,
// whatever the umask.
func makeDirectory(dir string, mode os.FileMode) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeDirectory(filepath.Dir(dir), mode); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, mode)
}

// remove is os.Remove for which gone is as good as removed.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
