package memory

import (
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// An entry is a session as it is kept, or a mark. It is guarded by the lock of its shard; the Version is never changed.
type entry struct {
	*merge.Version
	expires int64 // in milliseconds since 1970
}

// newEntry returns rec as it is kept, at this version.
func newEntry(rec *driver.Record, version uint64) *entry {
	rec.Version = version
	return &entry{versionOf(rec), millis.Of(rec.Expires)}
}

// versionOf returns rec as it is kept. The caller's names may be parts of something large.
func versionOf(rec *driver.Record) *merge.Version {
	kept := *rec
	kept.User, kept.Alias = strings.Clone(rec.User), strings.Clone(rec.Alias)
	return merge.VersionOf(&kept)
}

func (e *entry) isMark() bool { return e.Number == driver.MarkVersion }

// live is [driver.Record.Live] to the millisecond: never late, and less than one early.
func (e *entry) live(now int64) bool { return now < e.expires && !e.Over(now) }

// head returns e as a record without Data.
func (e *entry) head() driver.Record { return e.Head(time.UnixMilli(e.expires)) }

// record returns e as a record.
func (e *entry) record() driver.Record {
	rec := e.head()
	rec.Data = e.Data()
	return rec
}

func (e *entry) conflict() error {
	stored := e.record()
	return &driver.ConflictError{Record: &stored}
}

func (e *entry) marked() error {
	rec := e.record()
	mark, _ := rec.Mark()
	return &driver.MarkedError{Mark: mark}
}
