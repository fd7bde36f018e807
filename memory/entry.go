package memory

import (
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// An entry is the stored form of a [driver.Record] or a mark. It takes 96 bytes, which is one of the allocator's size
// classes. Times are in milliseconds since 1970, with 0 for none. The lock of its shard guards it. The memory that data and
// more point to is never changed.
type entry struct {
	version  uint64
	user     string
	created  int64
	authTime int64
	expires  int64
	deadline int64
	data     []byte
	more     *more // nil for most records
}

// more contains the fields that most records do not need.
type more struct {
	alias string
	meta  []byte
}

func (e *entry) alias() string {
	if e.more == nil {
		return ""
	}
	return e.more.alias
}

func (e *entry) isMark() bool { return e.version == driver.MarkVersion }

// live is [driver.Record.Live] in milliseconds. It is never late, and less than one millisecond early.
func (e *entry) live(now int64) bool {
	return now < e.expires && (e.deadline == 0 || now < e.deadline)
}

// set copies everything from rec except Expires, which each caller handles differently.
func (e *entry) set(rec *driver.Record, version uint64) {
	e.version = version
	if e.user != rec.User {
		e.user = strings.Clone(rec.User) // like a key, it may be a part of a larger string
	}
	e.created = millis.Of(rec.Created)
	e.authTime = millis.Of(rec.AuthTime)
	e.deadline = millis.Of(rec.Deadline)
	e.data = rec.Data
	switch {
	case rec.Alias == "" && len(rec.Meta) == 0:
		e.more = nil
	case e.alias() == rec.Alias:
		e.more = &more{e.alias(), rec.Meta}
	default:
		e.more = &more{strings.Clone(rec.Alias), rec.Meta}
	}
}

// fill is the reverse of set, and includes Expires. It sets Shorten, which is not stored, to false.
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
	if e.more != nil {
		rec.Alias, rec.Meta = e.more.alias, e.more.meta
	}
}

func (e *entry) conflict() error {
	stored := new(driver.Record)
	e.fill(stored)
	return &driver.ConflictError{Record: stored}
}

func (e *entry) marked() error {
	var rec driver.Record
	e.fill(&rec)
	mark, _ := rec.Mark()
	return &driver.MarkedError{Mark: mark}
}
