package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A home is the folder at a path. If somebody removes it, it is opened again when the next file is to be made, or when something
// is not found in it while another folder is in its place.
type home struct {
	path string // absolute
	ours string // the folder in it that has to be ours alone, "" for none

	current atomic.Pointer[os.Root]
	mu      sync.Mutex
	opened  []*os.Root // all of them, since an earlier one may be in use; nil when closed
}

// openHome opens a folder, and makes it if it is missing.
func openHome(path, ours string) (*home, error) {
	if abs, err := filepath.Abs(path); err == nil { // where the process goes later does not matter
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

// mkdirAll makes a folder in it where one is missing.
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

// renew opens the folder again if root was removed.
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

// retryRemoved runs create, and again if somebody has removed a folder while it was at work in it. It has to lock again, too.
func retryRemoved(create func() error) (err error) {
	for range 3 {
		if err = create(); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

// missed reports whether root, in which something was not found, was removed and another folder is in its place, which is open now.
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

// removed reports whether a folder that is open is no more: nothing can be made in it. That its path leads to another folder, or
// nowhere, does not say so: the process may see other folders than when it opened this one.
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
