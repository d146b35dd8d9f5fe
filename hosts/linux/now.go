package linux

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// now is CLOCK_MONOTONIC without a point at which Go's scheduler could take the
// thread: neither this nor what it calls looks at the stack (nosplit), where the
// request to yield would be found. For loops that measure; elsewhere clockNs.
//
//go:nosplit
func now() int64 {
	var ts unix.Timespec
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Sec*1e9 + ts.Nsec
}
