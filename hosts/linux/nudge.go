package linux

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// nudge makes a sleeping thread run for a moment, so that the kernel moves it to a
// CPU that it may run on. A thread that sleeps when it is pinned stays assigned to
// the CPU where it ran last until it wakes (affine_move_task, kernel/sched/core.c),
// and sched_setattr(2) judges it by the root domain of that CPU: EPERM. A vCPU of a
// paused domain sleeps.
//
// Seizing a thread with ptrace(2), interrupting it and letting it go does that and
// nothing else: system calls are restarted, KVM_RUN returns EINTR as for any signal.
// Should this process die meanwhile, the kernel lets the thread go.
func nudge(ctx context.Context, t thread) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // ptrace belongs to an OS thread
		err := touch(ctx, t)
		if err == nil {
			runtime.UnlockOSThread()
		} // else the OS thread ends with the goroutine, and lets go of what it holds
		done <- err
	}()
	if err := <-done; err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("wake thread %d, so that it moves to its cpu: %w", t.tid, err)
	}
	return nil
}

func touch(ctx context.Context, t thread) error {
	if err := unix.PtraceSeize(t.tid); err != nil {
		return fmt.Errorf("ptrace seize: %w", err)
	}
	if err := unix.PtraceInterrupt(t.tid); err != nil {
		return fmt.Errorf("ptrace interrupt: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(t.tid, &status, unix.WALL|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		case got == t.tid && status.Stopped():
			return detach(t, status)
		case got == t.tid:
			return unix.ESRCH // it ended
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// detach lets the thread go, with the signal whose delivery stopped it, if one did:
// it would be lost otherwise. The stop that was asked for is no signal.
func detach(t thread, status unix.WaitStatus) error {
	var signal unix.Signal
	if status>>16 == 0 {
		signal = status.StopSignal()
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(t.tid), 0, uintptr(signal), 0, 0)
	if errno != 0 {
		return fmt.Errorf("ptrace detach: %w", errno)
	}
	return nil
}
