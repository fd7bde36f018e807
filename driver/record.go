package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/internal/millis"
)

const (
	// MaxAlias is the maximum length of a record's Alias, in bytes.
	MaxAlias = 400
	// MaxMeta is the maximum length of a record's Meta, in bytes.
	MaxMeta = 1024
)

// A Record is one session as a [Backend] stores it. A zero time means that there is none.
type Record struct {
	Version  uint64    // 1 when created, incremented by each Save
	User     string    // the user who is logged in, "" for nobody
	Created  time.Time // when the session began
	AuthTime time.Time // when User logged in
	Expires  time.Time // when the session ends unless it is used; never after Deadline
	Deadline time.Time // when the session ends even if it is used
	Shorten  bool      // tells Save that it may move Expires earlier; not stored
	MaxData  int       // the maximum length of Data that Load may return, in bytes, 0 for no limit; not stored
	Alias    string    // another name that finds the session, at most MaxAlias bytes; "" for none
	Meta     []byte    // what lists show of the session, encoded by the core, at most MaxMeta bytes; rules as for Data
	Data     []byte    // the values, encoded by the core; opaque to a backend, nobody may change it afterwards
}

// Live reports whether the record is still live at the time now.
func (r *Record) Live(now time.Time) bool {
	return now.Before(r.Expires) && (r.Deadline.IsZero() || now.Before(r.Deadline))
}

// An Entry is a record with its key, as lists yield it.
type Entry struct {
	Key string // the backend's key; in the memory provider and in beego mode it is the sid
	Record
}

// The layout of a record as one byte string, for engines without columns. It is this library's own. All integers are
// big-endian, all times are in milliseconds since 1970, with 0 for none. Version and Expires have fixed offsets, so that a
// script can compare the version and overwrite the expiry in place. Data contains the checksum of the values.
//
// The columns are offset, length and content:
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
// A record with an alias or metadata begins with "ses2" and has these parts between user and data:
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

	// RecordMaxHead is an upper bound, in bytes, for everything in a record's binary form except Data. It is for engines
	// that limit how much they read: len(b)-RecordMaxHead > rec.MaxData. The sum rec.MaxData+RecordMaxHead may overflow. The
	// names and metadata that the Manager stores need less.
	RecordMaxHead = 4 << 10

	// RecordVersionOffset is the offset of the version, eight bytes, in a record's binary form.
	RecordVersionOffset = 4
	// RecordExpiresOffset is the offset of Expires, eight bytes in milliseconds since 1970, in a record's binary form.
	RecordExpiresOffset = 12
	// RecordUserOffset is the offset of the length of User, two bytes, in a record's binary form. User follows it.
	RecordUserOffset = 44
)

// BinarySize returns the number of bytes that AppendBinary appends.
func (r *Record) BinarySize() int {
	n := recordHeader + len(r.User) + len(r.Data)
	if r.Alias != "" || len(r.Meta) > 0 {
		n += recordLengths + len(r.Alias) + recordLengths + len(r.Meta)
	}
	return n
}

// AppendBinary appends the binary form of r to b. It truncates times to milliseconds. It returns an error only if User,
// Alias or Meta is longer than 65535 bytes; then it returns b unchanged. It implements [encoding.BinaryAppender].
func (r *Record) AppendBinary(b []byte) ([]byte, error) {
	if max(len(r.User), len(r.Alias), len(r.Meta)) > math.MaxUint16 {
		return b, errors.New("session: record: a name or the metadata is longer than 65535 bytes")
	}
	b = slices.Grow(b, r.BinarySize())
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

// UnmarshalBinary sets r from its binary form. Meta and Data are slices of b, not copies, which
// [encoding.BinaryUnmarshaler] would require: the caller must not change b afterwards. Every error wraps [ErrCorrupt].
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

// RecordDataOffset returns the offset of the data in a record's binary form that begins with b. If the result is greater
// than len(b), the caller must read at least that many bytes and call it again, possibly more than once. The result 0 means
// that b is not the beginning of a record that this version can read.
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

// ends are the end offsets of a record's parts. An end that lies beyond the bytes read so far is too small.
type ends struct{ user, alias, data int }

// headOf returns the ends of the parts of the record at the beginning of b. ok is false if there is no such record.
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
