package sessionfasthttp_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// A saved session that others have ended changes nothing of what Start has answered.
func TestASaveLeavesTheResponseHeaderAlone(t *testing.T) {
	m := newManager(t)
	var ctx fasthttp.RequestCtx
	s, err := sessionfasthttp.Start(m, &ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	before := ctx.Response.Header.String()
	if err := m.GetProvider().SessionDestroy(t.Context(), s.SessionID(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v", err)
	}
	if after := ctx.Response.Header.String(); after != before {
		t.Errorf("the header was\n%s\nand is\n%s", before, after)
	}
}

// A response with a sid in a header is not to be cached, as on net/http.
func TestNoCacheKeepsASidInAHeader(t *testing.T) {
	m := newManager(t, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"), session.CfgSetCookie(false))
	visit := func(ctx *fasthttp.RequestCtx) {
		s, err := sessionfasthttp.Start(m, ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), "a", 1); err != nil {
			t.Fatal(err)
		}
	}
	for under, h := range map[string]fasthttp.RequestHandler{"Start": visit, "Handler": sessionfasthttp.Handler(m, visit)} {
		var ctx fasthttp.RequestCtx
		h(&ctx)
		header := &ctx.Response.Header
		if len(header.Peek("X-Session")) == 0 || string(header.Peek("Cache-Control")) != "no-store" {
			t.Errorf("%s: the header is\n%s", under, header)
		}
		if got := header.PeekAll("Vary"); len(got) != 2 || string(got[0]) != "Cookie" || string(got[1]) != "X-Session" {
			t.Errorf("%s: Vary = %q", under, got)
		}
	}
}

// What tells a CDN to cache goes from a response with a cookie, as on net/http.
func TestNoCDNKeepsACookie(t *testing.T) {
	m := newManager(t)
	cacheable := func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.Set("Cache-Control", "public")
		ctx.Response.Header.Set("CDN-Cache-Control", "public")
	}
	for under, h := range map[string]fasthttp.RequestHandler{
		"Start": func(ctx *fasthttp.RequestCtx) {
			cacheable(ctx)
			if _, err := sessionfasthttp.Start(m, ctx); err != nil {
				t.Fatal(err)
			}
		},
		"Handler": sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
			s, err := m.FromContext(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Set(ctx, "a", 1); err != nil {
				t.Fatal(err)
			}
			cacheable(ctx)
		}),
	} {
		var ctx fasthttp.RequestCtx
		h(&ctx)
		header := &ctx.Response.Header
		if string(header.Peek("Cache-Control")) != "no-store" || len(header.Peek("CDN-Cache-Control")) > 0 {
			t.Errorf("%s: the header is\n%s", under, header)
		}
	}
}

// A proxy on a Unix socket has no address. The entry unix trusts it, on either stack.
func TestAProxyOnAUnixSocket(t *testing.T) {
	for entry, want := range map[string]bool{"unix": true, "127.0.0.1": false} {
		m := newManager(t, session.CfgTrustedProxies(entry))
		serve := map[string]func(l net.Listener){
			"fasthttp": func(l net.Listener) {
				_ = fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) { _, _ = sessionfasthttp.Start(m, ctx) })
			},
			"net/http": func(l net.Listener) {
				_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = m.Start(w, r) }))
			},
		}
		for stack, serve := range serve {
			socket := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go serve(l)
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
			answer, _ := io.ReadAll(conn)
			conn.Close()
			if got := strings.Contains(string(answer), "; Secure"); got != want {
				t.Errorf("%s, trusting %s: Secure = %v:\n%s", stack, entry, got, answer)
			}
		}
	}
}
