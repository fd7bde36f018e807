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

// An index finds records by one of their terms: the user or the alias. It has a folder for each term, and in it an empty
// file for each session, named like the session's file: a marker. The marker is created before the session gets the term
// and removed after it has lost it, under the session's lock. So each session with the term has a marker; after a crash
// there may be additional markers. A user's marker that is not empty is a reservation: see Reserve.
type index struct {
	s    *store
	dir  string // of the index, in root
	term func(rec *driver.Record) string
}

func userOf(rec *driver.Record) string  { return rec.User }
func aliasOf(rec *driver.Record) string { return rec.Alias }

// enter creates the markers of rec under a name, where old is now, before rec is stored. It reports whether one of them is
// a reservation. The caller holds the lock.
func (s *store) enter(name string, old, rec *driver.Record) (reserved bool, err error) {
	for _, x := range s.indexes {
		if x.term(rec) == x.term(old) && rec.Version != 1 {
			continue
		}
		held, err := x.add(x.term(rec), name)
		if err != nil {
			return reserved, err
		}
		reserved = reserved || held
	}
	return reserved, nil
}

// leave removes the markers under name that gone needs and kept does not.
func (s *store) leave(name string, gone, kept *driver.Record) {
	for _, x := range s.indexes {
		if x.term(gone) != x.term(kept) {
			x.remove(x.term(gone), name)
		}
	}
}

// indexed reports whether all markers of rec exist.
func (s *store) indexed(name string, rec *driver.Record) bool {
	for _, x := range s.indexes {
		if term := x.term(rec); term != "" && !x.has(term, name) {
			return false
		}
	}
	return true
}

// add creates a marker, and reports whether it is a reservation. An empty term has no markers.
func (x *index) add(term, name string) (reserved bool, err error) {
	if term == "" {
		return false, nil
	}
	f, err := x.open(term, name)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	reserved = err != nil || info.Size() > 0
	f.Close()
	if x.s.fsync != full {
		return reserved, nil
	}
	if err := x.s.syncPath(x.folder(term)); err != nil {
		return reserved, fail("index", err)
	}
	return reserved, nil
}

// open opens a marker, and creates it if it is missing.
func (x *index) open(term, name string) (*os.File, error) {
	dir := x.folder(term)
	for try := 0; ; try++ {
		f, err := openFile(x.s.home.root(), dir+"/"+name, os.O_WRONLY|os.O_CREATE)
		if err == nil {
			return f, nil
		}
		// The folder is removed with its last marker, possibly at this moment.
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return nil, fail("index", err)
		}
		// Mkdir fails with ErrExist if the folder existed and has been removed since.
		if err := x.s.mkdirs(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fail("index", err)
		}
	}
}

// remove removes a marker, unless it is a reservation. Sweep removes the markers that remain after an error.
func (x *index) remove(term, name string) {
	if term == "" {
		return
	}
	dir := x.folder(term)
	if d, err := openFolder(x.s.home.root(), dir); err == nil {
		if until, err := reservedUntil(d, name); err == nil && until <= time.Now().UnixMilli() {
			d.Remove(name)
		}
		d.Close()
	}
	x.s.home.root().Remove(dir) // fails if there are other markers
}

// has reports whether the marker exists.
func (x *index) has(term, name string) bool {
	info, err := x.s.home.root().Lstat(x.folder(term) + "/" + name)
	return err == nil && info.Mode().IsRegular()
}

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.users.list(ctx, user)
}

// ListAlias implements [driver.AliasLister].
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.aliases.list(ctx, alias)
}

func (x *index) list(ctx context.Context, term string) iter.Seq2[driver.Entry, error] {
	if term == "" {
		return x.listOthers(ctx)
	}
	x.s.calls.Add(1)
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		names, err := x.s.names(x.folder(term), false)
		for _, name := range names {
			p, ok := x.s.placeOf(name)
			if !ok {
				continue
			}
			there := false
			x.s.yieldLive(ctx, p, func(entry driver.Entry, failed error) bool {
				if err = failed; err == nil && x.term(&entry.Record) == term {
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

// listOthers yields the live sessions without a term, which are in no index.
func (x *index) listOthers(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for entry, err := range x.s.List(ctx) {
			if (err != nil || x.term(&entry.Record) == "") && !yield(entry, err) {
				return
			}
		}
	}
}

// sweep removes markers whose sessions are gone or have another term, reservations that end at or before lapsed, in
// milliseconds since 1970, and empty folders of terms.
func (x *index) sweep(ctx context.Context, pace *pace, lapsed int64) error {
	uppers, err := x.s.names(x.dir, true)
	if err != nil {
		return err
	}
	for _, upper := range uppers {
		terms, err := x.s.names(x.dir+"/"+upper, true)
		if err != nil {
			return err
		}
		for _, term := range terms {
			pace.rest()
			if _, ok := unhex(term, 32); !ok || term[:2] != upper {
				continue
			}
			if err := x.sweepTerm(ctx, x.dir+"/"+upper+"/"+term, lapsed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *index) sweepTerm(ctx context.Context, dir string, lapsed int64) error {
	names, err := x.s.names(dir, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, ok := x.s.placeOf(name)
		if !ok || !x.stale(dir, p, lapsed) {
			continue
		}
		if err := x.s.locks.lock(ctx, p.shard); err != nil {
			return err
		}
		if x.stale(dir, p, lapsed) {
			x.s.home.root().Remove(dir + "/" + name)
		}
		x.s.locks.unlock(p.shard)
	}
	x.s.home.root().Remove(dir) // fails if there are other markers
	return nil
}

// stale reports whether a marker in the folder dir is out of date: the session at p does not have the term, and no
// reservation lasts beyond lapsed.
func (x *index) stale(dir string, p place, lapsed int64) bool {
	var rec driver.Record
	err := readHead(p.root, p.path, &rec)
	if err == nil {
		if term := x.term(&rec); term != "" && x.folder(term) == dir {
			return false
		}
	} else if !errors.Is(err, driver.ErrNotFound) {
		return false
	}
	until, err := reservedUntil(x.s.home.root(), dir+"/"+p.name())
	return err == nil && until <= lapsed
}

// sweepIndexes sweeps both indexes.
func (s *store) sweepIndexes(ctx context.Context, pace *pace, lapsed int64) error {
	for _, x := range s.indexes {
		if err := x.sweep(ctx, pace, lapsed); err != nil {
			return err
		}
	}
	return nil
}
