package redis_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestLostSecond kills a server that has acknowledged what it had not on disk yet, as with appendfsync everysec: all that
// was done after a moment is undone. docs/providers/redis.md says what comes of it.
func TestLostSecond(t *testing.T) {
	t.Parallel()
	server := servertest.StartRedis(t, servertest.RedisOptions{Append: true})
	conflicts := make(chan session.Event, 100)
	m, err := session.New(redis.New(bare(t, server.Addr)), session.NewManagerConfig(
		session.CfgOnConflict(func(_ context.Context, e session.Event) { conflicts <- e })))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	names := []string{"nobody in between", "others before it", "one Session"}
	clients := make(map[string]*http.Cookie)
	for _, name := range append(names, "ended", "untouched") {
		s, w := arrive(t, m, nil)
		must(t, s.Login(t.Context(), "ann"))
		count(t, s)
		clients[name] = w.Result().Cookies()[0]
	}
	kept := logSizes(t, server)
	must(t, bare(t, server.Addr).ConfigSet(t.Context(), "appendfsync", "everysec").Err())

	// The second that is lost: each counts once more, and has a request that goes on; one ends, one begins.
	running := make(map[string]*session.Session)
	for _, name := range names {
		s, _ := arrive(t, m, clients[name])
		count(t, s)
		if name != "one Session" {
			s, _ = arrive(t, m, clients[name])
		}
		if got := s.Get(t.Context(), "n"); got != int64(2) {
			t.Fatalf("%s: n = %v", name, got)
		}
		running[name] = s
	}
	s, _ := arrive(t, m, clients["ended"])
	must(t, s.Logout(t.Context()))
	_, w := arrive(t, m, nil)
	begun := w.Result().Cookies()[0]

	server.Kill(t)
	for name, size := range kept {
		must(t, os.Truncate(name, size))
	}
	server.Start(t)
	for end := time.Now().Add(time.Minute); m.Ping(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server does not answer")
		}
	}
	if len(conflicts) > 0 {
		t.Fatal("a conflict before the crash")
	}

	for i, name := range names {
		if name == "others before it" {
			for range 2 {
				other, _ := arrive(t, m, clients[name])
				must(t, other.Set(t.Context(), "other", i))
				count(t, other)
			}
		}
		want := int64(2) // the one that was kept, and this one; what was lost stays lost
		if name == "others before it" {
			want = 4
		}
		count(t, running[name])
		got, _ := arrive(t, m, clients[name])
		if n := got.Get(t.Context(), "n"); n != want {
			t.Errorf("%s: n = %v, want %d", name, n, want)
		}
		if name == "others before it" && got.Get(t.Context(), "other") != i {
			t.Errorf("%s: what others have stored since is undone", name)
		}
		if len(conflicts) != 1 {
			t.Errorf("%s: %d conflicts, want one", name, len(conflicts))
		}
		for len(conflicts) > 0 {
			<-conflicts
		}
	}
	s, _ = arrive(t, m, clients["ended"])
	if s.User() != "ann" {
		t.Error("the session that ended in that second is not back: docs/providers/redis.md says that it is")
	}
	must(t, s.Logout(t.Context()))
	if s, _ = arrive(t, m, clients["ended"]); s.User() != "" {
		t.Error("it cannot be ended")
	}
	if s, _ = arrive(t, m, begun); !s.IsNew() {
		t.Error("the session that began in that second is there")
	}
	if s, _ = arrive(t, m, clients["untouched"]); s.User() != "ann" || s.Get(t.Context(), "n") != int64(1) {
		t.Error("a session is not as it was before")
	}
}

// arrive starts the session of a cookie, or a new one.
func arrive(t *testing.T, m *session.Manager, c *http.Cookie) (*session.Session, *httptest.ResponseRecorder) {
	t.Helper()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	if c != nil {
		r.AddCookie(c)
	}
	s, err := m.Start(w, r)
	must(t, err)
	return s, w
}

// count adds one to what a session counts.
func count(t *testing.T, s *session.Session) {
	t.Helper()
	if _, err := s.Increment(t.Context(), "n", 1); err != nil {
		t.Fatal(err)
	}
	must(t, s.Save(t.Context()))
}

// logSizes returns how long the files are now that a server appends its writes to.
func logSizes(t *testing.T, server *servertest.Server) map[string]int64 {
	t.Helper()
	conf := bare(t, server.Addr).ConfigGet(t.Context(), "*dir*").Val()
	files, err := filepath.Glob(filepath.Join(conf["dir"], conf["appenddirname"], "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	info, err := os.Stat(files[0])
	must(t, err)
	return map[string]int64{files[0]: info.Size()}
}
