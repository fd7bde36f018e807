package redis_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// beegoStored returns what beego's redis provider stores for {"username": "astaxie", "count": 41, 7: int64(1)<<40,
// "admin": true}: the map as encoding/gob writes it.
func beegoStored(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/beego.hex")
	must(t, err)
	value, err := hex.DecodeString(string(bytes.Join(bytes.Fields(text), nil)))
	must(t, err)
	return string(value)
}

const beegoSID = "0123456789abcdef0123456789abcdef"

// beegoManager returns a manager in beego mode, and what makes a request with the cookie of a sid.
func beegoManager(t testing.TB, addr string, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	opts = append(opts, session.CfgBeego(true), session.CfgProviderConfig(addr), session.CfgMaxLifeTime(3600))
	m, err := session.New(session.NewProvider(redis.Open), session.NewManagerConfig(opts...))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func visit(t testing.TB, m *session.Manager, sid string) (*session.Session, *http.Request) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if sid != "" {
		r.Header.Set("Cookie", "gosessionid="+sid)
	}
	s, err := m.Start(httptest.NewRecorder(), r)
	must(t, err)
	return s, r
}

// TestBeego reads what beego has stored, and stores what beego can read.
func TestBeego(t *testing.T) {
	addr := empty(t)
	c, ctx := bare(t, addr), t.Context()
	must(t, c.Set(ctx, beegoSID, beegoStored(t), 30*time.Minute).Err())
	m := beegoManager(t, addr)
	s, _ := visit(t, m, beegoSID)
	for key, want := range map[any]any{"username": "astaxie", "count": 41, 7: int64(1) << 40, "admin": true} {
		if got := s.Get(ctx, key); got != want {
			t.Errorf("%v is %#v, want %#v", key, got, want)
		}
	}
	if s.SessionID(ctx) != beegoSID {
		t.Error("the session has another sid")
	}
	must(t, s.Set(ctx, "new", "value"))
	must(t, s.Delete(ctx, "count"))
	must(t, s.Save(ctx))

	stored, err := c.Get(ctx, beegoSID).Bytes()
	must(t, err)
	values, err := session.DecodeGob(stored) // as beego does
	must(t, err)
	if len(values) != 4 || values["new"] != "value" || values["username"] != "astaxie" || values["count"] != nil {
		t.Errorf("stored %v", values)
	}
	if ttl := c.TTL(ctx, beegoSID).Val(); ttl < 59*time.Minute || ttl > time.Hour {
		t.Errorf("it lives for %v, want maxLifetime", ttl)
	}
	if n := c.DBSize(ctx).Val(); n != 1 {
		t.Errorf("there are %d keys, want the session's alone", n)
	}
	// beego saves in between: the changes of both stay.
	s, _ = visit(t, m, beegoSID)
	values["of beego"] = 1
	theirs, err := session.EncodeGob(values)
	must(t, err)
	must(t, c.Set(ctx, beegoSID, theirs, time.Hour).Err())
	must(t, s.Set(ctx, "of ours", 2))
	must(t, s.Save(ctx))
	s, r := visit(t, m, beegoSID)
	if s.Get(ctx, "of beego") != 1 || s.Get(ctx, "of ours") != 2 {
		t.Errorf("of beego %v, of ours %v", s.Get(ctx, "of beego"), s.Get(ctx, "of ours"))
	}
	must(t, s.Regenerate(ctx))
	if n := c.Exists(ctx, beegoSID).Val(); n != 0 {
		t.Error("the old sid is still there")
	}
	if n := c.Exists(ctx, s.SessionID(ctx)).Val(); n != 1 {
		t.Error("the new sid is not there")
	}
	must(t, m.Destroy(httptest.NewRecorder(), r))
	if n := c.DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// TestBeegoOddities is about what else can be under a sid.
func TestBeegoOddities(t *testing.T) {
	addr := empty(t)
	c, ctx := bare(t, addr), t.Context()
	m := beegoManager(t, addr, session.CfgTouchInterval(-1))
	// beego's SessionRegenerate of an unknown sid stores nothing under the new one.
	must(t, c.Set(ctx, beegoSID, "", time.Hour).Err())
	s, _ := visit(t, m, beegoSID)
	if s.SessionID(ctx) != beegoSID {
		t.Error("an empty session was not found")
	}
	must(t, s.Set(ctx, "n", 1))
	must(t, s.Save(ctx))
	// With a lifetime of 0 beego stores without an expiry. A visit gives it one.
	must(t, c.Persist(ctx, beegoSID).Err())
	s, _ = visit(t, m, beegoSID)
	if s.Get(ctx, "n") != 1 {
		t.Errorf("n is %v", s.Get(ctx, "n"))
	}
	must(t, s.Save(ctx))
	if ttl := c.TTL(ctx, beegoSID).Val(); ttl < 59*time.Minute || ttl > time.Hour {
		t.Errorf("it lives for %v, want maxLifetime", ttl)
	}
	// What is no gob is an error, and stays.
	must(t, c.Set(ctx, beegoSID, "no gob", time.Hour).Err())
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "gosessionid="+beegoSID)
	if _, err := m.Start(httptest.NewRecorder(), r); !errors.Is(err, session.ErrCorrupt) {
		t.Errorf("Start = %v, want an error wrapping ErrCorrupt", err)
	}
	// A list is none of ours.
	must(t, c.Del(ctx, beegoSID).Err())
	must(t, c.LPush(ctx, beegoSID, "x").Err())
	if _, err := m.Start(httptest.NewRecorder(), r); err == nil || errors.Is(err, session.ErrNotFound) || strings.Contains(err.Error(), beegoSID) {
		t.Errorf("Start = %v", err)
	}
}

