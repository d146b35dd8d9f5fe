package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// lockPath is held while a machine is looked at and changed. The kernel lets go of
// it when its holder dies, however.
const lockPath = "/run/vsnctl/lock"

// exclusive is this machine for a command that changes it, or with --dry-run only looks
// at what it would change. Call release in the end.
func exclusive(c *cli.Context) (m local, release func(), err error) {
	if !root() && !c.Bool("dry-run") {
		return m, nil, fmt.Errorf("%s changes the kernel's schedulers and queues: run it as root", c.Command.Name)
	}
	m = thisMachine(c.String("connect"))
	unlock, err := m.lock(c.Context)
	if err != nil {
		m.close()
		return m, nil, err
	}
	return m, func() { unlock(); m.close() }, nil
}

// lock waits until no other vsnctl changes this machine. Without root nothing can be
// changed, and nothing is locked.
func (l local) lock(ctx context.Context) (unlock func(), err error) {
	if !root() {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(lockPath), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(lockPath, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", lockPath, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock %s: another vsnctl is changing this machine: %w", lockPath, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
