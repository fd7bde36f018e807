package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Earlier versions had a namespace's sessions in the folder sessions, two levels deep: 3f/a0/3fa0…. With 65,536 folders,
// nearly every new session needed another one until all existed, and that takes more than all else. Today sessions.v2 has
// one level of 256 folders. A folder with the layout of an earlier version is still used as it is.
//
// Beside sessions.v2 there is a file with the name sessions. It makes a process of an earlier version fail, which would
// otherwise take all sessions for missing and log everybody out.
const (
	secondLayout = ".v2"
	guardText    = "The sessions are in the folder of the same name with .v2. This file keeps earlier versions from using another one.\n"
)

// chooseNamespace opens or creates the folder for a namespace, whose earlier name is dir. It refuses a folder that others own
// or can write to.
func chooseNamespace(root *os.Root, dir string, fsync policy) (o opened, err error) {
	o.path = dir
	if o.deep, err = earlier(root, dir); err != nil {
		return o, err
	}
	if !o.deep {
		o.path += secondLayout
	}
	if err = ownFolder(root, o.path); err != nil {
		return o, err
	}
	if fsync == full && runtime.GOOS != "windows" {
		if err = syncFolder(root); err != nil {
			return o, err
		}
	}
	o.root, err = openFolder(root, o.path)
	return o, err
}

// earlier reports whether a namespace has the folder of an earlier version. If it has none, earlier makes sure that it never
// will.
func earlier(root *os.Root, dir string) (bool, error) {
	for {
		info, err := root.Lstat(dir)
		switch {
		case err == nil && info.IsDir():
			return true, nil
		case err == nil && info.Mode().IsRegular():
			return false, nil
		case err == nil:
			return false, fmt.Errorf("%s: not a folder", filepath.Join(root.Name(), dir))
		case !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
		f, err := root.OpenFile(dir, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", filepath.Join(root.Name(), dir), bare(err))
		}
		_, _ = f.WriteString(guardText) // its name is enough
		return false, f.Close()
	}
}

func syncFolder(root *os.Root) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// ownItself makes a folder one that only this user may own.
func ownItself(root *os.Root) (opened, error) {
	return opened{root: root}, ownFolder(root, ".")
}
