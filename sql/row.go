package sql

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A row is where a record is scanned to.
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
	size    sql.NullInt64 // of data in the table
}

// head returns where the columns {head} go.
func (r *row) head() []any {
	return []any{&r.version, &r.user, &r.created, &r.auth, &r.expires, &r.ends, &r.alias, &r.meta}
}

// whole returns where the columns {head} and {data} go.
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

// A moment is a time from a column, whatever the column's type is.
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
	case []byte: // a number of the text protocol
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return errMoment
		}
		m.Time = millis.Time(n)
	default:
		return fmt.Errorf("%w but %T", errMoment, v)
	}
	return nil
}
