package file

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// A moving file contains two records. It renames a session in one step. First the old file is replaced by a moving file:
// under the old name it still is the old record, and under the new name, which it contains, it is the new record. Then the
// atomic rename of the file ends the old record and begins the new one. Last, a file with the new record alone replaces the
// moving file, which is never saved in place: somebody may have opened it under its old name. After a crash before the
// rename the old record is there, after a crash behind it the new one. The mark is written under the old name after the
// rename, so a crash in between leaves no mark. The format is this package's own. All integers are big-endian. The columns
// are offset, length and content:
//
//	0  4  "sesm"
//	4  2  length of the new name
//	6     the new name
//	   4  length of the old record
//	      the old record, then the new one to the end
const movingMagic = "sesm"

func moving(b []byte) bool { return len(b) >= 4 && string(b[:4]) == movingMagic }

// appendMoving appends a moving file's content.
func (buf *buffer) appendMoving(newName string, old, rec *driver.Record) (err error) {
	b := append(buf.b, movingMagic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(newName)))
	b = append(b, newName...)
	at := len(b)
	if b, err = old.AppendBinary(append(b, 0, 0, 0, 0)); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	buf.b, err = rec.AppendBinary(b)
	return err
}

// recordIn returns the record that b, the whole content of a file, is under the given name.
func recordIn(b []byte, name string) ([]byte, error) {
	if !moving(b) {
		return b, nil
	}
	newName, rest, ok := cut(b[4:], 2)
	if ok {
		var old []byte
		if old, rest, ok = cut(rest, 4); ok && string(newName) != name {
			rest = old
		}
	}
	if !ok {
		return nil, fmt.Errorf("%w: cut off", driver.ErrCorrupt)
	}
	return rest, nil
}

// cut returns the byte string at the beginning of b, which is preceded by its length in n bytes, and the rest.
func cut(b []byte, n int) (head, rest []byte, ok bool) {
	if len(b) < n {
		return nil, nil, false
	}
	length := uint64(0)
	for _, c := range b[:n] {
		length = length<<8 | uint64(c)
	}
	if b = b[n:]; length > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:length], b[length:], true
}

// Rename implements [driver.Renamer]. In the microseconds between the rename and the mark, a reader of oldKey finds
// nothing.
func (s *store) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	s.calls.Add(1)
	from, ok := s.place(oldKey)
	if !ok {
		return driver.ErrNotFound
	}
	to, ok := s.place(newKey)
	if !ok {
		return errKey
	}
	shards := []byte{from.shard, to.shard}
	if rec.User != "" { // a concurrent Reserve must not miss this session
		shards = append(shards, userShard(rec.User))
	}
	unlock, err := s.locks.lockAll(ctx, shards...)
	if err != nil {
		return err
	}
	defer unlock()
	var old driver.Record
	if err := readVersion(from.root, from.path, oldVersion, &old); err != nil {
		return err
	}
	renamed := *rec
	renamed.Version = 1
	if err := s.move(from, to, &old, &renamed, mark); err != nil {
		return s.orGone(from, err)
	}
	rec.Version = 1
	return nil
}

// move ends the record old at from, leaves the mark there, and begins rec at to. The caller holds both locks.
func (s *store) move(from, to place, old, rec *driver.Record, mark driver.Mark) error {
	if err := s.makeDir(to); err != nil {
		return err
	}
	var expired driver.Record // a marker of it may remain
	if err := vacant(&expired, readHead(to.root, to.path, &expired)); err != nil {
		return err
	}
	reserved, err := s.enter(to.name(), &expired, rec)
	if err == nil {
		err = s.step(from, to, old, rec, mark)
	}
	if err != nil {
		s.leave(to.name(), rec, &expired)
		return err
	}
	if reserved {
		s.fulfill(rec.User, to.name())
	}
	s.leave(from.name(), old, &driver.Record{})
	s.leave(to.name(), &expired, rec)
	// The rename has happened. If the disk is full by now, the file keeps both records until the next save.
	_ = s.conclude(to, rec)
	return nil
}

// step replaces the old file by a moving file and renames that. After an error nothing has changed: under the old name a
// moving file is the old record. The moving file is a new one, because a save in place could be on disk later than the
// rename. Then a power failure would leave the old record under the new name.
func (s *store) step(from, to place, old, rec *driver.Record, mark driver.Mark) error {
	buf := newBuffer()
	defer buf.release()
	buf.b = append(buf.b, make([]byte, newHead)...)
	err := buf.appendMoving(to.name(), old, rec)
	if err == nil {
		err = s.replaceFile(from, buf.b)
	}
	if err != nil {
		return err
	}
	temp := s.prepareMark(from, mark)
	if err = from.root.Rename(from.path, to.path); err == nil {
		if temp != "" {
			_ = takePlace(temp, from)
		}
		if err = s.syncNames(to); err == nil {
			err = s.syncNames(from)
		}
		if err == nil {
			return nil
		}
		_ = from.root.Rename(to.path, from.path)
	} else {
		if temp != "" {
			from.root.Remove(temp)
		}
		err = fail("rename", err)
	}
	_ = s.conclude(from, old)
	return err
}

// conclude stores rec in place of the moving file at p.
func (s *store) conclude(p place, rec *driver.Record) error {
	var moving driver.Record
	w, err := s.openWriter(p, &moving)
	defer w.close()
	if err == nil {
		err = w.store(rec)
	}
	return err
}
