//go:build linux || darwin

package kv

import "syscall"

// freeBytes returns how much room the disk has on which a file or folder is, for users without privileges.
func freeBytes(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
