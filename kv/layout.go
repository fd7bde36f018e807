package kv

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// The layout of a store. Every key begins with
//
//	1  the version of the layout, 1
//	1  the length of the namespace
//	   the namespace
//	1  what the key is for
//
// so that no key of a namespace begins like one of another, even if one name begins with the other. Then come, by what the
// key is for, with all integers big-endian and all times in milliseconds since 1970:
//
//	s  a session or a mark
//	       key: 32 bytes, the storage key
//	       value: 8 bytes, the time in the key of its entry d, and then the record as Record.AppendBinary writes it
//	u  finds a session of a user
//	       key: 32 bytes, the SHA-256 of the user's name, and then the storage key
//	       value: nothing, or 8 bytes with the end of a reservation while a login has reserved the place
//	a  finds a session by its alias
//	       key: 32 bytes, the SHA-256 of the alias, and then the storage key
//	       value: nothing
//	d  says when a sweep has to look at a session or a reservation
//	       key: 8 bytes, a time, and then the key of what it has to look at, from s or u on
//	       value: nothing
//	p  is deleted by a ping, and never set
//
// All entries of a session change in the same step as the session itself. The time of an entry d is not later than the
// deadline of its session. A touch does not change it: a sweep that comes at that time gives the entry a new one.
const (
	layoutVersion = 1
	maxNamespace  = math.MaxUint8

	ofSession = 's'
	ofUser    = 'u'
	ofAlias   = 'a'
	ofDue     = 'd'
	ofPing    = 'p'

	timeLen = 8
	hashLen = sha256.Size

	// maxValue limits what is stored of a session.
	maxValue = 64 << 20
)

// prefixOf returns the beginning of all keys of a namespace.
func prefixOf(namespace string) []byte {
	return append([]byte{layoutVersion, byte(len(namespace))}, namespace...)
}

// key returns a key of the store's namespace.
func (s *store) key(of byte, parts ...[]byte) []byte {
	key := make([]byte, 0, len(s.prefix)+1+timeLen+1+hashLen+naming.IDLen)
	key = append(append(key, s.prefix...), of)
	for _, part := range parts {
		key = append(key, part...)
	}
	return key
}

// sessionKey returns the key of the session with this id.
func (s *store) sessionKey(id []byte) []byte { return s.key(ofSession, id) }

// indexKey returns the key of the entry that finds the session by a user's name or an alias.
func (s *store) indexKey(of byte, name string, id []byte) []byte {
	sum := sha256.Sum256([]byte(name))
	return s.key(of, sum[:], id)
}

// dueKey returns the key of the entry that has a sweep look at key when due has come.
func (s *store) dueKey(due int64, key []byte) []byte {
	return s.key(ofDue, binary.BigEndian.AppendUint64(nil, uint64(due)), key[len(s.prefix):])
}

// parseDue returns the time in a key of dueKey, and the key that it is about. The result is nil for a key of another form.
func (s *store) parseDue(key []byte) (due int64, about []byte) {
	rest := key[len(s.prefix)+1:]
	if len(rest) < timeLen {
		return 0, nil
	}
	due, rest = int64(binary.BigEndian.Uint64(rest)), rest[timeLen:]
	if len(rest) == 1+naming.IDLen && rest[0] == ofSession || len(rest) == 1+hashLen+naming.IDLen && rest[0] == ofUser {
		about = append(append(make([]byte, 0, len(s.prefix)+len(rest)), s.prefix...), rest...)
	}
	return due, about
}

// idOf returns the id at the end of a session's or an index's key.
func idOf(key []byte) []byte { return key[max(0, len(key)-naming.IDLen):] }

// keysOf returns the range of all keys of a kind.
func (s *store) keysOf(of byte, parts ...[]byte) (from, to []byte) {
	from = s.key(of, parts...)
	return from, after(from)
}

// after returns the first key that is behind all keys with this prefix. A kind, which is less than 255, is in the prefix.
func after(prefix []byte) []byte {
	for n := len(prefix); ; n-- {
		if last := prefix[n-1]; last != math.MaxUint8 {
			return append(append([]byte(nil), prefix[:n-1]...), last+1)
		}
	}
}

// A stored is what stands under a session's key: a live session or mark, or one that has expired. Its slices are the store's.
type stored struct {
	raw []byte // the whole value
	due int64
	rec driver.Record
}

// decode reads a value. With an error it returns what can be read.
func decode(value []byte) (*stored, error) {
	if len(value) < timeLen {
		return &stored{raw: value}, fmt.Errorf("%w: cut off", driver.ErrCorrupt)
	}
	st := &stored{raw: value, due: int64(binary.BigEndian.Uint64(value))}
	return st, st.rec.UnmarshalBinary(value[timeLen:])
}

// encode returns the value for a record.
func encode(due int64, rec *driver.Record) ([]byte, error) {
	value := make([]byte, 0, timeLen+rec.BinarySize())
	value, err := rec.AppendBinary(binary.BigEndian.AppendUint64(value, uint64(due)))
	if err != nil || len(value) > maxValue {
		return nil, fmt.Errorf("%w: a name has more than %d bytes, or the session more than %d", driver.ErrTooLarge, math.MaxUint16, maxValue)
	}
	return value, nil
}

// own returns the record in memory of its own.
func (st *stored) own() *driver.Record {
	rec := st.rec
	rec.Meta, rec.Data = bytes.Clone(rec.Meta), bytes.Clone(rec.Data)
	return &rec
}

// reservedUntil returns the end of a reservation, or 0 for the value of another entry.
func reservedUntil(value []byte) int64 {
	if len(value) != timeLen {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}

func reservation(until int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(until)) }

// dueOf returns when a sweep should look at a record.
func dueOf(rec *driver.Record) int64 { return max(0, millis.Of(rec.Expires)) }
