package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
)

// The index of users has a folder for each, and in it an empty file for each session, named as the session's
// file: a marker. It is made before the session is the user's and removed after, with the lock of the
// session. So the markers of a user are those of the user's sessions, and after a crash maybe more. One that is
// not empty is a reservation: see Reserve.

// mark makes a marker, and reports whether there is one that is a reservation. Nobody has none.
func (s *store) mark(user, name string) (reserved bool, err error) {
	if user == "" {
		return false, nil
	}
	f, err := s.openMarker(user, name)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	reserved = err != nil || info.Size() > 0
	f.Close()
	if s.fsync != full {
		return reserved, nil
	}
	if err := s.syncPath(s.userFolder(user)); err != nil {
		return reserved, fail("index", err)
	}
	return reserved, nil
}

// openMarker opens a marker, and makes it.
func (s *store) openMarker(user, name string) (*os.File, error) {
	dir := s.userFolder(user)
	for try := 0; ; try++ {
		f, err := s.root.OpenFile(dir+"/"+name, os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			return f, nil
		}
		// The folder goes with its last marker, maybe right now.
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return nil, fail("index", err)
		}
		// That it exists is the error if it was there and is gone again.
		if err := s.mkdirs(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fail("index", err)
		}
	}
}

// unmark removes a marker, unless it is a reservation. What it cannot remove, Sweep does.
func (s *store) unmark(user, name string) {
	if user == "" {
		return
	}
	dir := s.userFolder(user)
	if d, err := s.root.OpenRoot(dir); err == nil {
		if until, err := reservedUntil(d, name); err == nil && until <= time.Now().UnixMilli() {
			d.Remove(name)
		}
		d.Close()
	}
	s.root.Remove(dir) // it stays if there are others
}

// marked reports whether there is a marker.
func (s *store) marked(user, name string) bool {
	_, err := s.root.Lstat(s.userFolder(user) + "/" + name)
	return err == nil
}

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	if user == "" { // nobody is in no index
		return s.listNobody(ctx)
	}
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		names, err := s.names(s.userFolder(user), false)
		for _, name := range names {
			p, ok := s.placeOf(name)
			if !ok {
				continue
			}
			there := false
			s.yieldLive(ctx, p, func(entry driver.Entry, failed error) bool {
				if err = failed; err == nil && entry.User == user {
					there, found = true, append(found, entry)
				}
				return true
			})
			if err != nil {
				return nil, err
			}
			if !there {
				gone(name)
			}
		}
		return found, err
	})
}

// listNobody yields the live sessions that are no user's.
func (s *store) listNobody(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for entry, err := range s.List(ctx) {
			if (err != nil || entry.User == "") && !yield(entry, err) {
				return
			}
		}
	}
}

// sweepIndex removes the markers whose sessions are gone or another user's, the reservations that end until
// lapsed, in milliseconds since 1970, and the folders of users who have neither.
func (s *store) sweepIndex(ctx context.Context, pace *pace, lapsed int64) error {
	index := s.dir + "/" + usersDir
	uppers, err := s.names(index, true)
	if err != nil {
		return err
	}
	for _, upper := range uppers {
		users, err := s.names(index+"/"+upper, true)
		if err != nil {
			return err
		}
		for _, user := range users {
			pace.rest()
			if _, ok := unhex(user, 32); !ok || user[:2] != upper {
				continue
			}
			if err := s.sweepUser(ctx, index+"/"+upper+"/"+user, lapsed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) sweepUser(ctx context.Context, dir string, lapsed int64) error {
	names, err := s.names(dir, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, ok := s.placeOf(name)
		if !ok || !s.stale(dir, p, lapsed) {
			continue
		}
		if err := s.locks.lock(ctx, p.shard); err != nil {
			return err
		}
		if s.stale(dir, p, lapsed) {
			s.root.Remove(dir + "/" + name)
		}
		s.locks.unlock(p.shard)
	}
	s.root.Remove(dir) // it stays if there are others
	return nil
}

// stale reports whether the session at p, whose marker is in the folder of a user, is not the user's, and not
// reserved for longer than until lapsed.
func (s *store) stale(dir string, p place, lapsed int64) bool {
	var rec driver.Record
	err := readHead(s.root, p.path, &rec)
	if err == nil && rec.User != "" && s.userFolder(rec.User) == dir || err != nil && !errors.Is(err, driver.ErrNotFound) {
		return false
	}
	until, err := reservedUntil(s.root, dir+"/"+p.name())
	return err == nil && until <= lapsed
}
