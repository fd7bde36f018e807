package sqltest

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func beegoBackend(t testing.TB, e Engine, db *sql.DB, lifetime time.Duration) driver.Backend {
	t.Helper()
	b, err := sessionsql.OpenDB(t.Context(), driver.Config{Beego: true, Lifetime: lifetime}, db, e.Dialect())
	check(t, err)
	return b
}

// BeegoContract checks the part of the contract of a Backend that beego mode keeps: everything except version numbers and
// fields without a column. The store creates the table.
func (e Engine) BeegoContract(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Empty(t)), t.Context()
	b, other := beegoBackend(t, e, db, time.Hour), beegoBackend(t, e, db, time.Hour)
	about := func(what string, got, want time.Time) {
		t.Helper()
		if d := got.Sub(want); d < 0 || d > table.Resolution {
			t.Errorf("%s expires %v after %v, want up to %v", what, d, want, table.Resolution)
		}
	}
	for _, key := range []string{"", beegoSID + beegoSID + "0", "a b", "a\x00"} {
		rec := &driver.Record{Expires: time.Now().Add(time.Hour)}
		for call, err := range map[string]error{
			"Load": b.Load(ctx, key, rec), "Save": b.Save(ctx, key, rec), "Touch": b.Touch(ctx, key, rec.Expires),
			"Delete": b.Delete(ctx, key, 1),
			"Rename": b.(driver.Renamer).Rename(ctx, key, 1, beegoSID, rec, driver.Mark{}),
		} {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s(%q) = %v, want ErrNotFound", call, key, err)
			}
		}
		check(t, b.Delete(ctx, key, 0))
		if err := b.Create(ctx, key, rec); err == nil {
			t.Errorf("Create(%q) succeeded", key)
		}
	}
	ends := time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
	rec := &driver.Record{Expires: ends, Data: []byte("data")}
	check(t, b.Create(ctx, beegoSID, rec))
	if err := other.Create(ctx, beegoSID, &driver.Record{Expires: ends}); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
	stale := new(driver.Record)
	check(t, other.Load(ctx, beegoSID, stale))
	if stale.Version != rec.Version || stale.Version == 0 || string(stale.Data) != "data" {
		t.Errorf("loaded %+v, created %+v", stale, rec)
	}
	about("the created one", stale.Expires, ends)

	rec.Data, rec.Expires = []byte("second"), ends.Add(-time.Minute)
	check(t, b.Save(ctx, beegoSID, rec))
	stale.Data = []byte("lost")
	for call, err := range map[string]error{
		"Save":   other.Save(ctx, beegoSID, stale),
		"Delete": other.Delete(ctx, beegoSID, stale.Version),
		"Rename": other.(driver.Renamer).Rename(ctx, beegoSID, stale.Version, "new", stale, driver.Mark{}),
	} {
		conflict, ok := errors.AsType[*driver.ConflictError](err)
		if !ok || string(conflict.Record.Data) != "second" || conflict.Record.Version != rec.Version {
			t.Fatalf("%s = %v, want a *ConflictError with what is stored", call, err)
		}
		about(call+"'s conflict", conflict.Record.Expires, ends)
	}
	rec.Shorten = true
	check(t, b.Save(ctx, beegoSID, rec))
	check(t, b.Touch(ctx, beegoSID, rec.Expires.Add(-time.Hour/2)))
	check(t, other.Load(ctx, beegoSID, stale))
	about("shortened, it", stale.Expires, rec.Expires)
	check(t, b.Touch(ctx, beegoSID, ends.Add(3*time.Hour)))
	check(t, other.Load(ctx, beegoSID, stale))
	about("touched, it", stale.Expires, ends.Add(3*time.Hour))
	if stale.Version != rec.Version {
		t.Error("a touch makes a version")
	}

	const to = "abcdef"
	check(t, b.Create(ctx, to, &driver.Record{Expires: ends}))
	if err := b.(driver.Renamer).Rename(ctx, beegoSID, rec.Version, to, rec, driver.Mark{}); !errors.Is(err, session.ErrExists) {
		t.Errorf("Rename to a sid that is taken: %v, want ErrExists", err)
	}
	check(t, b.Delete(ctx, to, 0))
	rec.Data, rec.Expires = []byte("renamed"), ends
	check(t, b.(driver.Renamer).Rename(ctx, beegoSID, rec.Version, to, rec, driver.Mark{}))
	check(t, other.Load(ctx, to, stale))
	if string(stale.Data) != "renamed" || stale.Version != rec.Version {
		t.Errorf("renamed %+v to %+v", rec, stale)
	}
	about("renamed, it", stale.Expires, ends)
	check(t, b.Delete(ctx, to, rec.Version))
	check(t, b.Delete(ctx, to, 0))
	for _, key := range []string{beegoSID, to} {
		for call, err := range map[string]error{
			"Load": b.Load(ctx, key, rec), "Save": b.Save(ctx, key, rec), "Touch": b.Touch(ctx, key, rec.Expires),
			"Delete": b.Delete(ctx, key, rec.Version),
		} {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s of what is gone = %v, want ErrNotFound", call, err)
			}
		}
	}
	if _, ok := driver.As[driver.UserLister](b); ok {
		t.Error("the table cannot list users")
	}
	if _, ok := driver.As[driver.AliasLister](b); ok {
		t.Error("the table cannot list aliases")
	}
	if _, ok := driver.As[driver.Marker](b); ok {
		t.Error("beego would take a mark for a session")
	}
	if _, ok := driver.As[driver.UserLimiter](b); ok {
		t.Error("the table cannot limit users")
	}
}

