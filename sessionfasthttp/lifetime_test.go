package sessionfasthttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// read makes ctx hold a request as it comes over the wire.
func read(t testing.TB, ctx *fasthttp.RequestCtx, target string, lines ...string) {
	t.Helper()
	head := "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
		t.Fatal(err)
	}
}

// poison overwrites the memory of a RequestCtx, as another request would.
func poison(ctx *fasthttp.RequestCtx) {
	fill := func(b []byte) {
		b = b[:cap(b)]
		for i := range b {
			b[i] = '#'
		}
	}
	q, r := &ctx.Request.Header, &ctx.Response.Header
	for _, lines := range [][][]byte{q.PeekAll("Cookie"), q.PeekAll("X-Sid"), r.PeekAll("Vary"), r.PeekAll("X-Sid")} {
		for _, line := range lines {
			fill(line)
		}
	}
	for name, value := range q.All() { // the names may be fasthttp's own constants
		if string(name) != "Host" {
			fill(value)
		}
	}
	for _, line := range r.Cookies() {
		fill(line)
	}
	fill(ctx.URI().QueryString())
	fill(q.RequestURI())
	fill(q.RawHeaders())
}

func TestNothingOfARequestIsKept(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		lines        []string
		came         bool
	}{
		{"cookie", "/", []string{"Cookie: gosessionid=" + annSID}, true},
		{"two cookies", "/", []string{"Cookie: gosessionid=" + unknown + "; gosessionid=" + annSID}, true},
		{"query", "/?gosessionid=" + annSID, nil, true},
		{"header", "/", []string{"X-Sid: " + annSID}, true},
		{"visitor", "/", []string{"Cookie: theme=dark"}, false},
	} {
		for _, by := range []way{byHandler, byStart} {
			for _, curious := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/curious=%v", tt.name, by, curious), func(t *testing.T) {
					m := newManager(t, append(headerSid, session.CfgEnableSidInURLQuery(true))...)
					ann(t, m)
					ctx := new(fasthttp.RequestCtx)
					read(t, ctx, tt.target, tt.lines...)
					if curious {
						ctx.Request.Header.Cookie("theme")
					}
					var s *session.Session
					h := func(ctx *fasthttp.RequestCtx) {
						var err error
						if s, err = sessionfasthttp.Start(m, ctx); err != nil {
							t.Fatal(err)
						}
					}
					if by == byHandler {
						h = sessionfasthttp.Handler(m, h)
					}
					h(ctx)
					sid := strings.Clone(s.SessionID(t.Context()))
					if tt.came != (sid == annSID) {
						t.Fatal("another session")
					}
					poison(ctx)
					if s.SessionID(t.Context()) != sid {
						t.Error("the sid is in the request's memory")
					}
					poisoned := s.Set(t.Context(), "late", "x")
					if err := errors.Join(poisoned, s.Save(t.Context())); err != nil {
						t.Errorf("Set, Save: %v", err)
					}
					store, err := m.GetSessionStore(sid)
					if err != nil {
						t.Fatal(err)
					}
					if got := store.Get(t.Context(), "late"); got != "x" {
						t.Errorf("late = %v", got)
					}
				})
			}
		}
	}
}

// TestASessionOutlivesItsRequest in goroutines that go on. The RequestCtx serves another visitor by then.
func TestASessionOutlivesItsRequest(t *testing.T) {
	for _, by := range []way{byHandler, byStart} {
		t.Run(string(by), func(t *testing.T) {
			m := newManager(t, session.CfgLazy(true), quiet)
			ann(t, m)
			var late []*session.Session
			h := func(ctx *fasthttp.RequestCtx) {
				s, err := sessionfasthttp.Start(m, ctx)
				if err != nil {
					t.Error(err)
					return
				}
				s.Get(ctx, "user")
				late = append(late, s)
			}
			if by == byHandler {
				h = sessionfasthttp.Handler(m, h)
			}
			ctx := new(fasthttp.RequestCtx)
			for _, line := range []string{"Cookie: gosessionid=" + annSID, "Cookie: theme=dark"} {
				read(t, ctx, "/", line)
				h(ctx)
				poison(ctx)
				ctx.Request.Reset() // as fasthttp does
				ctx.Response.Reset()
			}
			read(t, ctx, "/", "Cookie: theme=light") // another visitor's
			was := ctx.Request.Header.String()

			known, visitor := late[0], late[1]
			bg := context.Background()
			if err := errors.Join(known.Set(bg, "late", true), known.Save(bg)); err != nil {
				t.Error(err)
			}
			if known.Get(bg, "user") != "ann" || known.Get(bg, "late") != true {
				t.Error("the values are not there")
			}
			for name, err := range map[string]error{
				"Set":               visitor.Set(bg, "late", true),
				"Regenerate":        known.Regenerate(bg),
				"Login":             known.Login(bg, "ann"),
				"a visitor's Login": visitor.Login(bg, "ann"),
			} {
				if !errors.Is(err, session.ErrCommitted) {
					t.Errorf("%s: %v, want ErrCommitted", name, err)
				}
			}
			if err := visitor.Save(bg); err != nil {
				t.Error(err)
			}
			if n := m.GetActiveSession(); n != 1 {
				t.Errorf("%d sessions", n)
			}
			if err := known.Logout(bg, "cache"); err != nil || m.GetActiveSession() != 0 {
				t.Errorf("Logout: %v, %d sessions", err, m.GetActiveSession())
			}
			if ctx.Request.Header.String() != was || strings.Contains(ctx.Response.Header.String(), "gosessionid") ||
				len(ctx.Response.Header.Peek("Clear-Site-Data")) > 0 {
				t.Error("another visitor's request was touched")
			}
		})
	}
}

