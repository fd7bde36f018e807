package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readOnly opens for reading. Package os needs fewer system calls for it than for os.O_RDONLY alone.
const readOnly = os.O_RDONLY | nonblock

var (
	errIrregular = errors.New("not a regular file")
	errLink      = fmt.Errorf("%w: a link that is not followed", errIrregular)
	errFolder    = fmt.Errorf("%w: a folder is in its place", errIrregular)
)

// openFile opens a file, and waits for nobody: what is no regular file is refused, such as a pipe that somebody has put
// there, to open which takes until there is another end, and to read it for ever.
func openFile(r *os.Root, name string, flag int) (*os.File, error) {
	f, err := r.OpenFile(name, flag|nonblock, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if info, failed := r.Lstat(name); failed == nil && !info.Mode().IsRegular() { // some cannot even be opened
			err = cmp.Or(irregular(info), errLink)
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = irregular(info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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

// ownFolder makes a folder of ours. The error names it, also if others own it or can write to it.
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

// openFolder opens a folder. The dot at the end makes of all before it folders, which nobody waits to open.
func openFolder(r *os.Root, dir string) (*os.Root, error) { return r.OpenRoot(dir + "/.") }
