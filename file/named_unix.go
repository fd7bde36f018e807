//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file

import (
	"os"
	"syscall"
)

// named reports whether an open file, which had the given path in r, still has a name. That is a system call less than to
// look at the path, and does not depend on how deep that is.
func named(_ *os.Root, _ string, f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || stat.Nlink > 0
}
