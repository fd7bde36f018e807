package file

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// leftoverAge is how old an unchanged temporary file must be before it is taken for a crashed writer's.
const leftoverAge = time.Hour

// A pace limits a sweep to half of the time while requests come: after each millisecond or so in which a request came, the
// sweep pauses for as long. While no requests come it does not pause, because nobody would benefit.
type pace struct {
	calls *atomic.Uint64 // number of calls by requests so far
	seen  uint64         // the calls that were already considered
	since time.Time
}

func (s *store) newPace() *pace {
	return &pace{calls: &s.calls, seen: s.calls.Load(), since: time.Now()}
}

func (p *pace) rest() {
	worked := time.Since(p.since)
	if worked < time.Millisecond {
		return
	}
	if calls := p.calls.Load(); calls != p.seen {
		p.seen = calls
		time.Sleep(min(worked, 10*time.Millisecond))
	}
	p.since = time.Now()
}

// Sweep implements [driver.Sweeper]. It locks only to remove a file. It also removes markers that a crash has left in the
// indexes, and creates missing ones.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (removed int, err error) {
	pace := s.newPace()
	var failed error // the first failure for a single file; the sweep goes on with the others
	for dir, err := range s.dirs(ctx) {
		var names []string
		if err == nil {
			names, err = s.names(dir.path, false)
		}
		if err != nil {
			return removed, err
		}
		for _, name := range names {
			pace.rest()
			swept, user, err := s.sweepFile(ctx, dir, name)
			if swept {
				removed++
			}
			if swept && expired != nil {
				key, _ := keyOf(name)
				expired(key, user)
			}
			if ended := ctx.Err(); ended != nil {
				return removed, ended
			}
			if failed == nil {
				failed = err
			}
		}
	}
	if err := s.sweepProbes(); failed == nil {
		failed = err
	}
	if err := s.sweepIndexes(ctx, pace, time.Now().UnixMilli()); failed == nil {
		failed = err
	}
	return removed, failed
}

// sweepFile removes a file if it contains an expired record, whose user it returns, or was left by a crash.
func (s *store) sweepFile(ctx context.Context, dir folder, name string) (removed bool, user string, err error) {
	if isTemp(name) {
		return false, "", s.sweepLeftover(ctx, place{s.home.root(), dir.shard, dir.path + "/" + name, len(dir.path)})
	}
	p, ok := s.placeOf(name)
	if !ok || p.dir() != dir.path {
		return false, "", nil
	}
	var rec driver.Record
	switch err := readHead(p.root, p.path, &rec); {
	case errors.Is(err, driver.ErrNotFound):
		return false, "", s.sweepLeftover(ctx, p)
	case errors.Is(err, driver.ErrCorrupt):
		return false, "", nil
	case err != nil:
		return false, "", err
	case rec.Live(time.Now()) && s.indexed(name, &rec):
		return false, "", nil
	}
	err = s.withinPlace(ctx, p, func(p place) error {
		if err := readHead(p.root, p.path, &rec); err != nil {
			return err
		}
		if rec.Live(time.Now()) {
			_, err := s.enter(name, &driver.Record{}, &rec)
			return err
		}
		if err := p.root.Remove(p.path); err != nil {
			return fail("sweep", err)
		}
		removed = !isMark(&rec)
		s.leave(name, &rec, &driver.Record{})
		return nil
	})
	if errors.Is(err, driver.ErrNotFound) { // somebody else has removed it
		err = nil
	}
	return removed, rec.User, err
}

// sweepLeftover removes a temporary file, or one whose first save was not finished, that nobody has written to for
// leftoverAge.
func (s *store) sweepLeftover(ctx context.Context, p place) error {
	if !leftover(p.root, p.path) {
		return nil
	}
	err := s.withinPlace(ctx, p, func(place) error {
		if !leftover(p.root, p.path) {
			return nil
		}
		return p.root.Remove(p.path)
	})
	if err != nil && !errors.Is(err, driver.ErrNotFound) {
		return fail("sweep", err)
	}
	return nil
}

func leftover(r *os.Root, name string) bool {
	info, err := r.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) <= leftoverAge {
		return false
	}
	return isTemp(base(name)) || errors.Is(readHead(r, name, new(driver.Record)), driver.ErrNotFound)
}

// sweepProbes removes the files of probes that crashed.
func (s *store) sweepProbes() error {
	names, err := s.names(".", false)
	for _, name := range names {
		if root := s.home.root(); isTemp(name) && leftover(root, name) {
			root.Remove(name)
		}
	}
	return err
}