// BeegoExpiry checks that a row ends when beego's GC would remove it, and that a touch prevents that.
func (e Engine) BeegoExpiry(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Empty(t)), t.Context()
	Exec(t, db, table.Create)
	const lifetime = 6 * time.Second // a second less where only whole ones count, and no machine is kept waiting so long
	b := beegoBackend(t, e, db, lifetime)
	gc := func() { Exec(t, db, table.GC, table.GCSince(lifetime)) }
	for _, sid := range []string{"kept", "left"} {
		check(t, b.Create(ctx, sid, &driver.Record{Expires: time.Now().Add(time.Hour)}))
		table.save(t, db, sid, beegoValues)
	}
	rec := new(driver.Record)
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := b.Load(ctx, "left", rec)
		before := Int(t, db, "SELECT count(*) FROM session WHERE session_key = 'left'")
		gc()
		after := Int(t, db, "SELECT count(*) FROM session WHERE session_key = 'left'")
		if err == nil && before == 0 {
			t.Fatal("the session lives on without a row")
		}
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
		if errors.Is(err, session.ErrNotFound) {
			if after != 0 {
				t.Error("the session has ended, and beego's GC leaves the row")
			}
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("it does not end")
		}
		check(t, b.Touch(ctx, "kept", time.Now().Add(lifetime)))
	}
	gc()
	if err := b.Load(ctx, "kept", rec); err != nil {
		t.Errorf("what was touched: %v", err)
	}
	for call, err := range map[string]error{
		"Load": b.Load(ctx, "left", rec), "Touch": b.Touch(ctx, "left", time.Now().Add(time.Hour)),
		"Delete": b.Delete(ctx, "left", rec.Version),
	} {
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s of what has expired = %v, want ErrNotFound", call, err)
		}
	}
}

// BeegoWhole checks the operations on the whole table.
func (e Engine) BeegoWhole(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Empty(t)), t.Context()
	Exec(t, db, table.Create)
	b := beegoBackend(t, e, db, time.Hour)
	var live []string
	for i := range 1100 {
		expires, sid := time.Now().Add(time.Hour), fmt.Sprintf("%032x", i)
		if i%2 == 0 {
			expires = time.Now().Add(-time.Minute)
		} else {
			live = append(live, sid)
		}
		check(t, b.Create(ctx, sid, &driver.Record{Expires: expires, Data: []byte("x")}))
	}
	var listed []string
	for entry, err := range b.(driver.Lister).List(ctx) {
		check(t, err)
		listed = append(listed, entry.Key)
	}
	if !slices.Equal(listed, live) {
		t.Errorf("%d are listed, want %d", len(listed), len(live))
	}
	n, err := b.(driver.Counter).Count(ctx)
	if err != nil || n != len(live) {
		t.Errorf("Count = %d, %v, want %d", n, err, len(live))
	}
	// A new session takes the place of one that has expired.
	check(t, b.Create(ctx, fmt.Sprintf("%032x", 0), &driver.Record{Expires: time.Now().Add(time.Hour)}))
	if n, err := b.(driver.Sweeper).Sweep(ctx, nil); err != nil || n != 549 {
		t.Errorf("Sweep = %d, %v, want 549", n, err)
	}
	check(t, b.Create(ctx, "over", &driver.Record{Expires: time.Now().Add(-time.Minute)}))
	var told []string
	n, err = b.(driver.Sweeper).Sweep(ctx, func(key, user string) { told = append(told, key+user) })
	if err != nil || n != 1 || !slices.Equal(told, []string{"over"}) {
		t.Errorf("Sweep = %d, %v, and told of %q, want over", n, err, told)
	}
	if n := Int(t, db, "SELECT count(*) FROM session"); n != len(live)+1 {
		t.Errorf("%d rows are left, want %d", n, len(live)+1)
	}
	check(t, b.(driver.Clearer).Clear(ctx))
	if n := Int(t, db, "SELECT count(*) FROM session"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
