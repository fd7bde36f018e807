package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A handle is an open store, which all managers of this process share.
type handle struct {
	name  string // in handles
	locks locks

	users int // under handles.mu: who has it open, or is opening it

	mu       sync.RWMutex // held for reading during a call of db
	db       DB           // nil while it is not open
	free     int64        // Engine.FreeBytes
	settings Settings     // what db was opened with
}

// handles are those of this process, by engine and path.
var handles = struct {
	mu     sync.Mutex
	byName map[string]*handle
}{byName: make(map[string]*handle)}

// acquire returns the handle of a store, and opens it if nobody in this process has. Everybody must have the same settings.
func acquire(ctx context.Context, e Engine, s Settings) (*handle, error) {
	name := e.Name + "\x00" + s.Path
	handles.mu.Lock()
	h := handles.byName[name]
	if h == nil {
		h = &handle{name: name}
		handles.byName[name] = h
	}
	h.users++
	handles.mu.Unlock()
	if err := h.open(ctx, e, s); err != nil {
		return nil, errors.Join(err, h.release())
	}
	return h, nil
}

func (h *handle) open(ctx context.Context, e Engine, s Settings) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.db != nil {
		if h.settings != s {
			return &driver.ConfigError{Field: "providerConfig.fsync", Err: fmt.Errorf(
				"want %q: another manager of this process has %s open with it", h.settings.fsync(), s.Path)}
		}
		return nil
	}
	// A process that is replacing another one waits until that has ended.
	for end := time.Now().Add(lockedWait); ; {
		db, err := e.Open(s)
		if err == nil {
			h.db, h.settings, h.free = db, s, e.FreeBytes
			return nil
		}
		if !isLocked(err) {
			return err
		}
		if time.Now().After(end) || !pause.For(ctx, lockedWait/20) {
			return ErrLocked
		}
	}
}

// isLocked reports whether an error of Engine.Open says that another process has the store open.
func isLocked(err error) bool {
	const sharingViolation = syscall.Errno(32)
	return errors.Is(err, ErrLocked) || errors.Is(err, syscall.EWOULDBLOCK) ||
		runtime.GOOS == "windows" && errors.Is(err, sharingViolation)
}

// lockedWait is how long to wait for another process to close the store.
const lockedWait = time.Second

// release closes the store if nobody else uses it.
func (h *handle) release() (err error) {
	handles.mu.Lock()
	h.users--
	last := h.users == 0
	handles.mu.Unlock()
	if !last {
		return nil
	}
	h.mu.Lock() // waits for the calls that are under way
	defer h.mu.Unlock()
	handles.mu.Lock()
	unused := h.users == 0 // nobody has come meanwhile; who comes from here on waits for h.mu, and opens the store again
	handles.mu.Unlock()
	if unused && h.db != nil {
		err = h.db.Close()
		h.db = nil
	}
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if h.users == 0 && handles.byName[h.name] == h {
		delete(handles.byName, h.name)
	}
	return err
}

func (h *handle) view(f func(r Reader) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.db == nil {
		return driver.ErrClosed
	}
	return h.db.View(f)
}

func (h *handle) write(changes []Change) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.db == nil {
		return driver.ErrClosed
	}
	if err := h.checkRoom(changes); err != nil {
		return err
	}
	return h.db.Write(changes)
}

// checkRoom returns an error if the disk is as good as full and a change needs room. Removals are left in any case, so that
// a sweep and a logout work.
func (h *handle) checkRoom(changes []Change) error {
	if h.free == 0 || !slices.ContainsFunc(changes, func(c Change) bool { return !c.Delete }) {
		return nil
	}
	free, err := freeBytes(h.settings.Path)
	if err == nil && free < h.free {
		err = fmt.Errorf("%s: %w: %d MB are free, %d MB must be left for the store itself", h.settings.Path, syscall.ENOSPC, free>>20, h.free>>20)
	}
	return err
}

// collect has the store free the space of what a sweep has removed.
func (h *handle) collect() error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if c, ok := h.db.(Collector); ok {
		return c.Collect()
	}
	return nil
}

// canonical returns the one name that a path has whatever folder it is relative to and whatever links lead to it. Its last
// element need not exist.
func canonical(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}
