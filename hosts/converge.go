package hosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Progress hears of every change before (done false) and after it is made.
type Progress func(c Change, done bool, err error)

// Converge makes the networks named look like want on machine m: Observe, Diff, Do,
// and Observe again until nothing differs. It returns the changes made; none means
// that all was as wanted.
//
// All or nothing: when a change fails, those made before it are undone in reverse,
// so that what was there before is there again; the error says what failed and, if
// undoing failed too, what is left. With want empty (destroy) nothing is undone:
// what can go goes, and the error names what could not.
func Converge(ctx context.Context, m Machine, want State, networks []string, hear Progress) ([]Change, error) {
	if hear == nil {
		hear = func(Change, bool, error) {}
	}
	before, err := m.Observe(ctx)
	if err != nil {
		return nil, err
	}
	changes := Diff(Replace(before.State, want, networks...), before.State)
	if len(want.Objects()) == 0 {
		return changes, tearDown(ctx, m, changes, hear)
	}
	for i, c := range changes {
		if err := do(ctx, m, c, hear); err != nil {
			return nil, errors.Join(err, undo(ctx, m, changes[:i+1], hear))
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	after, err := m.Observe(ctx)
	if err != nil {
		return changes, err
	}
	if left := Diff(Replace(after.State, want, networks...), after.State); len(left) > 0 {
		err := fmt.Errorf("after %d changes the machine still differs: %v: something else changes it too", len(changes), left[0])
		return nil, errors.Join(err, undo(ctx, m, changes, hear))
	}
	return changes, nil
}

func do(ctx context.Context, m Machine, c Change, hear Progress) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%v: %w", c, context.Cause(ctx))
	}
	hear(c, false, nil)
	err := m.Do(ctx, c)
	hear(c, true, err)
	if err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	return nil
}

// undoTime is what undoing may take after the caller has given up: a domain that is
// asked to go may need its ten seconds.
const undoTime = 60 * time.Second

// undo reverses changes, the last first. The last may be half made; Machine.Do
// cleans that up. It goes on when the context is cancelled: that is when it matters.
func undo(ctx context.Context, m Machine, changes []Change, hear Progress) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var failed []error
	for _, c := range slices.Backward(changes) {
		if err := do(ctx, m, c.Reverse(), hear); err != nil {
			failed = append(failed, fmt.Errorf("undo: %w", err))
		}
	}
	return errors.Join(failed...)
}

// tearDown removes all it can and reports the rest. What stands on something that
// would not go is still tried: it may be free of it.
func tearDown(ctx context.Context, m Machine, changes []Change, hear Progress) error {
	var failed []error
	for _, c := range changes {
		if err := do(ctx, m, c, hear); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
