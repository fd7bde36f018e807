package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/internal/millis"
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
const (
	recordMagic = "ses1"

	// RecordVersionOffset is where eight bytes of version stand in a record's binary form.
	RecordVersionOffset = 4
	// RecordExpiresOffset is where eight bytes of expiry, in milliseconds since 1970, stand in a
	// record's binary form.
	RecordExpiresOffset = 12
	// RecordUserOffset is where two bytes of the user's length stand in a record's binary form, and then the user.
	RecordUserOffset = 44

	recordHeader = RecordUserOffset + 2
)

// AppendBinary appends the binary form of r to b. Times are cut to milliseconds. It fails only on a
// User longer than 65535 bytes. It implements [encoding.BinaryAppender].
func (r *Record) AppendBinary(b []byte) ([]byte, error) {
	if len(r.User) > math.MaxUint16 {
		return b, errors.New("session: record: user name is longer than 65535 bytes")
	}
	b = append(b, recordMagic...)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	for _, t := range [...]time.Time{r.Expires, r.Deadline, r.Created, r.AuthTime} {
		b = binary.BigEndian.AppendUint64(b, uint64(millis.Of(t)))
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.User)))
	b = append(b, r.User...)
	return append(b, r.Data...), nil
}

// UnmarshalBinary fills r from its binary form. Data is a part of b, not a copy. The error wraps
// [ErrCorrupt]. It implements [encoding.BinaryUnmarshaler], but for the copy.
func (r *Record) UnmarshalBinary(b []byte) error {
	if len(b) < recordHeader || string(b[:4]) != recordMagic {
		return fmt.Errorf("%w: not a record of a known format", ErrCorrupt)
	}
	user := int(binary.BigEndian.Uint16(b[RecordUserOffset:]))
	if len(b) < recordHeader+user {
		return fmt.Errorf("%w: cut off in the header", ErrCorrupt)
	}
	at := func(offset int) time.Time { return millis.Time(int64(binary.BigEndian.Uint64(b[offset:]))) }
	*r = Record{
		Version:  binary.BigEndian.Uint64(b[RecordVersionOffset:]),
		Expires:  at(RecordExpiresOffset),
		Deadline: at(20),
		Created:  at(28),
		AuthTime: at(36),
		User:     string(b[recordHeader : recordHeader+user]),
		Data:     b[recordHeader+user:],
	}
	return nil
}
