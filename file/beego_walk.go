package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"
)

// Ping implements [driver.Pinger].
func (b *beego) Ping(ctx context.Context) error { return b.s.Ping(ctx) }

// Count implements [driver.Counter]. It reads the modification time of every file.
func (b *beego) Count(ctx context.Context) (n int, err error) {
	err = b.walk(ctx, func(sid, name string) error {
		if isTemp(path.Base(name)) {
			return nil
		}
		info, err := b.s.home.root().Lstat(name)
		if err == nil && time.Now().Before(info.ModTime().Add(b.lifetime)) {
			n++
		}
		return nil
	})
	return n, err
}

// Sweep implements [driver.Sweeper].
func (b *beego) Sweep(ctx context.Context, tell func(key, user string)) (removed int, err error) {
	pace := b.s.newPace()
	err = b.walk(ctx, func(sid, name string) error {
		pace.rest()
		if isTemp(path.Base(name)) {
			if info, err := b.s.home.root().Lstat(name); err == nil && time.Since(info.ModTime()) > leftoverAge {
				b.s.home.root().Remove(name)
			}
			return nil
		}
		expired := func() bool {
			info, err := b.s.home.root().Lstat(name)
			return err == nil && !time.Now().Before(info.ModTime().Add(b.lifetime))
		}
		if !expired() {
			return nil
		}
		mine := false
		err := b.locked(ctx, sid, func(name string) error {
			if !expired() {
				return nil
			}
			err := b.s.home.root().Remove(name)
			if err == nil {
				removed, mine = removed+1, true
			} else if !errors.Is(err, fs.ErrNotExist) {
				return fail("sweep", err)
			}
			return nil
		})
		if mine && tell != nil {
			tell(sid, "")
		}
		return err
	})
	return removed, err
}

// walk calls do for each session's file, and for each file that a crashed writer has left.
func (b *beego) walk(ctx context.Context, do func(sid, name string) error) error {
	b.s.home.missed(b.s.home.root()) // otherwise nothing would be found
	err := fs.WalkDir(b.s.home.root().FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return nil
		}
		sid := path.Base(name)
		if at, ok := beegoPath(sid); ok && at == name || isTemp(sid) {
			return do(sid, name)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil && bare(err) != err {
		err = fail("read", err)
	}
	return err
}

// hasBeego reports whether a folder contains a session of beego's provider. It looks into few folders, because it only serves
// a warning.
func hasBeego(path string) (found bool) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return false
	}
	defer root.Close()
	folders := 100
	_ = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case name == ".":
			return nil
		case entry.IsDir():
			if folders--; folders < 0 {
				return fs.SkipAll
			}
			if len(entry.Name()) != 1 {
				return fs.SkipDir
			}
			return nil
		}
		at, ok := beegoPath(entry.Name())
		if found = ok && at == name && entry.Type().IsRegular(); found {
			return fs.SkipAll
		}
		return nil
	})
	return found
}
