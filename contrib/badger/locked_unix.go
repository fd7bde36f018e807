//go:build unix

package badger

import (
	"os"
	"syscall"
)

// notLocked returns an error if another process has the store open: badger locks the folder itself. The lock is given back.
func notLocked(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
