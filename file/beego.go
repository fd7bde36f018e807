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
)

// A beego is the [driver.Backend] over the files of beego's provider: under 0/1/0123… for the sid 0123… the gob map of
// the values, or nothing if there are none. The time of the last change of a file is that of the last use of the
// session; its deadline is that much later than a session lives.
//
// There is no room for a version. It is made of the values' SHA-256, so that a save compares what it has read with
// what is stored; a change back to the same values goes unseen, and does no harm. Nor is there room for the
// user, the time of the login, of the beginning and the absolute deadline: they are lost.
//
// beego's own processes take no lock that another process sees: what one of them writes between the comparison
// and the renaming of a save is lost.
type beego struct {
	s        *store
	lifetime time.Duration
	lockHome *home
}

// The files to lock are beside beego's folder, because its GC removes old files of any name, and counts all.
const beegoLocks = ".locks"

func openBeego(cfg config, lifetime time.Duration) (*beego, error) {
	home, err := openHome(cfg.path, "")
	if err != nil {
		return nil, err
	}
	lockHome, err := openHome(filepath.Clean(cfg.path)+beegoLocks, ".")
	if err != nil {
		return nil, errors.Join(err, home.close())
	}
	s := &store{home: home, dir: ".", fsync: cfg.fsync, flush: (*os.File).Sync, locks: newLocks(lockHome, ".")}
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

// fingerprint returns the version of values, which is not 0.
func fingerprint(values []byte) uint64 {
	sum := sha256.Sum256(values)
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// beegoPath returns the path of the file for a sid, or false for what the manager takes for none.
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

// maxBeegoSID is shorter than what any file system takes as a name.
const maxBeegoSID = 200

// beego cuts a file to nothing before it writes into it, which takes it less than beegoCut. Who finds a file empty looks
// again that long, whatever the file's time is: file systems set it after they have cut. Files that stay empty are those of
// sessions that beego has begun and not released yet. The files that are written here have whole milliseconds as their
// times, and are believed.
//
// What counts is the time in which somebody looks, up to beegoLook for each look: who was kept from looking does not know
// whether the file was empty meanwhile, and may find it so in another cut.
const (
	beegoCut  = 100 * time.Millisecond
	beegoLook = 10 * time.Millisecond
)

// An emptiness is what is known of a file that was found empty.
type emptiness struct {
	changed time.Time     // the time of the file
	last    time.Time     // when it was looked at last
	looked  time.Duration // since it was found so first
}

// stays takes in that the file was empty at now, and reports whether it is not a cut.
func (e *emptiness) stays(changed, now time.Time) bool {
	if changed.Equal(e.changed) {
		e.looked += min(now.Sub(e.last), beegoLook)
	} else {
		e.changed, e.looked = changed, 0
	}
	e.last = now
	return e.looked >= beegoCut
}

// find returns the live record of a file, of up to maxData bytes, or of any number if that is 0.
func (b *beego) find(ctx context.Context, name string, maxData int) (*driver.Record, error) {
	var empty emptiness
	for {
		now := time.Now() // before the read: what comes after it says nothing about the file
		rec, changed, err := b.read(name, sizeFor(maxData))
		switch {
		case err != nil:
			return nil, err
		case len(rec.Data) == 0 && changed.Nanosecond()%int(time.Millisecond) != 0 && !empty.stays(changed, now):
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

func (b *beego) read(name string, most int) (rec *driver.Record, changed time.Time, err error) {
	root := b.s.home.root()
	f, err := openFile(root, name, readOnly)
	if errors.Is(err, fs.ErrNotExist) && b.s.home.missed(root) {
		f, err = openFile(b.s.home.root(), name, readOnly)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errIrregular):
		return nil, changed, driver.ErrNotFound
	case err != nil:
		return nil, changed, fail("read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, changed, fail("read", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return nil, changed, fail("read", err)
	case len(data) > most:
		return nil, changed, tooLong(most)
	case len(data) == 0:
		data = nil
	}
	changed = info.ModTime()
	expires := time.UnixMilli(changed.UnixMilli()).Add(b.lifetime)
	return &driver.Record{Version: fingerprint(data), Data: data, Expires: expires}, changed, nil
}

// findVersion is find, but a record with another version is a conflict. A version of 0 is any.
func (b *beego) findVersion(ctx context.Context, name string, version uint64) (*driver.Record, error) {
	rec, err := b.find(ctx, name, 0)
	if err == nil && version != 0 && rec.Version != version {
		err = &driver.ConflictError{Record: rec}
	}
	return rec, err
}

// within runs do, which is a request's, with the lock for a sid.
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

// put stores rec in one step: readers see the old file or the new one. The caller has the lock.
func (b *beego) put(name string, rec *driver.Record) error {
	if len(rec.Data) > maxSize {
		return fmt.Errorf("%w: %d bytes for a file", driver.ErrTooLarge, len(rec.Data))
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

// syncNames has it last, if the policy says so, that a file is there under its name, or is not.
func (b *beego) syncNames(name string) error {
	if b.s.fsync != full {
		return nil
	}
	if err := b.s.syncPath(path.Dir(name)); err != nil {
		return fail("sync a folder", err)
	}
	return nil
}

// date gives a file the time at which a session that expires then was used.
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

var errBeegoSID = fmt.Errorf("session/file: a sid of letters, digits, - and _ is wanted, of 2 to %d: see sessionIDPrefix", maxBeegoSID)

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

// orGone is that of a [store].
func (b *beego) orGone(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, _, gone := b.read(name, maxSize); errors.Is(gone, driver.ErrNotFound) {
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
