package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// A BeegoTable is the table of beego's provider, as its documentation gives it, and what its provider does with it.
type BeegoTable struct {
	Create     string        // the statement
	Save       string        // values, time of the save, sid
	SavedAt    func() any    // the time of a save now, as beego's provider writes it
	Resolution time.Duration // of session_expiry: a deadline is stored up to this much later
	GC         string        // what beego's GC runs, for the lifetime or for the time before which a row has ended
	GCSince    func(lifetime time.Duration) any
}

const beegoSID = "0123456789abcdef0123456789abcdef"

// beegoValues are of all kinds that a beego application stores without registering a type.
var beegoValues = map[any]any{"username": "astaxie", "count": 41, 7: int64(1) << 40, "admin": true, 1.5: []byte("x")}

// save stores as SessionRelease of beego's provider does.
func (b BeegoTable) save(t testing.TB, db *sql.DB, sid string, values map[any]any) {
	t.Helper()
	data, err := session.EncodeGob(values)
	check(t, err)
	Exec(t, db, b.Save, data, b.SavedAt(), sid)
}

// wantInBeego reads as SessionRead of beego's provider does.
func wantInBeego(t testing.TB, db *sql.DB, sid string, want map[any]any) {
	t.Helper()
	var data []byte
	check(t, db.QueryRow("SELECT session_data FROM session WHERE session_key = '"+sid+"'").Scan(&data))
	got := map[any]any{}
	if len(data) > 0 {
		var err error
		got, err = session.DecodeGob(data)
		check(t, err)
	}
	if !maps.EqualFunc(got, want, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("beego reads %v, want %v", got, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func beegoManager(t testing.TB, e Engine, dsn string, opts ...session.ManagerConfigOpt) *session.Manager {
	return Manager(t, e.Provider(), append([]session.ManagerConfigOpt{
		session.CfgBeego(true), session.CfgProviderConfig(dsn), session.CfgMaxLifeTime(3600),
	}, opts...)...)
}

func beegoVisit(t testing.TB, m *session.Manager, sid string) (*session.Session, *http.Request) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if sid != "" {
		r.Header.Set("Cookie", "gosessionid="+sid)
	}
	s, err := m.Start(httptest.NewRecorder(), r)
	check(t, err)
	return s, r
}

// Beego has beego and a manager in beego mode work on the same sessions in turn.
func (e Engine) Beego(t *testing.T, table BeegoTable) {
	dsn := e.Database(t)
	db, ctx := e.DB(t, dsn), t.Context()
	Exec(t, db, table.Create)
	// SessionRead of an unknown sid makes an empty row, SessionRelease fills it.
	Exec(t, db, "INSERT INTO session (session_key, session_data, session_expiry) SELECT '"+beegoSID+"', '', 0"+
		zeroTime[e.Driver])
	table.save(t, db, beegoSID, beegoValues)

	m := beegoManager(t, e, dsn)
	s, _ := beegoVisit(t, m, beegoSID)
	for key, want := range beegoValues {
		if got := s.Get(ctx, key); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v is %#v, want %#v", key, got, want)
		}
	}
	if s.SessionID(ctx) != beegoSID {
		t.Error("the session has another sid")
	}
	check(t, s.Delete(ctx, 1.5))
	check(t, s.Delete(ctx, "count"))
	check(t, s.Set(ctx, "new", "value"))
	check(t, s.Save(ctx))
	wantInBeego(t, db, beegoSID, map[any]any{"username": "astaxie", 7: int64(1) << 40, "admin": true, "new": "value"})

	// beego saves in between: the changes of both stay.
	s, _ = beegoVisit(t, m, beegoSID)
	check(t, s.Set(ctx, "of ours", 2))
	table.save(t, db, beegoSID, map[any]any{"of beego": 1})
	check(t, s.Save(ctx))
	wantInBeego(t, db, beegoSID, map[any]any{"of beego": 1, "of ours": 2})

	// What was set to the value that it had changes nothing, in the same second too.
	for range 3 {
		s, _ = beegoVisit(t, m, beegoSID)
		check(t, s.Set(ctx, "of ours", 2))
		check(t, s.Save(ctx))
	}

	// An empty session is one, on both sides.
	for _, empty := range []string{"''", "NULL"} {
		Exec(t, db, "UPDATE session SET session_data = "+empty)
		s, _ := beegoVisit(t, m, beegoSID)
		if n, err := s.Len(ctx); err != nil || s.SessionID(ctx) != beegoSID || n != 0 {
			t.Errorf("a session with %s is not empty but %d, %v", empty, n, err)
		}
		check(t, s.Set(ctx, "n", 1))
		check(t, s.Save(ctx))
		wantInBeego(t, db, beegoSID, map[any]any{"n": 1})
		check(t, s.Flush(ctx))
		check(t, s.Save(ctx))
		wantInBeego(t, db, beegoSID, map[any]any{})
	}

	// The new sid has the row, the old one none.
	s, r := beegoVisit(t, m, beegoSID)
	check(t, s.Set(ctx, "n", 3))
	check(t, s.Regenerate(ctx))
	wantInBeego(t, db, s.SessionID(ctx), map[any]any{"n": 3})
	if n := Int(t, db, "SELECT count(*) FROM session"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	late, _ := beegoVisit(t, m, s.SessionID(ctx))
	check(t, m.Destroy(httptest.NewRecorder(), r))
	check(t, late.Set(ctx, "late", 1))
	if err := late.Save(ctx); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save of a destroyed session: %v, want ErrDestroyed", err)
	}
	if n := Int(t, db, "SELECT count(*) FROM session"); n != 0 {
		t.Errorf("%d rows, want none", n)
	}

	// What is no gob is an error, and stays.
	s, _ = beegoVisit(t, m, "")
	Exec(t, db, "UPDATE session SET session_data = 'no gob'")
	if _, err := m.GetSessionStore(s.SessionID(ctx)); !errors.Is(err, session.ErrCorrupt) {
		t.Errorf("a session that is no gob: %v, want ErrCorrupt", err)
	}
}

// zeroTime turns the number of seconds before it into what session_expiry holds.
var zeroTime = map[string]string{"mysql": "", "postgres": " * interval '1 s' + timestamp 'epoch'"}

func beegoBackend(t testing.TB, e Engine, db *sql.DB, lifetime time.Duration) session.Backend {
	t.Helper()
	b, err := sessionsql.OpenDB(t.Context(), session.BackendConfig{Beego: true, Lifetime: lifetime}, db, e.Dialect())
	check(t, err)
	return b
}

// BeegoContract checks what beego mode keeps of the contract of a Backend: all but versions that count, and what has no
// column. The store makes the table.
func (e Engine) BeegoContract(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Database(t)), t.Context()
	b, other := beegoBackend(t, e, db, time.Hour), beegoBackend(t, e, db, time.Hour)
	about := func(what string, got, want time.Time) {
		t.Helper()
		if d := got.Sub(want); d < 0 || d > table.Resolution {
			t.Errorf("%s expires %v after %v, want up to %v", what, d, want, table.Resolution)
		}
	}
	for _, key := range []string{"", beegoSID + beegoSID + "0", "a b", "a\x00"} {
		rec := &session.Record{Expires: time.Now().Add(time.Hour)}
		for call, err := range map[string]error{
			"Load": b.Load(ctx, key, rec), "Save": b.Save(ctx, key, rec), "Touch": b.Touch(ctx, key, rec.Expires),
			"Delete": b.Delete(ctx, key, 1),
			"Rename": b.(session.Renamer).Rename(ctx, key, 1, beegoSID, rec),
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
	rec := &session.Record{Expires: ends, Data: []byte("data")}
	check(t, b.Create(ctx, beegoSID, rec))
	if err := other.Create(ctx, beegoSID, &session.Record{Expires: ends}); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
	stale := new(session.Record)
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
		"Rename": other.(session.Renamer).Rename(ctx, beegoSID, stale.Version, "new", stale),
	} {
		conflict, ok := errors.AsType[*session.ConflictError](err)
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
	check(t, b.Create(ctx, to, &session.Record{Expires: ends}))
	if err := b.(session.Renamer).Rename(ctx, beegoSID, rec.Version, to, rec); !errors.Is(err, session.ErrExists) {
		t.Errorf("Rename to a sid that is taken: %v, want ErrExists", err)
	}
	check(t, b.Delete(ctx, to, 0))
	rec.Data, rec.Expires = []byte("renamed"), ends
	check(t, b.(session.Renamer).Rename(ctx, beegoSID, rec.Version, to, rec))
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
	if _, ok := session.As[session.UserLister](b); ok {
		t.Error("the table cannot list users")
	}
	if _, ok := session.As[session.UserLimiter](b); ok {
		t.Error("the table cannot limit users")
	}
}

// BeegoExpiry checks that a row ends when beego's GC would remove it, and that a touch keeps it from that.
func (e Engine) BeegoExpiry(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Database(t)), t.Context()
	Exec(t, db, table.Create)
	const lifetime = 2 * time.Second
	b := beegoBackend(t, e, db, lifetime)
	gc := func() { Exec(t, db, table.GC, table.GCSince(lifetime)) }
	for _, sid := range []string{"kept", "left"} {
		check(t, b.Create(ctx, sid, &session.Record{Expires: time.Now().Add(time.Hour)}))
		table.save(t, db, sid, beegoValues)
	}
	rec := new(session.Record)
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

// BeegoWhole checks what concerns the whole table.
func (e Engine) BeegoWhole(t *testing.T, table BeegoTable) {
	db, ctx := e.DB(t, e.Database(t)), t.Context()
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
		check(t, b.Create(ctx, sid, &session.Record{Expires: expires, Data: []byte("x")}))
	}
	var listed []string
	for entry, err := range b.(session.Lister).List(ctx) {
		check(t, err)
		listed = append(listed, entry.Key)
	}
	if !slices.Equal(listed, live) {
		t.Errorf("%d are listed, want %d", len(listed), len(live))
	}
	n, err := b.(session.Counter).Count(ctx)
	if err != nil || n != len(live) {
		t.Errorf("Count = %d, %v, want %d", n, err, len(live))
	}
	// A new session takes the place of one that has expired.
	check(t, b.Create(ctx, fmt.Sprintf("%032x", 0), &session.Record{Expires: time.Now().Add(time.Hour)}))
	if n, err := b.(session.Sweeper).Sweep(ctx); err != nil || n != 549 {
		t.Errorf("Sweep = %d, %v, want 549", n, err)
	}
	if n := Int(t, db, "SELECT count(*) FROM session"); n != len(live)+1 {
		t.Errorf("%d rows are left, want %d", n, len(live)+1)
	}
	check(t, b.(session.Clearer).Clear(ctx))
	if n := Int(t, db, "SELECT count(*) FROM session"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// BeegoWriters has writers on two nodes change one session: nothing is lost.
func (e Engine) BeegoWriters(t *testing.T, table BeegoTable) {
	dsn := e.Database(t)
	Exec(t, e.DB(t, dsn), table.Create)
	var nodes []*session.Manager
	for range 2 {
		nodes = append(nodes, beegoManager(t, e, dsn, session.CfgOpTimeout(time.Minute)))
	}
	s, _ := beegoVisit(t, nodes[0], "")
	sid := s.SessionID(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 25 {
				store, err := nodes[i%2].GetSessionStore(sid)
				if err == nil {
					sess := store.(*session.Session)
					sess.Increment(context.Background(), "n", 1)
					err = sess.Save(context.Background())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s, _ = beegoVisit(t, nodes[1], sid)
	if n := s.Get(t.Context(), "n"); n != int64(200) {
		t.Errorf("after 200 increments n is %v", n)
	}
}
