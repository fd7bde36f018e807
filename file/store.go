package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A policy says which writes are synced to disk.
type policy int

const (
	none  policy = iota
	files        // each file before it is renamed
	full         // folders too, before a call returns
)

var policies = map[string]policy{"none": none, "file": files, "full": full}

// A store is the [driver.Backend] of one namespace.
type store struct {
	home  *home
	fsync policy
	flush func(f *os.File) error // File.Sync, replaced only in tests
	locks *locks
	calls atomic.Uint64 // number of calls by requests so far: see pace

	users, aliases *index
	indexes        [2]*index // both
}

func newStore(home *home, fsync policy) *store {
	s := &store{home: home, fsync: fsync, flush: (*os.File).Sync, locks: newLocks(home, locksDir)}
	s.users = &index{s, usersDir, userOf}
	s.aliases = &index{s, aliasesDir, aliasOf}
	s.indexes = [...]*index{s.users, s.aliases}
	return s
}

// Close implements [io.Closer]. It waits for running writers.
func (s *store) Close() error {
	s.locks.close()
	return s.home.close()
}

// Ping implements [driver.Pinger]. It checks that files can be created.
func (s *store) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.probe(); err != nil {
		return fail("ping", err)
	}
	return nil
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	created := *rec
	created.Version = 1
	if err := s.create(ctx, key, &created); err != nil {
		return err
	}
	rec.Version = 1
	return nil
}

// create stores a record or a mark if neither exists.
func (s *store) create(ctx context.Context, key string, rec *driver.Record) error {
	s.calls.Add(1)
	return retryRemoved(func() error {
		p, ok := s.place(key)
		if !ok {
			return errKey
		}
		return s.createAt(ctx, p, rec)
	})
}

func (s *store) createAt(ctx context.Context, p place, rec *driver.Record) error {
	if err := s.locks.lock(ctx, p.shard); err != nil {
		return err
	}
	defer s.locks.unlock(p.shard)
	if s.fsync == none {
		if created, err := s.createNew(p, rec); created || err != nil {
			return err
		}
	}
	if err := s.makeDir(p); err != nil {
		return err
	}
	var old driver.Record
	w, err := s.openWriter(p, &old)
	defer w.close()
	if err = vacant(&old, err); err != nil {
		return err
	}
	return s.replace(w, &old, rec)
}

var errKey = errors.New("session/file: the key is too long for a file name")

// vacant returns nil if a file, which was read with the result err, has neither a live record nor a mark.
func vacant(old *driver.Record, err error) error {
	switch {
	case errors.Is(err, driver.ErrNotFound):
		return nil
	case err == nil && old.Live(time.Now()):
		return driver.ErrExists
	}
	return err
}

// Load implements [driver.Backend]. It takes no lock.
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls.Add(1)
	p, ok := s.place(key)
	if !ok {
		return driver.ErrNotFound
	}
	found := driver.Record{MaxData: rec.MaxData}
	err := read(p.root, p.path, &found)
	if errors.Is(err, driver.ErrNotFound) && s.home.missed(p.root) {
		p, _ = s.place(key)
		err = read(p.root, p.path, &found)
	}
	if err != nil {
		return err
	}
	if !found.Live(time.Now()) {
		return driver.ErrNotFound
	}
	if mark, marked := found.Mark(); marked {
		return &driver.MarkedError{Mark: mark}
	}
	*rec = found
	return nil
}

func readLive(r *os.Root, name string, rec *driver.Record) error {
	err := read(r, name, rec)
	if err == nil && !live(rec) {
		err = driver.ErrNotFound
	}
	return err
}

// readVersion is readLive, but returns a conflict for a record with another version.
func readVersion(r *os.Root, name string, version uint64, rec *driver.Record) error {
	err := readLive(r, name, rec)
	if err == nil && rec.Version != version {
		err = &driver.ConflictError{Record: rec}
	}
	return err
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	return s.within(ctx, key, func(p place) error {
		var old driver.Record
		w, err := s.openVersion(p, rec.Version, &old)
		defer w.close()
		if err != nil {
			return err
		}
		saved := *rec
		saved.Version++
		if !rec.Shorten && old.Expires.After(rec.Expires) {
			saved.Expires = old.Expires
		}
		if err := s.replace(w, &old, &saved); err != nil {
			return err
		}
		rec.Version++
		return nil
	})
}

// Touch implements [driver.Backend].
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	return s.within(ctx, key, func(p place) error {
		var rec driver.Record
		w, err := s.openTouch(p, &rec)
		defer w.close()
		switch {
		case err != nil:
			return err
		case !live(&rec):
			return driver.ErrNotFound
		case expires.UnixMilli() <= rec.Expires.UnixMilli():
			return nil
		}
		return w.touch(expires)
	})
}

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	err := s.within(ctx, key, func(p place) error {
		var old driver.Record
		if version != 0 {
			if err := readVersion(p.root, p.path, version, &old); err != nil {
				return err
			}
		} else if err := readHead(p.root, p.path, &old); errors.Is(err, errFolder) || err != nil && !unreadable(err) {
			return err
		} else if isMark(&old) && old.Live(time.Now()) {
			return nil
		}
		return s.remove(p, &old)
	})
	if version == 0 && errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// unreadable reports whether the error of a read means that there is no record, or none that can be read.
func unreadable(err error) bool {
	return errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrCorrupt) || errors.Is(err, driver.ErrTooLarge)
}

// within runs do with the lock for key. It returns an error wrapping session.ErrNotFound if the folder is missing.
func (s *store) within(ctx context.Context, key string, do func(p place) error) error {
	s.calls.Add(1)
	p, ok := s.place(key)
	if !ok {
		return driver.ErrNotFound
	}
	return s.withinPlace(ctx, p, do)
}

func (s *store) withinPlace(ctx context.Context, p place, do func(p place) error) error {
	if err := s.locks.lock(ctx, p.shard); err != nil {
		return err
	}
	defer s.locks.unlock(p.shard)
	return s.orGone(p, do(p))
}

// orGone returns err, the error of a call that changes a record, or reports the record as gone if somebody has removed its
// file or its folder meanwhile.
func (s *store) orGone(p place, err error) error {
	if errors.Is(err, fs.ErrNotExist) && errors.Is(readHead(p.root, p.path, new(driver.Record)), driver.ErrNotFound) {
		return driver.ErrNotFound
	}
	return err
}

// replace stores rec in place of old; old is the zero Record if there is none. The caller holds the lock. Markers are
// created before that and removed after it.
func (s *store) replace(w *writer, old, rec *driver.Record) error {
	name := w.p.name()
	reserved, err := s.enter(name, old, rec)
	if err == nil {
		err = w.store(rec)
	}
	if err != nil {
		s.leave(name, rec, old)
		return err
	}
	if reserved {
		s.fulfill(rec.User, name)
	}
	s.leave(name, old, rec)
	return w.sync()
}

// remove removes the stored record old. The caller holds the lock.
func (s *store) remove(p place, old *driver.Record) error {
	if err := p.root.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("remove", err)
	}
	s.leave(p.name(), old, &driver.Record{})
	return s.syncNames(p)
}
