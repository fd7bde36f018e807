package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A home is a folder that contains files. If somebody removes it, it is opened again when the next file is to be created, or
// when something is not found in it and another folder has taken its place.
type home struct {
	path   string // absolute
	choose func(root *os.Root) (opened, error)

	current atomic.Pointer[opened]
	mu      sync.Mutex
	all     []*os.Root // all that were opened, because calls may still use an earlier one; nil after Close
}

// An opened is the folder that a home is at present.
type opened struct {
	root *os.Root
	path string // of root, in the home's path; "" if that is root
	deep bool   // the folder has the layout of an earlier version: see chooseNamespace
}

// openHome opens a folder, and creates it if it is missing. Then choose says which folder in it, which it takes over, is the
// home; nil for the folder itself.
func openHome(path string, choose func(root *os.Root) (opened, error)) (*home, error) {
	if abs, err := filepath.Abs(path); err == nil { // the process may change its working directory later
		path = abs
	}
	h := &home{path: path, choose: choose}
	o, err := h.open()
	if err != nil {
		return nil, err
	}
	h.use(o)
	return h, nil
}

func (h *home) root() *os.Root { return h.current.Load().root }

func (h *home) use(o opened) {
	h.all = append(h.all, o.root)
	h.current.Store(&o)
}

func (h *home) open() (o opened, err error) {
	if err := os.MkdirAll(h.path, 0o700); err != nil {
		return o, err
	}
	root, err := os.OpenRoot(h.path)
	if err != nil || h.choose == nil {
		return opened{root: root}, err
	}
	o, err = h.choose(root)
	if err != nil || o.root != root {
		root.Close()
	}
	return o, err
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
	case h.all == nil:
		return os.ErrClosed
	case h.root() != root || !removed(root):
		return nil
	}
	o, err := h.open()
	if err != nil {
		return err
	}
	h.use(o)
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
	if named, err := os.Stat(filepath.Join(h.path, h.current.Load().path)); err != nil || os.SameFile(mine, named) {
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
	for _, root := range h.all {
		err = errors.Join(err, root.Close())
	}
	h.all = nil
	return err
}
