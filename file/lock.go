package file

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/internal/pause"
)

// While another process holds a lock, this process tries again after pauses that grow from firstPause to longPause.
const (
	firstPause = 50 * time.Microsecond
	longPause  = time.Millisecond
)

// Locks separate writers, in this process and in others. A goroutine holds a lock when it has its turn in this process and
// the process has locked the file.
type locks struct {
	home *home
	dir  string

	closed chan struct{}
	once   sync.Once
	shards [256]lock
}

type lock struct {
	turn chan struct{} // full while a goroutine has its turn
	file *os.File      // guarded by turn; nil before the first use
}

func newLocks(home *home, dir string) *locks {
	l := &locks{home: home, dir: dir, closed: make(chan struct{})}
	for i := range l.shards {
		l.shards[i].turn = make(chan struct{}, 1)
	}
	return l
}

// makeFiles creates the missing lock files, so that a full disk does not keep anyone from removing sessions.
func (l *locks) makeFiles() error {
	for i := range l.shards {
		path := l.path(byte(i))
		if info, err := l.home.root().Lstat(path); err == nil && info.Mode().IsRegular() {
			continue
		}
		f, err := l.open(path)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.ToSlash(filepath.Join(l.home.current.Load().path, path)), bare(err))
		}
		f.Close()
	}
	return nil
}

func (l *locks) path(shard byte) string { return l.dir + "/" + hex.EncodeToString([]byte{shard}) }

// lock waits for a lock until ctx is done. The caller must call unlock.
func (l *locks) lock(ctx context.Context, shard byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := &l.shards[shard]
	select {
	case sh.turn <- struct{}{}:
	case <-ctx.Done():
		return fail("lock", ctx.Err())
	case <-l.closed:
		return fail("lock", os.ErrClosed)
	}
	if err := l.lockFile(ctx, shard); err != nil {
		<-sh.turn
		return fail("lock", err)
	}
	return nil
}

// lockAll locks shards, which may contain duplicates. Every caller locks the lowest shard first. The caller must hold no
// other lock, and must call unlock.
func (l *locks) lockAll(ctx context.Context, shards ...byte) (unlock func(), err error) {
	slices.Sort(shards)
	shards = slices.Compact(shards)
	for i, shard := range shards {
		if err := l.lock(ctx, shard); err != nil {
			l.unlockAll(shards[:i])
			return nil, err
		}
	}
	return func() { l.unlockAll(shards) }, nil
}

func (l *locks) unlockAll(shards []byte) {
	for _, shard := range shards {
		l.unlock(shard)
	}
}

func (l *locks) unlock(shard byte) {
	sh := &l.shards[shard]
	if unlock(sh.file) != nil {
		sh.drop() // closing the file unlocks it
	}
	<-sh.turn
}

// lockFile locks the file of a shard. The caller has its turn.
func (l *locks) lockFile(ctx context.Context, shard byte) error {
	for between := firstPause; ; between = min(2*between, longPause) {
		if locked, err := l.try(shard); locked || err != nil {
			return err
		}
		if err := wait(ctx, between); err != nil {
			return err
		}
	}
}

// wait waits for about d, or returns the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if !pause.For(ctx, d/2+rand.N(d)) {
		return ctx.Err()
	}
	return nil
}

// try locks the file of a shard, or reports that another process holds the lock. The caller has its turn.
func (l *locks) try(shard byte) (locked bool, err error) {
	sh := &l.shards[shard]
	path := l.path(shard)
	for range 3 {
		if sh.file == nil {
			if sh.file, err = l.open(path); err != nil {
				sh.file = nil
				return false, err
			}
		}
		if locked, err = tryLock(sh.file); err != nil || !locked {
			return false, err
		}
		if named(l.home.root(), path, sh.file) {
			return true, nil
		}
		sh.drop() // somebody has removed it, and other processes lock a new one
	}
	return false, errors.New("the lock file is removed again and again")
}

// open opens a lock file, and creates it if it is missing. The folder may be removed repeatedly, and a dangling link stays
// one.
func (l *locks) open(path string) (*os.File, error) {
	for try := 0; ; try++ {
		f, err := openFile(l.home.root(), path, readOnly|os.O_CREATE)
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return f, err
		}
		if err := l.home.mkdirAll(l.dir); err != nil {
			return nil, err
		}
	}
}

func (sh *lock) drop() {
	sh.file.Close()
	sh.file = nil
}

// close waits for the goroutines that hold a lock. No goroutine gets one afterwards.
func (l *locks) close() {
	l.once.Do(func() {
		close(l.closed)
		for i := range l.shards {
			sh := &l.shards[i]
			sh.turn <- struct{}{}
			if sh.file != nil {
				sh.drop()
			}
		}
	})
}
