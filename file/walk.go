package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"math"

	"github.com/seed1a8f7c28/session/driver"
)

// Count implements [driver.Counter]. It opens every file.
func (s *store) Count(ctx context.Context) (int, error) {
	count := 0
	for _, err := range s.List(ctx) {
		if err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

// List implements [driver.Lister]. It holds no lock while the caller handles an entry.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for dir, err := range s.dirs(ctx) {
			var places []place
			if err == nil {
				places, err = s.lockedPlaces(ctx, dir)
			}
			if err != nil {
				yield(driver.Entry{}, err)
				return
			}
			for _, p := range places {
				if !s.yieldLive(ctx, p, yield) {
					return
				}
			}
		}
	}
}

// yieldLive yields the record at p if it is live. It reports whether to continue.
func (s *store) yieldLive(ctx context.Context, p place, yield func(driver.Entry, error) bool) bool {
	entry := driver.Entry{}
	err := ctx.Err()
	if err == nil {
		err = readHead(p.root, p.path, &entry.Record)
	}
	switch {
	case err != nil && unreadable(err):
		return true
	case err != nil:
		yield(driver.Entry{}, err)
		return false
	case !live(&entry.Record):
		return true
	}
	entry.Key, _ = keyOf(p.name())
	return yield(entry, nil)
}

// Clear implements [driver.Clearer]. It leaves files alone that are neither sessions nor reservations.
func (s *store) Clear(ctx context.Context) error {
	for dir, err := range s.dirs(ctx) {
		if err == nil {
			err = s.clearDir(ctx, dir)
		}
		if err != nil {
			return err
		}
	}
	return s.sweepIndexes(ctx, s.newPace(), math.MaxInt64)
}

func (s *store) clearDir(ctx context.Context, dir folder) error {
	if err := s.locks.lock(ctx, dir.shard); err != nil {
		return err
	}
	defer s.locks.unlock(dir.shard)
	names, err := s.names(dir.path, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		ours := isTemp(name) // nobody writes while the lock is held
		if p, ok := s.placeOf(name); ok && p.dir() == dir.path {
			var rec driver.Record
			switch err := readHead(p.root, p.path, &rec); {
			case err == nil, errors.Is(err, driver.ErrNotFound):
				ours = true
			case !errors.Is(err, driver.ErrCorrupt):
				return err
			}
		}
		if !ours {
			continue
		}
		if err := s.home.root().Remove(dir.path + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail("clear", err)
		}
	}
	if s.fsync == full {
		if err := s.syncPath(dir.path); err != nil {
			return fail("clear", err)
		}
	}
	return nil
}

// A folder is one of the folders that contain session files.
type folder struct {
	shard byte
	path  string
}

// dirs yields the existing folders. After an error it yields nothing more.
func (s *store) dirs(ctx context.Context) iter.Seq2[folder, error] {
	return func(yield func(folder, error) bool) {
		s.home.missed(s.home.root()) // otherwise nothing would be found
		deep := s.home.current.Load().deep
		uppers, err := s.names(".", true)
		if err != nil {
			yield(folder{}, err)
			return
		}
		for _, upper := range uppers {
			shard, ok := unhex(upper, 1)
			if !ok {
				continue
			}
			lowers := []string{""}
			if deep {
				if lowers, err = s.names(upper, true); err != nil {
					yield(folder{}, err)
					return
				}
			}
			for _, lower := range lowers {
				if err := ctx.Err(); err != nil {
					yield(folder{}, err)
					return
				}
				dir := folder{shard[0], upper}
				if deep {
					if _, ok := unhex(lower, 1); !ok {
						continue
					}
					dir.path += "/" + lower
				}
				if !yield(dir, nil) {
					return
				}
			}
		}
	}
}

// lockedPlaces returns the places of a folder that may have records. While a file is being renamed, some file systems show
// it under neither name, so lockedPlaces reads the folder while nobody writes.
func (s *store) lockedPlaces(ctx context.Context, dir folder) ([]place, error) {
	if err := s.locks.lock(ctx, dir.shard); err != nil {
		return nil, err
	}
	defer s.locks.unlock(dir.shard)
	names, err := s.names(dir.path, false)
	if err != nil {
		return nil, err
	}
	places := make([]place, 0, len(names))
	for _, name := range names {
		if p, ok := s.placeOf(name); ok && p.dir() == dir.path {
			places = append(places, p)
		}
	}
	return places, nil
}

// placeOf returns the place of the record whose file has the given name.
func (s *store) placeOf(name string) (place, bool) {
	key, ok := keyOf(name)
	if !ok {
		return place{}, false
	}
	p, ok := s.place(key)
	return p, ok && p.name() == name
}
