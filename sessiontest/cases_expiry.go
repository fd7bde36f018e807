package sessiontest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A session is gone at its deadline. Nothing sweeps while these cases run.
var expiryCases = []testCase{
	{
		name:     "expiry/not before",
		sentence: "S6",
		rule:     "A record is still live one resolution before its Expires.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			e.inTime(t, func(key string, expires time.Time) error {
				create(t, b, key, expiring(expires))
				sleepUntil(expires.Add(-2 * e.resolution))
				return b.Load(t.Context(), key, new(driver.Record))
			})
		},
	},
	{
		name:     "expiry/load",
		sentence: "S6",
		rule:     "A record is gone at its Expires, swept or not.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			e.createExpired(t, b, key)
			wantGone(t, b, key)
		},
	},
	{
		name:     "expiry/save",
		sentence: "S6",
		rule:     "Save of an expired record returns ErrNotFound and does not bring it back.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			e.createExpired(t, b, key)
			rec := newRecord("late")
			rec.Version = 1
			wantErr(t, "Save of an expired record", b.Save(t.Context(), key, rec), session.ErrNotFound)
			wantGone(t, b, key)
		},
	},
	{
		name:     "expiry/touch",
		sentence: "S6",
		rule:     "Touch of an expired record returns ErrNotFound and does not bring it back.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			e.createExpired(t, b, key)
			err := b.Touch(t.Context(), key, time.Now().Add(time.Hour))
			wantErr(t, "Touch of an expired record", err, session.ErrNotFound)
			wantGone(t, b, key)
		},
	},
	{
		name:     "expiry/delete",
		sentence: "S6",
		rule:     "Delete of an expired record returns ErrNotFound at a version, and no error with version 0.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			e.createExpired(t, b, key)
			wantErr(t, "Delete of an expired record", b.Delete(t.Context(), key, 1), session.ErrNotFound)
			wantOK(t, "Delete of an expired record at any version", b.Delete(t.Context(), key, 0))
			wantGone(t, b, key)
		},
	},
	{
		name:     "expiry/create",
		sentence: "S6",
		rule:     "Create takes the key of an expired record, and nothing of that record remains.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			old := expiring(e.soon())
			old.User, old.AuthTime = "ann", time.Now()
			create(t, b, key, old)
			b.Save(t.Context(), key, old) // to have had a version 2; in vain on a slow machine
			e.waitFor(old.Expires)
			fresh := newRecord("fresh")
			create(t, b, key, fresh)
			e.wantRecord(t, load(t, b, key), fresh)
		},
	},
	{
		name:     "expiry/touch extends it",
		sentence: "S6",
		rule:     "A record that was touched lives until the later time.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			e.inTime(t, func(key string, expires time.Time) error {
				create(t, b, key, expiring(expires))
				if err := b.Touch(t.Context(), key, time.Now().Add(time.Hour)); err != nil {
					return err
				}
				e.waitFor(expires)
				wantStored(t, b, key, 1, "brief")
				return nil
			})
		},
	},
	{
		name:     "expiry/save extends it",
		sentence: "S6",
		rule:     "A record that was saved with a later Expires lives until then.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			e.inTime(t, func(key string, expires time.Time) error {
				create(t, b, key, expiring(expires))
				rec := newRecord("longer")
				rec.Version = 1
				if err := b.Save(t.Context(), key, rec); err != nil {
					return err
				}
				e.waitFor(expires)
				wantStored(t, b, key, 2, "longer")
				return nil
			})
		},
	},
	{
		name:     "expiry/save shortens it",
		sentence: "S6",
		rule:     "A record that was saved with Shorten and an earlier Expires is gone then.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			rec.Expires, rec.Shorten = e.soon(), true
			save(t, b, key, rec)
			e.waitFor(rec.Expires)
			wantGone(t, b, key)
		},
	},
	{
		name:     "expiry/over already",
		sentence: "S6",
		rule:     "A record that is created or saved with an Expires in the past, as after a jump of the clock, is gone at once.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			for i, ago := range []time.Duration{2 * time.Second, time.Hour, 100 * 24 * time.Hour} {
				past := time.Now().Add(-ago).Truncate(e.resolution)
				key := e.key(fmt.Sprint("created ", i))
				create(t, b, key, expiring(past))
				wantGone(t, b, key)
				create(t, b, key, newRecord("fresh"))

				key = e.key(fmt.Sprint("saved ", i))
				rec := newRecord("x")
				create(t, b, key, rec)
				rec.Expires, rec.Shorten = past, true
				save(t, b, key, rec)
				wantGone(t, b, key)
			}
		},
	},
}

// expiring returns a record with the given Expires.
func expiring(expires time.Time) *driver.Record {
	return &driver.Record{Created: time.Now(), Expires: expires, Data: []byte("brief")}
}

// soon returns a time that is near but leaves enough time for a call.
func (e *env) soon() time.Time { return e.after(2 * e.resolution) }

// after returns the time d from now, and a little more, as the engine can keep it.
func (e *env) after(d time.Duration) time.Time {
	const little = 10 * time.Millisecond
	return time.Now().Add(d + little).Truncate(e.resolution)
}

// waitFor waits until a record with this Expires is gone.
func (e *env) waitFor(expires time.Time) { sleepUntil(expires.Add(e.resolution)) }

// sleepUntil goes by the wall clock, as expiry does.
func sleepUntil(at time.Time) {
	at = at.Round(0)
	for d := time.Until(at); d > 0; d = time.Until(at) {
		time.Sleep(d)
	}
}

// createExpired creates a record and waits until it is gone.
func (e *env) createExpired(t testing.TB, b driver.Backend, key string) {
	t.Helper()
	rec := expiring(e.soon())
	create(t, b, key, rec)
	e.waitFor(rec.Expires)
}

// inTime runs f with a key and a near time. f makes a call before that time and returns its error. If the call came too
// late because the machine is slow, inTime runs f again with another key and more time.
func (e *env) inTime(t testing.TB, f func(key string, expires time.Time) error) {
	t.Helper()
	for patience := 4 * e.resolution; patience < 1000*e.resolution; patience *= 2 {
		expires := e.after(patience)
		err := f(e.key(patience.String()), expires)
		if err == nil {
			return
		}
		if late := time.Now().After(expires.Add(-e.resolution)); !late || !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("more than %v before Expires: %v, want no error", e.resolution, err)
		}
	}
	t.Skip("the machine is too slow to tell")
}