// TestADestroyedSessionStaysGoneAfterItsRequest: that the request is over must not look as if it had logged out itself.
func TestADestroyedSessionStaysGoneAfterItsRequest(t *testing.T) {
	m := newManager(t)
	ann(t, m)
	ctx := new(fasthttp.RequestCtx)
	read(t, ctx, "/", "Cookie: gosessionid="+annSID)
	s, err := sessionfasthttp.Start(m, ctx)
	if err != nil {
		t.Fatal(err)
	}
	ctx.Request.Reset()
	if err := m.GetProvider().SessionDestroy(t.Context(), annSID); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Set(t.Context(), "a", 1), s.Save(t.Context())); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v", err)
	}
}

// TestTwoUsersOnOneConnection take turns, and each request leaves a goroutine behind that goes on with its session.
func TestTwoUsersOnOneConnection(t *testing.T) {
	for _, by := range []way{byHandler, byStart} {
		t.Run(string(by), func(t *testing.T) {
			b := newShaky(t)
			m := newNode(t, b.provider(), quiet)
			var goOn sync.WaitGroup
			address := serveFast(t, m, by, pages{
				"login": func(c *call) (string, error) {
					s, err := c.session()
					if err != nil {
						return "", err
					}
					return "", s.Login(c.ctx, c.arg)
				},
				"user": func(c *call) (string, error) {
					s, err := c.session()
					if err != nil {
						return "", err
					}
					goOn.Go(func() {
						bg := context.Background()
						_, err := s.Increment(bg, "late", 1)
						if err := errors.Join(err, s.Save(bg)); err != nil {
							t.Error(err)
						}
					})
					_, err = s.Increment(c.ctx, "visits", 1)
					return s.User(), err
				},
			})
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			cookies := make(map[string]string)
			visit := func(user, path string) string {
				_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nCookie: gosessionid=%s\r\n\r\n", path, cookies[user])
				if err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				for _, c := range res.Cookies() {
					cookies[user] = c.Value
				}
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return string(body)
			}
			visit("ann", "/login/ann")
			visit("bob", "/login/bob")
			const rounds = 50
			for range rounds {
				for _, user := range []string{"ann", "bob"} {
					if got := visit(user, "/user"); got != user {
						t.Fatalf("%s is %q", user, got)
					}
				}
			}
			goOn.Wait()
			for user, sid := range cookies {
				s, err := m.GetSessionStore(sid)
				if err != nil {
					t.Fatal(err)
				}
				if v, l := s.Get(t.Context(), "visits"), s.Get(t.Context(), "late"); v != int64(rounds) || l != int64(rounds) {
					t.Errorf("%s: %v visits, %v late", user, v, l)
				}
			}
			if n := b.records(t); n != 2 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// TestASealedSessionOutlivesItsRequest and can be read, but every change would need the cookie.
func TestASealedSessionOutlivesItsRequest(t *testing.T) {
	m := newNode(t, cookie.New(), quiet, sealed)
	ctx := new(fasthttp.RequestCtx)
	read(t, ctx, "/")
	s, err := sessionfasthttp.Start(m, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(ctx, "a", 1); err != nil {
		t.Fatal(err)
	}
	poison(ctx)
	ctx.Request.Reset()
	if err := s.Set(t.Context(), "a", 2); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Set: %v", err)
	}
	if got := s.Get(t.Context(), "a"); got != 1 {
		t.Errorf("a = %v", got)
	}
}
