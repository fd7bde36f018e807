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
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// current returns the session of a request under Handler.
func current(t testing.TB, m *session.Manager, ctx *fasthttp.RequestCtx) *session.Session {
	t.Helper()
	s, err := m.FromContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t testing.TB, s *session.Session, key, value any) {
	t.Helper()
	if err := s.Set(context.Background(), key, value); err != nil {
		t.Error(err)
	}
}

// visit makes one request as a client with a cookie.
func visit(t testing.TB, address, sid string) (res *http.Response, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+address+"/page?a=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if sid != "" {
		r.Header.Set("Cookie", "gosessionid="+sid)
	}
	res, err = http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// values returns what is stored under ann's sid.
func values(t testing.TB, m *session.Manager, keys ...string) (got []any) {
	t.Helper()
	s, err := m.GetSessionStore(annSID)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		got = append(got, s.Get(t.Context(), key))
	}
	return got
}

// eventually waits for what happens after the response.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not " + what)
		}
	}
}

type valueKey struct{}

func TestAHandlerInsideAnotherAndTwoManagers(t *testing.T) {
	one, two := newManager(t), newManager(t, session.CfgCookieName("other"))
	ann(t, one)
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(one, sessionfasthttp.Handler(two,
		sessionfasthttp.Handler(one, func(ctx *fasthttp.RequestCtx) {
			set(t, current(t, one, ctx), "a", 1)
			set(t, current(t, two, ctx), "a", 2)
			started, err := sessionfasthttp.Start(one, ctx)
			if err != nil || started != current(t, one, ctx) {
				t.Error("Start returns another Session", err)
			}
			inner, err := one.FromContext(context.WithValue(ctx, valueKey{}, "value"))
			if err != nil || inner != started {
				t.Error("a context made from the RequestCtx leads to another Session", err)
			}
		})))})
	res, _ := visit(t, address, annSID)
	if len(res.Cookies()) != 1 || res.Cookies()[0].Name != "other" || two.GetActiveSession() != 1 {
		t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
	}
	if got := values(t, one, "a"); got[0] != 1 {
		t.Errorf("a = %v", got)
	}
	if _, err := one.FromContext(new(fasthttp.RequestCtx)); err == nil {
		t.Error("a session without Handler")
	}
}

// TestAPanicSavesNothing but a logout that is true already reaches the client, if somebody answers.
func TestAPanicSavesNothing(t *testing.T) {
	for _, logout := range []bool{false, true} {
		m := newManager(t)
		ann(t, m)
		var kept *session.Session
		h := sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
			kept = current(t, m, ctx)
			set(t, kept, "half", true)
			if logout {
				if err := sessionfasthttp.Destroy(m, ctx); err != nil {
					t.Error(err)
				}
			}
			panic("half way")
		})
		address, stop := serveFastHandler(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not arrive")
				}
				ctx.Error("oops", fasthttp.StatusInternalServerError)
				if len(ctx.Response.Header.Peek("Set-Cookie")) > 0 {
					t.Error("Error keeps headers")
				}
			}()
			defer func() {
				if deletes := strings.Contains(ctx.Response.Header.String(), "gosessionid=; "); deletes != logout {
					t.Errorf("logout %v: the cookie is deleted: %v", logout, deletes)
				}
			}()
			h(ctx)
		}})
		if res, _ := visit(t, address, annSID); res.StatusCode != http.StatusInternalServerError {
			t.Errorf("status %d", res.StatusCode)
		}
		stop()
		if !logout {
			if got := values(t, m, "user", "half"); got[0] != "ann" || got[1] != nil {
				t.Errorf("stored: %v", got)
			}
		} else if m.GetActiveSession() != 0 {
			t.Error("still there")
		}
	}
}

// own are headers that a handler sets for its own response, wrong with any other.
var own = map[string]string{
	"Content-Type": "application/pdf", "Content-Encoding": "gzip", "Content-Disposition": "attachment",
	"Content-Language": "de", "Location": "/next", "Etag": `"abc"`, "Cache-Control": "public", "Expires": "0",
}