// TestBeegoContract checks what the mode keeps of the contract: all but versions that count.
func TestBeegoContract(t *testing.T) {
	addr := empty(t)
	b := opened(t, redis.Open, driver.Config{Config: addr, Beego: true, Lifetime: time.Hour})
	other := opened(t, redis.Open, driver.Config{Config: addr, Beego: true, Lifetime: time.Hour})
	ctx := t.Context()
	rec := newRecord("")
	must(t, b.Create(ctx, beegoSID, rec))
	if err := other.Create(ctx, beegoSID, newRecord("")); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
	stale := new(driver.Record)
	must(t, other.Load(ctx, beegoSID, stale))
	if stale.Version != rec.Version || stale.Version == 0 || !stale.Expires.Equal(rec.Expires) || string(stale.Data) != "data" {
		t.Errorf("loaded %+v, created %+v", stale, rec)
	}
	rec.Data = []byte("second")
	rec.Expires = rec.Expires.Add(-time.Minute)
	must(t, b.Save(ctx, beegoSID, rec))
	stale.Data = []byte("lost")
	for call, err := range map[string]error{
		"Save":   other.Save(ctx, beegoSID, stale),
		"Delete": other.Delete(ctx, beegoSID, stale.Version),
	} {
		conflict, ok := errors.AsType[*driver.ConflictError](err)
		if !ok || string(conflict.Record.Data) != "second" || conflict.Record.Version != rec.Version ||
			!conflict.Record.Expires.Equal(stale.Expires) {
			t.Errorf("%s = %v, want a *ConflictError with what is stored, which expires no earlier", call, err)
		}
	}
	rec.Shorten = true
	must(t, b.Save(ctx, beegoSID, rec))
	must(t, b.Touch(ctx, beegoSID, rec.Expires.Add(-time.Hour/2)))
	must(t, other.Load(ctx, beegoSID, stale))
	if !stale.Expires.Equal(rec.Expires) {
		t.Errorf("expires at %v, want %v: Save shortened it and Touch must not", stale.Expires, rec.Expires)
	}
	must(t, b.Touch(ctx, beegoSID, rec.Expires.Add(time.Hour)))
	must(t, other.Load(ctx, beegoSID, stale))
	if !stale.Expires.Equal(rec.Expires.Add(time.Hour)) {
		t.Errorf("after a touch it expires at %v", stale.Expires)
	}
	must(t, b.Delete(ctx, beegoSID, rec.Version))
	must(t, b.Delete(ctx, beegoSID, 0))
	for call, err := range map[string]error{
		"Load":   b.Load(ctx, beegoSID, rec),
		"Save":   b.Save(ctx, beegoSID, rec),
		"Touch":  b.Touch(ctx, beegoSID, rec.Expires),
		"Delete": b.Delete(ctx, beegoSID, rec.Version),
	} {
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s of what is gone = %v, want ErrNotFound", call, err)
		}
	}
}

// TestBeegoWriters has writers on two nodes change one session: nothing is lost.
func TestBeegoWriters(t *testing.T) {
	addr := empty(t)
	nodes := []*session.Manager{
		beegoManager(t, addr, session.CfgOpTimeout(time.Minute)), beegoManager(t, addr, session.CfgOpTimeout(time.Minute)),
	}
	s, _ := visit(t, nodes[0], "")
	sid := s.SessionID(t.Context())
	proctest.TestNodes(t, sid, nodes...)
}

// TestBeegoManager runs the kit in beego mode.
func TestBeegoManager(t *testing.T) {
	h := harness(redis.Open, empty)
	h.Beego = true
	sessiontest.Run(t, h)
}
