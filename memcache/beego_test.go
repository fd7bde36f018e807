package memcache_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	client "github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// values is what beego has in a session.
type values = map[any]any

// asBeego stores a session as SessionRelease of beego's provider does.
func asBeego(t testing.TB, c *raw, sid string, v values, seconds int) {
	t.Helper()
	data, err := session.EncodeGob(v)
	must(t, err)
	c.set(sid, string(data), seconds)
}

// wantInBeego reads a session as SessionRead of beego's provider does.
func wantInBeego(t testing.TB, c *raw, sid string, want values) {
	t.Helper()
	got := values{}
	if data := c.value(sid); data != "" {
		var err error
		got, err = session.DecodeGob([]byte(data))
		must(t, err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("beego reads %v, want %v", got, want)
	}
}

func beegoManager(t testing.TB, addr string, opts ...session.ManagerConfigOpt) *session.Manager {
	return newManager(t, addr, append(opts, session.CfgBeego(true), session.CfgMaxLifeTime(600))...)
}

const beegoSID = "0123456789abcdef0123456789abcdef"

// TestBeego has both work on one session in turn.
func TestBeego(t *testing.T) {
	addr := empty(t)
	c, ctx := dial(t, addr), t.Context()
	m := beegoManager(t, addr)
	asBeego(t, c, beegoSID, values{"user": "ann", "n": 1, 7: int64(8)}, 600)

	s, err := m.GetSessionStore(beegoSID)
	must(t, err)
	if user, n := s.Get(ctx, "user"), s.Get(ctx, 7); user != "ann" || n != int64(8) {
		t.Errorf("beego's session has %v and %v", user, n)
	}
	must(t, s.Set(ctx, "n", 2))
	asBeego(t, c, beegoSID, values{"user": "ann", "n": 1, 7: int64(8), "beego": true}, 600) // meanwhile
	must(t, s.(*session.Session).Save(ctx))
	wantInBeego(t, c, beegoSID, values{"user": "ann", "n": 2, 7: int64(8), "beego": true})
	if left := c.left(beegoSID); left < 595 || left > 605 {
		t.Errorf("it lives for %d s, want 600", left)
	}

	// A session that beego has emptied is one, and what is emptied here is one in beego.
	c.set(beegoSID, "", 600)
	s, err = m.GetSessionStore(beegoSID)
	must(t, err)
	must(t, s.Set(ctx, "a", "1"))
	must(t, s.(*session.Session).Save(ctx))
	wantInBeego(t, c, beegoSID, values{"a": "1"})
	must(t, s.Flush(ctx))
	must(t, s.(*session.Session).Save(ctx))
	wantInBeego(t, c, beegoSID, values{})

	must(t, m.GetProvider().SessionDestroy(ctx, beegoSID))
	c.do("get "+beegoSID, "END")
	must(t, s.Set(ctx, "late", "1"))
	if err := s.(*session.Session).Save(ctx); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v, want ErrDestroyed", err)
	}
	c.do("get "+beegoSID, "END")
}

// TestBeegoRequests checks what requests make of a session that beego began: each moves its end, Regenerate gives it
// another sid.
func TestBeegoRequests(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	c, ctx := dial(t, addr), t.Context()
	m := beegoManager(t, proxy.Addr)
	asBeego(t, c, beegoSID, values{"user": "ann"}, 10)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "gosessionid="+beegoSID)

	visit := func(trips int, use func(s *session.Session)) {
		t.Helper()
		proxy.ResetTrips()
		s, err := m.Start(httptest.NewRecorder(), r)
		must(t, err)
		if s.IsNew() {
			t.Fatal("beego's session was not found")
		}
		use(s)
		must(t, s.Save(ctx))
		if got := proxy.Trips(); got != trips {
			t.Errorf("%d trips, want %d", got, trips)
		}
	}
	visit(2, func(s *session.Session) { s.Get(ctx, "user") })
	if left := c.left(beegoSID); left < 595 || left > 605 {
		t.Errorf("after a visit it lives for %d s, want 600", left)
	}
	visit(2, func(s *session.Session) { must(t, s.Set(ctx, "n", 1)) })
	visit(3, func(s *session.Session) { must(t, s.Regenerate(ctx)) })
	c.do("get "+beegoSID, "END")
	_, sid, _ := strings.Cut(r.Header.Get("Cookie"), "gosessionid=")
	sid, _, _ = strings.Cut(sid, ";")
	wantInBeego(t, c, sid, values{"user": "ann", "n": 1})
}

// TestBeegoServers checks that a session is looked for on the server where beego, with the same list, has put it.
func TestBeegoServers(t *testing.T) {
	config := two(t)
	m := beegoManager(t, config)
	c := client.New(strings.Split(config, ";")...)
	defer c.Close()
	for i := range 50 {
		sid := fmt.Sprintf("%032x", i)
		data, err := session.EncodeGob(values{"n": i})
		must(t, err)
		must(t, c.Set(&client.Item{Key: sid, Value: data, Expiration: 600}))
		s, err := m.GetSessionStore(sid)
		must(t, err)
		if n := s.Get(t.Context(), "n"); n != i {
			t.Errorf("session %d has %v", i, n)
		}
	}
}

// TestBeegoExpires checks that a session which memcached has expired is gone.
func TestBeegoExpires(t *testing.T) {
	addr := empty(t)
	c, m := dial(t, addr), beegoManager(t, addr)
	asBeego(t, c, beegoSID, values{"user": "ann"}, 600)
	s, err := m.GetSessionStore(beegoSID)
	must(t, err)
	c.do("touch "+beegoSID+" 1", "TOUCHED") // only now: the first of its seconds is over whenever memcached's clock says so
	for limit := time.Now().Add(10 * time.Second); c.do("mg "+beegoSID, "") != "EN"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("memcached keeps what has expired")
		}
	}
	if _, err := m.GetSessionStore(beegoSID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("GetSessionStore = %v, want ErrNotFound", err)
	}
	must(t, s.Set(t.Context(), "late", "1"))
	if err := s.(*session.Session).Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v, want ErrDestroyed", err)
	}
}
