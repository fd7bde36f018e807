package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// An Exchange is one request and its response, as a Manager sees them: what connects it to an HTTP stack.
// Header names are given in canonical form. The Manager keeps an Exchange as long as the Session that it
// returned is used, and calls it from one goroutine at a time. Strings and slices that it returns must not
// change afterwards.
type Exchange interface {
	// Context is the request's.
	Context() context.Context
	// Method is the request's, "" for GET.
	Method() string
	// RequestHeader returns the lines of a request header, Host among them; nil if there is none.
	RequestHeader(name string) []string
	// SetRequestHeader replaces all lines of a request header by one, for those who read the request later.
	// An empty value removes them.
	SetRequestHeader(name, value string)
	// Query returns the query of the URL, encoded, without "?".
	Query() string
	// SetQuery replaces it, for those who read the request later.
	SetQuery(query string)
	// TLS reports whether the client's connection to this process is encrypted.
	TLS() bool
	// RemoteAddr returns the address, with or without a port, that the connection comes from.
	RemoteAddr() string
	// ResponseHeader returns the lines of a response header so far.
	ResponseHeader(name string) []string
	// SetResponseHeader replaces all lines of a response header. No lines remove it. The Exchange may
	// keep lines.
	SetResponseHeader(name string, lines []string)
}

// A Committer is an [Exchange] that knows when the response headers cannot be changed any more. Outside
// [Manager.HandleExchange], which knows by itself, what would need one is then refused with [ErrCommitted].
type Committer interface {
	// Committed reports whether the response headers are sent, or will be as they are.
	Committed() bool
}

// An Answerer is an [Exchange] on which ErrorHandler can answer when the session could not be saved.
type Answerer interface {
	// Answer replaces the application's response by what is written to w. The header of w is the response's,
	// without what was said about the content. r is what ErrorHandler is given as the request.
	Answer() (w http.ResponseWriter, r *http.Request)
}

// httpExchange is net/http's. w may be nil: then nothing is answered.
type httpExchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (x *httpExchange) Context() context.Context { return x.r.Context() }

func (x *httpExchange) Method() string { return x.r.Method }

func (x *httpExchange) RequestHeader(name string) []string {
	if name == "Host" && x.r.Host != "" { // net/http keeps it apart
		return []string{x.r.Host}
	}
	return x.r.Header[name]
}

func (x *httpExchange) SetRequestHeader(name, value string) {
	if value == "" {
		delete(x.r.Header, name)
		return
	}
	if x.r.Header == nil {
		x.r.Header = make(http.Header)
	}
	x.r.Header[name] = []string{value}
}

func (x *httpExchange) Query() string {
	if x.r.URL == nil {
		return ""
	}
	return x.r.URL.RawQuery
}

func (x *httpExchange) SetQuery(query string) {
	if x.r.URL != nil {
		x.r.URL.RawQuery = query
	}
}

func (x *httpExchange) TLS() bool { return x.r.TLS != nil }

func (x *httpExchange) RemoteAddr() string { return x.r.RemoteAddr }

func (x *httpExchange) ResponseHeader(name string) []string {
	if x.w == nil {
		return nil
	}
	return x.w.Header()[name]
}

func (x *httpExchange) SetResponseHeader(name string, lines []string) {
	switch {
	case x.w == nil:
	case len(lines) == 0:
		delete(x.w.Header(), name)
	default:
		x.w.Header()[name] = lines
	}
}

// Answer implements [Answerer].
func (x *httpExchange) Answer() (http.ResponseWriter, *http.Request) { return x.w, x.r }

// requestOf returns the *http.Request behind x, nil if there is none.
func requestOf(x Exchange) *http.Request {
	if h, ok := x.(*httpExchange); ok {
		return h.r
	}
	return nil
}

// queryValue returns the first value of a query parameter, as sent; a sid needs no escapes.
func queryValue(query, name string) string {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key == name {
			return value
		}
	}
	return ""
}

// withQueryValue returns query with one parameter set, or removed if value is empty.
func withQueryValue(query, name, value string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); pair != "" && key != name {
			kept = append(kept, pair)
		}
	}
	if value != "" {
		kept = append(kept, name+"="+url.QueryEscape(value))
	}
	return strings.Join(kept, "&")
}
