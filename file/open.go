package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readOnly opens a file for reading. With it package os makes fewer system calls than with os.O_RDONLY alone.
const readOnly = os.O_RDONLY | nonblock

var (
	errIrregular = errors.New("not a regular file")
	errLink      = fmt.Errorf("%w: a symbolic link, which is not followed", errIrregular)
	errFolder    = fmt.Errorf("%w: a folder is in its place", errIrregular)
)

// openFile opens a regular file without blocking. It refuses everything else. Somebody may have put a pipe in the file's
// place, for example: opening it would wait for a writer, and reading it might never end.
func openFile(r *os.Root, name string, flag int) (*os.File, error) {
	f, _, err := openSized(r, name, flag)
	return f, err
}

// openSized is openFile, and returns the size of the file.
func openSized(r *os.Root, name string, flag int) (f *os.File, size int64, err error) {
	f, err = r.OpenFile(name, flag|nonblock, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
		if info, failed := r.Lstat(name); failed == nil && !info.Mode().IsRegular() { // some of these cannot even be opened
			err = cmp.Or(irregular(info), errLink)
		}
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = irregular(info)
	}
	if err != nil {
		f.Close()
		if info, failed := r.Lstat(name); failed == nil && info.Mode().Type() == fs.ModeSymlink {
			err = errLink
		}
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func irregular(info fs.FileInfo) error {
	switch info.Mode().Type() {
	case 0, fs.ModeSymlink: // a link that leads out of the folder is not followed
		return nil
	case fs.ModeDir:
		return errFolder
	}
	return errIrregular
}

// ownFolder creates a folder that only this user may own. The error names the folder, also if others own it or can write to
// it.
func ownFolder(root *os.Root, dir string) error {
	err := root.MkdirAll(dir, 0o700)
	if err == nil {
		var info fs.FileInfo
		if info, err = root.Lstat(dir); err == nil && !info.IsDir() {
			err = errors.New("not a folder")
		} else if err == nil {
			err = trusted(info)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(root.Name(), dir), bare(err))
	}
	return nil
}

// openFolder opens a folder. Because of the final dot, everything before it must be a folder, which opens without blocking.
func openFolder(r *os.Root, dir string) (*os.Root, error) { return r.OpenRoot(dir + "/.") }
