package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A home is the folder at a path. If somebody removes it, it is opened again when the next file is to be created, or when
// something is not found in it and another folder has taken its place.
type home struct {
	path string // absolute
	ours string // a folder in it that others must not own or write to, "" for none

	current atomic.Pointer[os.Root]
	mu      sync.Mutex
	opened  []*os.Root // all of them, because calls may still use an earlier one; nil after Close
}

// openHome opens a folder, and creates it if it is missing.
func openHome(path, ours string) (*home, error) {
	if abs, err := filepath.Abs(path); err == nil { // the process may change its working directory later
		path = abs
	}
	h := &home{path: path, ours: ours}
	root, err := h.open()
	if err != nil {
		return nil, err
	}
	h.use(root)
	return h, nil
}

func (h *home) root() *os.Root { return h.current.Load() }

func (h *home) use(root *os.Root) {
	h.opened = append(h.opened, root)
	h.current.Store(root)
}

func (h *home) open() (*os.Root, error) {
	if err := os.MkdirAll(h.path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(h.path)
	if err == nil && h.ours != "" {
		if err = ownFolder(root, h.ours); err != nil {
			root.Close()
		}
	}
	return root, err
}

// mkdirAll creates a folder in it, with its missing parents.
func (h *home) mkdirAll(dir string) error {
	root := h.root()
	if dir != "." {
		if err := root.MkdirAll(dir, 0o700); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := h.renew(root); err != nil {
		return err
	}
	return h.root().MkdirAll(dir, 0o700)
}

// renew opens the folder again if root has been removed.
func (h *home) renew(root *os.Root) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.opened == nil:
		return os.ErrClosed
	case h.root() != root || !removed(root):
		return nil
	}
	root, err := h.open()
	if err != nil {
		return err
	}
	h.use(root)
	return nil
}

// retryRemoved runs create, and runs it again if somebody has removed a folder that it was using. create must then take its
// locks again.
func retryRemoved(create func() error) (err error) {
	for range 3 {
		if err = create(); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

// missed reports whether root was removed and another folder has taken its place. In that case it opens that folder. It is
// called after something was not found.
func (h *home) missed(root *os.Root) bool {
	mine, err := root.Lstat(".")
	if err != nil {
		return false
	}
	if named, err := os.Stat(h.path); err != nil || os.SameFile(mine, named) {
		return false
	}
	return h.renew(root) == nil && h.root() != root
}

// removed reports whether an open folder no longer exists, so that nothing can be created in it. If its path leads to
// another folder or nowhere, that is not sufficient: this process may see other folders than when it opened this one.
func removed(root *os.Root) bool {
	name := tempName()
	err := root.Mkdir(name, 0o700)
	if err == nil {
		root.Remove(name)
	}
	return errors.Is(err, fs.ErrNotExist)
}

func (h *home) close() (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, root := range h.opened {
		err = errors.Join(err, root.Close())
	}
	h.opened = nil
	return err
}
