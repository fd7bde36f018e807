package file

import (
	"os"
	"syscall"
	"unsafe"
)

var (
	kernel32         = syscall.NewLazyDLL("kernel32.dll")
	procLockFileEx   = kernel32.NewProc("LockFileEx")
	procUnlockFileEx = kernel32.NewProc("UnlockFileEx")
)

const (
	lockFailImmediately = 1
	lockExclusive       = 2

	errLockViolation = syscall.Errno(33)
)

// tryLock locks the first byte of f, unless another open file of the same name has locked it, in this process or another.
// The system releases the locks of a dead process.
func tryLock(f *os.File) (locked bool, err error) {
	var at syscall.Overlapped
	ok, _, err := procLockFileEx.Call(f.Fd(), lockExclusive|lockFailImmediately, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case ok != 0:
		return true, nil
	case err == errLockViolation || err == syscall.ERROR_IO_PENDING:
		return false, nil
	}
	return false, err
}

func unlock(f *os.File) error {
	var at syscall.Overlapped
	if ok, _, err := procUnlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&at))); ok == 0 {
		return err
	}
	return nil
}
