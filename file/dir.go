package file

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// probe checks whether files can be created and locked.
func (s *store) probe() error {
	temp := tempName()
	create := func() (*os.File, error) {
		return s.home.root().OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	f, err := create()
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.home.mkdirAll("."); err == nil {
			f, err = create()
		}
	}
	if err != nil {
		return err
	}
	_, err = tryLock(f)
	f.Close()
	if removed := s.home.root().Remove(temp); err == nil {
		err = removed
	}
	return err
}

// makeFolders creates the missing folders for sessions, so that none of the first sessions has to wait for its own. An
// earlier version's are too many for that.
func (s *store) makeFolders() error {
	in := s.home.current.Load()
	if in.deep {
		return nil
	}
	names, err := s.names(".", true)
	if err != nil {
		return err
	}
	have := make(map[string]bool, len(names))
	for _, name := range names {
		have[name] = true
	}
	for i := range 256 {
		name := hex.EncodeToString([]byte{byte(i)})
		if have[name] {
			continue
		}
		if err := in.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", filepath.ToSlash(filepath.Join(in.path, name)), bare(err))
		}
	}
	if s.fsync == full && len(have) < 256 {
		return s.syncPath(".")
	}
	return nil
}

// makeDir creates the folder for a file if it is missing. The caller holds the lock.
func (s *store) makeDir(p place) error {
	_, err := p.root.Stat(p.dir())
	if errors.Is(err, fs.ErrNotExist) {
		err = s.mkdirs(p.dir())
	}
	if err != nil {
		return fail("make a folder", err)
	}
	return nil
}

// mkdirs creates a folder below that of the namespace, and its missing parents.
func (s *store) mkdirs(dir string) error {
	if err := s.home.mkdirAll(dir); err != nil || s.fsync != full {
		return err
	}
	for i := len(dir) - 1; i > 0; i-- {
		if dir[i] == '/' {
			if err := s.syncPath(dir[:i]); err != nil {
				return err
			}
		}
	}
	return s.syncPath(".")
}

// syncNames syncs the folder of a file at the end of a call, if the policy says so. After an error the change has been
// made, but a power failure may undo it.
func (s *store) syncNames(p place) error {
	if s.fsync != full {
		return nil
	}
	if err := s.syncPath(p.dir()); err != nil && !errors.Is(err, fs.ErrNotExist) { // somebody has removed the folder
		return fail("sync a folder", err)
	}
	return nil
}

// syncPath syncs a folder. Windows cannot do that, and does it by itself.
func (s *store) syncPath(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := s.home.root().Open(dir + "/.")
	if err != nil {
		return err
	}
	defer f.Close()
	return s.flush(f)
}

// names returns the names of the folders, or of the regular files, in a folder. It ignores everything else, which somebody
// else must have created. The folder may be missing, or disappear before it is read: a user's folder does so with its last
// marker.
func (s *store) names(dir string, folders bool) ([]string, error) {
	root := s.home.root()
	f, err := root.OpenFile(dir, readOnly, 0)
	if errors.Is(err, fs.ErrNotExist) && s.home.missed(root) {
		f, err = s.home.root().OpenFile(dir, readOnly, 0)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("read a folder", err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fail("read a folder", err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if folders && e.IsDir() || !folders && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
