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
	user    sql.NullString
	created moment
	auth    moment
	expires moment
	ends    moment
	alias   sql.NullString
	meta    []byte
	data    []byte
	size    sql.NullInt64 // the length of the data in the table
}

// head returns the targets for the columns of {head}, with room for two more.
func (r *row) head() []any {
	return append(make([]any, 0, 10), &r.version, &r.user, &r.created, &r.auth, &r.expires, &r.ends, &r.alias, &r.meta)
}

// whole returns the targets for the columns of {head} and {data}.
func (r *row) whole() []any { return append(r.head(), &r.data, &r.size) }

func (r *row) record() driver.Record {
	rec := driver.Record{
		Version: uint64(r.version), User: r.user.String, Created: r.created.Time, AuthTime: r.auth.Time,
		Expires: r.expires.Time, Deadline: r.ends.Time, Alias: r.alias.String, Data: r.data,
	}
	if len(r.meta) > 0 {
		rec.Meta = r.meta
	}
	return rec
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
		m.Time = time.UnixMilli(v.UnixMilli())
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
