package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"

	"github.com/seed1a8f7c28/session"
)

// The index of users has a folder for each, and in it an empty file for each session, named as the session's
// file: a marker. It is made before the session is the user's and removed after, with the lock of the
// session. So the markers of a user are those of the user's sessions, and after a crash maybe more.

// mark makes a marker. Nobody has none.
func (s *store) mark(user, name string) error {
	if user == "" {
		return nil
	}
	dir := s.userFolder(user)
	for try := 0; ; try++ {
		f, err := s.root.OpenFile(dir+"/"+name, os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			f.Close()
			break
		}
		// The folder goes with its last marker, maybe right now.
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return fail("index", err)
		}
		if err := s.mkdirs(dir); err != nil {
			return fail("index", err)
		}
	}
	if s.fsync != full {
		return nil
	}
	if err := s.syncPath(dir); err != nil {
		return fail("index", err)
	}
	return nil
}

// unmark removes a marker. What it cannot remove, Sweep does.
func (s *store) unmark(user, name string) {
	if user == "" {
		return
	}
	dir := s.userFolder(user)
	s.root.Remove(dir + "/" + name)
	s.root.Remove(dir) // it stays if there are others
}

// marked reports whether there is a marker.
func (s *store) marked(user, name string) bool {
	_, err := s.root.Lstat(s.userFolder(user) + "/" + name)
	return err == nil
}

// ListUser implements [session.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[session.Entry, error] {
	return func(yield func(session.Entry, error) bool) {
		if user == "" { // nobody is in no index
			for entry, err := range s.List(ctx) {
				if (err != nil || entry.User == "") && !yield(entry, err) {
					return
				}
			}
			return
		}
		names, err := s.names(s.userFolder(user), false)
		if err != nil {
			yield(session.Entry{}, err)
			return
		}
		for _, name := range names {
			p, ok := s.placeOf(name)
			if !ok {
				continue
			}
			own := func(entry session.Entry, err error) bool {
				return err == nil && entry.User != user || yield(entry, err)
			}
			if !s.yieldLive(ctx, p, own) {
				return
			}
		}
	}
}

// sweepIndex removes the markers whose sessions are gone or another user's, and the folders of users who
// have none.
func (s *store) sweepIndex(ctx context.Context, pace *pace) error {
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
			if err := s.sweepUser(ctx, index+"/"+upper+"/"+user); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) sweepUser(ctx context.Context, dir string) error {
	names, err := s.names(dir, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, ok := s.placeOf(name)
		if !ok || !s.stale(dir, p) {
			continue
		}
		if err := s.locks.lock(ctx, p.shard); err != nil {
			return err
		}
		if s.stale(dir, p) {
			s.root.Remove(dir + "/" + name)
		}
		s.locks.unlock(p.shard)
	}
	s.root.Remove(dir) // it stays if there are others
	return nil
}

// stale reports whether the session at p, whose marker is in the folder of a user, is not the user's.
func (s *store) stale(dir string, p place) bool {
	var rec session.Record
	err := readHead(s.root, p.path, &rec)
	return errors.Is(err, session.ErrNotFound) || err == nil && (rec.User == "" || s.userFolder(rec.User) != dir)
}
