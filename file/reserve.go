package file

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A reservation is a marker that contains eight bytes: its end, in milliseconds since 1970. When the session is stored the
// marker is emptied and becomes the session's. It is written under the locks of the user and of the future session.
// Reservations are not synced: after a power failure the processes that made them are gone too.
//
// The user's lock is one of the 256, chosen by the hash of the name. While a process holds it and counts the user's
// sessions, nobody else reserves a place, and no session gets a new name after the names were read.

// reserveWait is the longest pause between two checks for room.
const reserveWait = 10 * time.Millisecond

func userShard(user string) byte { return sha256.Sum256([]byte(user))[0] }

// Reserve implements [driver.UserLimiter]. It opens the files of all sessions of the user.
func (s *store) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) (evicted []string, err error) {
	s.calls.Add(1)
	p, ok := s.place(key)
	if !ok {
		return nil, errKey
	}
	for between := firstPause; ; {
		records, over, err := s.reserve(ctx, user, p, until, limit)
		switch {
		case err != nil || over <= 0:
			return evicted, err
		case !evict:
			return nil, driver.ErrTooManySessions
		case over > len(records):
			if err := wait(ctx, between); err != nil {
				return evicted, fail("reserve", err)
			}
			between = min(2*between, reserveWait)
			continue
		}
		slices.SortFunc(records, func(a, b driver.Entry) int { return a.AuthTime.Compare(b.AuthTime) })
		// This happens without the user's lock, because every caller locks the lowest shard first. Another process may
		// remove the same records. Each removal names a version, so only one succeeds, and both count again.
		for _, entry := range records[:over] {
			err := s.Delete(ctx, entry.Key, entry.Version)
			if err == nil {
				evicted = append(evicted, entry.Key)
			} else if _, changed := errors.AsType[*driver.ConflictError](err); !changed && !errors.Is(err, driver.ErrNotFound) {
				return evicted, err
			}
		}
	}
}

// reserve reserves the place if there is room. Otherwise it returns the user's sessions, and how many must go.
func (s *store) reserve(
	ctx context.Context, user string, p place, until time.Time, limit int,
) (records []driver.Entry, over int, err error) {
	unlock, err := s.locks.lockAll(ctx, userShard(user), p.shard)
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	records, reserved, err := s.held(user, p.name())
	if over = len(records) + reserved - limit + 1; err != nil || over > 0 {
		return records, over, err
	}
	f, err := s.users.open(user, p.name())
	if err != nil {
		return nil, 0, err
	}
	_, err = f.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())), 0)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, 0, fail("reserve", err)
	}
	return nil, 0, nil
}

// held returns the user's live sessions and the number of reserved places, without the one of the given name. The caller
// holds the user's lock.
func (s *store) held(user, but string) (records []driver.Entry, reserved int, err error) {
	dir := s.users.folder(user)
	names, err := s.names(dir, false)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		p, ok := s.placeOf(name)
		if !ok || name == but {
			continue
		}
		// The marker is read first: when it is no longer a reservation, the session is visible.
		until, err := reservedUntil(s.home.root(), dir+"/"+name)
		if err != nil {
			return nil, 0, err
		}
		now := time.Now()
		entry := driver.Entry{}
		switch err := readHead(p.root, p.path, &entry.Record); {
		case err != nil && !unreadable(err):
			return nil, 0, err
		case err == nil && entry.User == user && live(&entry.Record):
			entry.Key, _ = keyOf(name)
			records = append(records, entry)
		case until > now.UnixMilli():
			reserved++
		}
	}
	return records, reserved, nil
}

// reservedUntil returns the end of a marker's reservation, or 0 if it is not a reservation.
func reservedUntil(r *os.Root, marker string) (int64, error) {
	f, err := openFile(r, marker, readOnly)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fail("index", err)
	}
	defer f.Close()
	var b [8]byte
	switch _, err := io.ReadFull(f, b[:]); {
	case err == io.EOF || err == io.ErrUnexpectedEOF: // a session's marker, or one left by a crash before anybody knew of it
		return 0, nil
	case err != nil:
		return 0, fail("index", err)
	}
	return int64(binary.BigEndian.Uint64(b[:])), nil
}

// fulfill turns a reservation into the marker of the session that was stored. If it fails and the session ends before the
// reservation lapses, the place stays reserved until then.
func (s *store) fulfill(user, name string) {
	if f, err := openFile(s.home.root(), s.users.folder(user)+"/"+name, os.O_WRONLY|os.O_TRUNC); err == nil {
		f.Close()
	}
}
