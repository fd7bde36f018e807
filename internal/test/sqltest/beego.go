package sqltest

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A BeegoTable is the table of beego's provider, as beego's documentation defines it, and what the provider does with it.
type BeegoTable struct {
	Create     string        // the CREATE statement
	Save       string        // the statement of a save, for values, time and sid
	SavedAt    func() any    // the current time as beego's provider writes it
	Resolution time.Duration // of session_expiry: a stored deadline may be later by this much
	GC         string        // the statement of beego's GC, for the lifetime or for the earliest time of a live row
	GCSince    func(lifetime time.Duration) any
}

const beegoSID = "0123456789abcdef0123456789abcdef"

// beegoValues contain every kind of value that a beego application can store without registering a type.
var beegoValues = map[any]any{"username": "astaxie", "count": 41, 7: int64(1) << 40, "admin": true, 1.5: []byte("x")}

// save stores values as SessionRelease of beego's provider does.
func (b BeegoTable) save(t testing.TB, db *sql.DB, sid string, values map[any]any) {
	t.Helper()
	data, err := session.EncodeGob(values)
	check(t, err)
	Exec(t, db, b.Save, data, b.SavedAt(), sid)
}

// wantInBeego checks the values that SessionRead of beego's provider would read.
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

// Beego lets beego and a manager in beego mode work on the same sessions alternately.
func (e Engine) Beego(t *testing.T, table BeegoTable) {
	dsn := e.Empty(t)
	db, ctx := e.DB(t, dsn), t.Context()
	_, err := session.New(e.Provider(), session.NewManagerConfig(session.CfgBeego(true),
		session.CfgProviderConfig(fmt.Sprintf(`{"dsn": %q, "schema": "check"}`, dsn))))
	if err == nil || !strings.Contains(err.Error(), "run the statements of schema.beego.sql of package ") {
		t.Errorf("without the table: %v", err)
	}
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

	// beego saves in between. Both changes must stay.
	s, _ = beegoVisit(t, m, beegoSID)
	check(t, s.Set(ctx, "of ours", 2))
	table.save(t, db, beegoSID, map[any]any{"of beego": 1})
	check(t, s.Save(ctx))
	wantInBeego(t, db, beegoSID, map[any]any{"of beego": 1, "of ours": 2})

	// Setting a value to its previous value changes nothing, even in the same second.
	for range 3 {
		s, _ = beegoVisit(t, m, beegoSID)
		check(t, s.Set(ctx, "of ours", 2))
		check(t, s.Save(ctx))
	}

	// An empty session is a session for both.
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

	// The row now has the new sid, and none has the old one.
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

	// Data that is not a gob leads to an error, and stays.
	s, _ = beegoVisit(t, m, "")
	Exec(t, db, "UPDATE session SET session_data = 'no gob'")
	if _, err := m.GetSessionStore(s.SessionID(ctx)); !errors.Is(err, session.ErrCorrupt) {
		t.Errorf("a session that is no gob: %v, want ErrCorrupt", err)
	}
}

// zeroTime is an SQL suffix that turns a number of seconds into a value for session_expiry.
var zeroTime = map[string]string{"mysql": "", "postgres": " * interval '1 s' + timestamp 'epoch'"}

// BeegoWriters lets writers on two nodes change one session, and checks that nothing is lost.
func (e Engine) BeegoWriters(t *testing.T, table BeegoTable) {
	dsn := e.Empty(t)
	Exec(t, e.DB(t, dsn), table.Create)
	var nodes []*session.Manager
	for range 2 {
		nodes = append(nodes, beegoManager(t, e, dsn, session.CfgOpTimeout(time.Minute)))
	}
	s, _ := beegoVisit(t, nodes[0], "")
	sid := s.SessionID(t.Context())
	proctest.TestNodes(t, sid, nodes...)
}

// BeegoCut cuts connections in the middle of answers, and checks that no change is made twice, although versions are
// hashes.
func (e Engine) BeegoCut(t *testing.T) {
	proxy, dsn := e.proxied(t)
	faulttest.Run(t, faulttest.Setup{
		Fails: faulttest.Some,
		Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
			opts = append(opts, session.CfgBeego(true), session.CfgProviderConfig(dsn))
			return session.New(e.Provider(), session.NewManagerConfig(opts...))
		},
	}, faulttest.Cut(proxy, (*servertest.Proxy).ResetAfter))
}

// BeegoLongSID configures sids that are too long for beego's column, and checks that the error names the setting.
func (e Engine) BeegoLongSID(t *testing.T) {
	dsn := e.Empty(t)
	for _, tt := range []struct {
		length  int64
		prefix  int
		field   string
		longest bool // of a generator
	}{
		{length: 32},
		{length: 33, field: "sessionIDLength"},
		{length: 64, field: "sessionIDLength"},
		{length: 16, prefix: 32},
		{length: 17, prefix: 31, field: "sessionIDLength"},
		{length: 16, prefix: 33, field: "sessionIDPrefix"},
		{prefix: 48, longest: true},
		{prefix: 49, longest: true, field: "sessionIDPrefix"},
	} {
		opts := []session.ManagerConfigOpt{
			session.CfgBeego(true), session.CfgProviderConfig(dsn), session.CfgSessionIdLength(tt.length),
			session.CfgSessionIdPrefix(strings.Repeat("p", tt.prefix)),
		}
		if tt.longest {
			opts = append(opts, session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return strings.ToLower(rand.Text())[:16], nil }))
		}
		m, err := session.New(e.Provider(), session.NewManagerConfig(opts...))
		wrong, _ := errors.AsType[*session.ConfigError](err)
		switch {
		case tt.field == "" && err == nil:
			visitor(t, m)
		case tt.field == "" || wrong == nil || wrong.Field != tt.field:
			t.Errorf("%d bytes, a prefix of %d: New = %v, want an error of %q", tt.length, tt.prefix, err, tt.field)
		}
		if err == nil {
			m.Close()
		}
	}
	long := Manager(t, e.Provider(), session.CfgProviderConfig(dsn), session.CfgSessionIdLength(64)) // sids are hashed there
	visitor(t, long)
}
