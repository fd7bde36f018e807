// Package kv keeps sessions in an embedded key-value store. The providers bolt, badger, leveldb and pebble are built on it.
// Each is a module of its own, which implements [DB] over the store's client.
//
// One process at a time can have such a store open. All managers of a process share it. A second process waits for a moment,
// and then gets an error that names the file.
//
// The provider config is the path of the store, or a JSON object:
//
//	{"path": "./sessions.db", "fsync": "full"}
//
// Missing folders are created. fsync says what may be lost in a power failure. With "full", the default, everything is on disk
// before a call returns. What "none" means depends on the store.
//
// The clock of this process decides whether a session has expired. Every call checks the deadline, so a sweep only frees
// space.
package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
)

// An Engine opens one kind of store.
type Engine struct {
	Name   string // the provider's name; errors begin with it
	Folder bool   // whether the store is a folder, which is then created with the mode 0700, and not a single file

	// FreeBytes is how much room must be left on the disk for a write that is more than a removal. With less it fails before
	// the store is asked. It is for folders of clients that do not survive a full disk. 0 means that the store needs no such care.
	FreeBytes int64

	// Open opens the store, and creates it if it is missing. If another process has it open, Open returns without waiting an error
	// that wraps [ErrLocked], or what the operating system says when a file is locked.
	Open func(s Settings) (DB, error)
}

// Settings are what a provider config says.
type Settings struct {
	Path string // absolute and without symbolic links

	// Sync says that a [DB.Write] returns when its changes survive a power failure.
	Sync bool
}

// fsync returns the value of the key fsync in the provider config.
func (s Settings) fsync() string {
	if s.Sync {
		return "full"
	}
	return "none"
}

// Open opens the store that c.Config names. It creates missing folders with the mode 0700. If another manager of this process
// has the store open, both share it, and must have the same settings. The last one closes it. Every error is a
// [*driver.ConfigError] that names the setting, and the path if the store is the cause.
//
// The result implements [driver.Marker], [driver.Renamer], [driver.Sweeper], [driver.Lister], [driver.UserLister],
// [driver.AliasLister], [driver.UserLimiter], [driver.Counter], [driver.Clearer], [driver.Pinger] and [io.Closer].
func Open(ctx context.Context, c driver.Config, e Engine) (driver.Backend, error) {
	if c.Beego {
		return nil, &driver.ConfigError{Field: "beego", Err: fmt.Errorf("%w: beego has no provider %s", errors.ErrUnsupported, e.Name)}
	}
	if len(c.Namespace) > maxNamespace {
		return nil, &driver.ConfigError{Field: "namespace", Err: fmt.Errorf("%d bytes are more than %d", len(c.Namespace), maxNamespace)}
	}
	s, field, err := parse(c.Config, e)
	if err != nil {
		return nil, err
	}
	given := s.Path
	s.Path, err = prepare(s.Path, e.Folder)
	var h *handle
	if err == nil {
		h, err = acquire(ctx, e, s)
	}
	if _, ok := errors.AsType[*driver.ConfigError](err); ok {
		return nil, err
	}
	if err != nil {
		return nil, &driver.ConfigError{Field: field, Err: fmt.Errorf("session/%s: cannot open %s: %w", e.Name, given, err)}
	}
	return &store{engine: e.Name, handle: h, prefix: prefixOf(c.Namespace)}, nil
}

func parse(text string, e Engine) (s Settings, field string, err error) {
	s, field = Settings{Path: text, Sync: true}, "providerConfig"
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		field = "providerConfig.path"
		object := struct {
			Path  string `json:"path"`
			Fsync string `json:"fsync"`
		}{Fsync: "full"}
		if err := driver.ParseConfig(text, &object); err != nil {
			return s, field, err
		}
		s.Path = object.Path
		switch object.Fsync {
		case "full":
		case "none":
			s.Sync = false
		default:
			return s, field, &driver.ConfigError{Field: "providerConfig.fsync", Err: fmt.Errorf(
				`%q is not one of "full" and "none"`, object.Fsync)}
		}
	}
	if strings.TrimSpace(s.Path) == "" {
		want := `want the path of a file for the sessions, such as "./sessions.db"`
		if e.Folder {
			want = `want the path of a folder for the sessions, such as "./sessions"`
		}
		return s, field, &driver.ConfigError{Field: field, Err: errors.New(want)}
	}
	return s, field, nil
}

// prepare creates the folders for a store that are missing, and returns its canonical path.
func prepare(path string, isFolder bool) (string, error) {
	folder := path
	if !isFolder {
		folder = filepath.Dir(path)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return canonical(path)
}
