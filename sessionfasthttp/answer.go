package sessionfasthttp

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/url"

	"github.com/valyala/fasthttp"
)

// Answer implements [session.Answerer]. It lets an ErrorHandler, which is written for net/http, answer on fasthttp too.
func (x *exchange) Answer() (http.ResponseWriter, *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := &answerWriter{x: x, header: make(http.Header)}
	if x.ctx == nil {
		return w, new(http.Request).WithContext(x.Context())
	}
	for name, value := range x.ctx.Response.Header.All() {
		if name := string(name); !ownHeader[name] {
			w.header.Add(name, string(value))
		}
	}
	w.had = maps.Clone(w.header)
	return w, x.request()
}

// ownHeader contains the response headers that fasthttp sets itself.
var ownHeader = map[string]bool{
	fasthttp.HeaderContentLength: true, fasthttp.HeaderContentType: true, fasthttp.HeaderDate: true,
	fasthttp.HeaderServer: true, fasthttp.HeaderConnection: true,
}

// request copies the request for an ErrorHandler, without its body.
func (x *exchange) request() *http.Request {
	ctx := x.ctx
	target := string(ctx.Request.Header.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: string(ctx.Path()), RawQuery: string(ctx.URI().QueryString())}
	}
	r := &http.Request{
		Method: string(ctx.Method()), URL: u, Proto: string(ctx.Request.Header.Protocol()), ProtoMajor: 1,
		Header: make(http.Header), Body: http.NoBody, Host: string(ctx.Host()),
		RemoteAddr: ctx.RemoteAddr().String(), RequestURI: target,
	}
	if ctx.Request.Header.IsHTTP11() {
		r.ProtoMinor = 1
	}
	for name, value := range ctx.Request.Header.All() {
		if name := http.CanonicalHeaderKey(string(name)); name != "Host" {
			r.Header.Add(name, string(value))
		}
	}
	if x.tls {
		r.TLS = new(tls.ConnectionState)
		if state := ctx.TLSConnectionState(); state != nil {
			*r.TLS = *state
		}
	}
	return r.WithContext(x.Context())
}

// An answerWriter replaces the response of a RequestCtx with what is written to it. Only one goroutine uses it, during the
// request.
type answerWriter struct {
	x           *exchange
	header, had http.Header
	begun       bool
}

func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. It drops the response that the application had prepared, and its plans for
// the connection.
func (w *answerWriter) WriteHeader(status int) {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	if w.begun || w.x.ctx == nil || status < 200 {
		return
	}
	w.begun = true
	ctx := w.x.ctx
	ctx.Hijack(nil)
	ctx.Response.ResetBody()
	ctx.Response.SkipBody = false
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetStatusMessage(nil)
	for name := range w.had {
		ctx.Response.Header.Del(name)
	}
	ctx.Response.Header.SetContentType("")
	for name, lines := range w.header {
		ctx.Response.Header.Del(name)
		for _, line := range lines {
			ctx.Response.Header.Add(name, line)
		}
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if !w.begun {
		if w.header.Get("Content-Type") == "" {
			w.header.Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	if w.x.ctx == nil {
		return 0, errNoRequest
	}
	return w.x.ctx.Write(p)
}
