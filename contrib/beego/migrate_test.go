package sessionbeego_test

import (
	"context"
	"encoding/gob"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	beegosession "github.com/beego/beego/v2/server/web/session"
	_ "github.com/beego/beego/v2/server/web/session/memcache"
	_ "github.com/beego/beego/v2/server/web/session/mysql"
	_ "github.com/beego/beego/v2/server/web/session/postgres"
	_ "github.com/beego/beego/v2/server/web/session/redis"
	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	_ "github.com/seed1a8f7c28/session/memcache"
	_ "github.com/seed1a8f7c28/session/mysql"
	_ "github.com/seed1a8f7c28/session/postgres"
)

// A place is where beego has its sessions.
type place struct {
	provider string // the name, of beego's and of this module's
	config   func(t testing.TB) string
}

var places = []place{
	{"file", func(t testing.TB) string { return t.TempDir() }},
	{"redis", func(t testing.TB) string { return servertest.Redis(t).Addr }},
	{"memcache", func(t testing.TB) string { return servertest.Memcached(t).Addr }},
	{"mysql", func(t testing.TB) string {
		s := servertest.MariaDB(t)
		dsn := s.DSN(s.NewDatabase(t))
		exec(t, "mysql", dsn, beegoMySQL)
		return dsn
	}},
	{"postgresql", func(t testing.TB) string {
		s := servertest.Postgres(t)
		dsn := s.DSN(s.NewDatabase(t))
		exec(t, "postgres", dsn, beegoPostgres)
		return dsn
	}},
}

// The tables as beego's packages document them.
const (
	beegoMySQL = "CREATE TABLE `session` (`session_key` char(64) NOT NULL, `session_data` blob, " +
		"`session_expiry` int(11) unsigned NOT NULL, PRIMARY KEY (`session_key`)) ENGINE=MyISAM DEFAULT CHARSET=utf8"
	beegoPostgres = "CREATE TABLE session (session_key char(64) NOT NULL, session_data bytea, " +
		"session_expiry timestamp NOT NULL, CONSTRAINT session_key PRIMARY KEY(session_key))"
)

// A cart is a type of the application's own.
type cart struct {
	Items map[string]int
	Since time.Time
}

func init() { gob.Register(cart{}) }