func TestAFailedSaveIsAnswered(t *testing.T) {
	for _, custom := range []bool{false, true} {
		for _, kind := range []string{"body", "stream", "hijack"} {
			for _, sid := range []string{"", annSID} {
				t.Run(fmt.Sprintf("ErrorHandler=%v/%s/%v", custom, kind, sid != ""), func(t *testing.T) {
					b := newShaky(t)
					opts := []session.ManagerConfigOpt{quiet}
					var handled []error
					if custom {
						opts = append(opts, session.CfgErrorHandler(func(w http.ResponseWriter, r *http.Request, err error) {
							handled = append(handled, err)
							w.Header().Set("Retry-After", "5")
							http.Error(w, fmt.Sprint("custom: ", r.Method, " ", r.URL, " ", r.Host != "", r.Header["X-Mine"], r.RemoteAddr != ""), http.StatusTeapot)
						}))
					}
					m := newNode(t, b.provider(), opts...)
					ann(t, m)
					before := b.records(t)
					address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
						set(t, current(t, m, ctx), "a", 1)
						ctx.Request.Header.Set("X-Mine", "1")
						ctx.SetStatusCode(fasthttp.StatusSeeOther)
						for name, value := range own {
							ctx.Response.Header.Set(name, value)
						}
						ctx.Response.Header.Set("X-Frame-Options", "DENY")
						switch kind {
						case "body":
							ctx.SetBodyString("hello")
						case "stream":
							ctx.SetBodyStreamWriter(func(w *bufio.Writer) { fmt.Fprint(w, "hello") })
						case "hijack":
							ctx.Hijack(func(net.Conn) { t.Error("hijacked") })
						}
						b.down.Store(true)
					})})
					res, body := visit(t, address, sid)
					b.down.Store(false)
					status, want := http.StatusServiceUnavailable, "Service Unavailable\n"
					if custom {
						status, want = http.StatusTeapot, "custom: GET /page?a=1 true [1] true\n"
						if len(handled) != 1 || !errors.Is(handled[0], errDown) || res.Header.Get("Retry-After") != "5" {
							t.Errorf("ErrorHandler was given %v; Retry-After %q", handled, res.Header["Retry-After"])
						}
					}
					if res.StatusCode != status || body != want || res.ContentLength != int64(len(want)) {
						t.Errorf("status %d, body %q of %d bytes", res.StatusCode, body, res.ContentLength)
					}
					for name, value := range own {
						if got := res.Header[name]; len(got) > 1 || len(got) > 0 && got[0] == value {
							t.Errorf("%s: %q", name, got)
						}
					}
					if res.Header.Get("X-Frame-Options") != "DENY" || res.Header["Set-Cookie"] != nil ||
						res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
						t.Errorf("header %v", res.Header)
					}
					if n := b.records(t); n != before {
						t.Errorf("%d records", n)
					}
					if got := values(t, m, "user", "a"); got[0] != "ann" || got[1] != nil {
						t.Errorf("stored: %v", got)
					}
				})
			}
		}
	}
}

// TestARegeneratedSidIsSentWithTheError because the old one is dead already.
func TestARegeneratedSidIsSentWithTheError(t *testing.T) {
	b := newShaky(t)
	m := newNode(t, b.provider(), quiet)
	ann(t, m)
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		s, err := sessionfasthttp.Regenerate(m, ctx)
		if err != nil {
			t.Error(err)
			return
		}
		set(t, s, "a", 1)
		ctx.Response.Header.Set("Cache-Control", "public")
		b.down.Store(true)
	})})
	res, _ := visit(t, address, annSID)
	b.down.Store(false)
	if res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) != 1 || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, header %v", res.StatusCode, res.Header)
	}
	s, err := m.GetSessionStore(res.Cookies()[0].Value)
	if err != nil || s.Get(t.Context(), "user") != "ann" {
		t.Error("the session is lost", err)
	}
}

// TestAStoreThatDoesNotAnswer ends a load in time, and its timer does not look into the RequestCtx.
func TestAStoreThatDoesNotAnswer(t *testing.T) {
	b := newShaky(t)
	m := newNode(t, b.provider(), quiet, session.CfgOpTimeout(5*time.Millisecond))
	ann(t, m)
	b.silent.Store(true)
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		if _, err := m.FromContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("FromContext = %v", err)
		}
		if _, err := sessionfasthttp.Start(m, ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Start = %v", err)
		}
		for i := range 100 {
			ctx.SetUserValue(i, i)
		}
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
	})})
	for range 20 {
		if res, _ := visit(t, address, annSID); res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		}
	}
}

func TestNilRequestCtx(t *testing.T) {
	m := newManager(t)
	_, started := sessionfasthttp.Start(m, nil)
	_, regenerated := sessionfasthttp.Regenerate(m, nil)
	for name, err := range map[string]error{
		"Start": started, "Regenerate": regenerated, "Destroy": sessionfasthttp.Destroy(m, nil),
		"ShiftExpiration": sessionfasthttp.ShiftExpiration(m, nil), "UpdateExpiration": sessionfasthttp.UpdateExpiration(m, nil, 1),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
