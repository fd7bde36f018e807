package sessionfasthttp_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// A call is one request of a site, on either stack.
type call struct {
	ctx        context.Context // as an application passes it on
	arg        string          // what follows the page's name in the path
	session    func() (*session.Session, error)
	regenerate func() (*session.Session, error)
	destroy    func() error
	shift      func() error
	update     func(d time.Duration) error
}

// A page answers with a text, or with the text of an error and the status 500.
type page func(c *call) (string, error)

// pages are found by the first element of the path.
type pages map[string]page

// A way is how an application gets its sessions.
type way string

const (
	byHandler way = "Handler"
	byStart   way = "Start"
)

// A stack serves one application.
type stack struct {
	name  string
	serve func(t testing.TB, m *session.Manager, by way, site pages) (address string)
}

var stacks = []stack{{"net/http", serveHTTP}, {"fasthttp", serveFast}}

// answer runs the page of a path. Sessions from Start are released before anything is sent.
func (site pages) answer(path string, by way, c *call) (status int, body string) {
	name, arg, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	c.arg = arg
	if by == byStart {
		var open []*session.Session
		released := func(get func() (*session.Session, error)) func() (*session.Session, error) {
			return func() (*session.Session, error) {
				s, err := get()
				if err == nil {
					open = append(open, s)
				}
				return s, err
			}
		}
		c.session, c.regenerate = released(c.session), released(c.regenerate)
		defer func() {
			for _, s := range open {
				s.SessionRelease(c.ctx, nil)
			}
		}()
	}
	body, err := site[name](c)
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	return http.StatusOK, body
}

// maxHeader is how much both servers read of a request's headers.
const maxHeader = 1 << 20

func serveHTTP(t testing.TB, m *session.Manager, by way, site pages) string {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{
			ctx:        r.Context(),
			session:    func() (*session.Session, error) { return m.Start(w, r) },
			regenerate: func() (*session.Session, error) { return m.Regenerate(w, r) },
			destroy:    func() error { return m.Destroy(w, r) },
			shift:      func() error { return m.ShiftExpiration(w, r) },
			update:     func(d time.Duration) error { return m.UpdateExpiration(w, r, d) },
		}
		if by == byHandler {
			c.session = func() (*session.Session, error) { return m.FromContext(r.Context()) }
		}
		status, body := site.answer(r.URL.Path, by, c)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	if by == byHandler {
		h = m.Handler(h)
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.MaxHeaderBytes = maxHeader
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func serveFast(t testing.TB, m *session.Manager, by way, site pages) string {
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: fastHandler(m, by, site)})
	return address
}

func fastHandler(m *session.Manager, by way, site pages) fasthttp.RequestHandler {
	h := func(ctx *fasthttp.RequestCtx) {
		c := &call{
			ctx:        ctx,
			session:    func() (*session.Session, error) { return sessionfasthttp.Start(m, ctx) },
			regenerate: func() (*session.Session, error) { return sessionfasthttp.Regenerate(m, ctx) },
			destroy:    func() error { return sessionfasthttp.Destroy(m, ctx) },
			shift:      func() error { return sessionfasthttp.ShiftExpiration(m, ctx) },
			update:     func(d time.Duration) error { return sessionfasthttp.UpdateExpiration(m, ctx, d) },
		}
		if by == byHandler {
			c.session = func() (*session.Session, error) { return m.FromContext(ctx) }
		}
		status, body := site.answer(string(ctx.Path()), by, c)
		ctx.SetStatusCode(status)
		ctx.SetBodyString(body)
	}
	if by == byHandler {
		h = sessionfasthttp.Handler(m, h)
	}
	return h
}

// serveFastHandler starts a server on a loopback port.
func serveFastHandler(t testing.TB, server *fasthttp.Server) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.ReadBufferSize = maxHeader
	server.Logger = log.New(io.Discard, "", 0)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// newManager makes a manager on a memory of its own.
func newManager(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	return newNode(t, memory.New(), opts...)
}

// newNode makes a manager on p.
func newNode(t testing.TB, p session.Provider, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}