// values are what an application has in a session.
func values() map[any]any {
	return map[any]any{
		"username": "astaxie", "uid": 42, "visits": int64(1) << 40, "admin": true, "rate": 1.5, "raw": []byte{0, 1, 2},
		"cart": cart{map[string]int{"tea": 2}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, 7: "an int as the key",
		"roles": []string{"a", "b"}, "since": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "": "", "nested": map[string]any{"a": 1},
	}
}

func init() {
	for _, v := range []any{time.Time{}, []string{}, map[string]any{}} {
		gob.Register(v)
	}
}

// A world is one store with beego's manager and ours on it.
type world struct {
	place
	theirs *beegosession.Manager
	ours   *session.Manager
}

func open(t testing.TB, p place, lifetime int) *world {
	t.Helper()
	config := p.config(t)
	theirs, err := beegosession.NewManager(p.provider, &beegosession.ManagerConfig{
		CookieName: "gosessionid", EnableSetCookie: true, Gclifetime: int64(lifetime), Maxlifetime: int64(lifetime),
		ProviderConfig: config,
	})
	must(t, err)
	ours, err := session.NewManager(p.provider, session.NewManagerConfig(
		session.CfgBeego(true), session.CfgCookieName("gosessionid"), session.CfgGcLifeTime(int64(lifetime)),
		session.CfgMaxLifeTime(int64(lifetime)), session.CfgProviderConfig(config), session.CfgTouchInterval(-1),
	))
	must(t, err)
	t.Cleanup(func() { ours.Close() })
	return &world{p, theirs, ours}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func request(sid string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if sid != "" {
		r.Header.Set("Cookie", "gosessionid="+sid)
	}
	return r
}

// inBeego handles a request with beego's manager, and returns the session's sid.
func (w *world) inBeego(t testing.TB, sid string, do func(s beegosession.Store)) string {
	t.Helper()
	s, err := w.theirs.SessionStart(httptest.NewRecorder(), request(sid))
	must(t, err)
	do(s)
	s.SessionRelease(context.Background(), httptest.NewRecorder())
	if got := s.SessionID(t.Context()); sid != "" && got != sid {
		t.Errorf("beego did not find the session")
	}
	return s.SessionID(t.Context())
}

// here handles a request with our manager.
func (w *world) here(t testing.TB, sid string, do func(s *session.Session)) {
	t.Helper()
	s, err := w.ours.Start(httptest.NewRecorder(), request(sid))
	must(t, err)
	if s.IsNew() || s.SessionID(t.Context()) != sid {
		t.Fatal("the session was not found")
	}
	do(s)
	must(t, s.Save(t.Context()))
}

// begin has beego begin a session with values.
func (w *world) begin(t testing.TB) string {
	t.Helper()
	return w.inBeego(t, "", func(s beegosession.Store) {
		for k, v := range values() {
			must(t, s.Set(t.Context(), k, v))
		}
	})
}

func (w *world) wantHere(t testing.TB, sid string, want map[any]any) {
	t.Helper()
	w.here(t, sid, func(s *session.Session) {
		if n, err := s.Len(t.Context()); n != len(want) || err != nil {
			t.Errorf("%d values, %v, want %d", n, err, len(want))
		}
		for k, v := range want {
			if got := s.Get(t.Context(), k); !equal(got, v) {
				t.Errorf("%v is %#v, want %#v", k, got, v)
			}
		}
	})
}

func (w *world) wantInBeego(t testing.TB, sid string, want map[any]any) {
	t.Helper()
	w.inBeego(t, sid, func(s beegosession.Store) {
		for k, v := range want {
			if got := s.Get(t.Context(), k); !equal(got, v) {
				t.Errorf("in beego %v is %#v, want %#v", k, got, v)
			}
		}
	})
}

func (w *world) existsInBeego(t testing.TB, sid string) bool {
	t.Helper()
	there, err := w.theirs.GetProvider().SessionExist(t.Context(), sid)
	if !errors.Is(err, memcache.ErrCacheMiss) { // which beego takes for an error
		must(t, err)
	}
	return there
}

// each runs a test for each place.
func each(t *testing.T, lifetime int, test func(t *testing.T, w *world)) {
	for _, p := range places {
		t.Run(p.provider, func(t *testing.T) { test(t, open(t, p, lifetime)) })
	}
}

// TestSideBySide has nodes of beego and of ours serve the same sessions.
func TestSideBySide(t *testing.T) {
	each(t, 3600, func(t *testing.T, w *world) {
		ctx, sid, want := t.Context(), w.begin(t), values()
		w.wantHere(t, sid, want)

		w.here(t, sid, func(s *session.Session) {
			must(t, s.Set(ctx, "uid", 43))
			must(t, s.Delete(ctx, "admin"))
			must(t, s.Set(ctx, "of ours", int32(1)))
		})
		want["uid"], want["of ours"] = 43, int32(1)
		delete(want, "admin")
		w.wantInBeego(t, sid, want)

		w.inBeego(t, sid, func(s beegosession.Store) {
			if s.Get(ctx, "admin") != nil {
				t.Error("what was deleted here is in beego")
			}
			must(t, s.Set(ctx, "of beego", "1"))
		})
		want["of beego"] = "1"
		w.wantHere(t, sid, want)

		// beego changes it while a request here has it open.
		w.here(t, sid, func(s *session.Session) {
			must(t, s.Set(ctx, "at the same time here", 1))
			w.inBeego(t, sid, func(s beegosession.Store) { must(t, s.Set(ctx, "at the same time in beego", 1)) })
		})
		want["at the same time here"], want["at the same time in beego"] = 1, 1
		w.wantHere(t, sid, want)
		w.wantInBeego(t, sid, want)

		// A session that beego has begun and put nothing into is one, too.
		empty := w.inBeego(t, "", func(beegosession.Store) {})
		w.wantHere(t, empty, nil)
		w.here(t, empty, func(s *session.Session) { must(t, s.Set(ctx, "a", "b")) })
		w.wantInBeego(t, empty, map[any]any{"a": "b"})
		w.here(t, empty, func(s *session.Session) { must(t, s.Delete(ctx, "a")) })
		w.inBeego(t, empty, func(s beegosession.Store) {
			if s.Get(ctx, "a") != nil {
				t.Error("what was deleted here is in beego")
			}
		})
		w.wantHere(t, empty, nil)
	})
}

// TestAtOnce has nodes of beego and of ours serve the same session at the same time. Changes may be lost, because beego writes
// whole sessions. The visitor stays logged in on both. With files that takes care, because beego does not replace a session
// in one step.
func TestAtOnce(t *testing.T) {
	w := open(t, places[0], 3600)
	ctx, sid := t.Context(), w.begin(t)
	var nodes sync.WaitGroup
	var done atomic.Bool
	nodes.Go(func() {
		defer done.Store(true)
		for i := range 500 {
			s, err := w.theirs.SessionStart(httptest.NewRecorder(), request(sid))
			if err != nil {
				t.Error("in beego:", err)
				return
			}
			if s.Get(ctx, "username") != "astaxie" {
				t.Error("in beego the visitor is logged out")
				return
			}
			if err := s.Set(ctx, "of beego", i); err != nil {
				t.Error(err)
			}
			s.SessionRelease(ctx, httptest.NewRecorder())
		}
	})
	for range 2 {
		nodes.Go(func() {
			for i := 0; !done.Load(); i++ {
				s, err := w.ours.Start(httptest.NewRecorder(), request(sid))
				if err != nil {
					t.Error(err)
					return
				}
				if s.GetStringDefault(ctx, "username", "") != "astaxie" {
					t.Error("the visitor is logged out")
					return
				}
				if i%3 == 0 { // the others only move the deadline
					if err := s.Set(ctx, "of ours", i); err != nil {
						t.Error(err)
					}
				}
				if err := s.Save(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	nodes.Wait()
}

// TestNewSids regenerates and destroys on either side.
func TestNewSids(t *testing.T) {
	each(t, 3600, func(t *testing.T, w *world) {
		ctx, sid := t.Context(), w.begin(t)
		r := request(sid)
		s, err := w.ours.Regenerate(httptest.NewRecorder(), r)
		must(t, err)
		must(t, s.Set(ctx, "uid", 43))
		must(t, s.Save(ctx))
		next := s.SessionID(ctx)
		if next == sid || w.existsInBeego(t, sid) {
			t.Error("the old sid is still one in beego")
		}
		want := values()
		want["uid"] = 43
		w.wantInBeego(t, next, want)

		last := next
		if w.provider != "memcache" { // where beego's own crashes
			theirs, err := w.theirs.SessionRegenerateID(httptest.NewRecorder(), request(next))
			must(t, err)
			theirs.SessionRelease(ctx, httptest.NewRecorder())
			if _, err := w.ours.GetSessionStore(next); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("the old sid: %v", err)
			}
			last = theirs.SessionID(ctx)
			w.wantHere(t, last, want)
		}

		late, err := w.ours.Start(httptest.NewRecorder(), request(last))
		must(t, err)
		w.theirs.SessionDestroy(httptest.NewRecorder(), request(last))
		must(t, late.Set(ctx, "uid", 44))
		if err := late.Save(ctx); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Save of what beego has destroyed: %v", err)
		}
		sid = w.begin(t)
		must(t, w.ours.Destroy(httptest.NewRecorder(), request(sid)))
		if w.existsInBeego(t, sid) {
			t.Error("beego still has what was destroyed here")
		}
	})
}

// TestKeptAlive keeps a session that beego has begun alive past its lifetime, by reading it. That is so long that a machine
// with much else to do reads in time, also where only whole seconds count.
func TestKeptAlive(t *testing.T) {
	each(t, 8, func(t *testing.T, w *world) {
		t.Parallel() // they wait most of the time
		kept, left := w.begin(t), w.begin(t)
		gone := func() bool {
			w.theirs.GetProvider().SessionGC(t.Context())
			return !w.existsInBeego(t, left)
		}
		for limit := time.Now().Add(time.Minute); !gone(); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatal("what nobody uses does not end")
			}
			w.here(t, kept, func(*session.Session) {})
		}
		if _, err := w.ours.GetSessionStore(left); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("what nobody has used: %v", err)
		}
		w.wantHere(t, kept, values())
		w.wantInBeego(t, kept, values())
	})
}

// TestBegunHere checks that beego takes a session that was begun here.
func TestBegunHere(t *testing.T) {
	each(t, 3600, func(t *testing.T, w *world) {
		s, err := w.ours.Start(httptest.NewRecorder(), request(""))
		must(t, err)
		must(t, s.Set(t.Context(), "a", "b"))
		must(t, s.Save(t.Context()))
		sid := s.SessionID(t.Context())
		if theirs := w.begin(t); len(sid) != len(theirs) || strings.ToLower(sid) != sid {
			t.Errorf("a sid here has %d characters, in beego %d", len(sid), len(theirs))
		}
		w.wantInBeego(t, sid, map[any]any{"a": "b"})
	})
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
