package file

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// A beego is the [driver.Backend] for the files of beego's provider. The sid 0123… has the file 0/1/0123…, which contains
// the gob map of the values. The modification time of a file is the time of the session's
// last use; its deadline is one lifetime later.
//
// The layout has no version. The backend uses the SHA-256 of the values instead, so that a save can compare what it has
// read with what is stored. It does not notice a change back to the same values, which does no harm. The layout also has no
// place for the user, the login time, the start time and the absolute deadline: they are lost.
//
// beego's own processes take no lock that another process can see. If one of them writes between the comparison and the
// rename of a save, its change is lost.
type beego struct {
	s        *store
	lifetime time.Duration
	lockHome *home
}

// beegoLocks is beside beego's folder, because beego's GC removes old files of any name from the folder and counts all of
// them.
const beegoLocks = ".locks"

func openBeego(cfg config, lifetime time.Duration) (*beego, error) {
	home, err := openHome(cfg.path, nil)
	if err != nil {
		return nil, err
	}
	lockHome, err := openHome(filepath.Clean(cfg.path)+beegoLocks, ownItself)
	if err != nil {
		return nil, errors.Join(err, home.close())
	}
	s := &store{home: home, fsync: cfg.fsync, flush: (*os.File).Sync, locks: newLocks(lockHome, ".")}
	b := &beego{s, lifetime, lockHome}
	if err = s.probe(); err == nil {
		err = s.locks.makeFiles()
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close implements [io.Closer].
func (b *beego) Close() error { return errors.Join(b.s.Close(), b.lockHome.close()) }

// fingerprint returns the version for values. It is never 0.
func fingerprint(values []byte) uint64 {
	sum := sha256.Sum256(values)
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// beegoPath returns the path of the file for a sid. It returns false for a value that cannot be a sid.
func beegoPath(sid string) (string, bool) {
	if len(sid) < 2 || len(sid) > maxBeegoSID {
		return "", false
	}
	for _, c := range []byte(sid) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_') {
			return "", false
		}
	}
	return sid[:1] + "/" + sid[1:2] + "/" + sid, true
}

// maxBeegoSID is below the limit for file names of every file system.
const maxBeegoSID = 200

// beego truncates a file before it writes to it, and needs less than beegoCut for both, even if its process gets no CPU for
// some turns of the scheduler. A reader that finds a file unfinished, which means empty or malformed, looks again for that
// long, whatever its modification time is. An empty file that stays empty belongs to a session that beego has begun and not
// released yet. This package's own sessions without values have the gob of an empty map.
//
// Only the time during which a reader looks is counted, at most beegoLook for each look: a reader that was delayed does not
// know whether the file was finished meanwhile, and may see the next truncation.
const (
	beegoCut  = time.Second
	beegoLook = 10 * time.Millisecond
)

// Looks are what a reader knows of a file that it has found unfinished.
type looks struct {
	changed time.Time     // the modification time of the file
	last    time.Time     // time of the last look
	looked  time.Duration // time spent looking since the file was first found unfinished
}

// enough records that the file was unfinished at now, and reports whether it is for good, not only while somebody writes.
func (l *looks) enough(changed, now time.Time) bool {
	if changed.Equal(l.changed) {
		l.looked += min(now.Sub(l.last), beegoLook)
	} else {
		l.changed, l.looked = changed, 0
	}
	l.last = now
	return l.looked >= beegoCut
}

// find returns the live record of a file, with at most maxData bytes of data; 0 means any number.
func (b *beego) find(ctx context.Context, name string, maxData int) (*driver.Record, error) {
	var looks looks
	for {
		now := time.Now() // taken before the read: it must not be later than the state of the file that was read
		rec, changed, finished, err := b.read(name, sizeFor(maxData))
		switch {
		case err != nil:
			return nil, err
		case !finished && !looks.enough(changed, now):
			if err := wait(ctx, time.Millisecond); err != nil {
				return nil, fail("read", err)
			}
		case !rec.Live(time.Now()):
			return nil, driver.ErrNotFound
		default:
			return rec, nil
		}
	}
}

// read returns the record of a file, live or not, and when the file was changed. finished reports whether the record is one
// that somebody has written in full: a file that is empty, malformed or changed while it was read is not.
func (b *beego) read(name string, most int) (rec *driver.Record, changed time.Time, finished bool, err error) {
	root := b.s.home.root()
	f, err := openFile(root, name, readOnly)
	if errors.Is(err, fs.ErrNotExist) && b.s.home.missed(root) {
		f, err = openFile(b.s.home.root(), name, readOnly)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errIrregular):
		return nil, changed, false, driver.ErrNotFound
	case err != nil:
		return nil, changed, false, fail("read", err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, changed, false, fail("read", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return nil, changed, false, fail("read", err)
	case len(data) > most:
		return nil, changed, false, tooLong(most)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, changed, false, fail("read", err)
	}
	changed = after.ModTime()
	finished = len(data) > 0 && int64(len(data)) == after.Size() && changed.Equal(before.ModTime()) && codec.CheckGob(data) == nil
	if len(data) == 0 {
		data = nil
	}
	expires := time.UnixMilli(changed.UnixMilli()).Add(b.lifetime)
	return &driver.Record{Version: fingerprint(data), Data: data, Expires: expires}, changed, finished, nil
}

// findVersion is find, but returns a conflict for a record with another version. Version 0 matches any.
func (b *beego) findVersion(ctx context.Context, name string, version uint64) (*driver.Record, error) {
	rec, err := b.find(ctx, name, 0)
	if err == nil && version != 0 && rec.Version != version {
		err = &driver.ConflictError{Record: rec}
	}
	return rec, err
}

// within runs do, on behalf of a request, with the lock for sid.
func (b *beego) within(ctx context.Context, sid string, do func(name string) error) error {
	b.s.calls.Add(1)
	return b.locked(ctx, sid, do)
}

func (b *beego) locked(ctx context.Context, sid string, do func(name string) error) error {
	name, ok := beegoPath(sid)
	if !ok {
		return driver.ErrNotFound
	}
	shard := sha256.Sum256([]byte(sid))[0]
	if err := b.s.locks.lock(ctx, shard); err != nil {
		return err
	}
	defer b.s.locks.unlock(shard)
	return do(name)
}

// put stores rec in one step: readers see the old file or the new one. The caller holds the lock.
func (b *beego) put(name string, rec *driver.Record) error {
	if len(rec.Data) > maxSize {
		return fmt.Errorf("%w: %d bytes exceed the limit for a file", driver.ErrTooLarge, len(rec.Data))
	}
	temp := path.Dir(name) + "/" + tempName()
	err := b.s.writeNew(b.s.home.root(), temp, rec.Data)
	if err == nil {
		err = b.date(temp, rec.Expires)
	}
	if err == nil {
		err = b.s.home.root().Rename(temp, name)
	}
	if err != nil {
		b.s.home.root().Remove(temp)
		return fail("write", err)
	}
	return b.syncNames(name)
}

// syncNames syncs the folder of a file, if the policy says so, so that the file's creation or removal survives a power
// failure.
func (b *beego) syncNames(name string) error {
	if b.s.fsync != full {
		return nil
	}
	if err := b.s.syncPath(path.Dir(name)); err != nil {
		return fail("sync a folder", err)
	}
	return nil
}

// date sets a file's modification time to the time of last use of a session that expires then.
func (b *beego) date(name string, expires time.Time) error {
	used := time.UnixMilli(expires.UnixMilli()).Add(-b.lifetime)
	if err := b.s.home.root().Chtimes(name, used, used); err != nil || b.s.fsync == none {
		return err
	}
	f, err := openFile(b.s.home.root(), name, os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.s.flush(f)
}

// Create implements [driver.Backend].
func (b *beego) Create(ctx context.Context, sid string, rec *driver.Record) error {
	if _, ok := beegoPath(sid); !ok {
		return errBeegoSID
	}
	return retryRemoved(func() error { return b.create(ctx, sid, rec) })
}

func (b *beego) create(ctx context.Context, sid string, rec *driver.Record) error {
	return b.within(ctx, sid, func(name string) error {
		switch _, err := b.find(ctx, name, 0); {
		case err == nil:
			return driver.ErrExists
		case !errors.Is(err, driver.ErrNotFound):
			return err
		}
		_, err := b.s.home.root().Stat(path.Dir(name))
		if errors.Is(err, fs.ErrNotExist) {
			err = b.s.mkdirs(path.Dir(name))
		}
		if err != nil {
			return fail("create", err)
		}
		err = b.put(name, rec)
		if err == nil {
			rec.Version = fingerprint(rec.Data)
		}
		return err
	})
}

var errBeegoSID = fmt.Errorf("session/file: a sid must consist of 2 to %d letters, digits, - and _: see sessionIDPrefix", maxBeegoSID)

// Load implements [driver.Backend]. It takes no lock.
func (b *beego) Load(ctx context.Context, sid string, rec *driver.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.s.calls.Add(1)
	name, ok := beegoPath(sid)
	if !ok {
		return driver.ErrNotFound
	}
	found, err := b.find(ctx, name, rec.MaxData)
	if err == nil {
		*rec = *found
	}
	return err
}

// Save implements [driver.Backend].
func (b *beego) Save(ctx context.Context, sid string, rec *driver.Record) error {
	return b.within(ctx, sid, func(name string) error {
		old, err := b.findVersion(ctx, name, rec.Version)
		if err != nil {
			return err
		}
		saved := *rec
		if !rec.Shorten && old.Expires.After(rec.Expires) {
			saved.Expires = old.Expires
		}
		if err := b.put(name, &saved); err != nil {
			return b.orGone(name, err)
		}
		rec.Version = fingerprint(rec.Data)
		return nil
	})
}

// Touch implements [driver.Backend].
func (b *beego) Touch(ctx context.Context, sid string, expires time.Time) error {
	return b.within(ctx, sid, func(name string) error {
		rec, err := b.find(ctx, name, 0)
		if err != nil || !expires.After(rec.Expires) {
			return err
		}
		if err := b.date(name, expires); err != nil {
			return b.orGone(name, fail("touch", err))
		}
		return nil
	})
}

// orGone does the same as a [store]'s.
func (b *beego) orGone(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, _, _, gone := b.read(name, maxSize); errors.Is(gone, driver.ErrNotFound) {
			return gone
		}
	}
	return err
}

// Delete implements [driver.Backend].
func (b *beego) Delete(ctx context.Context, sid string, version uint64) error {
	err := b.within(ctx, sid, func(name string) error {
		if version != 0 {
			if _, err := b.findVersion(ctx, name, version); err != nil {
				return err
			}
		}
		switch err := b.s.home.root().Remove(name); {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fail("remove", err)
		}
		return b.syncNames(name)
	})
	if version == 0 && errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}
