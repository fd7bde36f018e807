package workload

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// A Client sends requests of one kind to an application in this process, one at a time, without allocations.
type Client interface {
	// Send makes a request with a Cookie header; "" means none.
	Send(cookie string) error

	// Body returns the body of the last response.
	Body() string

	// Cookies returns the Cookie header after the last response, as a browser would send it.
	Cookies(header string) string
}

// NewClient returns a client of op's handler.
func (app *App) NewClient(op Op) Client {
	if app.Fast != nil {
		return newFastClient(app.Fast(op), op)
	}
	return newHTTPClient(app.HTTP(op), op)
}

// An httpClient is a ResponseWriter that keeps what it is told.
type httpClient struct {
	handler  http.Handler
	fresh, r *http.Request
	cookie   []string
	header   http.Header // of the response
	status   int
	body     []byte
}

func newHTTPClient(h http.Handler, op Op) *httpClient {
	fresh := httptest.NewRequest(http.MethodGet, op.Path(), nil)
	return &httpClient{handler: h, fresh: fresh, r: new(http.Request), cookie: make([]string, 1), header: make(http.Header)}
}

func (c *httpClient) Send(cookie string) error {
	*c.r = *c.fresh // what a library has put into the last one is gone
	clear(c.r.Header)
	if cookie != "" {
		c.cookie[0] = cookie
		c.r.Header["Cookie"] = c.cookie
	}
	clear(c.header)
	c.status, c.body = http.StatusOK, c.body[:0]
	c.handler.ServeHTTP(c, c.r)
	if c.status != http.StatusOK {
		return fmt.Errorf("status %d: %s", c.status, strings.TrimSpace(string(c.body)))
	}
	return nil
}

func (c *httpClient) Header() http.Header    { return c.header }
func (c *httpClient) WriteHeader(status int) { c.status = status }
func (c *httpClient) Body() string           { return string(c.body) }

func (c *httpClient) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return len(p), nil
}

// WriteString spares io.WriteString a copy, as net/http's own ResponseWriter does.
func (c *httpClient) WriteString(s string) (int, error) {
	c.body = append(c.body, s...)
	return len(s), nil
}

func (c *httpClient) Cookies(header string) string {
	return merge(header, (&http.Response{Header: c.header}).Cookies())
}

// A fastClient uses a RequestCtx again and again, as fasthttp's server does.
type fastClient struct {
	handler fasthttp.RequestHandler
	path    string
	ctx     *fasthttp.RequestCtx
}

func newFastClient(h fasthttp.RequestHandler, op Op) *fastClient {
	c := &fastClient{handler: h, path: op.Path(), ctx: new(fasthttp.RequestCtx)}
	c.ctx.Init(new(fasthttp.Request), nil, nil)
	return c
}

func (c *fastClient) Send(cookie string) error {
	c.ctx.ResetUserValues()
	c.ctx.Request.Reset()
	c.ctx.Response.Reset()
	c.ctx.Request.SetRequestURI(c.path)
	c.ctx.Request.Header.SetHost("example.com")
	if cookie != "" {
		c.ctx.Request.Header.Set("Cookie", cookie)
	}
	c.handler(c.ctx)
	if status := c.ctx.Response.StatusCode(); status != http.StatusOK {
		return fmt.Errorf("status %d: %s", status, c.ctx.Response.Body())
	}
	return nil
}

func (c *fastClient) Body() string { return string(c.ctx.Response.Body()) }

func (c *fastClient) Cookies(header string) string {
	response := &http.Response{Header: make(http.Header)}
	for _, line := range c.ctx.Response.Header.PeekAll("Set-Cookie") {
		response.Header.Add("Set-Cookie", string(line))
	}
	return merge(header, response.Cookies())
}

// merge returns a Cookie header with the cookies that were set and without those that were ended.
func merge(header string, set []*http.Cookie) string {
	jar := make(map[string]string)
	for pair := range strings.SplitSeq(header, "; ") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			jar[name] = value
		}
	}
	for _, c := range set {
		jar[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(jar, c.Name)
		}
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(jar)) {
		pairs = append(pairs, name+"="+jar[name])
	}
	return strings.Join(pairs, "; ")
}
