package fasthttp_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/frameworks"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

var sessions *session.Manager

func newServer() *fasthttp.Server {
	return &fasthttp.Server{
		ReadBufferSize: 16 << 10,
		Handler: sessionfasthttp.Handler(sessions, func(ctx *fasthttp.RequestCtx) {
			switch string(ctx.Path()) {
			case "/login":
				login(ctx)
			case "/count":
				count(ctx)
			case "/logout":
				logout(ctx)
			}
		}),
	}
}

func login(ctx *fasthttp.RequestCtx) {
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Login(ctx, "ann") // whose password was right
	}
	if err != nil {
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

func count(ctx *fasthttp.RequestCtx) {
	var n int64
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		n, err = sess.Increment(ctx, "count", 1)
	}
	if err != nil {
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(ctx, n)
}

func logout(ctx *fasthttp.RequestCtx) {
	if err := sessionfasthttp.Destroy(sessions, ctx); err != nil {
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

func countAlone(ctx *fasthttp.RequestCtx) {
	sess, err := sessionfasthttp.Start(sessions, ctx)
	if err != nil {
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
		return
	}
	defer sess.SessionRelease(ctx, nil)
	n, err := sess.Increment(ctx, "count", 1)
	if err != nil {
		ctx.Error("try again", fasthttp.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(ctx, n)
}

func TestRecipe(t *testing.T) {
	sessions = frameworks.Sessions(t)
	frameworks.Visit(t, serve(t, newServer()))
}

func TestWithoutHandler(t *testing.T) {
	sessions = frameworks.Sessions(t)
	b := &frameworks.Browser{Address: serve(t, &fasthttp.Server{Handler: countAlone})}
	b.Count(t, "1")
	b.Count(t, "2")
}

func serve(t *testing.T, server *fasthttp.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}
