package sql

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A row is the target for scanning a record.
type row struct {
	id      []byte
	version int64
	user    text
	created moment
	auth    moment
	expires moment
	ends    moment
	alias   text
	meta    []byte
	data    []byte
	size    sql.NullInt64 // the length of the data in the table
	done    int64         // 1 if a change was made; otherwise this is the stored row

	to [11]any // the targets of a scan, with room for one before {head}; a separate slice would be another allocation
}

// head returns the targets for the columns of {head}.
func (r *row) head() []any {
	return append(r.to[1:1], &r.version, &r.user, &r.created, &r.auth, &r.expires, &r.ends, &r.alias, &r.meta)
}

// whole returns the targets for the columns of {head} and {data}.
func (r *row) whole() []any { return append(r.head(), &r.data, &r.size) }

// listed returns the targets for the id and the columns of {head}.
func (r *row) listed() []any { return r.after(&r.id, r.head()) }

// changed returns the targets for the columns of a statement made by withStored.
func (r *row) changed() []any { return r.after(&r.done, r.whole()) }

func (r *row) after(first any, others []any) []any {
	r.to[0] = first
	return r.to[:1+len(others)]
}

func (r *row) record() driver.Record {
	rec := driver.Record{
		Version: uint64(r.version), User: r.user.string, Created: r.created.Time, AuthTime: r.auth.Time,
		Expires: r.expires.Time, Deadline: r.ends.Time, Alias: r.alias.string, Data: r.data,
	}
	if len(r.meta) > 0 {
		rec.Meta = r.meta
	}
	return rec
}

// A text is a name from a column. NULL is "".
type text struct{ string }

// Scan implements [sql.Scanner].
func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		t.string = ""
	case []byte:
		t.string = string(v)
	case string:
		t.string = v
	default:
		return fmt.Errorf("a name is not a text but %T", v)
	}
	return nil
}

// ScanBytes is Scan for drivers that know the type of the column, as pgx does.
func (t *text) ScanBytes(v []byte) error {
	t.string = string(v)
	return nil
}

// A moment is a time from a column of any type.
type moment struct{ time.Time }

var errMoment = errors.New("a time is neither a time nor a number of milliseconds")

// Scan implements [sql.Scanner].
func (m *moment) Scan(v any) error {
	m.Time = time.Time{}
	switch v := v.(type) {
	case nil:
	case time.Time:
		m.SetTime(v)
	case int64:
		m.Time = millis.Time(v)
	case []byte: // from the text protocol
		return m.parse(string(v))
	case string:
		return m.parse(v)
	default:
		return fmt.Errorf("%w but %T", errMoment, v)
	}
	return nil
}

// SetTime is Scan for drivers that know the type of the column, as pgx does.
func (m *moment) SetTime(t time.Time) { m.Time = time.UnixMilli(t.UnixMilli()) }

// parse reads a number, or the text in which PostgreSQL returns special times. This package stores no such times, but a
// foreign row that has one must not prevent the listing of others.
func (m *moment) parse(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "infinity":
		n = math.MaxInt64
	case text == "-infinity":
		n = math.MinInt64
	case err != nil:
		return errMoment
	}
	m.Time = millis.Time(n)
	return nil
}
