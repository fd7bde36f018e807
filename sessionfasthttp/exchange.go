package sessionfasthttp

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
)

// An exchange is a [session.Exchange] over a RequestCtx, until the request is over. A Session can outlive the request: the
// exchange then returns the request data that it has copied, and sends nothing.
type exchange struct {
	tls    bool
	method string

	mu      sync.Mutex
	ctx     *fasthttp.RequestCtx // nil when the request is over
	cookie  cookieLines
	headers []headerLines
	query   string
	handled session.Handled // saved again after the response was sent,
	saves   bool            // if this is set
}

// headerLines are the copied lines of one request header.
type headerLines struct {
	name  string
	lines []string
}

// newExchange returns an exchange that learns from ctx when the request is over.
func newExchange(ctx *fasthttp.RequestCtx) *exchange {
	x := &exchange{ctx: ctx, tls: ctx.IsTLS(), method: methodOf(ctx)}
	ctx.SetUserValue(x, x)
	return x
}

// Close implements [io.Closer]. fasthttp calls Close on the user values of a request before it reuses the RequestCtx: when
// the response and its stream have been sent, or the hijacked connection is finished.
func (x *exchange) Close() error {
	x.leave()
	if x.saves {
		x.handled.Save()
	}
	return nil
}

// leave releases the RequestCtx.
func (x *exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ctx = nil
}

// Committed implements [session.Committer].
func (x *exchange) Committed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ctx == nil
}

func (x *exchange) RequestHeader(name string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if name == fasthttp.HeaderCookie {
		if x.ctx != nil {
			x.cookie.read(&x.ctx.Request.Header)
		}
		return x.cookie.lines
	}
	i := slices.IndexFunc(x.headers, func(h headerLines) bool { return h.name == name })
	switch {
	case x.ctx != nil && i < 0:
		x.headers = append(x.headers, headerLines{name, copied(peekAll(&x.ctx.Request.Header, name))})
		return x.headers[len(x.headers)-1].lines
	case i < 0:
		return nil
	case x.ctx != nil:
		if now := peekAll(&x.ctx.Request.Header, name); !same(now, x.headers[i].lines) {
			x.headers[i].lines = copied(now)
		}
	}
	return x.headers[i].lines
}

func (x *exchange) SetRequestHeader(name, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx == nil {
		return
	}
	h := &x.ctx.Request.Header
	if name == fasthttp.HeaderCookie {
		x.cookie.set(h, value)
		return
	}
	for _, spelled := range spellings(h, name) {
		h.Del(spelled)
	}
	if value != "" {
		h.Set(name, value)
	}
}

func (x *exchange) Query() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx != nil {
		if q := x.ctx.URI().QueryString(); string(q) != x.query {
			x.query = string(q)
		}
	}
	return x.query
}

func (x *exchange) SetQuery(query string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx != nil {
		x.ctx.URI().SetQueryString(query)
		x.query = query
	}
}

func (x *exchange) TLS() bool { return x.tls }

func (x *exchange) Method() string { return x.method }

// methodOf returns the request's method. It copies only unusual methods.
func methodOf(ctx *fasthttp.RequestCtx) string {
	for _, usual := range [...]string{fasthttp.MethodGet, fasthttp.MethodPost, fasthttp.MethodHead} {
		if string(ctx.Method()) == usual {
			return usual
		}
	}
	return string(ctx.Method())
}

func (x *exchange) RemoteAddr() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx == nil {
		return ""
	}
	return x.ctx.RemoteAddr().String()
}

func (x *exchange) ResponseHeader(name string) (lines []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx == nil {
		return nil
	}
	h := &x.ctx.Response.Header
	if name != fasthttp.HeaderSetCookie { // which PeekAll would join into one line
		return copied(h.PeekAll(name))
	}
	for _, line := range h.Cookies() {
		lines = append(lines, string(line))
	}
	return lines
}

func (x *exchange) SetResponseHeader(name string, lines []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx == nil {
		return
	}
	h := &x.ctx.Response.Header
	h.Del(name)
	for _, line := range lines {
		h.Add(name, line)
	}
}

func (x *exchange) Context() context.Context { return (*requestContext)(x) }

// A requestContext returns the values of a request while the request lasts, for any goroutine, also one started by a timer.
// It is never done: the context of a RequestCtx ends when the server begins to shut down, although the server lets running
// requests finish.
type requestContext exchange

func (*requestContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*requestContext) Done() <-chan struct{}                   { return nil }
func (*requestContext) Err() error                              { return nil }

func (c *requestContext) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		return nil
	}
	return c.ctx.UserValue(key)
}
