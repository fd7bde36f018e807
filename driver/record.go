package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/internal/millis"
)

const (
	// MaxAlias is how many bytes Alias has at most.
	MaxAlias = 400
	// MaxMeta is how many bytes Meta has at most.
	MaxMeta = 1024
)

// A Record is one session as a [Backend] keeps it. The zero time means: none.
type Record struct {
	Version  uint64    // 1 when created, one more with each Save
	User     string    // who is logged in, "" for nobody
	Created  time.Time // when the session began
	AuthTime time.Time // when User logged in
	Expires  time.Time // the session is gone at this time, unless it is used; never after Deadline
	Deadline time.Time // the session is gone at this time, used or not
	Shorten  bool      // Save may move Expires earlier; not stored
	MaxData  int       // how many bytes of Data Load is to return at most, 0 for any number; not stored
	Alias    string    // another name that the session is found by, of at most MaxAlias bytes; "" for none
	Meta     []byte    // what a list shows of the session, encoded by the core, at most MaxMeta bytes; as Data otherwise
	Data     []byte    // the values, encoded by the core; opaque to a backend, immutable once handed over
}

// Live reports whether the record has not expired at the time now.
func (r *Record) Live(now time.Time) bool {
	return now.Before(r.Expires) && (r.Deadline.IsZero() || now.Before(r.Deadline))
}

// An Entry is a record as listed.
type Entry struct {
	Key string // what the backend keeps it under; in the memory provider and in beego mode that is the sid
	Record
}

// The layout of a record in one string of bytes, for engines that keep no columns: all integers
// big-endian, all times in milliseconds since 1970, 0 for none. Version and Expires stand at fixed
// offsets, so that a script can compare the one and rewrite the other in place. The checksum of the
// values is part of Data.
//
//	 0  4  "ses1"
//	 4  8  version
//	12  8  expires
//	20  8  deadline
//	28  8  created
//	36  8  auth time
//	44  2  length of user
//	46     user, then data to the end
//
// A record with an alias or metadata begins with "ses2", and has between user and data
//
//	2  length of alias
//	   alias
//	2  length of meta
//	   meta
const (
	recordMagic   = "ses1"
	recordMagic2  = "ses2"
	recordHeader  = RecordUserOffset + 2
	recordLengths = 2 // bytes of a length

	// RecordMaxHead is room, in bytes, for all of a record's binary form but Data, for an engine that bounds what it reads. The
	// names and metadata that the Manager stores take less.
	RecordMaxHead = 4 << 10

	// RecordVersionOffset is where eight bytes of version stand in a record's binary form.
	RecordVersionOffset = 4
	// RecordExpiresOffset is where eight bytes of expiry, in milliseconds since 1970, stand in a
	// record's binary form.
	RecordExpiresOffset = 12
	// RecordUserOffset is where two bytes of the user's length stand in a record's binary form, and then the user.
	RecordUserOffset = 44
)

// AppendBinary appends the binary form of r to b. Times are cut to milliseconds. It fails only on a
// User, an Alias or a Meta longer than 65535 bytes. It implements [encoding.BinaryAppender].
func (r *Record) AppendBinary(b []byte) ([]byte, error) {
	if max(len(r.User), len(r.Alias), len(r.Meta)) > math.MaxUint16 {
		return b, errors.New("session: record: a name or the metadata is longer than 65535 bytes")
	}
	more := r.Alias != "" || len(r.Meta) > 0
	if more {
		b = append(b, recordMagic2...)
	} else {
		b = append(b, recordMagic...)
	}
	b = binary.BigEndian.AppendUint64(b, r.Version)
	for _, t := range [...]time.Time{r.Expires, r.Deadline, r.Created, r.AuthTime} {
		b = binary.BigEndian.AppendUint64(b, uint64(millis.Of(t)))
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.User)))
	b = append(b, r.User...)
	if more {
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Alias)))
		b = append(b, r.Alias...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Meta)))
		b = append(b, r.Meta...)
	}
	return append(b, r.Data...), nil
}

// UnmarshalBinary fills r from its binary form. Meta and Data are parts of b, not copies. The error wraps
// [ErrCorrupt]. It implements [encoding.BinaryUnmarshaler], but for the copy.
func (r *Record) UnmarshalBinary(b []byte) error {
	at, ok := headOf(b)
	switch {
	case !ok:
		return fmt.Errorf("%w: not a record of a known format", ErrCorrupt)
	case at.data > len(b):
		return fmt.Errorf("%w: cut off in the header", ErrCorrupt)
	}
	moment := func(offset int) time.Time { return millis.Time(int64(binary.BigEndian.Uint64(b[offset:]))) }
	*r = Record{
		Version:  binary.BigEndian.Uint64(b[RecordVersionOffset:]),
		Expires:  moment(RecordExpiresOffset),
		Deadline: moment(20),
		Created:  moment(28),
		AuthTime: moment(36),
		User:     string(b[recordHeader:at.user]),
		Alias:    string(b[min(at.user+recordLengths, at.alias):at.alias]),
		Data:     b[at.data:],
	}
	if meta := b[min(at.alias+recordLengths, at.data):at.data]; len(meta) > 0 {
		r.Meta = meta
	}
	return nil
}

// RecordDataOffset returns where the data begins in a record's binary form, of which b is the beginning. A result greater
// than len(b) is how much must be read at least to know; it may be known only after several reads. 0 says that b is not the
// beginning of a record that this version can read.
func RecordDataOffset(b []byte) int {
	at, ok := headOf(b)
	switch {
	case ok:
		return at.data
	case len(b) < recordHeader:
		return recordHeader
	}
	return 0
}

// ends are where the parts of a record end before its data. Those behind the end of what was read are too early.
type ends struct{ user, alias, data int }

// headOf returns the ends of the parts of the record that b begins with, if it begins with one.
func headOf(b []byte) (at ends, ok bool) {
	if len(b) < recordHeader {
		return at, false
	}
	length := func(offset int) int {
		if len(b) < offset+recordLengths {
			return recordLengths
		}
		return recordLengths + int(binary.BigEndian.Uint16(b[offset:]))
	}
	at.user = RecordUserOffset + length(RecordUserOffset)
	switch string(b[:len(recordMagic)]) {
	case recordMagic:
		at.alias, at.data = at.user, at.user
		return at, true
	case recordMagic2:
		at.alias = at.user + length(at.user)
		at.data = at.alias + length(at.alias)
		return at, true
	}
	return at, false
}
