package sessiontest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// newRecord returns a record that lives for an hour.
func newRecord(data string) *driver.Record {
	now := time.Now()
	return &driver.Record{
		Created:  now,
		Expires:  now.Add(time.Hour).Truncate(time.Millisecond),
		Deadline: now.Add(24 * time.Hour),
		Data:     []byte(data),
	}
}

// create stores a new record, or ends the case.
func create(t testing.TB, b driver.Backend, key string, rec *driver.Record) {
	t.Helper()
	if err := b.Create(t.Context(), key, rec); err != nil {
		t.Fatalf("Create: %v", err)
	}
}

// load returns the record under key, or ends the case. It loads into a record that was used before.
func load(t testing.TB, b driver.Backend, key string) *driver.Record {
	t.Helper()
	used := time.Unix(1, 0)
	rec := &driver.Record{
		Version: 99, User: "used", Created: used, AuthTime: used, Expires: used, Deadline: used,
		Shorten: true, Alias: "used", Meta: []byte("used"), Data: []byte("used"),
	}
	if err := b.Load(t.Context(), key, rec); err != nil {
		t.Fatalf("Load: %v", err)
	}
	return rec
}

// save saves rec, or ends the case.
func save(t testing.TB, b driver.Backend, key string, rec *driver.Record) {
	t.Helper()
	if err := b.Save(t.Context(), key, rec); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// touch moves the idle deadline, or ends the case.
func touch(t testing.TB, b driver.Backend, key string, expires time.Time) {
	t.Helper()
	if err := b.Touch(t.Context(), key, expires); err != nil {
		t.Fatalf("Touch: %v", err)
	}
}

// wantErr checks that err, the result of call, wraps want.
func wantErr(t testing.TB, call string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want an error wrapping %q", call, err, want)
	}
}

// wantOK checks that call returned no error.
func wantOK(t testing.TB, call string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s = %v, want no error", call, err)
	}
}

// wantConflict checks that err, the result of call, is a *ConflictError, and returns the record it carries.
func wantConflict(t testing.TB, call string, err error) *driver.Record {
	t.Helper()
	stored := conflict(err)
	if stored == nil {
		t.Fatalf("%s = %v, want a *ConflictError carrying the stored record", call, err)
	}
	return stored
}

// conflict returns the record that err carries, or nil if it is no proper *ConflictError.
func conflict(err error) *driver.Record {
	if c, ok := errors.AsType[*driver.ConflictError](err); ok {
		return c.Record
	}
	return nil
}

// wantStored checks the version and the data of what is stored under key.
func wantStored(t testing.TB, b driver.Backend, key string, version uint64, data string) {
	t.Helper()
	var rec driver.Record
	if err := b.Load(t.Context(), key, &rec); err != nil {
		t.Errorf("Load: %v, want version %d of the record", err, version)
		return
	}
	if rec.Version != version || string(rec.Data) != data {
		t.Errorf("stored: version %d, data %.40q; want version %d, data %.40q", rec.Version, rec.Data, version, data)
	}
}

// wantGone checks that there is no record under key.
func wantGone(t testing.TB, b driver.Backend, key string) {
	t.Helper()
	wantErr(t, "Load", b.Load(t.Context(), key, new(driver.Record)), session.ErrNotFound)
}

// wantExpires checks when the record under key expires.
func (e *env) wantExpires(t testing.TB, b driver.Backend, key string, want time.Time) {
	t.Helper()
	e.wantTime(t, "Expires", load(t, b, key).Expires, want)
}

// wantRecord checks every field of a loaded record.
func (e *env) wantRecord(t testing.TB, got, want *driver.Record) {
	t.Helper()
	if got.Version != want.Version {
		t.Errorf("Version = %d, want %d", got.Version, want.Version)
	}
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("Data = %d bytes %.40q, want %d bytes %.40q", len(got.Data), got.Data, len(want.Data), want.Data)
	}
	if got.Shorten {
		t.Error("Shorten = true, want false: it is not stored")
	}
	e.wantHead(t, got, want)
}

// wantHead checks what a list has of a record: all but the version and the data.
func (e *env) wantHead(t testing.TB, got, want *driver.Record) {
	t.Helper()
	if got.User != want.User {
		t.Errorf("User = %q, want %q", got.User, want.User)
	}
	if got.Alias != want.Alias {
		t.Errorf("Alias = %q, want %q", got.Alias, want.Alias)
	}
	if !bytes.Equal(got.Meta, want.Meta) {
		t.Errorf("Meta = %d bytes %.40q, want %d bytes %.40q", len(got.Meta), got.Meta, len(want.Meta), want.Meta)
	}
	e.wantTime(t, "Created", got.Created, want.Created)
	e.wantTime(t, "AuthTime", got.AuthTime, want.AuthTime)
	e.wantTime(t, "Expires", got.Expires, want.Expires)
	e.wantTime(t, "Deadline", got.Deadline, want.Deadline)
}

func (e *env) wantTime(t testing.TB, field string, got, want time.Time) {
	t.Helper()
	if got.IsZero() != want.IsZero() || got.Sub(want).Abs() >= e.resolution {
		t.Errorf("%s = %v, want %v, less than %v apart", field, got, want, e.resolution)
	}
}
