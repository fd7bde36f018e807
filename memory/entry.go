package memory

import (
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// An entry is a [driver.Record] as it is kept: 80 bytes instead of 152, which is one of the sizes the
// allocator has. Times are in milliseconds since 1970, 0 for none. It is guarded by the lock of its shard;
// what data points to is never changed.
type entry struct {
	version  uint64
	user     string
	created  int64
	authTime int64
	expires  int64
	deadline int64
	data     []byte
}

// live is [driver.Record.Live] to the millisecond: never late, and less than one early.
func (e *entry) live(now int64) bool {
	return now < e.expires && (e.deadline == 0 || now < e.deadline)
}

// set takes over everything of rec but its Expires, which each caller treats in its own way.
func (e *entry) set(rec *driver.Record, version uint64) {
	e.version = version
	if e.user != rec.User {
		e.user = strings.Clone(rec.User) // like a key, it may be a part of something large
	}
	e.created = millis.Of(rec.Created)
	e.authTime = millis.Of(rec.AuthTime)
	e.deadline = millis.Of(rec.Deadline)
	e.data = rec.Data
}

// fill is the opposite of set, with Expires. Shorten, which is not stored, becomes false.
func (e *entry) fill(rec *driver.Record) {
	*rec = driver.Record{
		Version:  e.version,
		User:     e.user,
		Created:  millis.Time(e.created),
		AuthTime: millis.Time(e.authTime),
		Expires:  millis.Time(e.expires),
		Deadline: millis.Time(e.deadline),
		Data:     e.data,
	}
}

func (e *entry) conflict() error {
	stored := new(driver.Record)
	e.fill(stored)
	return &driver.ConflictError{Record: stored}
}
