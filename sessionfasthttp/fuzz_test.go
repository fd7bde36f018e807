package sessionfasthttp_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// FuzzCookieHeader holds fasthttp to net/http: of the same bytes, both find the same session, or refuse them, and other
// cookies stay in the request.
func FuzzCookieHeader(f *testing.F) {
	for _, tt := range hostile {
		if lines := append(tt.lines, "", ""); len(strings.Join(lines, "")) < 1000 {
			f.Add(lines[0], lines[1], false)
			f.Add(lines[0], lines[1], true)
		}
	}
	m := newManager(f, session.CfgLazy(true))
	ann(f, m)
	f.Fuzz(func(t *testing.T, one, two string, curious bool) {
		head := "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + one + "\r\nCookie: " + two + "\r\n\r\n"
		head = strings.ReplaceAll(head, "LIVE", annSID)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil {
			return
		}
		ctx := new(fasthttp.RequestCtx)
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
			return // each server has its own idea of what to refuse
		}
		if curious {
			ctx.Request.Header.Cookie("theme")
		}
		want, err := m.Start(httptest.NewRecorder(), r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sessionfasthttp.Start(m, ctx)
		if err != nil {
			t.Fatal(err)
		}
		if g, w := got.Get(ctx, "user"), want.Get(r.Context(), "user"); g != w {
			t.Errorf("%q: the session is %v's, on net/http %v's", head, g, w)
		}
		again, err := sessionfasthttp.Start(m, ctx) // what the first has written into the request leads to the same
		if err != nil {
			t.Fatal(err)
		}
		if g, w := again.Get(ctx, "user"), got.Get(ctx, "user"); g != w {
			t.Errorf("%q: the second time the session is %v's, the first time %v's", head, g, w)
		}
		if line := string(ctx.Response.Header.Peek("Set-Cookie")); line != "" {
			t.Errorf("%q: Set-Cookie %q", head, line)
		}
	})
}

// FuzzRewrite sets a session in requests with any cookies, and finds it again.
func FuzzRewrite(f *testing.F) {
	for _, tt := range hostile {
		if line := strings.Join(tt.lines, "; "); len(line) < 1000 {
			f.Add(line)
		}
	}
	m := newManager(f)
	f.Fuzz(func(t *testing.T, line string) {
		ctx := new(fasthttp.RequestCtx)
		head := "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + line + "\r\n\r\n"
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
			return
		}
		one, err := sessionfasthttp.Regenerate(m, ctx)
		if err != nil {
			t.Fatal(err)
		}
		two, err := sessionfasthttp.Start(m, ctx)
		if err != nil {
			t.Fatal(err)
		}
		if one.SessionID(ctx) != two.SessionID(ctx) {
			t.Errorf("%q: the second Start finds another session", line)
		}
		if got := string(ctx.Request.Header.Cookie("gosessionid")); got != one.SessionID(ctx) {
			t.Errorf("%q: a later reader finds %q", line, got)
		}
		set := strings.Count(ctx.Response.Header.String(), "Set-Cookie: gosessionid=")
		if set != 1 {
			t.Errorf("%q: %d cookies set: %s", line, set, fmt.Sprint(&ctx.Response.Header))
		}
	})
}
