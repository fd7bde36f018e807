//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package file

import "os"

// named reports whether path in r still leads to an open file.
func named(r *os.Root, path string, f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	found, err := r.Lstat(path)
	return err == nil && os.SameFile(mine, found)
}
